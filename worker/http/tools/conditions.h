/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conditional requests (RFC 9110 section 13) for a handler that knows which
 * version of a resource it would send. Worker.
 */
#ifndef WORKER_HTTP_TOOLS_CONDITIONS_H
#define WORKER_HTTP_TOOLS_CONDITIONS_H

#include <stdbool.h>
#include <time.h>

#include "base/str.h"
#include "worker/http/exchange.h"

/* The validators of a representation, as in the fields of the response. */
struct validators {
	struct str etag; /* with its quotes, and W/ if it is weak */
	time_t modified; /* Last-Modified; 0: it is not known */
};

enum conditions_result {
	CONDITIONS_MET,
	CONDITIONS_NOT_MODIFIED, /* 304: the client has it */
	CONDITIONS_FAILED,       /* 412 */
};

/* Whether a request that would be answered with success goes on, with the
 * precedence of section 13.2.2. If-Range is not looked at. */
enum conditions_result conditions_check(const struct exchange *x,
					const struct validators *validators);

/* Whether If-Range, if there is one, lets Range count (section 13.1.5). */
bool conditions_allow_range(const struct exchange *x,
			    const struct validators *validators);

#endif
