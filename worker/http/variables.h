/* SPDX-License-Identifier: BSD-2-Clause */
/* What the variables of a template are worth for an exchange. Worker. */
#ifndef WORKER_HTTP_VARIABLES_H
#define WORKER_HTTP_VARIABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "conf/template.h"

struct buf;
struct exchange;
struct request;

/* How values (not what the template itself says) are made safe for where
 * they go. */
enum escape {
	ESCAPE_NONE,
	ESCAPE_HTML, /* & < > " ' as character references */
	ESCAPE_JSON, /* for the inside of a string of JSON (RFC 8259 section 7)
		      * or of a script; what is not UTF-8 becomes U+FFFD */
	ESCAPE_URI,  /* for a URL: all but unreserved characters and "/"; in a
		      * path, what may stand there is left in the path of the
		      * request, and what is sent encoded is not again */
	ESCAPE_LOG,  /* for a line of a log, in quotes or not: base/quote.h */
};

/* Puts the text, in the exchange's arena (or the template's own if literal),
 * into *text_out. False when it would be over 64 MiB. */
bool template_evaluate(const struct template *t, struct exchange *x,
		       enum escape escape, struct str *text_out)
	__attribute__((warn_unused_result));

/* Puts the text at the end of `out`, however long it is. */
void template_put(const struct template *t, struct exchange *x, enum escape escape,
		  struct buf *out);

/* The value of the cookie of that name (RFC 6265 section 5.4); empty without it. */
struct str request_cookie(const struct request *request, struct str name);

/* The status that is logged: 499 for what ended before it was answered. */
unsigned logged_status(const struct exchange *x);

/* When the last server that was asked was done, or not waited for any more. */
uint64_t upstream_end(const struct exchange *x);

/* A phase of an exchange in nanoseconds; false when it has not been. */
static inline bool phase_ns(uint64_t from, uint64_t to, uint64_t *ns_out)
{
	*ns_out = to - from;
	return from != 0 && to >= from;
}

#endif
