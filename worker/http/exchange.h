/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request and its response, whatever protocol carries them: the waist
 * between protocols and handlers. A protocol fills the request, exchange_begin()
 * finds the route, the handler fills the response and calls
 * exchange_answer(), the protocol sends it and calls exchange_finish().
 * Owned by the protocol's session; everything in it lives in its arena or
 * longer.
 *
 * Most answers are there when the handler returns. Who must wait for something
 * says exchange_hold(), and answers in a later tick; the connection does
 * nothing else until then. Worker.
 */
#ifndef WORKER_HTTP_EXCHANGE_H
#define WORKER_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/codec/field.h"
#include "base/str.h"
#include "conf/conf.h"
#include "worker/http/body.h"
#include "worker/http/fields.h"

struct socket;
struct buf;
struct exchange;
struct failure;
struct form_fields;
struct http;
struct policy;
struct route;
struct tls_facts;

enum exchange_state {
	EXCHANGE_IDLE,
	EXCHANGE_REQUEST,  /* the head is there; the body may be coming */
	EXCHANGE_HANDLED,  /* the handler has it; the body may be coming */
	EXCHANGE_ANSWERED, /* the response is there; it may be being sent */
};

struct request {
	enum conf_method method; /* METHOD_COUNT: not one we know */
	struct str method_text;
	struct str target;   /* as sent, for the log */
	struct str path;     /* decoded and normalised, begins with "/" */
	struct str raw_path; /* as sent, without the query */
	struct str query;    /* without the "?"; p == NULL when there is none */
	struct str host;     /* without the port, lower case; may be empty */
	bool is_https;       /* by its target, whatever the connection is */
	const struct field *fields;
	size_t n_fields;
	unsigned known;      /* a set of 1u << enum field_id: which are there */
	struct str body;     /* when the handler wanted it */
	const char *version; /* "HTTP/1.1" */
};

enum body_kind {
	BODY_NONE, /* no content, and no Content-Length is said */
	BODY_BYTES,
	BODY_FILE,
	BODY_PARTS,
	BODY_STREAM,
};

/* Content that is bytes here and a stretch of a file there. */
struct body_part {
	struct str bytes;
	int file;        /* the owner's descriptor; -1: it is the bytes */
	off_t offset;    /* of the next byte to send */
	uint64_t length; /* of it, or of the bytes */
};

/* What reading a stream says. */
enum body_read {
	BODY_READ_SOME,   /* something was put; ask again */
	BODY_READ_WAIT,   /* nothing now: exchange_resume() is called when */
	BODY_READ_END,    /* that was all, with what was put just now */
	BODY_READ_FAILED, /* it breaks off: the client must not take what it
			   * has for all of it */
};

/* The length of a stream that is unknown before its end. */
#define BODY_LENGTH_UNKNOWN UINT64_MAX

/* The content of a response. What `owner` holds (a cached file) stays until
 * release(owner) is called, once, when the content has been sent or not. */
struct body {
	enum body_kind kind;
	uint64_t length;         /* all of it */
	uint64_t left;           /* BODY_FILE, BODY_STREAM: what is still to be
				  * sent; set by the protocol when it begins */
	struct str bytes;        /* BODY_BYTES: the same */
	int file;                /* BODY_FILE: the owner's descriptor */
	off_t offset;            /* BODY_FILE: of the next byte to send */
	struct body_part *parts; /* BODY_PARTS, in the exchange's arena: the
				  * same */
	size_t n_parts;
	/* BODY_STREAM: puts at most `max` bytes at the end of `out`. */
	enum body_read (*read)(void *owner, struct buf *out, size_t max);
	/* The same, or NULL, of content of known length: moves at most `max`
	 * bytes to `to`, whose output is empty; those that it does not take
	 * are in to->out then. *n_out says how many in all. */
	enum body_read (*splice)(void *owner, struct socket *to, size_t max,
				 size_t *n_out);
	bool moves; /* BODY_STREAM: its handler can move it */
	bool stays; /* BODY_STREAM: it is made of one that moves, which this one
		     * cannot: it is sent from here, however long that takes */
	/* BODY_STREAM, or NULL: read() never waits, and can be called until the
	 * end, however fast the client is. Called before that is done: what it
	 * costs to make the rest counts more then than how long that is. */
	void (*run_ahead)(void *owner);
	void *owner;
	void (*release)(void *owner);
};

