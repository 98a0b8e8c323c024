/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is what a connection begins with. What comes in pieces is found to
 * be what it is when it comes at once.
 */
#include "base/codec/client_hello.h"

#include "t/fuzz/must.h"

static enum client_hello_result parse(struct str in, struct client_hello *hello)
{
	struct str copy = copy_of(in);
	const char *why = NULL;
	enum client_hello_result result = client_hello_parse(copy, hello, &why);

	MUST(result != CLIENT_HELLO_BAD || why != NULL);
	MUST(hello->n <= CLIENT_HELLO_NAME);
	free((char *)copy.p);
	return result;
}

static void check_name(const struct client_hello *hello)
{
	MUST(strlen(hello->name) == hello->n);
	for (size_t i = 0; i < hello->n; i++) {
		char c = hello->name[i];

		MUST((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
		     c == '-' || c == '_');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	struct client_hello whole, part;
	enum client_hello_result result = parse(in, &whole), before;

	if (result == CLIENT_HELLO_WHOLE)
		check_name(&whole);
	in.n = str_hash(in) % (size + 1);
	before = parse(in, &part);
	MUST(before == CLIENT_HELLO_MORE || before == result);
	if (before == CLIENT_HELLO_WHOLE)
		MUST(strcmp(part.name, whole.name) == 0);
	return 0;
}
