/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a form. Every field of it has to be found by its name.
 */
#include "base/codec/form.h"

#include "base/codec/uri.h"
#include "t/fuzz/must.h"

/* The field is found, or one before it of the same name. */
static void check_found(struct str form, struct str name, struct str value)
{
	char *decoded = malloc(name.n + (name.n == 0));

	MUST(decoded != NULL);

	size_t n = uri_decode(name, true, decoded);
	struct str found = form_find(form, (struct str){decoded, n});

	MUST(n <= name.n && n == form_decoded_size(name));
	MUST(found.p != NULL && is_within(found, form));
	MUST(found.p <= value.p);
	MUST(found.p < value.p || found.n == value.n);
	free(decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str form = copy_of((struct str){(const char *)data, size});
	struct str rest = form, name, value;
	const char *last = form.p;

	/* Each is looked up from the front: that is quadratic. */
	for (int n = 0; n < 256 && form_next(&rest, &name, &value); n++) {
		MUST(is_within(name, form) && is_within(value, form));
		MUST(name.p >= last && value.p >= name.p + name.n);
		MUST(name.n + value.n > 0 || value.p == name.p + 1);
		MUST(memchr(name.p, '=', name.n) == NULL);
		MUST(memchr(name.p, '&', name.n) == NULL);
		MUST(memchr(value.p, '&', value.n) == NULL);
		last = value.p + value.n;
		check_found(form, name, value);
	}
	free((char *)form.p);
	return 0;
}
