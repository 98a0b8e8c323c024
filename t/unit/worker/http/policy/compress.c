/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bodies that are compressed while they are read: from bytes, files and
 * streams that wait, end early or break off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "base/buf.h"
#include "worker/http/http.h"
#include "worker/http/policy/compress.h"

enum { SIZE = 100000, MAX = 16384 };

static char content[SIZE], again[SIZE + 1];
static struct loop loop;
static struct http http = {.loop = &loop};
static struct exchange x;
static struct buf out;

/* A stream of `content`: steps, each so many bytes and then that. */
struct step {
	size_t n;
	enum body_read read;
};
static const struct step *step;
static size_t at;
static unsigned released;

static enum body_read read_step(void *owner, struct buf *to, size_t max)
{
	const struct step *now = step++;

	assert_ptr_equal(owner, &step);
	assert_true(now->n <= max);
	buf_put(to, (struct str){content + at, now->n});
	at += now->n;
	return now->read;
}

static void release_step(void *owner)
{
	assert_ptr_equal(owner, &step);
	released++;
}

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		content[i] = (char)("some text "[i % 10] + i / 1000 % 5);
	memset(&x, 0, sizeof(x));
	x.http = &http;
	buf_consume(&out, buf_length(&out));
	at = released = 0;
	return 0;
}

static int tear_down(void **state)
{
	struct body *body = &x.response.body;

	(void)state;
	if (body->release != NULL)
		body->release(body->owner);
	arena_fini(&x.arena);
	buf_release(&out);
	buf_free_all();
	return 0;
}

static void start_stream(const struct step *steps, uint64_t length)
{
	step = steps;
	x.response.body = (struct body){.kind = BODY_STREAM,
					.length = length,
					.read = read_step,
					.owner = &step,
					.release = release_step};
	assert_true(compress_body(&x, CONF_CODING_GZIP, NULL));
	assert_int_equal(x.response.body.kind, BODY_STREAM);
	assert_true(x.response.body.length == BODY_LENGTH_UNKNOWN);
}

/* Reads in one tick after the other until something else than SOME comes. */
static enum body_read read_on(void)
{
	enum body_read read;

	do {
		size_t before = buf_length(&out);

		loop.now++;
		read = x.response.body.read(x.response.body.owner, &out, MAX);
		assert_true(buf_length(&out) - before <= MAX);
	} while (read == BODY_READ_SOME);
	return read;
}

/* How much of the content can be had from what has come so far. */
static size_t expand(bool is_whole)
{
	struct str in = buf_str(&out);
	z_stream z = {.next_in = (void *)(size_t)in.p,
		      .avail_in = (unsigned)in.n,
		      .next_out = (void *)again,
		      .avail_out = sizeof(again)};

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_SYNC_FLUSH), is_whole ? Z_STREAM_END : Z_OK);
	inflateEnd(&z);
	size_t n = sizeof(again) - z.avail_out;

	assert_true(n <= SIZE);
	assert_memory_equal(again, content, n);
	return n;
}

static void bytes(void **state)
{
	(void)state;
	x.response.body = (struct body){
		.kind = BODY_BYTES, .bytes = {content, SIZE}, .length = SIZE};
	assert_true(compress_body(&x, CONF_CODING_GZIP, NULL));
	assert_int_equal(read_on(), BODY_READ_END);
	assert_int_equal(expand(true), SIZE);
}

static void a_file(void **state)
{
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	assert_int_equal(fwrite(content, 1, SIZE, f), SIZE);
	fflush(f);
	x.response.body =
		(struct body){.kind = BODY_FILE, .file = fileno(f), .length = SIZE};
	assert_true(compress_body(&x, CONF_CODING_GZIP, NULL));
	assert_int_equal(read_on(), BODY_READ_END);
	assert_int_equal(expand(true), SIZE);
	tear_down(state);

	/* One that was cut short meanwhile breaks off. */
	memset(&x, 0, sizeof(x));
	x.http = &http;
	assert_int_equal(ftruncate(fileno(f), SIZE / 2), 0);
	x.response.body =
		(struct body){.kind = BODY_FILE, .file = fileno(f), .length = SIZE};
	assert_true(compress_body(&x, CONF_CODING_GZIP, NULL));
	assert_int_equal(read_on(), BODY_READ_FAILED);
	fclose(f);
}

static void a_stream(void **state)
{
	static const struct step steps[] = {{10000, BODY_READ_SOME},
					    {1, BODY_READ_SOME},
					    {5000, BODY_READ_END}};

	(void)state;
	start_stream(steps, BODY_LENGTH_UNKNOWN);
	assert_int_equal(read_on(), BODY_READ_END);
	assert_int_equal(expand(true), 15001);
}

