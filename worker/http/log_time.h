/* SPDX-License-Identifier: BSD-2-Clause */
/* The time of day in the forms of logs, formatted at most once a second.
 * Worker. */
#ifndef WORKER_HTTP_LOG_TIME_H
#define WORKER_HTTP_LOG_TIME_H

#include "base/str.h"

/* "2026-11-20T16:00:00.123Z", without a NUL (RFC 3339). */
enum { LOG_TIME_UTC = 24 };
void log_time_utc(char text_out[LOG_TIME_UTC]);

/* "1795881600.123", the seconds since 1970; returns its length. */
enum { LOG_TIME_EPOCH = 32 };
size_t log_time_epoch(char text_out[LOG_TIME_EPOCH]);

/* "20/Nov/2026:17:00:00 +0100", in the time zone of the server; until the next
 * second. */
struct str log_time_local(void);

#endif
