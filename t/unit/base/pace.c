/* SPDX-License-Identifier: BSD-2-Clause */
/* Who keeps up: bytes on average over each window of time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/pace.h"

static const uint64_t t = 1000 * NS_PER_S;

static void begins_with_the_first_wait(void **state)
{
	struct pace p = {0};

	(void)state;
	assert_int_equal(pace_end(&p, 1000), 0); /* which has passed */
	assert_true(pace_keeps_up(&p, t, 77, 500));
	assert_int_equal(pace_end(&p, 1000), t + NS_PER_S);
	pace_stop(&p);
	assert_int_equal(pace_end(&p, 1000), 0);
	assert_true(pace_keeps_up(&p, t, 0, 500));
}

static void is_an_average(void **state)
{
	struct pace p;

	(void)state;
	pace_start(&p, t, 100);
	assert_true(pace_keeps_up(&p, t + NS_PER_S, 600, 500));
	/* The next window begins: what was too much counts no more. */
	assert_false(pace_keeps_up(&p, t + 2 * NS_PER_S, 1099, 500));
	/* A longer window needs more. */
	pace_start(&p, t, 0);
	assert_false(pace_keeps_up(&p, t + 30 * NS_PER_S, 14999, 500));
	pace_start(&p, t, 0);
	assert_true(pace_keeps_up(&p, t + 30 * NS_PER_S, 15000, 500));
}

static void one_byte_at_least(void **state)
{
	struct pace p;

	(void)state;
	pace_start(&p, t, 5);
	assert_false(pace_keeps_up(&p, t + NS_PER_S, 5, 0));
	assert_true(pace_keeps_up(&p, t + 2 * NS_PER_S, 6, 0));
	/* Even in no time. */
	assert_false(pace_keeps_up(&p, t + 2 * NS_PER_S, 6, 500));
}

static void the_count_may_wrap_around(void **state)
{
	struct pace p;

	(void)state;
	pace_start(&p, t, UINT64_MAX - 99);
	assert_true(pace_keeps_up(&p, t + NS_PER_S, 400, 500));
	pace_start(&p, t, UINT64_MAX - 99);
	assert_false(pace_keeps_up(&p, t + NS_PER_S, 399, 500));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_with_the_first_wait),
		cmocka_unit_test(is_an_average),
		cmocka_unit_test(one_byte_at_least),
		cmocka_unit_test(the_count_may_wrap_around),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
