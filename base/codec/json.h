/* SPDX-License-Identifier: BSD-2-Clause */
/* Text in JSON (RFC 8259). Pure. */
#ifndef BASE_CODEC_JSON_H
#define BASE_CODEC_JSON_H

#include "base/buf.h"
#include "base/str.h"

enum { JSON_ESCAPE = 6 }; /* the length of "\\u0000" */

/*
 * Cuts from the front of `s`, which is not empty, what goes out together: a run
 * of characters that stand for themselves, or one that is escaped. Returns the
 * text of it, which may lie in `escape`.
 */
struct str json_next(struct str *s, char escape[JSON_ESCAPE]);

/*
 * Adds `s` as the inside of a JSON string, which may also stand in a string of
 * JavaScript and in a script of an HTML page. Octets that are not UTF-8 become
 * U+FFFD. (base/quote.h is for logs: it keeps every octet, and every line in
 * ASCII.)
 */
void json_put(struct buf *out, struct str s);

/* Adds it as a string, with its quotes. */
void json_put_string(struct buf *out, const char *s);

#endif
