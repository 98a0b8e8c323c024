/* SPDX-License-Identifier: BSD-2-Clause */
/* When a worker that died is replaced: the policy, as a table of deaths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "master/respawn.h"

/* A death, `after` ms from the one before, of a worker `age` ms old. */
struct death {
	uint64_t after, age, delay;
};

static void run(const struct death *deaths, size_t n)
{
	struct respawn r = {0};
	/* As long as a machine is up: not from 0. */
	uint64_t now = 12345 * NS_PER_S;

	for (size_t i = 0; i < n; i++) {
		now += deaths[i].after * NS_PER_MS;
		uint64_t delay =
			respawn_after_death(&r, now, deaths[i].age * NS_PER_MS);

		if (delay != deaths[i].delay)
			fail_msg("death %zu: %ju ms, not %ju", i, (uintmax_t)delay,
				 (uintmax_t)deaths[i].delay);
	}
}

#define RUN(deaths) run(deaths, sizeof(deaths) / sizeof(*(deaths)))

static void one_that_had_lived(void **state)
{
	static const struct death deaths[] = {
		{0, 1000, 0},     {0, 5000, 0}, {1, 10000, 0},
		{1, 86400000, 0}, {0, 1001, 0},
	};

	(void)state;
	RUN(deaths);
}

static void ones_that_die_young(void **state)
{
	static const struct death deaths[] = {
		{0, 0, 50},        {50, 10, 100},   {100, 999, 200},
		{200, 0, 400},     {400, 0, 800},   {800, 0, 1600},
		{1600, 0, 3200},   {3200, 0, 5000}, {5000, 0, 5000},
		{9999, 999, 5000},
	};

	(void)state;
	RUN(deaths);
}

/* The first second decides. */
static void young_is_under_a_second(void **state)
{
	struct respawn r = {0};

	(void)state;
	assert_int_equal(respawn_after_death(&r, 100 * NS_PER_S, NS_PER_S), 0);
	assert_int_equal(respawn_after_death(&r, 100 * NS_PER_S, NS_PER_S - 1), 50);
}

/* Sixteen that cannot live cost no more than one: the wait is shared. */
static void wait_is_shared(void **state)
{
	static const struct death deaths[] = {
		{0, 0, 50},
		{0, 0, 100},
		{0, 0, 200},
		/* One of middle age neither adds to it nor ends it. */
		{0, 2000, 200},
		{0, 9999, 200},
		{0, 0, 400},
	};

	(void)state;
	RUN(deaths);
}

static void forgotten(void **state)
{
	static const struct death by_life[] = {
		{0, 0, 50}, {0, 0, 100}, {100, 10000, 0}, {0, 0, 50}, {0, 0, 100},
	};
	static const struct death by_time[] = {
		{0, 0, 50},  {0, 0, 100},    {10000, 0, 50},
		{0, 0, 100}, {9999, 0, 200}, {10000, 2000, 0},
	};

	(void)state;
	RUN(by_life);
	RUN(by_time);
}

/* What kept workers from living is over: the wait and a second have gone by
 * without a young death. */
static void calms_down(void **state)
{
	struct respawn r = {0};
	uint64_t now = 12345 * NS_PER_S, after;

	(void)state;
	assert_int_equal(respawn_after_death(&r, now, 0), 50);
	assert_int_equal(respawn_after_death(&r, now, 0), 100);
	after = now + 1100 * NS_PER_MS;
	respawn_calm_down(&r, after);
	assert_int_equal(respawn_after_death(&r, after, 0), 200);
	respawn_calm_down(&r, after + 1201 * NS_PER_MS);
	assert_int_equal(r.delay_ms, 0);
	assert_int_equal(respawn_after_death(&r, after + 1201 * NS_PER_MS, 0), 50);
}

static void never_gives_up(void **state)
{
	struct respawn r = {0};
	uint64_t now = NS_PER_S, delay = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		now += delay * NS_PER_MS;
		delay = respawn_after_death(&r, now, 0);
		assert_true(delay >= 50 && delay <= 5000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_had_lived),
		cmocka_unit_test(ones_that_die_young),
		cmocka_unit_test(young_is_under_a_second),
		cmocka_unit_test(wait_is_shared),
		cmocka_unit_test(forgotten),
		cmocka_unit_test(calms_down),
		cmocka_unit_test(never_gives_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
