/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An idle connection has nothing to carry. While a head is coming its bytes
 * are in conn->in and travel with it. While a body is being collected, the
 * head is carried as it came and parsed again by the worker that takes over,
 * which may have other routes; with it go the part of the body that was read,
 * or the file that it is in, and how the rest is framed. A request that a
 * handler has, and a response, are finished before the connection moves.
 */
#include "worker/proto/http1/http1_handoff.h"

#include "base/fd.h"
#include "worker/proto/http1/http1_session.h"

enum { HTTP1_FROZEN_VERSION = 3 };

/* The two parts follow: the head, and what of the body is in memory. */
struct frozen {
	uint32_t version;
	uint32_t state; /* HTTP1_HEAD, HTTP1_BODY or HTTP1_SKIP */
	uint64_t first_byte;
	uint64_t scanned;
	struct http1_rest rest;
	uint64_t file_size;
	uint32_t head_size;
	uint32_t body_size;
};

bool http1_freeze(const struct conn *c, struct buf *state, int *file_out)
{
	const struct http1 *s = http1_session(c);

	if (s == NULL)
		return true;
	bool has_body = s->state == HTTP1_BODY;

	if (s->state != HTTP1_HEAD && s->state != HTTP1_SKIP &&
	    (!has_body || s->in_pieces))
		return false;
	struct str head = has_body ? s->raw_head : STR("");
	struct str body = has_body ? buf_str(&s->body.memory) : STR("");
	struct frozen frozen = {
		.version = HTTP1_FROZEN_VERSION,
		.state = s->state,
		.first_byte = s->exchange.times.first_byte,
		.scanned = s->scanned,
		.rest = s->rest,
		.file_size = has_body ? s->body.size : 0,
		.head_size = (uint32_t)head.n,
		.body_size = (uint32_t)body.n,
	};

	if (has_body)
		*file_out = s->body.file;
	buf_put(state, (struct str){(const char *)&frozen, sizeof(frozen)});
	buf_put(state, head);
	buf_put(state, body);
	return true;
}

static bool thaw_body(struct http1 *s, const struct frozen *frozen,
		      struct str state, int file)
{
	struct str head = {state.p, frozen->head_size};

	if (file == -1)
		buf_put(&s->body.memory, str_tail(state, frozen->head_size));
	else if (spool_adopt(&s->body, file, frozen->file_size) == -1)
		return false;
	return http1_resume_body(s, &frozen->rest, head);
}

bool http1_thaw(struct conn *c, struct str state, int file)
{
	struct frozen frozen = {.state = HTTP1_HEAD};

	if (state.n >= sizeof(frozen)) {
		memcpy(&frozen, state.p, sizeof(frozen));
		state = str_tail(state, sizeof(frozen));
	} else if (state.n == 0 && file == -1) {
		return true; /* idle */
	}
	if (frozen.version != HTTP1_FROZEN_VERSION ||
	    (uint64_t)frozen.head_size + frozen.body_size != state.n ||
	    (file != -1 && frozen.state != HTTP1_BODY)) {
		fd_close(&file);
		return false;
	}
	struct http1 *s = http1_session_start(c);

	s->exchange.times.first_byte = frozen.first_byte;
	if (frozen.state == HTTP1_BODY)
		return thaw_body(s, &frozen, state, file);
	if (frozen.state == HTTP1_SKIP) {
		s->rest = frozen.rest;
		s->keep_alive = true; /* or there were nothing to skip for */
		http1_set_state(s, HTTP1_SKIP);
		return true;
	}
	s->scanned = frozen.scanned;
	return frozen.state == HTTP1_HEAD;
}