struct response {
	unsigned status;
	const struct fields *prepared; /* made before, shared; or NULL */
	struct fields fields;          /* of this response */
	struct fields trailers;        /* when a stream has ended: what follows
					* it, where the protocol can */
	struct body body;
	bool has_own_server; /* Server is one of `fields`, or left out */
	bool has_own_date;   /* Date is one of `fields` */
	bool is_tunnel;      /* 101: the connection goes on with another protocol,
			      * whose bytes are the content; what the client sends
			      * goes to the handler as the body of its request did */
	bool is_duplex;      /* a stream whose handler takes the rest of the
			      * request's body meanwhile */
	bool is_coded;       /* its handler has chosen the coding, or none */
	const struct failure *failure; /* by failure_set() only; or NULL */
	size_t head_size; /* bytes of the head, by the protocol that sent it */
};

/* The connection that an exchange is on, as far as routes, policies, handlers
 * and the log need to know it. The protocol's; several exchanges may share it. */
struct exchange_connection {
	uint64_t id;          /* unique in this worker */
	uint64_t accepted_at; /* CLOCK_MONOTONIC ns; 0: requests before this
			       * one have been on it */
	struct endpoint peer; /* its other end, which may be a proxy, or that of
			       * the connection that a proxy says it is of: */
	const struct endpoint *proxy; /* by the PROXY protocol; or NULL */
	bool is_secured;              /* by TLS: requests are for https (RFC 9110
				       * section 4.2.2) */
	const struct tls_facts *tls;  /* or NULL */
};

/* CLOCK_MONOTONIC ns; 0 for what did not happen. */
struct exchange_times {
	uint64_t first_byte; /* of the request */
	uint64_t head;       /* the head was whole */
	uint64_t answered;   /* the handler was done */
	uint64_t last_byte;  /* was handed to the kernel */
};

/* How a request was passed on to a server; for the log, which outlives what
 * passed it on. Times are CLOCK_MONOTONIC ns, 0 for what did not happen. */
struct exchange_upstream {
	struct str name;
	struct str server;   /* the last one that was asked; or empty */
	uint32_t tries;      /* times that a server was asked */
	unsigned status;     /* of the last one's response; 0: there was none */
	uint64_t queued;     /* ns, in which it waited for a server */
	uint64_t begun;      /* the first try, or the wait for it */
	uint64_t asked;      /* the last one */
	uint64_t connected;  /* of the last one: the connection was made for it */
	uint64_t first_byte; /* of the last one's response */
	uint64_t ended;      /* the response was there whole, or given up */
};

/* The response by which a sub-request let a request in: policy/authorize.h. */
struct exchange_authorized {
	unsigned status;
	struct fields fields;
};

/* Of a stream, which is logged as if it were an exchange. */
struct exchange_stream {
	uint64_t bytes_in; /* from the client */
	struct str end;    /* why it has ended: see ${stream.end} */
};

/* What an exchange tells the protocol that carries it. */
struct exchange_protocol {
	/* The answer is there. */
	void (*on_answer)(struct exchange *x);
	/* See EXCHANGE_LATER. */
	void (*on_admitted)(struct exchange *x, unsigned status);
	/* The stream of the response has more, or an end. */
	void (*on_resume)(struct exchange *x);
	/* A response that comes before the final one (RFC 9110 section 15.2). */
	void (*on_interim)(struct exchange *x, unsigned status,
			   const struct fields *fields);
	/* The handler takes pieces of the body again. */
	void (*on_want_body)(struct exchange *x);
	/* Or NULL: expands the exchange that it has put away, with that owner:
	 * exchange_compact.h. */
	struct exchange *(*on_wake)(void *owner);
	/* The address of ours that the client connected to. */
	struct endpoint (*local)(const struct exchange *x);
};

