/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the head of an HTTP/1 request (RFC 9112 sections 2 to 6) out of bytes
 * that may not all be there yet. Strict: every line ends in CRLF, no obs-fold,
 * no space before the colon, one meaning or none. Pure: no I/O, no memory of
 * its own; results point into the bytes given.
 */
#ifndef BASE_CODEC_HTTP1_HEAD_H
#define BASE_CODEC_HTTP1_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/codec/field.h"
#include "base/str.h"

enum { HTTP1_FIELDS_MAX = 256 };

enum http1_target {
	HTTP1_TARGET_ORIGIN,   /* "/path?query" */
	HTTP1_TARGET_ABSOLUTE, /* "http://host/path?query" */
	HTTP1_TARGET_ASTERISK, /* "*", with OPTIONS only */
};

enum http1_body {
	HTTP1_BODY_NONE,   /* or a Content-Length of 0 */
	HTTP1_BODY_LENGTH, /* `content_length` bytes follow */
	HTTP1_BODY_CHUNKED,
};

struct http1_head {
	struct str method; /* a token; whether it is known is not asked here */
	struct str target; /* as sent */
	enum http1_target form;
	bool is_https;         /* absolute, and of that scheme */
	struct str path;       /* begins with "/", undecoded; "*" for asterisk */
	struct str query;      /* after "?"; p == NULL when there is no "?" */
	struct str host;       /* "name" or "name:port"; of the target if absolute,
				* else of Host; p == NULL in an HTTP/1.0 request
				* without one */
	unsigned minor;        /* HTTP/1.minor: 0 or 1 */
	bool keep_alive;       /* what version and Connection say together */
	bool expects_continue; /* Expect: 100-continue in HTTP/1.1 */
	enum http1_body body;
	uint64_t content_length;
	struct field fields[HTTP1_FIELDS_MAX];
	size_t n_fields;
	unsigned known; /* a set of 1u << enum field_id: which are there */
	size_t size;    /* bytes of the whole head, its empty line included */
};

/*
 * The limits of a head. It is refused as soon as so many octets have come
 * without the end of the line (RFC 9112 section 3: 501 in the method, 414 after
 * it) or of the head (431). A line is at most as long as the head.
 */
struct http1_limits {
	size_t line;   /* the request line, its CRLF included */
	size_t bytes;  /* the whole head */
	size_t fields; /* at most HTTP1_FIELDS_MAX */
};

enum http1_result {
	HTTP1_COMPLETE,
	HTTP1_PARTIAL, /* more bytes are needed, and it is right so far */
	HTTP1_BAD,     /* see `status` and `why` */
};

struct http1_verdict {
	enum http1_result result;
	unsigned status; /* 400, 414, 417, 431, 501 or 505 when HTTP1_BAD */
	const char *why; /* a static sentence for the log */
};

/*
 * Parses the head at the start of `bytes`. One empty line before the request
 * line is skipped (RFC 9112 section 2.2). `*scanned` is 0 for new bytes and
 * is kept by the caller between calls on the same, growing bytes, so that
 * what came before is not parsed again for each byte that trickles in. It is
 * 0 again after HTTP1_COMPLETE and HTTP1_BAD.
 *
 * However a head is cut up, it ends in the same result and status. What is
 * wrong is refused as soon as it is seen: in a line that trickles in when the
 * line ends, in fields taken together (two Hosts) when the head does.
 *
 * On HTTP1_PARTIAL `head_out` is undefined. On HTTP1_BAD too, but for
 * head_out->method (p == NULL when it was not read) and head_out->minor (1
 * when it was not read).
 */
struct http1_verdict http1_head_parse(struct str bytes,
				      const struct http1_limits *limits,
				      size_t *scanned, struct http1_head *head_out);

/* Moves every result from the bytes at `from` to a copy of them at `to`. */
void http1_head_rebase(struct http1_head *head, const char *from, const char *to);

#endif
