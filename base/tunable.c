/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/tunable.h"

#ifdef HOLDFAST_TEST_HOOKS

#include <stdio.h>
#include <stdlib.h>

uint64_t tunable(const char *name, uint64_t value)
{
	char variable[64];
	const char *text;

	snprintf(variable, sizeof(variable), "HOLDFAST_TEST_%s", name);
	text = getenv(variable);
	return text != NULL ? strtoull(text, NULL, 10) : value;
}

#endif
