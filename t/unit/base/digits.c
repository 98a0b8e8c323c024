/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers in decimal, as printf(3) has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

#include "base/digits.h"

static void as_printf(void **state)
{
	char want[32], got[DIGITS_MAX + 1];

	(void)state;
	for (uint64_t n = 1; n != 0; n *= 2) {
		for (uint64_t value = n - 1; value <= n; value++) {
			snprintf(want, sizeof(want), "%" PRIu64, value);
			*digits_put(got, value) = '\0';
			assert_string_equal(got, want);
		}
	}
	*digits_put(got, UINT64_MAX) = '\0';
	assert_string_equal(got, "18446744073709551615");
	got[DIGITS_MAX] = '\0';
	assert_string_equal(digits_before(got + DIGITS_MAX, 405), "405");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(as_printf)};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
