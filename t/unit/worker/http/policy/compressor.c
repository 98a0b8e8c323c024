/* SPDX-License-Identifier: BSD-2-Clause */
/* What is compressed comes out again, in whatever pieces it went in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <zlib.h>
#ifdef HAVE_LIBZSTD
#include <zstd.h>
#endif

#include "worker/http/policy/compressor.h"

enum { SIZE = 300000, ROOM = 2 * SIZE };

static char input[SIZE], output[ROOM], again[SIZE];

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		input[i] = (char)("the quick brown fox "[i % 20] + (i / 977) % 3);
	return 0;
}

/* Returns the length of the output. */
static size_t compress_in_pieces(enum conf_coding coding, size_t piece, size_t room,
				 bool flush)
{
	struct compressor *c = compressor_create(coding, UINT64_MAX);
	size_t n_out = 0, n;

	assert_non_null(c);
	for (size_t at = 0; at <= SIZE; at += piece) {
		struct str in = {input + at, at + piece < SIZE ? piece : SIZE - at};
		enum compressor_task task = at + piece >= SIZE ? COMPRESSOR_END
					    : flush            ? COMPRESSOR_FLUSH
							       : COMPRESSOR_TAKE;
		bool done;

		do {
			assert_true(n_out + room <= ROOM);
			done = compressor_run(c, task, &in, output + n_out, room,
					      &n);
			assert_true(n <= room);
			n_out += n;
		} while (!done);
		assert_int_equal(in.n, 0);
		if (task == COMPRESSOR_END)
			break;
	}
	compressor_destroy(&c);
	assert_null(c);
	return n_out;
}

static void expand_gzip(size_t n)
{
	z_stream z = {.next_in = (void *)output,
		      .avail_in = (unsigned)n,
		      .next_out = (void *)again,
		      .avail_out = SIZE};

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_out, 0);
	assert_int_equal(z.avail_in, 0);
	inflateEnd(&z);
	assert_memory_equal(input, again, SIZE);
}

static void gzip(void **state)
{
	(void)state;
	memset(again, 0, SIZE);
	expand_gzip(compress_in_pieces(CONF_CODING_GZIP, SIZE, 4096, false));
	memset(again, 0, SIZE);
	expand_gzip(compress_in_pieces(CONF_CODING_GZIP, 1000, 100, false));
	memset(again, 0, SIZE);
	expand_gzip(compress_in_pieces(CONF_CODING_GZIP, 5000, 7, true));
}

#ifdef HAVE_LIBZSTD
static void zstd(void **state)
{
	static const size_t pieces[] = {SIZE, 1000, 16384};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		size_t n = compress_in_pieces(CONF_CODING_ZSTD, pieces[i], 100,
					      i == 2);

		memset(again, 0, SIZE);
		assert_int_equal(ZSTD_decompress(again, SIZE, output, n), SIZE);
		assert_memory_equal(input, again, SIZE);
	}
}
#endif

/* After a flush, what went in can be had without what follows. */
static void flushes(void **state)
{
	struct compressor *c = compressor_create(CONF_CODING_GZIP, UINT64_MAX);
	struct str in = {input, 1000};
	size_t n;

	(void)state;
	assert_true(compressor_run(c, COMPRESSOR_FLUSH, &in, output, ROOM, &n));
	z_stream z = {.next_in = (void *)output,
		      .avail_in = (unsigned)n,
		      .next_out = (void *)again,
		      .avail_out = SIZE};

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_SYNC_FLUSH), Z_OK);
	assert_int_equal(SIZE - z.avail_out, 1000);
	assert_memory_equal(input, again, 1000);
	inflateEnd(&z);
	compressor_destroy(&c);
	compressor_destroy(&c);
}

/* Of text that takes some looking for matches. */
static size_t compress_text(enum conf_coding coding, bool hurries)
{
	struct compressor *c = compressor_create(coding, SIZE);
	size_t n_out = 0, n;

	for (size_t at = 0; at < SIZE;) {
		struct str in = {input + at, SIZE - at < 5000 ? SIZE - at : 5000};
		enum compressor_task task =
			at + in.n == SIZE ? COMPRESSOR_END : COMPRESSOR_TAKE;

		if (hurries && at == SIZE / 10)
			compressor_hurry(c);
		at += in.n;
		/* There is no room to change the level at once. */
		for (size_t room = 10;
		     !compressor_run(c, task, &in, output + n_out, room, &n);
		     room = 1000)
			n_out += n;
		n_out += n;
	}
	compressor_destroy(&c);
	return n_out;
}

static void hurries(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < SIZE; i++) {
		seed = seed * 1664525 + 1013904223;
		input[i] = "etaoin shrdlu etc"[(seed >> 20) % 17];
		if (i > 1000 && seed % 11 < 9)
			input[i] = input[i - 900 - (i / 300) % 50];
	}
	size_t n = compress_text(CONF_CODING_GZIP, false), hurried;

	expand_gzip(n);
	memset(again, 0, SIZE);
	hurried = compress_text(CONF_CODING_GZIP, true);
	expand_gzip(hurried);
	assert_in_range(hurried, n + n / 50, 2 * n);
#ifdef HAVE_LIBZSTD
	n = compress_text(CONF_CODING_ZSTD, true);
	memset(again, 0, SIZE);
	assert_int_equal(ZSTD_decompress(again, SIZE, output, n), SIZE);
	assert_memory_equal(input, again, SIZE);
#endif
}

/* So many at a time, and no more. */
static void is_bounded(void **state)
{
	enum { MANY = 1000 };
	struct compressor *all[MANY];
	size_t n = 0;

	(void)state;
	while (n < MANY &&
	       (all[n] = compressor_create(CONF_CODING_GZIP, 1)) != NULL)
		n++;
	assert_in_range(n, 64, 256);
	compressor_destroy(&all[--n]);
	all[n] = compressor_create(CONF_CODING_GZIP, 1);
	assert_non_null(all[n]);
	for (size_t i = 0; i <= n; i++)
		compressor_destroy(&all[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gzip),
#ifdef HAVE_LIBZSTD
		cmocka_unit_test(zstd),
#endif
		cmocka_unit_test(flushes),    cmocka_unit_test(hurries),
		cmocka_unit_test(is_bounded),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, NULL);
}
