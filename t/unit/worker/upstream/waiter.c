/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of an upstream: its order, its bound, and who leaves it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "worker/net/net.h"
#include "worker/upstream/server.h"
#include "worker/upstream/upstream.h"
#include "worker/upstream/upstreams.h"
#include "worker/upstream/waiter.h"

enum { WAITERS = 4 };

static struct loop loop;
static struct net net;
static struct upstreams all;
static struct upstream upstream;
static struct conf_upstream conf;
static struct conf_server conf_server;
static struct waiter waiters[WAITERS];

static char order[WAITERS + 1]; /* '0' + the number of each that was called */
static char late[WAITERS + 1];
static bool rejoins; /* who is called cannot use what there is */

static void on_turn(struct waiter *waiter, bool is_late)
{
	char *to = is_late ? late : order;

	to[strlen(to)] = (char)('0' + (waiter - waiters));
	if (rejoins)
		waiter_join(waiter, &upstream, waiter->came, UINT64_MAX);
}

static int set_up(void **state)
{
	(void)state;
	memset(order, 0, sizeof(order));
	memset(late, 0, sizeof(late));
	rejoins = false;
	if (loop_init(&loop) == -1)
		return -1;
	net = (struct net){.loop = &loop};
	all = (struct upstreams){.net = &net};
	conf = (struct conf_upstream){.name = "app", .queue = 3};
	/* It always has room, while it is there. */
	conf_server =
		(struct conf_server){.text = "127.0.0.1:1", .srv = "", .weight = 1};
	assert_null(addr_parse(STR("127.0.0.1:1"), &conf_server.addr));
	upstream_init(&upstream, &all, &conf, &round_robin_balancer);
	for (int i = 0; i < WAITERS; i++)
		waiter_init(&waiters[i], on_turn);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	upstream_fini(&upstream);
	loop_fini(&loop);
	return 0;
}

static void join(int i, uint64_t came)
{
	waiter_join(&waiters[i], &upstream, came, UINT64_MAX);
}

static void add_server(void)
{
	upstream_add(&upstream, server_create(&upstream, &conf_server));
}

static void test_order(void **state)
{
	(void)state;
	join(0, 30);
	join(1, 10);
	join(2, 40);
	join(3, 20);
	waiters_look(&upstream);
	assert_string_equal(order, ""); /* there is no server */
	assert_int_equal(upstream.n_waiting, 4);
	add_server();
	waiters_look(&upstream);
	assert_string_equal(order, "1302");
	assert_int_equal(upstream.n_waiting, 0);
	assert_int_equal(upstream.shown->waiting, 0);
}

static void test_equal(void **state)
{
	(void)state;
	for (int i = 0; i < WAITERS; i++)
		join(i, 10);
	add_server();
	waiters_look(&upstream);
	assert_string_equal(order, "0123");
}

static void test_bound(void **state)
{
	(void)state;
	join(0, 1);
	join(1, 2);
	assert_true(waiter_may_join(&upstream));
	join(2, 3);
	assert_int_equal(upstream.shown->waiting, 3);
	assert_false(waiter_may_join(&upstream));
	waiter_leave(&waiters[1]);
	assert_true(waiter_may_join(&upstream));
	waiter_leave(&waiters[1]); /* it does no harm */
	assert_int_equal(upstream.n_waiting, 2);
	waiter_leave(&waiters[0]);
	waiter_leave(&waiters[2]);
}

/* One that waits for something else does not keep those behind it waiting, and
 * has its place again. */
static void test_again(void **state)
{
	(void)state;
	join(0, 1);
	join(1, 2);
	add_server();
	rejoins = true;
	waiters_look(&upstream);
	assert_string_equal(order, "01");
	assert_int_equal(upstream.n_waiting, 2);
	rejoins = false;
	waiters_look(&upstream);
	assert_string_equal(order, "0101");
}

static void on_stop(struct timer *timer)
{
	(void)timer;
	loop_stop(&loop);
}

static void test_late(void **state)
{
	struct timer stop;

	(void)state;
	timer_init(&stop, on_stop);
	waiter_join(&waiters[0], &upstream, 1, loop.now + 5 * NS_PER_MS);
	waiter_join(&waiters[1], &upstream, 2, loop.now + 10000 * NS_PER_MS);
	loop_timer(&loop, &stop, 20);
	loop_run(&loop);
	assert_string_equal(late, "0");
	assert_string_equal(order, "");
	assert_int_equal(upstream.n_waiting, 1);
	waiter_leave(&waiters[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_equal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bound, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_late, set_up, tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
