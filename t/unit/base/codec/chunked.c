/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chunked bodies, whole and cut at every place and every pair of places.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/codec/chunked.h"

enum { DATA_MAX = 4096 };

/* What has come of the input so far. */
struct body {
	struct chunked decoder;
	enum chunked_result result;
	char data[DATA_MAX];
	size_t n;
	size_t used; /* of the input */
};

/* Feeds a piece, from memory of its own size. */
static void feed(struct body *b, const char *p, size_t n)
{
	char *copy = malloc(n + (n == 0));
	struct str input = {copy, n}, data;

	assert_non_null(copy);
	memcpy(copy, p, n);
	for (;;) {
		b->result = chunked_decode(&b->decoder, &input, &data);
		if (b->result != CHUNKED_PIECE)
			break;
		assert_true(data.n > 0);
		assert_true(data.p >= copy && data.p + data.n <= copy + n);
		assert_ptr_equal(data.p + data.n, input.p);
		assert_true(b->n + data.n <= DATA_MAX);
		memcpy(b->data + b->n, data.p, data.n);
		b->n += data.n;
	}
	if (b->result == CHUNKED_MORE)
		assert_int_equal(input.n, 0);
	b->used += n - input.n;
	free(copy);
}

/* Feeds the input cut at `cuts`, which rise, and stops where the body ends. */
static void decode(struct body *b, struct str input, const size_t *cuts,
		   size_t n_cuts)
{
	size_t from = 0;

	memset(b, 0, offsetof(struct body, data));
	b->n = b->used = 0;
	b->result = CHUNKED_MORE;
	for (size_t i = 0; i <= n_cuts && b->result == CHUNKED_MORE; i++) {
		size_t to = i < n_cuts ? cuts[i] : input.n;

		feed(b, input.p + from, to - from);
		from = to;
	}
}

static void expect_equal(const struct body *a, const struct body *b)
{
	assert_int_equal(a->result, b->result);
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->data, b->data, a->n);
	assert_int_equal(a->used, b->used);
}

/* Decodes whole, and checks that no way to cut makes a difference. */
static void decode_every_way(struct body *whole, struct str input)
{
	static struct body cut;
	static size_t every[DATA_MAX];

	decode(whole, input, NULL, 0);
	for (size_t i = 0; i <= input.n && input.n <= 128; i++) {
		for (size_t j = i; j <= input.n; j++) {
			decode(&cut, input, (size_t[]){i, j}, 2);
			expect_equal(whole, &cut);
		}
	}
	assert_true(input.n <= DATA_MAX);
	for (size_t i = 0; i < input.n; i++)
		every[i] = i;
	decode(&cut, input, every, input.n);
	expect_equal(whole, &cut);
}

#define S(input, data, left)                            \
	{                                               \
		STR_INIT(input), STR_INIT(data), (left) \
	}

static void good_bodies(void **state)
{
	static const struct {
		struct str input, data;
		size_t left;
	} samples[] = {
		S("0\r\n\r\n", "", 0),
		S("5\r\nhello\r\n0\r\n\r\n", "hello", 0),
		S("5\r\nhello\r\n0\r\n\r\nGET /", "hello", 5),
		S("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc", 0),
		S("a\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0),
		S("A\r\n0123456789\r\n0\r\n\r\n", "0123456789", 0),
		S("0000000000000001\r\na\r\n0\r\n\r\n", "a", 0),
		S("1\r\na\r\n0000000000000000\r\n\r\n", "a", 0),
		S("4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n", 0),
		S("3\r\na\0b\r\n0\r\n\r\n", "a\0b", 0),
		S("1;a\r\nx\r\n0\r\n\r\n", "x", 0),
		S("1;a=b;c=\"d;e\"\r\nx\r\n0;f\r\n\r\n", "x", 0),
		S("1; a\t= \x80\r\nx\r\n0\r\n\r\n", "x", 0),
		S("1 ;a\r\nx\r\n0\t ;b\r\n\r\n", "x", 0),
		S("1;\r\nx\r\n0\r\n\r\n", "x", 0),
		S("0\r\nA: b\r\n\r\n", "", 0),
		S("1\r\nx\r\n0\r\nA: b\r\nC:\r\n\r\n.", "x", 1),
		S("0\r\nA: \t b \x80\t\r\n\r\n", "", 0),
	};
	static struct body body;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		decode_every_way(&body, samples[i].input);
		if (body.result != CHUNKED_DONE)
			fail_msg("%" STR_FMT, STR_ARG(samples[i].input));
		assert_int_equal(body.n, samples[i].data.n);
		assert_memory_equal(body.data, samples[i].data.p, body.n);
		assert_int_equal(samples[i].input.n - body.used, samples[i].left);
	}
}

