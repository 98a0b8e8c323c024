/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rates and numbers at a time: what one key gets, what many keys get when there is
 * not room for them all, and several processes at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/shared/quota.h"

static struct quota *quota;

static int make(void **state)
{
	(void)state;
	quota = quota_create();
	return quota == NULL;
}

static int unmake(void **state)
{
	(void)state;
	quota_destroy(&quota);
	quota_destroy(&quota);
	return 0;
}

static uint64_t key_of(const char *kind, unsigned i)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %u", kind, i);
	return quota_key(quota, str_of(text));
}

static void rate(void **state)
{
	uint64_t key = key_of("rate", 0), now = 1000 * NS_PER_S;
	const uint64_t interval = NS_PER_S / 10;

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_int_equal(quota_use(quota, key, now, interval, 5), 0);
	assert_int_equal(quota_use(quota, key, now, interval, 5), interval);
	assert_int_equal(quota_use(quota, key, now, interval, 5), interval);
	/* Another key has its own. */
	assert_int_equal(quota_use(quota, key_of("rate", 1), now, interval, 0), 0);
	/* What comes too early is no loss. */
	now += interval - 1;
	assert_int_equal(quota_use(quota, key, now, interval, 5), 1);
	now += 1;
	assert_int_equal(quota_use(quota, key, now, interval, 5), 0);
	assert_int_equal(quota_use(quota, key, now, interval, 5), interval);
	/* After a while all of it is there again, and no more. */
	now += 3600 * NS_PER_S;
	for (int i = 0; i < 6; i++)
		assert_int_equal(quota_use(quota, key, now, interval, 5), 0);
	assert_int_not_equal(quota_use(quota, key, now, interval, 5), 0);
	/* A clock a little behind, of another worker. */
	assert_int_not_equal(quota_use(quota, key, now - 1000, interval, 5), 0);
}

/* A limit that was lower when the last request came. */
static void raised(void **state)
{
	uint64_t key = key_of("raised", 0), now = 1000 * NS_PER_S;

	(void)state;
	for (int i = 0; i < 11; i++)
		assert_int_equal(quota_use(quota, key, now, 3600 * NS_PER_S, 10),
				 0);
	assert_int_equal(quota_use(quota, key, now, NS_PER_S, 0), NS_PER_S);
	now += NS_PER_S;
	assert_in_range(quota_use(quota, key, now, NS_PER_S, 0), 0, NS_PER_S);
}

/* More keys than places: each gets what it is due, and the table no larger. */
static void many_keys(void **state)
{
	uint64_t now = 5000 * NS_PER_S;
	unsigned refused = 0;

	(void)state;
	for (unsigned i = 0; i < 400000; i++)
		refused +=
			quota_use(quota, key_of("many", i), now, NS_PER_S, 0) != 0;
	assert_int_equal(refused, 0);
	/* When they are past there is room again. */
	now += 10 * NS_PER_S;
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(
			quota_use(quota, key_of("new", i), now, NS_PER_S, 0), 0);
		assert_int_not_equal(
			quota_use(quota, key_of("new", i), now, NS_PER_S, 0), 0);
	}
}

/* Of what several processes take at once, not one too many passes. */
static void processes(void **state)
{
	enum { PROCESSES = 4, KEYS = 200, BURST = 99 };
	uint64_t now = 9000 * NS_PER_S;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	for (unsigned p = 0; p < PROCESSES; p++) {
		unsigned taken = 0;

		if (fork() != 0)
			continue;
		for (unsigned i = 0; i < KEYS * BURST; i++)
			taken += quota_use(quota, key_of("shared", i % KEYS), now,
					   NS_PER_S, BURST) == 0;
		_exit(write(ends[1], &taken, sizeof(taken)) != sizeof(taken));
	}
	unsigned sum = 0;

	for (unsigned p = 0; p < PROCESSES; p++) {
		unsigned taken;
		int status;

		assert_int_equal(read(ends[0], &taken, sizeof(taken)),
				 sizeof(taken));
		wait(&status);
		assert_int_equal(status, 0);
		sum += taken;
	}
	/* A key that two make at the same moment may have one more. */
	assert_in_range(sum, KEYS * (BURST + 1), KEYS * (BURST + 1) + 5);
	close(ends[0]);
	close(ends[1]);
}

static void concurrent(void **state)
{
	uint64_t key = key_of("crowd", 0);

	(void)state;
	quota_clear(quota, 0);
	quota_clear(quota, 7);
	assert_int_equal(quota_enter(quota, 0, key, 3), QUOTA_ENTERED);
	assert_int_equal(quota_enter(quota, 7, key, 3), QUOTA_ENTERED);
	assert_int_equal(quota_enter(quota, 7, key, 3), QUOTA_ENTERED);
	assert_int_equal(quota_enter(quota, 0, key, 3), QUOTA_FULL);
	assert_int_equal(quota_enter(quota, 7, key, 3), QUOTA_FULL);
	assert_int_equal(quota_enter(quota, 7, key_of("crowd", 1), 1),
			 QUOTA_ENTERED);
	quota_exit(quota, 0, key);
	assert_int_equal(quota_enter(quota, 7, key, 3), QUOTA_ENTERED);
	assert_int_equal(quota_enter(quota, 0, key, 3), QUOTA_FULL);
	/* The worker is killed: all that it counted is gone. */
	quota_clear(quota, 7);
	for (int i = 0; i < 3; i++)
		assert_int_equal(quota_enter(quota, 0, key, 3), QUOTA_ENTERED);
	assert_int_equal(quota_enter(quota, 0, key, 3), QUOTA_FULL);
	assert_int_equal(quota_enter(quota, 0, key, UINT32_MAX), QUOTA_ENTERED);
	for (int i = 0; i < 4; i++)
		quota_exit(quota, 0, key);
	assert_int_equal(quota_enter(quota, 0, key, 1), QUOTA_ENTERED);
	quota_exit(quota, 0, key);
}

/* A worker with more keys than it has room for. */
static void many_concurrent(void **state)
{
	enum { KEYS = 20000 };
	static bool entered[KEYS];
	unsigned n = 0;

	(void)state;
	quota_clear(quota, 3);
	for (unsigned i = 0; i < KEYS; i++) {
		enum quota_enter result =
			quota_enter(quota, 3, key_of("large", i), 1);

		assert_int_not_equal(result, QUOTA_FULL);
		entered[i] = result == QUOTA_ENTERED;
		n += entered[i];
	}
	assert_in_range(n, 7000, 8192);
	for (unsigned i = 0; i < KEYS; i++)
		if (entered[i])
			assert_int_equal(
				quota_enter(quota, 3, key_of("large", i), 1),
				QUOTA_FULL);
	for (unsigned i = 0; i < KEYS; i++)
		if (entered[i])
			quota_exit(quota, 3, key_of("large", i));
	assert_int_equal(quota_enter(quota, 3, key_of("large", 0), 1),
			 QUOTA_ENTERED);
	quota_exit(quota, 3, key_of("large", 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate),       cmocka_unit_test(raised),
		cmocka_unit_test(many_keys),  cmocka_unit_test(processes),
		cmocka_unit_test(concurrent), cmocka_unit_test(many_concurrent),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make, unmake);
}
