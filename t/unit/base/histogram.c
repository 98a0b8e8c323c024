/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms: buckets without gaps, quantiles no more than 25% from truth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/histogram.h"

static void buckets_touch(void **state)
{
	(void)state;
	assert_int_equal(histogram_bucket(0), 0);
	for (unsigned i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		uint64_t bound = histogram_bound(i);

		assert_true(bound < histogram_bound(i + 1));
		assert_int_equal(histogram_bucket(bound), i);
		assert_int_equal(histogram_bucket(bound + 1), i + 1);
	}
}

static void last_bucket_takes_the_rest(void **state)
{
	uint64_t bound = histogram_bound(HISTOGRAM_BUCKETS - 1);

	(void)state;
	/* "about 19 hours" */
	assert_true(bound / 1000000 / 3600 == 19);
	assert_int_equal(histogram_bucket(bound), HISTOGRAM_BUCKETS - 1);
	assert_int_equal(histogram_bucket(bound + 1), HISTOGRAM_BUCKETS - 1);
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void bounds_are_near(void **state)
{
	(void)state;
	for (uint64_t us = 0; us < histogram_bound(HISTOGRAM_BUCKETS - 1);
	     us += us / 100 + 1) {
		uint64_t bound = histogram_bound(histogram_bucket(us));

		assert_true(bound >= us);
		assert_true(bound - us <= us / 4);
	}
}

static void counts(void **state)
{
	struct histogram h = {0};

	(void)state;
	assert_true(histogram_quantile(&h, 0.5) == 0);
	histogram_add(&h, 7);
	histogram_add(&h, 1000);
	histogram_add(&h, 7);
	assert_int_equal(h.count, 3);
	assert_int_equal(h.sum_us, 1014);
	assert_int_equal(h.max_us, 1000);
	assert_int_equal(h.buckets[histogram_bucket(7)], 2);
	assert_int_equal(h.buckets[histogram_bucket(1000)], 1);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void quantiles(void **state)
{
	enum { N = 1000 };
	static const size_t ranks[] = {1, 2, 10, 250, 500, 900, 990, 999, N};
	uint64_t values[N];
	struct histogram h = {0};
	uint32_t random = 7;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		random = random * 1664525 + 1013904223;
		values[i] = (random >> 8) % (1u << (1 + random % 24));
		histogram_add(&h, values[i]);
	}
	qsort(values, N, sizeof(*values), by_value);
	for (size_t i = 0; i < sizeof(ranks) / sizeof(*ranks); i++) {
		uint64_t exact = values[ranks[i] - 1];
		/* A little less, so that rounding does not take it to the
		 * next rank. */
		double quantile = ((double)ranks[i] - 0.5) / N;
		uint64_t got = histogram_quantile(&h, quantile);

		assert_true(got >= exact);
		assert_true(got - exact <= exact / 4);
		assert_true(got <= values[N - 1]);
	}
	assert_true(histogram_quantile(&h, 0) >= values[0]);
	assert_true(histogram_quantile(&h, 0) <= histogram_quantile(&h, 0.01));
	assert_true(histogram_quantile(&h, 1) == values[N - 1]);
}

static void quantile_of_one(void **state)
{
	static const uint64_t values[] = {0, 1, 3, 4, 5, 999, 123456789};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct histogram h = {0};

		histogram_add(&h, values[i]);
		/* Never over the largest value seen: it is exact. */
		assert_true(histogram_quantile(&h, 0) == values[i]);
		assert_true(histogram_quantile(&h, 0.5) == values[i]);
		assert_true(histogram_quantile(&h, 1) == values[i]);
	}
}

static void merges(void **state)
{
	struct histogram a = {0}, b = {0}, all = {0};

	(void)state;
	for (uint64_t us = 1; us < 1000000000; us *= 3) {
		histogram_add(us % 2 ? &a : &b, us);
		histogram_add(&all, us);
		histogram_add(&b, us / 2);
		histogram_add(&all, us / 2);
	}
	struct histogram into = {0};

	histogram_merge(&into, &a);
	histogram_merge(&into, &b);
	assert_memory_equal(&into, &all, sizeof(all));
	/* What was the largest stays it. */
	histogram_merge(&into, &b);
	assert_true(into.max_us == all.max_us);
}

static void subtracts(void **state)
{
	struct histogram before = {0}, later, wanted = {0};

	(void)state;
	for (uint64_t us = 1; us < 1000000; us *= 3)
		histogram_add(&before, us);
	later = before;
	for (uint64_t us = 5; us < 100000; us *= 5) {
		histogram_add(&later, us);
		histogram_add(&wanted, us);
	}
	/* The largest value stays: it is not known which came when. */
	wanted.max_us = later.max_us;
	histogram_subtract(&later, &before);
	assert_memory_equal(&later, &wanted, sizeof(later));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_touch),
		cmocka_unit_test(last_bucket_takes_the_rest),
		cmocka_unit_test(bounds_are_near),
		cmocka_unit_test(counts),
		cmocka_unit_test(quantiles),
		cmocka_unit_test(quantile_of_one),
		cmocka_unit_test(merges),
		cmocka_unit_test(subtracts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
