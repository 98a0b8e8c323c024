/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The body of a request: kept whole or given in pieces, bounded in size and
 * time, whatever protocol brings it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "t/unit/worker/http/fixture.h"

#define SITES                                                               \
	"limits = { body = \"2m\"; body_memory = \"1k\"; rate = 1000; };\n" \
	"timeouts = { body = \"10s\"; };\n"                                 \
	"temp = \"/tmp\";\n"                                                \
	"sites = ( { routes = (\n"                                          \
	"{ path = \"/whole\"; handler = \"respond\"; status = 201;"         \
	"  body = \"b\"; body_limit = \"4k\"; },\n"                         \
	"{ path = \"/pieces\"; handler = \"redirect\"; to = \"/x\";"        \
	"  body_limit = \"4k\"; },\n"                                       \
	"{ path = \"/none\"; handler = \"respond\"; body = \"b\"; } ); } );\n"

static struct exchange x;
static char bytes[8192];

/* A handler that takes pieces. */
static size_t n_pieces, n_taken, n_ended;
static bool takes_more;

static enum body_want wants_pieces(const void *instance)
{
	(void)instance;
	return BODY_WANT_PIECES;
}

static void on_cancel(struct exchange *cancelled)
{
	assert_ptr_equal(cancelled, &x);
}

static void hold(struct exchange *held, void *instance)
{
	exchange_hold(held, on_cancel, instance);
}

static bool take_piece(struct exchange *taker, void *instance, struct str piece)
{
	(void)taker;
	(void)instance;
	n_pieces++;
	n_taken += piece.n;
	return takes_more;
}

static void end_pieces(struct exchange *ended, void *instance)
{
	(void)ended;
	(void)instance;
	n_ended++;
}

static const struct handler takes_pieces = {
	.name = "redirect",
	.create = fake_create,
	.destroy = fake_destroy,
	.wants_body = wants_pieces,
	.answer = hold,
	.body = take_piece,
	.end_body = end_pieces,
};

static const struct handler *const handlers[] = {&takes_pieces, &fake_respond,
						 NULL};

static int n_wanted;

static void on_want_body(struct exchange *wanted)
{
	assert_ptr_equal(wanted, &x);
	n_wanted++;
}

static const struct exchange_protocol protocol = {
	.on_answer = fake_protocol_on_answer,
	.on_want_body = on_want_body,
};

static int set_up(void **state)
{
	const char *why = "";

	(void)state;
	fixture_handlers = handlers;
	if (fixture_try(SITES, &why) == -1)
		fail_msg("%s", why);
	memset(bytes, 'b', sizeof(bytes));
	n_pieces = n_taken = n_ended = 0;
	n_wanted = 0;
	takes_more = true;
	fixture_exchange(&x, &protocol);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	exchange_fini(&x);
	fixture_free();
	return 0;
}

static enum body_put put(size_t n)
{
	return body_put(&x, (struct str){bytes, n});
}

static void assert_refused(unsigned status)
{
	assert_int_equal(x.body.status, status);
	assert_non_null(x.response.failure);
}

static void is_kept_whole(void **state)
{
	(void)state;
	assert_int_equal(fixture_begin(&x, "POST", "h", "/whole"), 0);
	assert_true(body_begin(&x, BODY_LENGTH_UNKNOWN));
	assert_int_equal(x.body.want, BODY_WANT_WHOLE);
	assert_int_equal(put(1000), BODY_PUT_ALL);
	assert_int_equal(x.body.spool.file, -1);
	assert_int_equal(put(1000), BODY_PUT_ALL); /* over body_memory */
	assert_int_not_equal(x.body.spool.file, -1);
	assert_int_equal(fixture_counters.temp_bodies, 1);
	assert_int_equal(put(1000), BODY_PUT_ALL);
	assert_int_equal(fixture_counters.temp_bodies, 1);
	assert_int_equal(fake_answered, 0);
	assert_true(body_end(&x));
	assert_int_equal(fake_answered, 1);
	assert_int_equal(x.request.body.n, 3000);
	exchange_finish(&x);
	assert_int_equal(x.body.spool.file, -1); /* its room is for others */
}

static void is_bounded(void **state)
{
	(void)state;
	/* By what it says, */
	assert_int_equal(fixture_begin(&x, "POST", "h", "/whole"), 0);
	assert_false(body_begin(&x, 4097));
	assert_refused(413);
	assert_true(body_begin(&x, 4096));
	/* and by what comes. */
	assert_int_equal(put(4096), BODY_PUT_ALL);
	assert_int_equal(put(1), BODY_PUT_REFUSED);
	assert_refused(413);
	exchange_answer_error(&x, x.body.status);
	exchange_finish(&x);
	/* Nothing of that is left for the next one. */
	assert_int_equal(fixture_begin(&x, "POST", "h", "/whole"), 0);
	assert_int_equal(x.body.received, 0);
	assert_true(body_begin(&x, 4096));
	assert_int_equal(put(4096), BODY_PUT_ALL);
	assert_true(body_end(&x));
	assert_int_equal(x.request.body.n, 4096);
	exchange_finish(&x);
}

