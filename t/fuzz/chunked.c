/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a chunked body, as it comes; where it is cut is taken from a
 * hash of it.
 */
#include "base/codec/chunked.h"

#include "t/fuzz/must.h"

struct outcome {
	struct chunked decoder;
	enum chunked_result result;
	uint64_t data;     /* a hash */
	size_t n;          /* bytes of data */
	uint64_t trailers; /* a hash; of no meaning when the result is BAD */
	size_t used;
};

static void feed(struct outcome *o, const char *p, size_t n)
{
	struct str copy = copy_of((struct str){p, n}), input = copy, data;

	while ((o->result = chunked_decode_with_trailers(&o->decoder, &input,
							 &data)) == CHUNKED_PIECE ||
	       o->result == CHUNKED_TRAILERS) {
		MUST(data.n > 0 && is_within(data, copy));
		/* Behind trailers the CR of the empty line was read, too. */
		MUST(data.p + data.n == input.p ||
		     (o->result == CHUNKED_TRAILERS &&
		      data.p + data.n + 1 == input.p));
		uint64_t *hash =
			o->result == CHUNKED_PIECE ? &o->data : &o->trailers;

		for (size_t i = 0; i < data.n; i++)
			*hash = *hash * 31 + (unsigned char)data.p[i];
		if (o->result == CHUNKED_PIECE)
			o->n += data.n;
	}
	MUST(is_within(input, copy));
	MUST(o->result != CHUNKED_MORE || input.n == 0);
	o->used += n - input.n;
	free((char *)copy.p);
}

/* Feeds `step` bytes at a time, the first `first`. */
static struct outcome decode(struct str body, size_t first, size_t step)
{
	struct outcome o = {.result = CHUNKED_MORE};
	size_t from = 0, n = first;

	do {
		if (n > body.n - from)
			n = body.n - from;
		feed(&o, body.p + from, n);
		from += n;
		n = step;
	} while (o.result == CHUNKED_MORE && from < body.n);
	return o;
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
	MUST(a->result == b->result);
	MUST(a->data == b->data);
	MUST(a->result == CHUNKED_BAD || a->trailers == b->trailers);
	MUST(a->n == b->n);
	MUST(a->used == b->used);
	MUST(a->decoder.left == b->decoder.left);
	MUST(a->decoder.state == b->decoder.state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str body = {(const char *)data, size};
	struct outcome whole = decode(body, size, size);
	struct outcome halves = decode(body, str_hash(body) % (size + 1), size);
	struct outcome bytes = decode(body, 1, 1);

	MUST(whole.used <= size && whole.n <= whole.used);
	MUST(whole.result != CHUNKED_DONE || whole.n + 5 <= whole.used);
	check_same(&whole, &halves);
	check_same(&whole, &bytes);
	return 0;
}
