/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is what a connection begins with. A prefix of a header is never
 * taken for anything but a prefix, and what is written is read back.
 */
#include "base/codec/proxy_protocol.h"

#include "t/fuzz/must.h"

static enum proxy_protocol_result parse(struct str in, struct proxy_protocol *h)
{
	struct str copy = copy_of(in);
	const char *why = NULL;
	enum proxy_protocol_result result = proxy_protocol_parse(copy, h, &why);

	MUST(result != PROXY_PROTOCOL_BAD || why != NULL);
	MUST(result != PROXY_PROTOCOL_WHOLE ||
	     (h->size <= in.n && h->size <= PROXY_PROTOCOL_MAX));
	MUST(result != PROXY_PROTOCOL_MORE || in.n < PROXY_PROTOCOL_MAX);
	free((char *)copy.p);
	return result;
}

static bool same(const struct endpoint *a, const struct endpoint *b)
{
	return a->family == b->family && a->port == b->port &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

static void check_written(const struct proxy_protocol *h,
			  enum proxy_protocol_version version)
{
	char out[PROXY_PROTOCOL_OUT];
	struct proxy_protocol again;
	size_t n = proxy_protocol_put(out, version, &h->source, &h->destination);

	MUST(n <= sizeof(out));
	MUST(parse((struct str){out, n}, &again) == PROXY_PROTOCOL_WHOLE);
	MUST(again.size == n && again.has_addresses);
	MUST(same(&again.source, &h->source));
	MUST(same(&again.destination, &h->destination));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = {(const char *)data, size};
	struct proxy_protocol h, part;

	if (parse(in, &h) != PROXY_PROTOCOL_WHOLE)
		return 0;
	in.n = str_hash(in) % h.size;
	MUST(parse(in, &part) == PROXY_PROTOCOL_MORE);
	if (h.has_addresses) {
		check_written(&h, PROXY_PROTOCOL_V1);
		check_written(&h, PROXY_PROTOCOL_V2);
	}
	return 0;
}
