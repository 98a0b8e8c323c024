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

/*
 * Takes the next parameter off *rest, which begins behind the value proper or
 * the parameter before. Empty ones (";;") are skipped. No white space stands
 * around "=". A value without quotes may be of all visible ASCII but '"', "\"
 * and ";", more than the token that it should be: what is sent as a boundary.
 */
enum parameter_result parameter_next(struct str *rest, struct parameter *out);

#endif
