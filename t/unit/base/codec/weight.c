/* SPDX-License-Identifier: BSD-2-Clause */
/* Weights in lists of what is accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/codec/weight.h"

static void weights(void **state)
{
	static const struct {
		const char *list, *name;
		int weight;
	} samples[] = {
		{"gzip", "gzip", 1000},
		{"GZip", "gzip", 1000},
		{"gzip, br", "br", 1000},
		{" br ;q=0.5 , gzip", "br", 500},
		{"gzip;q=1.0, br;q=0.123", "br", 123},
		{"gzip;q=1.000", "gzip", 1000},
		{"gzip;q=0", "gzip", WEIGHT_NEVER},
		{"gzip;q=0.000", "gzip", WEIGHT_NEVER},
		{"gzip; Q=0.9", "gzip", 900},
		{"gzip;level=3;q=0.2", "gzip", 200},
		{"gzip;q=0.", "gzip", 0},
		{"*;q=0.1, gzip", "*", 100},
		{",,gzip,", "gzip", 1000},
		{"br", "gzip", WEIGHT_UNSAID},
		{"gzipx, xgzip", "gzip", WEIGHT_UNSAID},
		{"", "gzip", WEIGHT_UNSAID},
		{"*", "gzip", WEIGHT_UNSAID},
		/* No weights. */
		{"gzip;q=2", "gzip", WEIGHT_UNSAID},
		{"gzip;q=1.001", "gzip", WEIGHT_UNSAID},
		{"gzip;q=0.1234", "gzip", WEIGHT_UNSAID},
		{"gzip;q=.5", "gzip", WEIGHT_UNSAID},
		{"gzip;q=-1", "gzip", WEIGHT_UNSAID},
		{"gzip;q=", "gzip", WEIGHT_UNSAID},
		{"gzip;q", "gzip", WEIGHT_UNSAID},
		{"gzip;q=x, gzip;q=0.3", "gzip", 300},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		int weight =
			weight_in(str_of(samples[i].list), str_of(samples[i].name));

		if (weight != samples[i].weight)
			fail_msg("%s in \"%s\": %d", samples[i].name,
				 samples[i].list, weight);
	}
	assert_int_equal(weight_in((struct str){NULL, 0}, STR("gzip")),
			 WEIGHT_UNSAID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
