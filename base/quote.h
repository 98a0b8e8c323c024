/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bytes from outside in a line of a log: they cannot end the quotes around
 * them, or the line. Everything but printable ASCII, and the quote and the
 * backslash, is written by its number. Any process.
 */
#ifndef BASE_QUOTE_H
#define BASE_QUOTE_H

#include "base/str.h"

enum {
	QUOTE_LOG_GROWTH = 4,  /* bytes that one byte becomes at most */
	QUOTE_JSON_GROWTH = 6, /* the same for JSON */
};

/* As \xHH. Returns the end of the text written to `to`. */
char *quote_log(char *to, struct str s);

/* As \u00HH, for the inside of a JSON string (RFC 8259 section 7): each byte
 * is the character of its number, UTF-8 or not. */
char *quote_json(char *to, struct str s);

#endif