/* Instead of a status: exchange_admitted() will say. */
enum { EXCHANGE_LATER = 1 };

struct exchange {
	uint32_t magic;
	enum exchange_state state;
	struct http *http;
	struct arena arena;
	struct request request;
	struct response response;
	const struct route *route;   /* NULL when there is none */
	const struct policy *policy; /* of the route or the site, or NULL */
	const struct str *captures;  /* of the route's pattern: the whole match
				      * and each group; NULL without one */
	const struct exchange_connection *connection;
	struct request_body body; /* as far as it has come */
	struct exchange_times times;
	uint64_t deadline;    /* CLOCK_MONOTONIC ns: the client has until then to
			       * send or to take more; for the protocol, which
			       * waits for it */
	struct endpoint peer; /* the client: the connection's, or the one that
			       * a proxy gives: see real_ip.h */
	uint32_t connection_requests; /* on its connection, up to this one; 0:
				       * it is none */
	uint64_t content_sent;        /* bytes of content, by the protocol */
	struct str request_id;        /* by request_id() only */
	bool was_admitted;            /* by another worker, before it moved here */
	bool is_subrequest;           /* for another one, which was admitted */
	const struct form_fields *form;       /* by form_fields_of(); or NULL */
	struct exchange_upstream *upstream;   /* in the arena; NULL: it was not
					       * passed on */
	const struct exchange_stream *stream; /* NULL: it is a request */
	/* In the arena; NULL: it was not asked for. */
	const struct exchange_authorized *authorized;
	uint64_t concurrent_key; /* the key it is counted by, or 0: limits.h */
	struct str user;         /* whose password was right; else empty */
	unsigned found;          /* what there is to say when it is let in */
	const struct exchange_protocol *protocol;
	void (*on_cancel)(struct exchange *x); /* see exchange_hold() */
	void *holder;
	void (*on_over)(struct exchange *x, void *watcher);
	void *watcher;       /* see exchange_watch() */
	bool ends_with_peer; /* a client that has closed its side, and may be
			      * gone or not, is not waited for */
	bool broke_off;      /* the response did not go out whole */
};

/* `connection` is the protocol's, and there as long as the exchange. */
void exchange_init(struct exchange *x, struct http *http,
		   const struct exchange_protocol *protocol,
		   const struct exchange_connection *connection);
void exchange_fini(struct exchange *x);

/*
 * The head is whole and `x->request` filled, but for path and host, which are
 * made here from raw_path and `host_value` (a Host value: "Name:port").
 * Finds the route. Returns 0, or the status of the error that answers it
 * (400, 404, 405, 421, 501); for 405 the response has its Allow field. Or
 * EXCHANGE_LATER, when that must be found out first: on_admitted is called
 * then, from the loop.
 */
unsigned exchange_begin(struct exchange *x, struct str host_value)
	__attribute__((warn_unused_result));

/* How large the request's body may be, in bytes. */
uint64_t exchange_body_limit(const struct exchange *x);

/* How its handler wants the request's body. */
enum body_want exchange_wants_body(const struct exchange *x);

/* Has the handler of the route answer. If it has not when this returns, it
 * holds the exchange. */
void exchange_handle(struct exchange *x);

/* For BODY_WANT_PIECES, after exchange_handle(). False: no more for now, until
 * on_want_body is called. The piece is valid only during the call. */
bool exchange_put_body(struct exchange *x, struct str piece)
	__attribute__((warn_unused_result));
/* That was all of it. */
void exchange_end_body(struct exchange *x);

