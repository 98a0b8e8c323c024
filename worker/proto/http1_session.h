/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What HTTP/1 remembers of a connection while a request is on it. Sessions
 * that end are kept for the next request, with the memory they had. For the
 * files of this protocol only. Worker.
 */
#ifndef WORKER_PROTO_HTTP1_SESSION_H
#define WORKER_PROTO_HTTP1_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "worker/codec/chunked.h"
#include "worker/codec/http1_head.h"
#include "worker/http/exchange.h"
#include "worker/net/conn.h"

enum http1_state {
	HTTP1_HEAD, /* a head is coming */
	HTTP1_BODY, /* so is the body that the handler wants */
	HTTP1_SEND, /* the response goes out */
	HTTP1_SKIP, /* what is left of an unwanted body is dropped */
	HTTP1_LAST, /* what is in conn->out goes, then the connection */
};

/* What of a request's body has not come yet. Plain data. */
struct http1_rest {
	enum http1_body framing;
	uint64_t left; /* HTTP1_BODY_LENGTH */
	struct chunked chunked;
	uint64_t body_read; /* bytes of content seen so far */
};

struct http1 {
	uint32_t magic;
	enum http1_state state; /* by http1_set_state() only */
	struct http1 *next;     /* among the spare ones */
	struct conn *conn;
	size_t scanned;      /* see http1_head_parse() */
	unsigned minor;      /* HTTP/1.minor of the request */
	bool keep_alive;     /* what the request allows, and we too */
	bool linger;         /* the peer may be sending what we did not read */
	struct str raw_head; /* as it came, in the exchange's arena */
	struct http1_rest rest;
	struct buf body;
	struct str tail; /* content that is sent from where it lies */
	struct exchange exchange;
};

/* c->session, checked; NULL when the connection is idle. */
struct http1 *http1_session(const struct conn *c);

void http1_set_state(struct http1 *s, enum http1_state state);

/* A request begins: its first byte is there. Makes c->session. */
struct http1 *http1_session_start(struct conn *c);

/* Lets go of c->session, if there is one. */
void http1_session_end(struct conn *c);

/* In http1.c: an answer is there. */
void http1_on_answer(struct exchange *x);

/*
 * In http1.c: the session goes on with a request whose head was `raw`, of
 * whose body `body` was read, and `rest` is to come. False when `raw` is not a
 * head.
 */
bool http1_resume_body(struct conn *c, const struct http1_rest *rest,
		       struct str raw, struct str body)
	__attribute__((warn_unused_result));

#endif