static void comes_in_pieces(void **state)
{
	(void)state;
	assert_int_equal(fixture_begin(&x, "GET", "h", "/pieces"), 0);
	assert_true(body_begin(&x, BODY_LENGTH_UNKNOWN));
	assert_int_equal(x.body.want, BODY_WANT_PIECES);
	exchange_handle(&x);
	assert_true(body_begin_pieces(&x));
	assert_int_equal(x.body.earlier.n, 0);
	assert_int_equal(put(100), BODY_PUT_ALL);
	takes_more = false;
	assert_int_equal(put(100), BODY_PUT_PAUSED);
	assert_true(x.body.is_paused);
	exchange_want_body(&x);
	assert_false(x.body.is_paused);
	assert_int_equal(n_wanted, 1);
	takes_more = true;
	assert_int_equal(put(3896), BODY_PUT_ALL);
	assert_int_equal(n_taken, 4096);
	assert_int_equal(put(1), BODY_PUT_REFUSED);
	assert_refused(413);
	assert_int_equal(n_taken, 4096);
	assert_int_equal(n_ended, 0);
	assert_true(body_end(&x));
	assert_int_equal(n_ended, 1);
	exchange_answer_error(&x, 500);
	exchange_finish(&x);
}

/* Collected by a worker whose handler wanted it whole. */
static void what_was_collected_comes_first(void **state)
{
	(void)state;
	assert_int_equal(fixture_begin(&x, "GET", "h", "/pieces"), 0);
	assert_int_equal(
		spool_put(&x.body.spool, (struct str){bytes, 4000}, 1, "/tmp"), 0);
	x.body.received = 4000;
	assert_true(body_begin(&x, BODY_LENGTH_UNKNOWN));
	exchange_handle(&x);
	assert_true(body_begin_pieces(&x));
	while (x.body.earlier.n > 0)
		body_put_earlier(&x);
	assert_int_equal(n_taken, 4000);
	assert_int_equal(x.body.spool.file, -1);
	assert_int_equal(put(97), BODY_PUT_REFUSED); /* it was counted once */
	assert_int_equal(x.body.received, 4097);
	exchange_answer_error(&x, 413);
	exchange_finish(&x);
}

static void is_waited_for(void **state)
{
	uint64_t t = fixture_loop.now;

	(void)state;
	assert_int_equal(fixture_begin(&x, "POST", "h", "/whole"), 0);
	assert_true(body_begin(&x, BODY_LENGTH_UNKNOWN));
	assert_true(body_wait(&x));
	assert_true(x.deadline == t + 10 * NS_PER_S);
	fixture_loop.now += 9 * NS_PER_S;
	assert_int_equal(put(1), BODY_PUT_ALL);
	assert_true(body_wait(&x));
	assert_true(x.deadline == t + 19 * NS_PER_S);
	/* A byte in ten seconds is not limits.rate. */
	fixture_loop.now += NS_PER_S;
	assert_false(body_wait(&x));
	assert_refused(408);
	exchange_answer_error(&x, 408);
	exchange_finish(&x);
}

static void is_dropped(void **state)
{
	uint64_t limit;

	(void)state;
	assert_int_equal(fixture_begin(&x, "GET", "h", "/none"), 0);
	assert_true(body_begin(&x, BODY_LENGTH_UNKNOWN));
	assert_int_equal(x.body.want, BODY_WANT_NOT);
	exchange_handle(&x);
	exchange_finish(&x); /* what is dropped comes after that, too */
	limit = body_drop_limit(&x);
	assert_int_equal(limit, 1024 * 1024); /* whatever limits.body is */
	assert_true(body_drop(&x, limit));
	assert_false(body_drop(&x, 1));
}

static void cannot_be_kept(void **state)
{
	const char *directory = fixture_conf->temp;

	(void)state;
	assert_int_equal(fixture_begin(&x, "POST", "h", "/whole"), 0);
	assert_true(body_begin(&x, BODY_LENGTH_UNKNOWN));
	fixture_conf->temp = "/proc/nowhere";
	assert_int_equal(put(2000), BODY_PUT_REFUSED);
	fixture_conf->temp = directory;
	assert_refused(503);
	exchange_answer_error(&x, 503);
	exchange_finish(&x);
}

#define BODY_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BODY_TEST(is_kept_whole),
		BODY_TEST(is_bounded),
		BODY_TEST(comes_in_pieces),
		BODY_TEST(what_was_collected_comes_first),
		BODY_TEST(is_waited_for),
		BODY_TEST(is_dropped),
		BODY_TEST(cannot_be_kept),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, scratch_make, scratch_remove);

	buf_free_all();
	return failed;
}
