/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clock.h"

const char *clock_format_utc(time_t when, char text_out[CLOCK_TEXT])
{
	struct tm tm;

	gmtime_r(&when, &tm);
	if (strftime(text_out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		text_out[0] = '\0';
	return text_out;
}