static void bad_bodies(void **state)
{
	static const struct str samples[] = {
		STR_INIT("\r\n"),
		STR_INIT("\r\n0\r\n\r\n"),
		STR_INIT("x\r\n"),
		STR_INIT("g\r\n"),
		STR_INIT("-1\r\n"),
		STR_INIT("+1\r\nx\r\n0\r\n\r\n"),
		STR_INIT("0x1\r\nx\r\n0\r\n\r\n"),
		STR_INIT(" 1\r\nx\r\n0\r\n\r\n"),
		STR_INIT("1 \r\nx\r\n0\r\n\r\n"),
		STR_INIT("1\t\r\n"),
		STR_INIT("1 \r\n"),
		STR_INIT("1 1;a\r\n"),
		STR_INIT(" 1;a\r\n"),
		STR_INIT("1_0\r\n"),
		STR_INIT("1,\r\n"),
		STR_INIT(";a\r\n"),
		STR_INIT("1\nx\r\n0\r\n\r\n"), /* bare LF */
		STR_INIT("1\rx"),              /* bare CR */
		STR_INIT("1\r\nx\n0\r\n\r\n"), /* bare LF after data */
		STR_INIT("1\r\nx\rx"),
		STR_INIT("1\r\nxy\r\n0\r\n\r\n"), /* data too long */
		STR_INIT("2\r\nx\r\n0\r\n\r\n"),  /* data too short */
		STR_INIT("1\r\nx0\r\n\r\n"),      /* no CRLF after it */
		STR_INIT("0\n\r\n"),
		STR_INIT("0\r\n\n"),
		STR_INIT("0\r\n\rX"),
		STR_INIT("1;a\nb\r\nx\r\n0\r\n\r\n"), /* LF in an extension */
		STR_INIT("1;a\rb\r\nx\r\n0\r\n\r\n"),
		STR_INIT("1;a\0\r\nx\r\n0\r\n\r\n"),
		STR_INIT("1;\"\n\"\r\nx\r\n0\r\n\r\n"),
		STR_INIT("00000000000000001\r\nx\r\n0\r\n\r\n"), /* 17 digits */
		STR_INIT("10000000000000000\r\n"),
		STR_INIT("ffffffffffffffff\r\n"),
		STR_INIT("8000000000000000\r\n"), /* INT64_MAX + 1 */
		STR_INIT("0\r\nA\r\n\r\n"),       /* trailers */
		STR_INIT("0\r\n: b\r\n\r\n"),
		STR_INIT("0\r\nA : b\r\n\r\n"),
		STR_INIT("0\r\nA: b\r\n c\r\n\r\n"), /* obs-fold */
		STR_INIT("0\r\n A: b\r\n\r\n"),
		STR_INIT("0\r\nA: b\n\r\n"),
		STR_INIT("0\r\nA: b\r\r\n"),
		STR_INIT("0\r\nA: \x7f\r\n\r\n"),
		STR_INIT("0\r\nA\0: b\r\n\r\n"),
		STR_INIT("0\r\n\x80: b\r\n\r\n"),
	};
	static struct body body;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		decode_every_way(&body, samples[i]);
		if (body.result != CHUNKED_BAD)
			fail_msg("%" STR_FMT, STR_ARG(samples[i]));
	}
}

/* Every octet in every place but the data. What is alone in its place may
 * not be replaced; the rest only has to be the same however it is cut. */
static void every_octet(void **state)
{
	static const char form[] = "1\r\nx\r\n0\r\nA: b\r\n\r\n";
	static const char alone[] = " !! !! !! !  !!!!";
	static struct body body;

	(void)state;
	for (size_t at = 0; at < sizeof(form) - 1; at++) {
		for (int c = 0; c < 256; c++) {
			char text[sizeof(form)];

			memcpy(text, form, sizeof(form));
			text[at] = (char)c;
			decode_every_way(&body,
					 (struct str){text, sizeof(form) - 1});
			if ((char)c == form[at])
				assert_int_equal(body.result, CHUNKED_DONE);
			else if (alone[at] == '!')
				assert_int_equal(body.result, CHUNKED_BAD);
		}
	}
}

