/* SPDX-License-Identifier: BSD-2-Clause */
/* Ranges of bytes: which are sent for which value of Range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/codec/range.h"

enum { MAX = 32 };

/* "0-4 9-9 ", "ignored" or "unsatisfiable". */
static const char *text_of(const char *value, uint64_t size)
{
	static char text[4096];
	static struct range items[2 * MAX];
	struct ranges ranges = {.items = items};
	size_t n = 0;

	switch (ranges_parse(str_of(value), size, MAX, &ranges)) {
	case RANGES_IGNORED:
		return "ignored";
	case RANGES_UNSATISFIABLE:
		return "unsatisfiable";
	case RANGES_OK:
		break;
	}
	assert_in_range(ranges.n, 1, MAX);
	assert_true(2 * ranges.n <= ranges_room(str_of(value), MAX));
	for (size_t i = 0; i < ranges.n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "%s%" PRIu64 "-%" PRIu64, i > 0 ? " " : "",
				      ranges.items[i].first, ranges.items[i].last);
	return text;
}

static void expect(const char *value, uint64_t size, const char *wanted)
{
	const char *text = text_of(value, size);

	if (strcmp(text, wanted) != 0)
		fail_msg("%s of %" PRIu64 ": %s, not %s", value, size, text,
			 wanted);
}

static void one(void **state)
{
	(void)state;
	expect("bytes=0-499", 10000, "0-499");
	expect("bytes=500-999", 10000, "500-999");
	expect("bytes=-500", 10000, "9500-9999");
	expect("bytes=9500-", 10000, "9500-9999");
	expect("bytes=0-", 10000, "0-9999");
	expect("bytes=0-0", 10000, "0-0");
	expect("bytes=-1", 10000, "9999-9999");
	expect("bytes=9999-9999", 10000, "9999-9999");
	/* More than there is. */
	expect("bytes=9000-20000", 10000, "9000-9999");
	expect("bytes=-20000", 10000, "0-9999");
	expect("bytes=0-99999999999999999999999", 10000, "0-9999");
	expect("bytes=-99999999999999999999999", 10000, "0-9999");
	expect("bytes=00000000000000000000000001-2", 10000, "1-2");
	/* The unit is in any case, lists have white space. */
	expect("BYTES=0-1", 10, "0-1");
	expect("bytes= 0-1 ", 10, "0-1");
	expect("bytes=,, 0-1 ,", 10, "0-1");
	expect("bytes=5-", UINT64_MAX, "5-18446744073709551614");
}

static void unsatisfiable(void **state)
{
	(void)state;
	expect("bytes=10000-", 10000, "unsatisfiable");
	expect("bytes=10000-20000", 10000, "unsatisfiable");
	expect("bytes=20000-, 30000-", 10000, "unsatisfiable");
	expect("bytes=-0", 10000, "unsatisfiable");
	expect("bytes=18446744073709551616-", UINT64_MAX, "unsatisfiable");
	expect("bytes=0-", 0, "unsatisfiable");
	expect("bytes=0-0", 0, "unsatisfiable");
	expect("bytes=-0", 0, "unsatisfiable");
	/* One that is satisfiable is enough. */
	expect("bytes=20000-, 5-6, -0", 10000, "5-6");
}

static void ignored(void **state)
{
	static const char *const values[] = {
		"",
		"bytes",
		"bytes=",
		"bytes=,",
		"bytes=-",
		"bytes=1",
		"bytes=5-1",
		"bytes=a-b",
		"bytes=1-2-3",
		"bytes=1- 2",
		"bytes=1 -2",
		"bytes=- 2",
		"bytes=--2",
		"bytes=+1-2",
		"bytes=0x1-2",
		"bytes=1-2,x",
		"bytes=1-2,-",
		"bytes=1-2,9-8",
		"bytes=1-2;5",
		"bytes =1-2",
		"items=1-2",
		"1-2",
		"=1-2",
		"bytes:1-2",
		"bytes=1-2,=3",
		"none",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		expect(values[i], 10000, "ignored");
	/* The last five bytes of nothing. */
	expect("bytes=-5", 0, "ignored");
}

static void many(void **state)
{
	(void)state;
	expect("bytes=0-0,-1", 10000, "0-0 9999-9999");
	expect("bytes=-1,0-0", 10000, "9999-9999 0-0");
	expect("bytes=5000-5999,0-99,8000-", 10000, "5000-5999 0-99 8000-9999");
	/* What overlaps or nearly touches is joined, and all in order. */
	expect("bytes=500-600,601-999", 10000, "500-999");
	expect("bytes=500-700,601-999", 10000, "500-999");
	expect("bytes=0-9999,5-6", 10000, "0-9999");
	expect("bytes=0-,0-,0-,0-", 10000, "0-9999");
	expect("bytes=0-0,80-80", 10000, "0-80");
	expect("bytes=0-0,81-81", 10000, "0-0 81-81");
	expect("bytes=9000-,20-30,0-10", 10000, "0-30 9000-9999");
	expect("bytes=0-10,300-310,150-160,20-30", 10000, "0-30 150-160 300-310");
}

static void bombs(void **state)
{
	char value[64 * (MAX + 1)];
	size_t n = (size_t)snprintf(value, sizeof(value), "bytes=0-0");

	(void)state;
	for (unsigned i = 1; i < MAX; i++)
		n += (size_t)snprintf(value + n, sizeof(value) - n, ",%u-%u",
				      i * 1000, i * 1000);
	assert_int_equal(strlen(text_of(value, 100000)), n - strlen("bytes="));
	/* Those that are beyond the end count as well. */
	snprintf(value + n, sizeof(value) - n, ",200000-");
	expect(value, 100000, "ignored");
	/* But not what is none. */
	snprintf(value + n, sizeof(value) - n, ", ,,");
	assert_int_equal(strlen(text_of(value, 100000)), n - strlen("bytes="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one),     cmocka_unit_test(unsatisfiable),
		cmocka_unit_test(ignored), cmocka_unit_test(many),
		cmocka_unit_test(bombs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
