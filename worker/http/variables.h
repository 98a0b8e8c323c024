/* SPDX-License-Identifier: BSD-2-Clause */
/* What the variables of a template are worth for an exchange. Worker. */
#ifndef WORKER_HTTP_VARIABLES_H
#define WORKER_HTTP_VARIABLES_H

#include "base/str.h"
#include "conf/template.h"

struct exchange;

/* How values (not what the template itself says) are made safe for where
 * they go. */
enum escape {
	ESCAPE_NONE,
	ESCAPE_HTML, /* & < > " ' as character references */
	ESCAPE_JSON, /* for the inside of a string of JSON (RFC 8259 section 7)
		      * or of a script; what is not UTF-8 becomes U+FFFD */
	ESCAPE_URI,  /* all but unreserved characters and "/"; not the query,
		      * which is sent encoded */
};

/* Puts the text, in the exchange's arena (or the template's own if literal),
 * into *text_out. False when it would be over 64 MiB. */
bool template_evaluate(const struct template *t, struct exchange *x,
		       enum escape escape, struct str *text_out)
	__attribute__((warn_unused_result));

#endif
