/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head is put together from pieces that are ready, by memcpy into room
 * that was made once: this runs for every response.
 */
#include "worker/proto/http1/http1_response.h"

#include "base/digits.h"
#include "worker/http/http.h"

enum { HEAD_FIXED = 512 }; /* more than all that is not a field's text */

static char *put(char *to, struct str s)
{
	memcpy(to, s.p, s.n);
	return to + s.n;
}

static char *put_fields(char *to, const struct fields *fields)
{
	return fields->n > 0 ? put(to, fields_str(fields)) : to;
}

static inline char *put_status_line(char *to, unsigned status)
{
	if (status == 200)
		return put(to, STR("HTTP/1.1 200 OK\r\n"));
	to = put(to, STR("HTTP/1.1 "));
	to = digits_put(to, status);
	*to++ = ' ';
	to = put(to, http_reason(status));
	return put(to, STR("\r\n"));
}

void http1_put_head(struct buf *out, const struct exchange *x,
		    enum http1_connection connection, enum http1_length length)
{
	const struct response *r = &x->response;
	size_t room = HEAD_FIXED + r->fields.n +
		      (r->prepared != NULL ? r->prepared->n : 0);
	char *start = buf_room(out, room), *to = start;

	to = put_status_line(to, r->status);
	if (!r->has_own_server)
		to = put(to, STR("Server: holdfast\r\n"));
	if (!r->has_own_date) {
		to = put(to, STR("Date: "));
		to = put(to, http_date(x->http));
		to = put(to, STR("\r\n"));
	}
	if (r->prepared != NULL)
		to = put_fields(to, r->prepared);
	to = put_fields(to, &r->fields);
	if (length == HTTP1_LENGTH_KNOWN) {
		to = put(to, STR("Content-Length: "));
		to = digits_put(to, r->body.length);
		to = put(to, STR("\r\n"));
	} else if (length == HTTP1_LENGTH_CHUNKED) {
		to = put(to, STR("Transfer-Encoding: chunked\r\n"));
	}
	if (connection == HTTP1_CONNECTION_CLOSE)
		to = put(to, STR("Connection: close\r\n"));
	else if (connection == HTTP1_CONNECTION_KEEP)
		to = put(to, STR("Connection: keep-alive\r\n"));
	else if (connection == HTTP1_CONNECTION_UPGRADE)
		to = put(to, STR("Connection: upgrade\r\n"));
	to = put(to, STR("\r\n"));
	buf_added(out, (size_t)(to - start));
}

void http1_put_interim(struct buf *out, unsigned status,
		       const struct fields *fields)
{
	char *start = buf_room(out, HEAD_FIXED + fields->n), *to = start;

	to = put_status_line(to, status);
	to = put_fields(to, fields);
	to = put(to, STR("\r\n"));
	buf_added(out, (size_t)(to - start));
}
