/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What HTTP/1 remembers of a connection while a request is on it. Sessions
 * that end are kept for the next request, with the memory they had. For the
 * files of this protocol only. Worker.
 */
#ifndef WORKER_PROTO_HTTP1_HTTP1_SESSION_H
#define WORKER_PROTO_HTTP1_HTTP1_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/codec/chunked.h"
#include "base/codec/http1_head.h"
#include "base/pace.h"
#include "worker/http/exchange.h"
#include "worker/net/conn.h"

enum http1_state {
	HTTP1_HEAD,   /* a head is coming */
	HTTP1_WAIT,   /* the exchange is held */
	HTTP1_BODY,   /* the body that the handler wants is coming */
	HTTP1_SEND,   /* the response goes out */
	HTTP1_TUNNEL, /* both ways, until both have ended */
	HTTP1_SKIP,   /* what is left of an unwanted body is dropped */
	HTTP1_LAST,   /* what is in conn->socket.out goes, then the connection */
};

/* How what has not come yet of a request's body is framed. Plain data. */
struct http1_rest {
	enum http1_body framing;
	uint64_t left; /* HTTP1_BODY_LENGTH */
	struct chunked chunked;
};

enum { HTTP1_MAGIC = 0x68747031 };

struct http1 {
	uint32_t magic;              /* that of exchange_compact is where this is */
	enum http1_state state;      /* by http1_set_state() only */
	struct http1 *next;          /* among the spare ones */
	struct http1_worker *worker; /* whose it is, spare or not */
	struct conn *conn;
	size_t scanned;     /* see http1_head_parse() */
	unsigned minor;     /* HTTP/1.minor of the request */
	bool keep_alive;    /* what the request allows, and we too */
	bool client_closes; /* it has said so, and sends nothing after the head */
	bool linger;        /* the peer may be sending what we did not read */
	bool has_ended;     /* in a tunnel: the client sends nothing more */
	bool expects_continue; /* it has not been told to go on */
	bool chunked;          /* the response is */
	bool content_ended;    /* BODY_STREAM: all is in conn->socket.out */
	struct str raw_head;   /* as it came, in the exchange's arena */
	struct http1_rest rest;
	struct pace pace; /* at which the peer takes the response */
	struct exchange_connection connection; /* of the exchange */
	struct exchange exchange;
};

/* c->session, checked; NULL when the connection is idle. Not of a tunnel that is
 * compact. */
struct http1 *http1_session(const struct conn *c);

/* http1_compact.c: a tunnel that has nothing to do is made small, if it can be:
 * `s` is not its session any more then. */
void http1_compact(struct conn *c, struct http1 *s);
bool http1_is_compact(const struct conn *c);
struct http1 *http1_expand_compact(struct conn *c);
/* http1_session(), of a tunnel that was compact until now, too. */
static inline struct http1 *http1_expand(struct conn *c)
{
	struct http1 *s = c->session;

	return s == NULL || s->magic == HTTP1_MAGIC ? s : http1_expand_compact(c);
}
/* The same to be looked at, until the next call: nothing changes, nor is anything
 * allocated. */
const struct http1 *http1_view(const struct conn *c);
/* See struct exchange_protocol. */
struct exchange *http1_on_wake(void *conn);

void http1_set_state(struct http1 *s, enum http1_state state);

/* See struct protocol: the spare sessions of a worker. */
void *http1_worker_create(const struct protocol_env *env);
void http1_worker_destroy(void *object);

/* Memory becomes a session; one of a connection, on which something begins. */
void http1_session_init(struct http1 *s, struct http1_worker *w);
void http1_session_begin(struct http1 *s, struct conn *c);

/* A request begins: its first byte is there. Makes c->session. */
struct http1 *http1_session_start(struct conn *c);

/* It is no connection's any more, and its exchange is idle: for the next one. */
void http1_session_put_back(struct http1 *s);

/* Lets go of c->session, if there is one. */
void http1_session_end(struct conn *c);

/* http1.c: what an exchange tells us. */
extern const struct exchange_protocol http1_exchange_protocol;

/* http1.c: an exchange whose head was fine, but what follows will not be
 * read. */
enum step http1_give_up(struct http1 *s, unsigned status);

/* http1_send.c: flushes pending output, then waits for the handler; fails if
 * the client has gone. */
enum step http1_wait_holder(struct conn *c, const struct http1 *s);

/* http1.c: the handler has the request, as far as it wants it. */
void http1_handle(struct http1 *s);

/* http1_body.c: what was collected of the body, by a worker whose handler
 * wanted it whole, goes to the handler in pieces before the rest. */
enum step http1_begin_pieces(struct http1 *s);

/*
 * http1.c: the session goes on with a request whose head was `raw`, of whose
 * body x->body.spool has what was read, and `rest` is to come. `received` is
 * of x->body, and its pace; s->expects_continue is set. False when `raw` is not
 * a head.
 */
bool http1_resume_body(struct http1 *s, const struct http1_rest *rest,
		       struct str raw, uint64_t received, struct pace pace)
	__attribute__((warn_unused_result));

/* http1_body.c: the steps of HTTP1_BODY and HTTP1_SKIP. */
enum step http1_step_body(struct conn *c, struct http1 *s);
enum step http1_step_skip(struct conn *c, struct http1 *s);

/* While a response goes out whose handler still takes the body: gives it what
 * has come. STEP_WAIT: there is no more for now; STEP_LATER: there may be. */
enum step http1_pass_body(struct conn *c, struct http1 *s);

/* Whether what has come of a body in chunked coding, which nobody has read yet
 * and which may be going to be skipped, is not in that coding. */
bool http1_body_is_malformed(const struct http1 *s);

/* http1_send.c: the response is there; the steps of HTTP1_SEND and
 * HTTP1_LAST. */
void http1_begin_response(struct http1 *s);
enum step http1_step_send(struct conn *c, struct http1 *s);
enum step http1_step_last(struct conn *c, struct http1 *s);

/* http1_send.c: reads a piece of the response's stream into
 * conn->socket.out. */
enum body_read http1_read_stream(struct http1 *s);

/* http1_tunnel.c: the step of HTTP1_TUNNEL. */
enum step http1_step_tunnel(struct conn *c, struct http1 *s);

/* http1_send.c: what to do when sending did not return IO_OK. */
enum step http1_not_sent(struct conn *c, enum io io);

/* http1_send.c: true when all of the response was sent, and the next step would
 * find the connection idle. Only reads. */
bool http1_is_answered(const struct conn *c, const struct http1 *s);

#endif
