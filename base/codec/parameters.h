/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parameters of a field value (RFC 9110 section 5.6.6), as of a media type:
 * "text/html; charset=utf-8; title=\"a \\\"b\\\"\"". Pure.
 */
#ifndef BASE_CODEC_PARAMETERS_H
#define BASE_CODEC_PARAMETERS_H

#include <stdbool.h>

#include "base/str.h"

struct parameter {
	struct str name;  /* a token, as sent */
	struct str value; /* without its quotes, quoted pairs as sent */
	bool is_quoted;
};

enum parameter_result {
	PARAMETER_FOUND,
	PARAMETER_NONE, /* there is no more */
	PARAMETER_BAD,
};

/* What a backslash in a quoted string is. */
enum parameter_escapes {
	/* A quoted pair with what follows it (RFC 9110 section 5.6.4). */
	PARAMETER_OF_HTTP,
	/* The same, but for the last character: to browsers a backslash is a
	 * character like any other (WHATWG HTML, "multipart/form-data encoding
	 * algorithm"), so a quote behind it that only the end or another
	 * parameter follows is the last quote. Controls may stand in it. */
	PARAMETER_OF_FORM,
};

/*
 * Takes the next parameter off *rest, which begins behind the value proper or
 * the parameter before. Empty ones (";;") are skipped. No white space stands
 * around "=". A value without quotes may be of all visible ASCII but '"', "\"
 * and ";", more than the token that it should be: what is sent as a boundary.
 * After PARAMETER_BAD *rest is somewhere in what is malformed.
 */
enum parameter_result parameter_next(struct str *rest,
				     enum parameter_escapes escapes,
				     struct parameter *out);

/* After PARAMETER_BAD: moves *rest to the next ";", for the next parameter. */
void parameter_skip(struct str *rest);

#endif
