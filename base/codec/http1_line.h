/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Field lines of HTTP/1 (RFC 9112 section 5), which requests and responses
 * have in common. Strict: CRLF ends a line, no obs-fold, no space before the
 * colon. Pure.
 */
#ifndef BASE_CODEC_HTTP1_LINE_H
#define BASE_CODEC_HTTP1_LINE_H

#include "base/codec/field.h"
#include "base/codec/http1_head.h"

#define HTTP1_BARE_CR_OR_LF "a line does not end in CRLF"

/*
 * Reads one field line at *next and moves *next past it; `field` but for its
 * id. HTTP1_BAD: *why says what is wrong with the line.
 */
enum http1_result http1_read_field_line(const char **next, const char *end,
					struct field *field, const char **why);

#endif
