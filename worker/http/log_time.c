/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/log_time.h"

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

enum { SECONDS = LOG_TIME_UTC - 4 }; /* what comes before the milliseconds */

void log_time_utc(char text_out[LOG_TIME_UTC])
{
	static time_t second = -1;
	static char seconds[CLOCK_TEXT];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != second) {
		second = now.tv_sec;
		clock_format_utc(second, seconds);
		seconds[SECONDS - 1] = '.';
	}
	unsigned ms = (unsigned)(now.tv_nsec / (long)NS_PER_MS);

	memcpy(text_out, seconds, SECONDS);
	text_out[SECONDS] = (char)('0' + ms / 100);
	text_out[SECONDS + 1] = (char)('0' + ms / 10 % 10);
	text_out[SECONDS + 2] = (char)('0' + ms % 10);
	text_out[SECONDS + 3] = 'Z';
}

size_t log_time_epoch(char text_out[LOG_TIME_EPOCH])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (size_t)snprintf(text_out, LOG_TIME_EPOCH, "%jd.%03ld",
				(intmax_t)now.tv_sec,
				now.tv_nsec / (long)NS_PER_MS);
}

struct str log_time_local(void)
{
	static time_t second = -1;
	static char text[40];
	static size_t n;
	time_t now = time(NULL);

	if (now != second) {
		struct tm tm;

		second = now;
		localtime_r(&now, &tm);
		n = strftime(text, sizeof(text), "%d/%b/%Y:%H:%M:%S %z", &tm);
	}
	return (struct str){text, n};
}
