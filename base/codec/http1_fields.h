/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fields of a request head that describe the request itself: its host,
 * where its body ends, whether the connection stays, its expectations (RFC 9112
 * sections 3.2, 6 and 9). A part of http1_head; pure.
 */
#ifndef BASE_CODEC_HTTP1_FIELDS_H
#define BASE_CODEC_HTTP1_FIELDS_H

#include <stdbool.h>

#include "base/codec/http1_head.h"
#include "base/str.h"

/* What Transfer-Encoding has named so far, in all its fields. */
enum http1_codings {
	HTTP1_CODINGS_NONE,
	HTTP1_CODINGS_CHUNKED,      /* and nothing else */
	HTTP1_CODINGS_REGISTERED,   /* only such, none of them chunked */
	HTTP1_CODINGS_UNKNOWN,      /* a coding that is not registered */
	HTTP1_CODINGS_THEN_CHUNKED, /* others, and chunked after them */
};

/* The result of the fields of one head so far; starts all zero. */
struct http1_fields {
	struct str host;   /* p == NULL before there is one */
	struct str length; /* Content-Length, likewise */
	enum http1_codings codings;
	bool close;
	bool keep_alive;
};

/* Why a head is refused; `why` is NULL when it is not. */
struct http1_fault {
	unsigned status;
	const char *why;
};

/* Which field has this name. The name is a token. */
enum field_id http1_field_identify(struct str name);

/* Evaluates a field of `head`, whose version and earlier fields have been read.
 * */
struct http1_fault http1_fields_read(struct http1_fields *fields,
				     struct http1_head *head,
				     const struct field *field)
	__attribute__((warn_unused_result));

/* After the last field: decides what depends on more than one of them. */
struct http1_fault http1_fields_decide(const struct http1_fields *fields,
				       struct http1_head *head)
	__attribute__((warn_unused_result));

#endif
