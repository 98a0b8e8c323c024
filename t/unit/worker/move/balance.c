/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker does about how many connections it has and how busy it is, by
 * what a scoreboard made here says of the others; the clock is the test's.
 * What it gives away stays in the handoff, where it can be counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/shared/channel.h"
#include "t/unit/worker/net/fixture.h"
#include "worker/move/balance.h"
#include "worker/move/handoff.h"

enum { GENERATION = 3 };

static struct scoreboard board;
static struct slot *mine, *other;
static int ends[2];
static struct handoff handoff;
static struct balance balance;
static unsigned n_uneven; /* times that the others are to look */

static bool freeze(const struct conn *c, struct frozen_writer *message)
{
	(void)c;
	(void)message;
	return true;
}

static struct protocol moving;

static void on_uneven(struct balance *b)
{
	assert_ptr_equal(b, &balance);
	n_uneven++;
}

/* The other worker has just woken, and waits again. */
static void other_is(uint64_t connections, uint64_t takes)
{
	other->generation = GENERATION;
	other->connections = connections;
	other->takes = takes;
	atomic_store(&other->pulse.woke, fake_now);
	atomic_store(&other->pulse.waits, 1);
}

static int set_up(void **state)
{
	fixture_setup(state);
	moving = fake_protocol;
	moving.freeze = freeze;
	fixture_listener.protocol = &moving;
	board = (struct scoreboard){.n_used = 2};
	mine = &board.slots[0];
	other = &board.slots[1];
	fixture_net.slot = mine;
	fixture_net.state = NET_SERVING;
	n_uneven = 0;
	assert_int_equal(channel_open(ends), 0);
	handoff_init(&handoff, &fixture_net, dup(ends[0]), dup(ends[1]),
		     &frozen_ours);
	balance_init(&balance, &fixture_net, &handoff, &board);
	balance.on_uneven = on_uneven;
	balance_start(&balance, GENERATION);
	return 0;
}

static int tear_down(void **state)
{
	balance_stop(&balance);
	handoff_fini(&handoff);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return fixture_teardown(state);
}

static void open_idle(int n)
{
	while (n-- > 0)
		fixture_idle();
}

/* The end of a tick, after so much time with nothing to do. */
static void look_after(uint64_t ms)
{
	fixture_wait(ms);
	fixture_loop.waited = balance.waited + ms * NS_PER_MS;
	balance_look(&balance);
	fixture_tick();
}

static void a_crowded_one_gives(void **state)
{
	(void)state;
	open_idle(20);
	other_is(0, 1);
	look_after(100);
	assert_int_equal(mine->counters.handed_out, 5); /* half of 20 - 10 */
	assert_int_equal(mine->connections, 15);
	assert_int_equal(mine->takes, 0);
}

static void an_even_one_keeps(void **state)
{
	(void)state;
	open_idle(10);
	other_is(9, 1);
	look_after(100);
	assert_int_equal(mine->counters.handed_out, 0);
	assert_int_equal(n_uneven, 0);
}

static void one_with_few_takes(void **state)
{
	(void)state;
	handoff_stop_receiving(&handoff);
	open_idle(2);
	other_is(20, 0);
	look_after(100);
	assert_int_equal(mine->takes, 1);
	assert_int_equal(n_uneven, 1); /* the crowded one may rest */
}

static void nothing_is_given_to_nobody(void **state)
{
	(void)state;
	open_idle(20);
	other_is(0, 0);
	look_after(100);
	assert_int_equal(mine->counters.handed_out, 0);
	assert_int_equal(n_uneven, 1);
}

/* It woke long ago and does not wait: what it was given, it would not take. */
static void one_that_is_stuck_does_not_count(void **state)
{
	(void)state;
	open_idle(20);
	other_is(0, 1);
	atomic_store(&other->pulse.waits, 0);
	look_after(60000);
	assert_int_equal(mine->counters.handed_out, 0);
}

static void other_generations_do_not_count(void **state)
{
	(void)state;
	open_idle(20);
	other_is(0, 1);
	other->generation = GENERATION - 1;
	look_after(100);
	assert_int_equal(mine->counters.handed_out, 0);
}

static void the_gate(void **state)
{
	(void)state;
	other_is(0, 0);
	look_after(100);
	open_idle(30);
	other_is(0, 0);
	look_after(100);
	assert_int_equal(fixture_net.state, NET_GATED);
	other_is(40, 0);
	look_after(100);
	assert_int_equal(fixture_net.state, NET_SERVING);
}

static void nothing_after_the_stop(void **state)
{
	(void)state;
	open_idle(20);
	balance_stop(&balance);
	other_is(0, 1);
	look_after(100);
	assert_int_equal(mine->counters.handed_out, 0);
	assert_int_equal(mine->takes, 0);
	assert_int_equal(mine->generation, 0);
}

#define BALANCE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BALANCE_TEST(a_crowded_one_gives),
		BALANCE_TEST(an_even_one_keeps),
		BALANCE_TEST(one_with_few_takes),
		BALANCE_TEST(nothing_is_given_to_nobody),
		BALANCE_TEST(one_that_is_stuck_does_not_count),
		BALANCE_TEST(other_generations_do_not_count),
		BALANCE_TEST(the_gate),
		BALANCE_TEST(nothing_after_the_stop),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