/* Makes its holder let go of it: the protocol answers itself. */
void exchange_cancel(struct exchange *x);

/* What came is not a request, or came too slowly: answers with that error,
 * so that it is counted and logged like the others. `method` may be empty. */
void exchange_refuse(struct exchange *x, unsigned status, struct str method);

/* For handlers: fill the response, then answer. */

/*
 * The answer (or the admission) comes in a later tick. Until then `holder` is
 * in x->holder, and on_cancel is called, once, if the exchange ends before:
 * it must not be touched afterwards.
 */
void exchange_hold(struct exchange *x, void (*on_cancel)(struct exchange *x),
		   void *holder);

/* on_over is called, once, when the exchange is over, however it ended:
 * x->broke_off says. For one at a time. */
void exchange_watch(struct exchange *x,
		    void (*on_over)(struct exchange *x, void *watcher),
		    void *watcher);

/* Ends EXCHANGE_LATER; `refusal` is 0 when the client is let in, or the status
 * of the error that answers it. Not to be called from within
 * exchange_begin(). */
void exchange_admitted(struct exchange *x, unsigned refusal);

/* After BODY_READ_WAIT. */
void exchange_resume(struct exchange *x);

/* While it is not answered: passes 1xx on, where the protocol can. */
void exchange_interim(struct exchange *x, unsigned status,
		      const struct fields *fields);

/* After exchange_put_body() returned that the handler has to wait. */
void exchange_want_body(struct exchange *x);

/* Content that lives at least as long as the exchange. */
void exchange_set_bytes(struct exchange *x, struct str type, struct str bytes);

/* The standard page for an error, in place of what was there; answers. Where
 * failure_set() was not called, the status is all that the log has to say. */
void exchange_answer_error(struct exchange *x, unsigned status);

/* A redirect to a URI reference, which is encoded as far as it must be to
 * stand in a field; answers. */
void exchange_answer_redirect(struct exchange *x, unsigned status,
			      struct str location);

/* Whether its handler, which holds it or sends its content, can move it now. */
bool exchange_may_move(const struct exchange *x);

/* The same, and nothing is under way in it: for the handler of a crash. */
bool exchange_rests(const struct exchange *x);

/* For exchange_thaw(): METHOD_COUNT for one that we do not know. */
enum conf_method exchange_method(struct str text);

/* The response is complete. */
void exchange_answer(struct exchange *x);

/* The response is sent, at times.last_byte or, if that is 0, now: counts it,
 * logs it, lets go of all that it held. The exchange is idle again. */
void exchange_finish(struct exchange *x);

/* The same, of a response that never will be sent, or not whole. */
void exchange_break_off(struct exchange *x);

/* Forgets it, without a trace: it goes on elsewhere. */
void exchange_forget(struct exchange *x);

/* The other side of it: an idle exchange is answered, elsewhere. For
 * exchange_thaw(). */
void exchange_resume_handled(struct exchange *x);
void exchange_resume_answered(struct exchange *x);

/* Whether there is a field of that kind, one or more. */
static inline bool request_has(const struct request *request, enum field_id id)
{
	return request->known & 1u << id;
}

/* The value of the one field of that kind; false when there is none, or more
 * than one. */
bool request_sole_field(const struct request *request, enum field_id id,
			struct str *value_out) __attribute__((warn_unused_result));

/* Value of the first request field of that name, in lower case; p == NULL if
 * there is none. */
struct str exchange_field(const struct exchange *x, struct str name);

/* The same, of all fields of that name as the one that they are together:
 * joined by commas (RFC 9110 section 5.3), Cookie by semicolons (RFC 6265 section
 * 5.4, RFC 9113 section 8.2.3). In the exchange's arena if there are several. */
struct str exchange_joined_field(struct exchange *x, struct str name);

/* The reason phrase of a status, "" for one we do not know (RFC 9110 15). */
struct str http_reason(unsigned status);

#endif
