/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An idle connection has nothing to carry. While a head is coming its bytes
 * are in conn->in and travel with it. While a body is coming, the head is
 * carried as it came and parsed again by the worker that takes over, which
 * may have other routes; with it go the part of the body that was read and
 * how the rest is framed. A response is finished before the connection moves.
 */
#include "worker/proto/http1_handoff.h"

#include "worker/proto/http1_session.h"

enum { HTTP1_FROZEN_VERSION = 1 };

/* The two parts follow: the head, and what was read of the body. */
struct frozen {
	uint32_t version;
	uint32_t state; /* HTTP1_HEAD, HTTP1_BODY or HTTP1_SKIP */
	uint64_t first_byte;
	uint64_t scanned;
	struct http1_rest rest;
	uint32_t head_size;
	uint32_t body_size;
};

bool http1_freeze(const struct conn *c, struct buf *state)
{
	const struct http1 *s = http1_session(c);

	if (s == NULL)
		return true;
	if (s->state != HTTP1_HEAD && s->state != HTTP1_BODY &&
	    s->state != HTTP1_SKIP)
		return false;
	bool has_body = s->state == HTTP1_BODY;
	struct str head = has_body ? s->raw_head : STR("");
	struct str body = has_body ? buf_str(&s->body) : STR("");
	struct frozen frozen = {
		.version = HTTP1_FROZEN_VERSION,
		.state = s->state,
		.first_byte = s->exchange.times.first_byte,
		.scanned = s->scanned,
		.rest = s->rest,
		.head_size = (uint32_t)head.n,
		.body_size = (uint32_t)body.n,
	};

	buf_put(state, (struct str){(const char *)&frozen, sizeof(frozen)});
	buf_put(state, head);
	buf_put(state, body);
	return true;
}

bool http1_thaw(struct conn *c, struct str state)
{
	struct frozen frozen;

	if (state.n == 0)
		return true; /* idle */
	if (state.n < sizeof(frozen))
		return false;
	memcpy(&frozen, state.p, sizeof(frozen));
	state = str_tail(state, sizeof(frozen));
	if (frozen.version != HTTP1_FROZEN_VERSION ||
	    (uint64_t)frozen.head_size + frozen.body_size != state.n)
		return false;
	struct http1 *s = http1_session_start(c);

	s->exchange.times.first_byte = frozen.first_byte;
	if (frozen.state == HTTP1_BODY)
		return http1_resume_body(c, &frozen.rest,
					 (struct str){state.p, frozen.head_size},
					 str_tail(state, frozen.head_size));
	if (frozen.state == HTTP1_SKIP) {
		s->rest = frozen.rest;
		s->keep_alive = true; /* or there were nothing to skip for */
		http1_set_state(s, HTTP1_SKIP);
		return true;
	}
	s->scanned = frozen.scanned;
	return frozen.state == HTTP1_HEAD;
}