/* What came before a stream waits is there for the client. */
static void one_that_waits(void **state)
{
	static const struct step steps[] = {
		{0, BODY_READ_WAIT}, {100, BODY_READ_SOME}, {0, BODY_READ_WAIT},
		{0, BODY_READ_WAIT}, {50, BODY_READ_WAIT},  {0, BODY_READ_END},
	};

	(void)state;
	start_stream(steps, BODY_LENGTH_UNKNOWN);
	assert_int_equal(read_on(), BODY_READ_WAIT);
	assert_int_equal(buf_length(&out), 0);
	assert_int_equal(read_on(), BODY_READ_WAIT);
	assert_int_equal(expand(false), 100);
	size_t before = buf_length(&out);

	assert_int_equal(read_on(), BODY_READ_WAIT);
	assert_int_equal(buf_length(&out), before); /* there was nothing new */
	assert_int_equal(read_on(), BODY_READ_WAIT);
	assert_int_equal(expand(false), 150);
	assert_int_equal(read_on(), BODY_READ_END);
	assert_int_equal(expand(true), 150);
}

static void one_of_known_length(void **state)
{
	static const struct step steps[] = {{100, BODY_READ_SOME},
					    {50, BODY_READ_SOME}};

	(void)state;
	start_stream(steps, 150); /* which need not say that it has ended */
	assert_int_equal(read_on(), BODY_READ_END);
	assert_int_equal(expand(true), 150);
}

static void one_that_ends_early(void **state)
{
	static const struct step steps[] = {{100, BODY_READ_SOME},
					    {49, BODY_READ_END}};

	(void)state;
	start_stream(steps, 150);
	assert_int_equal(read_on(), BODY_READ_FAILED);
}

static void one_that_breaks_off(void **state)
{
	static const struct step steps[] = {{100, BODY_READ_SOME},
					    {0, BODY_READ_FAILED}};

	(void)state;
	start_stream(steps, BODY_LENGTH_UNKNOWN);
	assert_int_equal(read_on(), BODY_READ_FAILED);
	assert_int_equal(released, 0);
	x.response.body.release(x.response.body.owner);
	x.response.body.release = NULL;
	assert_int_equal(released, 1);
}

/* A piece of each in a tick: others have their turn. */
static void one_piece_in_a_tick(void **state)
{
	static const struct step steps[] = {{100, BODY_READ_SOME},
					    {100, BODY_READ_END}};

	(void)state;
	start_stream(steps, BODY_LENGTH_UNKNOWN);
	loop.now++;
	for (int i = 0; i < 5; i++)
		assert_int_equal(
			x.response.body.read(x.response.body.owner, &out, MAX),
			BODY_READ_SOME);
	assert_int_equal(at, 100);
	assert_int_equal(read_on(), BODY_READ_END);
}

static struct str kept;

static void keep(void *context, struct str whole)
{
	assert_ptr_equal(context, &kept);
	kept = arena_copy(&x.arena, whole);
}

static void keepers(void **state)
{
	struct compress_keeper keeper = {
		.max = SIZE, .keep = keep, .context = &kept};

	for (int i = 0; i < 2; i++) {
		keeper.max = i == 0 ? SIZE : 100;
		kept = (struct str){NULL, 0};
		x.response.body = (struct body){.kind = BODY_BYTES,
						.bytes = {content, SIZE},
						.length = SIZE};
		assert_true(compress_body(&x, CONF_CODING_GZIP, &keeper));
		assert_int_equal(read_on(), BODY_READ_END);
		if (i == 0)
			assert_true(str_equal(kept, buf_str(&out)));
		else
			assert_null(kept.p); /* it was too long */
		tear_down(state);
		memset(&x, 0, sizeof(x));
		x.http = &http;
	}
}

static void what_is_wanted(void **state)
{
	struct str types[] = {STR_INIT("text/*"), STR_INIT("*+json"),
			      STR_INIT("image/bmp")};
	struct conf_common conf = {.compress_types = {types, 3},
				   .compress_min = 10};

	(void)state;
	assert_true(compress_wants(&conf, STR("text/html"), 10));
	assert_true(compress_wants(&conf, STR("Text/HTML; charset=x"), 10));
	assert_true(compress_wants(&conf, STR("a/b+JSON"), BODY_LENGTH_UNKNOWN));
	assert_true(compress_wants(&conf, STR("image/bmp"), 10));
	assert_false(compress_wants(&conf, STR("text/html"), 9));
	assert_false(compress_wants(&conf, STR("text"), 10));
	assert_false(compress_wants(&conf, STR("image/bmpx"), 10));
	assert_false(compress_wants(&conf, STR("json"), 10));
	assert_false(compress_wants(&conf, STR(""), 10));
	assert_true(compress_is_forbidden(STR("public,\tNo-Transform")));
	assert_false(compress_is_forbidden(STR("no-transformation, no")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(bytes),
		TEST(a_file),
		TEST(a_stream),
		TEST(one_that_waits),
		TEST(one_of_known_length),
		TEST(one_that_ends_early),
		TEST(one_that_breaks_off),
		TEST(one_piece_in_a_tick),
		TEST(keepers),
		TEST(what_is_wanted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
