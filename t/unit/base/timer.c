/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: each fires once, when it is due and not before, whatever is done to
 * it and to the others meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/list.h"
#include "base/timer.h"

enum { N = 100, MOST_FIRED = 1000 };

struct thing {
	struct timer timer;
	void (*then)(struct thing *thing); /* in its callback, if set */
};

static struct timers timers;
static struct thing things[N];
static size_t fired[MOST_FIRED]; /* by their index */
static size_t n_fired;

static void on_expire(struct timer *timer)
{
	struct thing *thing = CONTAINER_OF(timer, struct thing, timer);

	assert_false(timer_is_armed(timer));
	assert_true(n_fired < MOST_FIRED);
	fired[n_fired++] = (size_t)(thing - things);
	if (thing->then != NULL)
		thing->then(thing);
}

static int set_up(void **state)
{
	(void)state;
	memset(things, 0, sizeof(things));
	for (size_t i = 0; i < N; i++)
		timer_init(&things[i].timer, on_expire);
	n_fired = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	timers_fini(&timers);
	return 0;
}

static void arm(size_t i, uint64_t deadline)
{
	timer_arm(&timers, &things[i].timer, deadline);
}

/* Those fire at `now`, in that order: "3 1 2" as 312. */
static void assert_fires(uint64_t now, size_t digits)
{
	size_t got = 0;

	n_fired = 0;
	timers_run(&timers, now);
	for (size_t i = 0; i < n_fired; i++)
		got = got * 10 + fired[i];
	assert_int_equal(got, digits);
	assert_true(timers_next(&timers) > now);
}

static void none(void **state)
{
	(void)state;
	assert_true(timers_next(&timers) == UINT64_MAX);
	assert_fires(1000, 0);
	timer_detach(&timers, &things[0].timer);
	timer_disarm(&things[0].timer);
	assert_false(timer_is_armed(&things[0].timer));
}

static void in_order(void **state)
{
	(void)state;
	arm(3, 30);
	arm(1, 10);
	arm(4, 40);
	arm(2, 20);
	assert_true(timers_next(&timers) == 10);
	assert_fires(9, 0);
	assert_fires(10, 1);
	assert_true(timers_next(&timers) == 20);
	assert_fires(35, 23);
	assert_true(timer_is_armed(&things[4].timer));
	assert_fires(1000, 4);
	assert_fires(2000, 0);
	assert_true(timers_next(&timers) == UINT64_MAX);
}

static void in_order_of_many(void **state)
{
	(void)state;
	for (size_t i = 0; i < N; i++)
		arm(i, 1 + i * 37 % N);
	timers_run(&timers, N);
	assert_int_equal(n_fired, N);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(fired[i] * 37 % N, i);
}

static void moved_later(void **state)
{
	(void)state;
	arm(1, 10);
	arm(2, 15);
	arm(1, 20);
	arm(1, 30);
	assert_fires(15, 2);
	assert_fires(29, 0);
	assert_fires(30, 1);
	assert_fires(100, 0);
}

static void moved_earlier(void **state)
{
	(void)state;
	arm(1, 30);
	arm(2, 20);
	arm(1, 10);
	assert_true(timers_next(&timers) == 10);
	assert_fires(10, 1);
	assert_fires(20, 2);
	assert_fires(100, 0);
}

static void moved_to_and_fro(void **state)
{
	(void)state;
	arm(2, 25);
	arm(1, 10);
	arm(1, 50);
	arm(1, 20);
	assert_fires(19, 0);
	assert_fires(20, 1);
	assert_fires(25, 2);
	assert_fires(100, 0);
}

static void disarmed(void **state)
{
	(void)state;
	arm(1, 10);
	arm(2, 10);
	timer_disarm(&things[1].timer);
	assert_fires(10, 2);
	/* Armed again before its old time, for later and for earlier. */
	arm(1, 40);
	timer_disarm(&things[1].timer);
	arm(1, 60);
	assert_fires(59, 0);
	assert_fires(60, 1);
	arm(1, 100);
	timer_disarm(&things[1].timer);
	arm(1, 80);
	assert_fires(80, 1);
	assert_fires(1000, 0);
}

static void detached(void **state)
{
	(void)state;
	for (size_t i = 1; i <= 5; i++)
		arm(i, 10 * i);
	timer_detach(&timers, &things[1].timer);
	timer_detach(&timers, &things[3].timer);
	timer_detach(&timers, &things[3].timer);
	timer_detach(&timers, &things[5].timer);
	/* The memory may go, and come back as another. */
	memset(&things[3], 0xff, sizeof(things[3]));
	timer_init(&things[3].timer, on_expire);
	assert_true(timers_next(&timers) == 20);
	assert_fires(1000, 24);
	timer_detach(&timers, &things[2].timer);
	assert_true(timers_next(&timers) == UINT64_MAX);
}

/* The place that a detached timer leaves is filled rightly, up and down. */
static void detached_anywhere(void **state)
{
	(void)state;
	for (size_t gone = 0; gone < N; gone++) {
		uint64_t last = 0;

		set_up(NULL);
		for (size_t i = 0; i < N; i++)
			arm(i, 1 + i * i * 7919 % 1000);
		timer_detach(&timers, &things[gone].timer);
		for (size_t left = N - 1; left > 0; left--) {
			uint64_t next = timers_next(&timers);

			assert_true(next >= last && next <= 1000);
			last = next;
			n_fired = 0;
			timers_run(&timers, next);
			assert_true(n_fired > 0);
			left -= n_fired - 1;
		}
		assert_true(timers_next(&timers) == UINT64_MAX);
	}
}

