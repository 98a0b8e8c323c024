/* SPDX-License-Identifier: BSD-2-Clause */
/* SipHash-2-4, by the test vectors of its authors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/siphash.h"

static void vectors(void **state)
{
	static const struct siphash_key key = {
		{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
	static const struct {
		size_t n;
		uint64_t hash;
	} cases[] = {
		{0, 0x726fdb47dd0e0e31},  {1, 0x74f839c593dc67fd},
		{7, 0xab0200f58b01d137},  {8, 0x93f5f5799a932462},
		{9, 0x9e0082df0ba9e4b0},  {15, 0xa129ca6149be45e5},
		{63, 0x958a324ceb064572},
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(siphash(&key, (struct str){text, cases[i].n}),
				 cases[i].hash);
	assert_int_equal(siphash(&key, (struct str){NULL, 0}), cases[0].hash);
}

static void keys(void **state)
{
	struct siphash_key a = siphash_random_key(), b = siphash_random_key();

	(void)state;
	assert_int_not_equal(siphash(&a, STR("x")), siphash(&b, STR("x")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(keys),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
