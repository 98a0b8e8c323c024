/* SPDX-License-Identifier: BSD-2-Clause */
/* What was put is what comes back, in few bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/varint.h"

static struct buf buf;

static void numbers(void **state)
{
	(void)state;
	for (uint64_t n = 1; n != 0; n *= 2)
		for (uint64_t value = n - 1; value <= n; value++)
			varint_put(&buf, value);
	varint_put(&buf, UINT64_MAX);
	struct str from = buf_str(&buf);

	for (uint64_t n = 1; n != 0; n *= 2)
		for (uint64_t value = n - 1; value <= n; value++)
			assert_true(varint_get(&from) == value);
	assert_true(varint_get(&from) == UINT64_MAX);
	assert_int_equal(from.n, 0);
	buf_release(&buf);
}

static void near_numbers(void **state)
{
	static const uint64_t base = 123456789012345;
	static const uint64_t values[] = {0,        1,        base,     base + 1,
					  base - 1, base / 2, 2 * base, UINT64_MAX};
	size_t n = sizeof(values) / sizeof(*values);

	(void)state;
	varint_put_near(&buf, base + 60, base);
	varint_put_near(&buf, base - 60, base);
	assert_int_equal(buf_length(&buf), 2);
	for (size_t i = 0; i < n; i++)
		varint_put_near(&buf, values[i], base);
	struct str from = buf_str(&buf);

	assert_true(varint_get_near(&from, base) == base + 60);
	assert_true(varint_get_near(&from, base) == base - 60);
	for (size_t i = 0; i < n; i++)
		assert_true(varint_get_near(&from, base) == values[i]);
	assert_int_equal(from.n, 0);
	buf_release(&buf);
}

static void texts_and_pointers(void **state)
{
	(void)state;
	varint_put_str(&buf, STR("text"));
	varint_put_str(&buf, STR(""));
	varint_put_str(&buf, (struct str){NULL, 0});
	varint_put_pointer(&buf, &buf);
	struct str from = buf_str(&buf), s = varint_get_str(&from);

	assert_true(str_equal(s, STR("text")));
	s = varint_get_str(&from);
	assert_true(s.p != NULL && s.n == 0);
	s = varint_get_str(&from);
	assert_true(s.p == NULL && s.n == 0);
	assert_ptr_equal(varint_get_pointer(&from), &buf);
	assert_int_equal(from.n, 0);
	buf_release(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(near_numbers),
		cmocka_unit_test(texts_and_pointers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
