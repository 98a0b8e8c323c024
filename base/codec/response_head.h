/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the head of an HTTP/1 response (RFC 9112 sections 4 to 6), as a client
 * of other servers does. As strict as the reading of requests: whatever two
 * readers could understand in two ways is refused, so that a server that lies
 * about where its response ends puts nobody out of step. Pure: no I/O, no
 * memory of its own; results point into the bytes given.
 */
#ifndef BASE_CODEC_RESPONSE_HEAD_H
#define BASE_CODEC_RESPONSE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/codec/http1_head.h"
#include "base/str.h"

/* Where the content of a response ends (RFC 9112 section 6.3). */
enum response_framing {
	RESPONSE_NO_CONTENT,
	RESPONSE_LENGTH, /* after `content_length` bytes */
	RESPONSE_CHUNKED,
	RESPONSE_UNTIL_CLOSE,
	RESPONSE_TUNNEL, /* 101: what follows is another protocol */
};

/* Fields that a client of HTTP/1 looks at. */
enum response_field {
	RESPONSE_FIELD_OTHER,
	RESPONSE_FIELD_HOP, /* of this connection only: RFC 9110 section 7.6.1 */
	RESPONSE_FIELD_CONNECTION,
	RESPONSE_FIELD_CONTENT_LENGTH,
	RESPONSE_FIELD_TRANSFER_ENCODING,
	RESPONSE_FIELD_UPGRADE,
	RESPONSE_FIELD_DATE,
	RESPONSE_FIELD_SERVER,
	RESPONSE_FIELD_LOCATION,
	RESPONSE_FIELD_SET_COOKIE,
	RESPONSE_FIELD_CONTENT_TYPE,
	RESPONSE_FIELD_CONTENT_ENCODING,
	RESPONSE_FIELD_TRAILER,
};

struct response_head {
	unsigned status; /* 100 to 599 */
	unsigned minor;  /* HTTP/1.minor */
	enum response_framing framing;
	uint64_t content_length; /* RESPONSE_LENGTH; that of a response to HEAD
				  * as well */
	bool has_length;         /* there was a Content-Length */
	bool keep_alive;         /* another request may follow on it */
	struct str upgrade;      /* of a 101: the protocol; p == NULL if none */
	struct field fields[HTTP1_FIELDS_MAX]; /* but for their id */
	/* Of each, enum response_field. Those that Connection lists are
	 * RESPONSE_FIELD_HOP. */
	uint8_t kinds[HTTP1_FIELDS_MAX];
	size_t n_fields;
	size_t size; /* bytes of the whole head, its empty line included */
};

struct response_limits {
	size_t bytes;  /* the whole head */
	size_t fields; /* at most HTTP1_FIELDS_MAX */
};

/*
 * Parses the head at the start of `bytes`; `is_head` says that the request was
 * HEAD, whose response has no content. HTTP1_PARTIAL: more bytes are needed;
 * `*scanned`, 0 for new bytes, is kept between calls on the same, growing
 * bytes. HTTP1_BAD: *why_out is a static clause for the log.
 */
enum http1_result response_head_parse(struct str bytes, bool is_head,
				      const struct response_limits *limits,
				      size_t *scanned,
				      struct response_head *head_out,
				      const char **why_out)
	__attribute__((warn_unused_result));

#endif