static void then_again(struct thing *thing)
{
	timer_arm(&timers, &thing->timer, 100);
	thing->then = NULL;
}

static void then_stop_others(struct thing *thing)
{
	(void)thing;
	timer_detach(&timers, &things[2].timer);
	timer_disarm(&things[3].timer);
	arm(4, 50);
	arm(5, 10);
	arm(6, 10);
}

static void then_stop_itself(struct thing *thing)
{
	timer_disarm(&thing->timer);
	timer_detach(&timers, &thing->timer);
	memset(&thing->timer, 0xff, sizeof(thing->timer));
}

static void in_callbacks(void **state)
{
	(void)state;
	things[1].then = then_stop_others;
	things[7].then = then_again;
	things[8].then = then_stop_itself;
	arm(1, 5);
	for (size_t i = 2; i <= 4; i++)
		arm(i, 6);
	arm(5, 40);
	arm(7, 20);
	arm(8, 30);
	/* What others were stopped or moved does not fire; what they were
	 * armed for in the past does. */
	n_fired = 0;
	timers_run(&timers, 10);
	assert_int_equal(n_fired, 3);
	assert_int_equal(fired[0], 1);
	assert_int_equal(fired[1] + fired[2], 5 + 6);
	assert_fires(40, 78);
	assert_fires(99, 4);
	assert_fires(100, 7);
	timer_detach(&timers, &things[7].timer);
	assert_true(timers_next(&timers) == UINT64_MAX);
}

/* Against the plainest one: an array of deadlines, 0 for none. */

static uint64_t model[N];
static uint64_t model_now;
static uint32_t seed;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)seed * n) >> 32);
}

static void do_anything(void)
{
	size_t i = random_below(N);

	switch (random_below(8)) {
	case 0:
		timer_disarm(&things[i].timer);
		model[i] = 0;
		break;
	case 1:
		timer_detach(&timers, &things[i].timer);
		model[i] = 0;
		break;
	default:
		/* Not in the past: a callback would never be done. */
		model[i] = model_now + 1 + random_below(500);
		arm(i, model[i]);
	}
}

static void on_expire_of_model(struct timer *timer)
{
	size_t i = (size_t)(CONTAINER_OF(timer, struct thing, timer) - things);

	assert_true(model[i] != 0 && model[i] <= model_now);
	model[i] = 0;
	for (uint32_t n = random_below(3); n > 0; n--)
		do_anything();
}

static void as_a_model_does(void **state)
{
	(void)state;
	memset(model, 0, sizeof(model));
	model_now = 0;
	seed = 42;
	for (size_t i = 0; i < N; i++)
		timer_init(&things[i].timer, on_expire_of_model);
	for (int turn = 0; turn < 20000; turn++) {
		do_anything();
		if (random_below(4) > 0)
			continue;
		model_now += random_below(30);
		timers_run(&timers, model_now);
		uint64_t first = UINT64_MAX;

		for (size_t i = 0; i < N; i++) {
			assert_true(model[i] == 0 || model[i] > model_now);
			assert_int_equal(timer_is_armed(&things[i].timer),
					 model[i] != 0);
			if (model[i] != 0 && model[i] < first)
				first = model[i];
		}
		/* Too early costs a turn of the loop; too late is late. */
		assert_true(timers_next(&timers) <= first);
		assert_true(timers_next(&timers) > model_now);
	}
	for (size_t i = 0; i < N; i++)
		timer_detach(&timers, &things[i].timer);
	assert_true(timers_next(&timers) == UINT64_MAX);
}

/* What was moved or disarmed does not bring a time that is too early. */
static void settled(void **state)
{
	(void)state;
	assert_false(timers_are_stale(&timers));
	for (size_t i = 0; i < N; i++)
		arm(i, 10 + i);
	assert_false(timers_are_stale(&timers));
	for (size_t i = 0; i < N; i++)
		arm(i, 1000 + i);
	timer_disarm(&things[0].timer);
	timer_disarm(&things[1].timer);
	assert_true(timers_are_stale(&timers));
	assert_true(timers_next(&timers) == 10);
	timers_sort(&timers);
	assert_false(timers_are_stale(&timers));
	assert_true(timers_next(&timers) == 1002);
	assert_fires(1001, 0);
	assert_fires(1002, 2);
	timers_sort(&timers);
	for (size_t i = 0; i < N; i++)
		timer_disarm(&things[i].timer);
	timers_sort(&timers);
	assert_true(timers_next(&timers) == UINT64_MAX);
}

#define TIMER_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TIMER_TEST(none),
		TIMER_TEST(in_order),
		TIMER_TEST(in_order_of_many),
		TIMER_TEST(moved_later),
		TIMER_TEST(moved_earlier),
		TIMER_TEST(moved_to_and_fro),
		TIMER_TEST(disarmed),
		TIMER_TEST(detached),
		TIMER_TEST(detached_anywhere),
		TIMER_TEST(settled),
		TIMER_TEST(in_callbacks),
		TIMER_TEST(as_a_model_does),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
