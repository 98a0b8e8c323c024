/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The chunked transfer coding (RFC 9112 section 7.1), decoded as bytes come.
 * Strict: CRLF and nothing else, hexadecimal sizes without a sign, at most 16
 * digits and INT64_MAX, white space behind them before an extension only (RFC
 * 9110 section 5.6.3), extensions read and dropped, trailer fields
 * checked for form, everything that is not data bounded. Pure.
 */
#ifndef BASE_CODEC_CHUNKED_H
#define BASE_CODEC_CHUNKED_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* The numbers go to other releases: see base/shared/frozen.h. */
enum chunked_state {
	CHUNKED_SIZE = 0,
	CHUNKED_SIZE_DIGITS = 1,
	CHUNKED_EXTENSION = 2,
	CHUNKED_SIZE_LF = 3,
	CHUNKED_DATA = 4,
	CHUNKED_DATA_CR = 5,
	CHUNKED_DATA_LF = 6,
	CHUNKED_TRAILER_START = 7, /* at the start of a trailer line */
	CHUNKED_TRAILER_NAME = 8,
	CHUNKED_TRAILER_VALUE = 9,
	CHUNKED_TRAILER_LF = 10,
	CHUNKED_END_LF = 11,
	CHUNKED_END = 12,
	CHUNKED_SIZE_BLANK = 13, /* before the ";" of an extension */
	CHUNKED_STATES
};

/* Embedded; all zero is a decoder at the start of a body. Plain data: may be
 * copied. */
struct chunked {
	enum chunked_state state;
	unsigned digits;   /* of the size being read */
	uint64_t left;     /* bytes of data left in this chunk */
	uint32_t overhead; /* octets that were not data, beyond the allowance
			    * that the data earned; all of the trailers */
};

enum chunked_result {
	CHUNKED_MORE,     /* all input is used up; the body goes on */
	CHUNKED_PIECE,    /* *data_out holds data; call again with the rest */
	CHUNKED_TRAILERS, /* *out holds octets of trailer lines, CRLF included;
			   * call again with the rest */
	CHUNKED_DONE,     /* the body is complete */
	CHUNKED_BAD,      /* not chunked coding, or beyond the bounds */
};

/*
 * Decodes the next piece. The octets used are cut off the front of *input; the
 * rest after CHUNKED_DONE belongs to the next request. *data_out points into
 * the input. After CHUNKED_BAD the decoder must not be used again. Trailers are
 * dropped.
 */
enum chunked_result chunked_decode(struct chunked *c, struct str *input,
				   struct str *data_out);

/* The same, and CHUNKED_TRAILERS, once or more often. */
enum chunked_result chunked_decode_with_trailers(struct chunked *c,
						 struct str *input,
						 struct str *out);

#endif