/* A body that is not all there wants more, and says so for nothing at all. */
static void partial_bodies(void **state)
{
	struct str input = STR("2;a=b\r\nxy\r\n0\r\nA: b\r\n\r\n");
	static struct body body;

	(void)state;
	for (size_t n = 0; n < input.n; n++) {
		decode_every_way(&body, (struct str){input.p, n});
		assert_int_equal(body.result, CHUNKED_MORE);
		assert_int_equal(body.used, n);
	}
}

static void stays_done(void **state)
{
	struct chunked c = {0};
	struct str input = STR("0\r\n\r\nmore"), data;

	(void)state;
	assert_int_equal(chunked_decode(&c, &input, &data), CHUNKED_DONE);
	assert_int_equal(chunked_decode(&c, &input, &data), CHUNKED_DONE);
	assert_true(str_equal(input, STR("more")));
	input.n = 0;
	assert_int_equal(chunked_decode(&c, &input, &data), CHUNKED_DONE);
}

/* The largest chunk is read as far as it comes. */
static void large_chunk(void **state)
{
	struct chunked c = {0};
	struct str input = STR("7fffffffffffffff\r\nabc"), data;

	(void)state;
	assert_int_equal(chunked_decode(&c, &input, &data), CHUNKED_PIECE);
	assert_true(str_equal(data, STR("abc")));
	assert_int_equal(chunked_decode(&c, &input, &data), CHUNKED_MORE);
	assert_true(c.left == (uint64_t)INT64_MAX - 3);
}

/* Feeds `part` again and again; how many bytes until it is refused, or
 * `enough` when it is not. */
static size_t bytes_until_refused(struct chunked *c, struct str part, size_t enough)
{
	for (size_t fed = 0; fed < enough; fed += part.n) {
		struct str input = part, data;
		enum chunked_result result;

		do
			result = chunked_decode(c, &input, &data);
		while (result == CHUNKED_PIECE);
		if (result == CHUNKED_BAD)
			return fed;
	}
	return enough;
}

static void overhead_is_bounded(void **state)
{
	enum { BOUND = 32 * 1024, ENOUGH = 16 * 1024 * 1024 };
	struct str input = STR("1;"), data;
	struct chunked c = {0};
	char wasteful[600];

	(void)state;
	chunked_decode(&c, &input, &data);
	assert_true(bytes_until_refused(&c, STR("x"), ENOUGH) < BOUND);

	c = (struct chunked){0};
	input = STR("0\r\n");
	chunked_decode(&c, &input, &data);
	assert_true(bytes_until_refused(&c, STR("A: b\r\n"), ENOUGH) < BOUND);

	/* A byte of data behind a long extension, for ever. */
	memset(wasteful, 'x', sizeof(wasteful));
	memcpy(wasteful, "1;", 2);
	memcpy(wasteful + sizeof(wasteful) - 5, "\r\nx\r\n", 5);
	c = (struct chunked){0};
	assert_true(bytes_until_refused(&c,
					(struct str){wasteful, sizeof(wasteful)},
					ENOUGH) < BOUND);
}

/* The bound is not met by a client that sends single bytes or signs chunks. */
static void honest_overhead_is_not(void **state)
{
	enum { ENOUGH = 4 * 1024 * 1024 };
	struct chunked c = {0};
	char chunk[1200];
	int n = snprintf(chunk, sizeof(chunk),
			 "400;chunk-signature=%064d\r\n%01024d\r\n", 0, 0);

	(void)state;
	assert_int_equal(bytes_until_refused(&c, STR("1\r\nx\r\n"), ENOUGH),
			 ENOUGH);
	assert_true(bytes_until_refused(&c, (struct str){chunk, (size_t)n},
					ENOUGH) >= ENOUGH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_bodies),
		cmocka_unit_test(bad_bodies),
		cmocka_unit_test(every_octet),
		cmocka_unit_test(partial_bodies),
		cmocka_unit_test(stays_done),
		cmocka_unit_test(large_chunk),
		cmocka_unit_test(overhead_is_bounded),
		cmocka_unit_test(honest_overhead_is_not),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
