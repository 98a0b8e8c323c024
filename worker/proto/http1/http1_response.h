/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes the head of an HTTP/1 response (RFC 9112 section 4). Worker. */
#ifndef WORKER_PROTO_HTTP1_HTTP1_RESPONSE_H
#define WORKER_PROTO_HTTP1_HTTP1_RESPONSE_H

#include "base/buf.h"
#include "worker/http/exchange.h"

/* What the Connection field has to say. */
enum http1_connection {
	HTTP1_CONNECTION_SILENT, /* nothing: HTTP/1.1 that goes on */
	HTTP1_CONNECTION_KEEP,   /* HTTP/1.0 that goes on */
	HTTP1_CONNECTION_CLOSE,
	HTTP1_CONNECTION_UPGRADE,
};

/* How the length of the content is indicated. */
enum http1_length {
	HTTP1_LENGTH_SILENT, /* there is none, or it ends with the connection */
	HTTP1_LENGTH_KNOWN,
	HTTP1_LENGTH_CHUNKED,
};

/* Puts status line, fields and the empty line into `out`. */
void http1_put_head(struct buf *out, const struct exchange *x,
		    enum http1_connection connection, enum http1_length length);

/* A response before the final one: status line, fields, the empty line. */
void http1_put_interim(struct buf *out, unsigned status,
		       const struct fields *fields);

/* True when a response with that status never has content, nor a
 * Content-Length (RFC 9110 sections 6.4.1 and 8.6). */
static inline bool http1_has_no_content(unsigned status)
{
	return status == 204 || status == 304;
}

#endif
