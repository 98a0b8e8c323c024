/* SPDX-License-Identifier: BSD-2-Clause */
/* The time of day as logs have it, taken apart at most once a second. Worker. */
#ifndef WORKER_HTTP_STAMP_H
#define WORKER_HTTP_STAMP_H

#include "base/str.h"

/* "2026-11-20T16:00:00.123Z", without a NUL (RFC 3339). */
enum { STAMP_UTC = 24 };
void stamp_utc(char text_out[STAMP_UTC]);

/* "20/Nov/2026:17:00:00 +0100", in the time zone of the server; until the next
 * second. */
struct str stamp_local(void);

#endif
