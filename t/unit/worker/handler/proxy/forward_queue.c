/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request that waits for a server, as a message for another worker: what it
 * comes to there, and that damage is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "worker/handler/proxy/forward_queue.h"
#include "worker/handler/proxy/forward_state.h"
#include "worker/handler/proxy/proxy.h"
#include "worker/http/http.h"
#include "worker/http/router.h"
#include "worker/parts.h"

static struct loop loop;
static struct net net;
static struct scoreboard *board;
static int board_fd;
static struct http http;
static struct counters counters;
static const struct server_changes unchanged;

static struct conf_upstream conf_upstream = {
	.name = "app", .queue = 2, .queue_timeout = 1000};
static struct conf conf = {.upstreams = &conf_upstream, .n_upstreams = 1};
static struct conf_proxy conf_proxy;
static struct conf_route conf_route;
static const struct route route = {.conf = &conf_route};
static struct proxy proxy = {.conf = &conf_proxy};

static struct exchange from, to;
static struct exchange_upstream came, went;
static struct forward forward;
static char bytes[64 * 1024];
static struct frozen_writer writer;

static void init_exchange(struct exchange *x, struct exchange_upstream *upstream)
{
	*x = (struct exchange){.http = &http,
			       .state = EXCHANGE_HANDLED,
			       .route = &route,
			       .upstream = upstream};
	*upstream = (struct exchange_upstream){.begun = 1};
}

static void on_turn(struct waiter *waiter, bool is_late)
{
	(void)waiter;
	(void)is_late;
}

static int set_up(void **state)
{
	(void)state;
	if (loop_init(&loop) == -1)
		return -1;
	board = scoreboard_create(&board_fd);
	net = (struct net){.loop = &loop, .slot = &board->slots[0]};
	http = (struct http){.loop = &loop, .counters = &counters};
	http.upstreams =
		upstreams_create(&net, &conf, parts_balancers, board, &unchanged);
	conf_proxy = (struct conf_proxy){.host = CONF_PROXY_HOST_SERVER};
	init_exchange(&from, &came);
	init_exchange(&to, &went);
	forward = (struct forward){.x = &from,
				   .proxy = &proxy,
				   .upstream = &http.upstreams->items[0],
				   .state = FORWARD_WAITING,
				   .hash = 7,
				   .has_ended = true,
				   .may_upgrade = true};
	buf_put(&forward.out, STR("GET / HTTP/1.1\r\nHost: \r\n\r\nbody"));
	forward.head_size = buf_length(&forward.out) - 4;
	waiter_init(&forward.waiter, on_turn);
	waiter_join(&forward.waiter, forward.upstream, 1,
		    loop.now + 5000 * NS_PER_MS);
	frozen_begin(&writer, bytes, sizeof(bytes), &frozen_ours);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	waiter_leave(&forward.waiter);
	buf_release(&forward.out);
	upstreams_destroy(&http.upstreams);
	arena_fini(&from.arena);
	arena_fini(&to.arena);
	loop_fini(&loop);
	scoreboard_destroy(&board);
	fd_close(&board_fd);
	return 0;
}

/* What thawing says of what was frozen. */
static bool thaw(void)
{
	struct frozen_reader reader;
	bool is_fine;

	forward_queue_freeze(&forward, &writer);
	assert_int_equal(writer.result, FROZEN_OK);
	assert_int_equal(
		frozen_open(&reader, (struct str){bytes, writer.n}, NULL, 0),
		FROZEN_OK);
	assert_int_equal(frozen_next(&reader), FROZEN_FORWARD_WAITING);
	is_fine = forward_queue_thaw(&to, &reader);
	frozen_close(&reader);
	return is_fine;
}

/* Of the one that was made. */
static void let_go(struct forward *f)
{
	waiter_leave(&f->waiter);
	buf_release(&f->out);
}

static void it_waits_there(void **state)
{
	(void)state;
	assert_true(thaw());
	struct forward *f = to.holder;

	assert_int_equal(f->state, FORWARD_WAITING);
	assert_ptr_equal(f->upstream, forward.upstream);
	assert_int_equal(forward.upstream->n_waiting, 2);
	assert_int_equal(f->waiter.came, went.begun);
	assert_int_equal(f->waiter.timer.deadline, forward.waiter.timer.deadline);
	assert_int_equal(f->hash, 7);
	assert_true(f->has_ended && f->may_upgrade && f->is_replayable);
	assert_true(str_equal(buf_str(&f->out), buf_str(&forward.out)));
	let_go(f);
}

/* The Host of the server that is chosen then. */
static void its_head_is_completed(void **state)
{
	struct conf_server conf_server = {.text = "127.0.0.1:80", .srv = ""};
	struct server server = {.conf = &conf_server};

	(void)state;
	assert_true(thaw());
	struct forward *f = to.holder;

	f->server = &server;
	assert_true(forward_put_head(f));
	assert_true(str_equal(buf_str(&f->out),
			      STR("GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n"
				  "body")));
	assert_int_equal(f->head_size, buf_length(&f->out) - 4);
	/* And of another one, when that has failed. */
	conf_server.text = "unix:/a";
	assert_true(forward_put_head(f));
	assert_true(str_equal(buf_str(&f->out),
			      STR("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
				  "body")));
	let_go(f);
}

static void an_upstream_that_is_gone(void **state)
{
	struct conf_upstream other = {.name = "other", .queue = 1};
	struct upstream gone;

	(void)state;
	upstream_init(&gone, http.upstreams, &other, &round_robin_balancer);
	forward.upstream = &gone;
	assert_true(thaw());
	struct forward *f = to.holder;

	assert_true(f->is_forsaken);
	assert_true(f->waiter.timer.deadline <= loop.now);
	assert_int_equal(http.upstreams->items[0].n_waiting, 1);
	let_go(f);
	upstream_fini(&gone);
	forward.upstream = &http.upstreams->items[0];
}

static void damage_is_refused(void **state)
{
	(void)state;
	forward.head_size = buf_length(&forward.out) + 1;
	assert_false(thaw());
}

static void it_is_held(void **state)
{
	(void)state;
	to.state = EXCHANGE_ANSWERED;
	assert_false(thaw());
}

static void a_log_line_needs_its_upstream(void **state)
{
	(void)state;
	to.upstream = NULL;
	assert_false(thaw());
}

static void what_is_large_stays(void **state)
{
	static char large[41 * 1024];

	(void)state;
	assert_true(forward_queue_may_move(&forward));
	forward.whole = STR("a body in a file");
	assert_false(forward_queue_may_move(&forward));
	forward.whole = STR("");
	buf_put(&forward.out, (struct str){large, sizeof(large)});
	assert_false(forward_queue_may_move(&forward));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(it_waits_there),
		TEST(its_head_is_completed),
		TEST(an_upstream_that_is_gone),
		TEST(damage_is_refused),
		TEST(it_is_held),
		TEST(a_log_line_needs_its_upstream),
		TEST(what_is_large_stays),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
