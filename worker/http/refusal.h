/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line of the error log for a request that is refused for what it is:
 * whose, why, and what was sent, escaped. Not for a route that is missing or a
 * password that is wrong: those are the access log's. Worker.
 */
#ifndef WORKER_HTTP_REFUSAL_H
#define WORKER_HTTP_REFUSAL_H

#include "base/addr.h"
#include "base/str.h"

enum { REFUSAL_LINE_MAX = 256 }; /* bytes of what was sent that are logged */

/* `sent` is the request line, or the part of it that came; it may be empty, and go
 * on after the line. */
void refusal_log(const struct endpoint *peer, unsigned status, const char *why,
		 struct str sent);

#endif
