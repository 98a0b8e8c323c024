/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of counters: every number of the struct belongs to one row, and
 * what walks the table reaches all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/shared/counters.h"

/* All of the numbers: whatever is put into `counters` later, too. */
enum { N = sizeof(struct counters) / sizeof(uint64_t) };

union numbers {
	struct counters counters;
	uint64_t all[N];
};

static bool is_maximum(size_t i)
{
	static const size_t maxima[] = {
		offsetof(struct counters, to_head.max_us),
		offsetof(struct counters, to_answer.max_us),
		offsetof(struct counters, to_end.max_us),
		offsetof(struct counters, total.max_us),
	};

	for (size_t k = 0; k < sizeof(maxima) / sizeof(*maxima); k++)
		if (i == maxima[k] / sizeof(uint64_t))
			return true;
	return false;
}

static void counters_are_added(void **state)
{
	union numbers a, b;

	(void)state;
	assert_int_equal(sizeof(a.counters), sizeof(a.all));
	for (size_t i = 0; i < N; i++) {
		a.all[i] = i + 1;
		b.all[i] = 1000 * (i + 1);
	}
	counters_add(&b.counters, &a.counters);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(b.all[i], (is_maximum(i) ? 1000 : 1001) * (i + 1));
		assert_int_equal(a.all[i], i + 1);
	}
}

static void counters_are_subtracted(void **state)
{
	union numbers a, b;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		a.all[i] = i + 1;
		b.all[i] = 1000 * (i + 1);
	}
	counters_subtract(&b.counters, &a.counters);
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(b.all[i], (is_maximum(i) ? 1000 : 999) * (i + 1));
		assert_int_equal(a.all[i], i + 1);
	}
}

static size_t numbers_of(const struct metric *row)
{
	return row->kind == METRIC_HISTOGRAM ? METRIC_NUMBERS : metric_cells(row);
}

static void every_number_has_one_row(void **state)
{
	unsigned rows[N] = {0};

	(void)state;
	assert_int_equal(counters_table.size, sizeof(struct counters));
	for (size_t i = 0; i < counters_table.n; i++) {
		const struct metric *row = &counters_table.rows[i];
		size_t first = row->offset / sizeof(uint64_t);

		assert_int_equal(row->offset % sizeof(uint64_t), 0);
		for (size_t k = 0; k < numbers_of(row); k++)
			rows[first + k]++;
	}
	for (size_t i = 0; i < N; i++)
		if (rows[i] != 1)
			fail_msg("number %zu of struct counters has %u rows", i,
				 rows[i]);
}

static void rows_are_described(void **state)
{
	(void)state;
	for (size_t i = 0; i < counters_table.n; i++) {
		const struct metric *row = &counters_table.rows[i];

		assert_ptr_equal(metric_find(&counters_table, row->name), row);
		assert_non_null(row->text);
		assert_true(isupper((unsigned char)row->help[0]));
		assert_int_equal(row->help[strlen(row->help) - 1], '.');
		assert_non_null(row->unit);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(row->text,
						counters_table.rows[k].text);
	}
	assert_null(metric_find(&counters_table, "nothing"));
}

/* To another process and back, in several portions. */
static void packed_and_unpacked(void **state)
{
	union numbers a, b = {.all = {0}};
	uint64_t numbers[METRIC_NUMBERS];

	(void)state;
	for (size_t i = 0; i < N; i++)
		a.all[i] = i + 1;
	for (size_t i = 0; i < counters_table.n; i++) {
		const struct metric *row = &counters_table.rows[i];
		size_t n = metric_pack(row, &a.counters, numbers);

		assert_int_equal(n, numbers_of(row));
		metric_unpack(row, &b.counters, numbers, n);
	}
	assert_memory_equal(&a, &b, sizeof(a));
}

/* Of a release that counts more or fewer things. */
static void other_numbers_of_cells(void **state)
{
	const struct metric *row = metric_find(&counters_table, "responses");
	const uint64_t numbers[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	union numbers a = {.all = {0}};

	(void)state;
	metric_unpack(row, &a.counters, numbers, 8);
	assert_int_equal(a.counters.responses[5], 6);
	metric_unpack(row, &a.counters, numbers, 2);
	assert_int_equal(a.counters.responses[1], 4);
	assert_int_equal(a.counters.responses[2], 3);
	for (size_t i = 0; i < N; i++)
		if (i < offsetof(struct counters, responses) / 8 ||
		    i >= offsetof(struct counters, responses) / 8 + 6)
			assert_int_equal(a.all[i], 0);
	row = metric_find(&counters_table, "total");
	metric_unpack(row, &a.counters, numbers, 4);
	assert_int_equal(a.counters.total.count, 1);
	assert_int_equal(a.counters.total.max_us, 3);
	assert_int_equal(a.counters.total.buckets[0], 4);
	assert_int_equal(a.counters.total.buckets[1], 0);
}

static void nothing_falls_below_zero(void **state)
{
	union numbers a, b;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		a.all[i] = 1;
		b.all[i] = 2;
	}
	counters_subtract(&a.counters, &b.counters);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(a.all[i], is_maximum(i));
}

/* A table of a struct of its own, as each route or site may have. */
struct of_route {
	uint64_t open;
	uint64_t sent[2];
};

static void a_table_of_its_own(void **state)
{
	static const char *const values[] = {"small", "large"};
	static const struct dimension sizes = {"size", values, 2};
	static const struct metric rows[] = {
		{.name = "open", .kind = METRIC_GAUGE},
		{.name = "sent",
		 .dimension = &sizes,
		 .offset = offsetof(struct of_route, sent)},
	};
	const struct metric_table table = {rows, 2, sizeof(struct of_route)};
	struct of_route a = {1, {2, 3}}, b = {10, {20, 30}};

	(void)state;
	metrics_add(&table, &a, &b);
	assert_int_equal(a.open, 1); /* a gauge is not added up */
	assert_int_equal(metric_value(&rows[1], &a, 1), 33);
	metrics_subtract(&table, &a, &b);
	assert_int_equal(a.sent[0], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_are_added),
		cmocka_unit_test(counters_are_subtracted),
		cmocka_unit_test(every_number_has_one_row),
		cmocka_unit_test(rows_are_described),
		cmocka_unit_test(packed_and_unpacked),
		cmocka_unit_test(other_numbers_of_cells),
		cmocka_unit_test(nothing_falls_below_zero),
		cmocka_unit_test(a_table_of_its_own),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
