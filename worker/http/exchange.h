/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request and its response, whatever protocol carries them: the waist
 * between protocols and handlers. A protocol fills the request, exchange_begin()
 * finds the route, the handler fills the response and calls
 * exchange_answer(), the protocol sends it and calls exchange_finish().
 * Owned by the protocol's session; everything in it lives in its arena or
 * longer. Worker.
 */
#ifndef WORKER_HTTP_EXCHANGE_H
#define WORKER_HTTP_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/str.h"
#include "conf/conf.h"
#include "worker/codec/field.h"
#include "worker/http/fields.h"

struct http;
struct policy;
struct route;

enum exchange_state {
	EXCHANGE_IDLE,
	EXCHANGE_REQUEST,  /* the head is there; the body may be coming */
	EXCHANGE_HANDLED,  /* the handler has it */
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
	const struct field *fields;
	size_t n_fields;
	struct str body;     /* when the handler wanted it */
	const char *version; /* "HTTP/1.1" */
};

enum body_kind {
	BODY_NONE, /* no content, and no Content-Length is said */
	BODY_BYTES,
	BODY_FILE,
};

/* The content of a response. What `owner` holds (a cached file) stays until
 * release(owner) is called, once, when the content has been sent or not. */
struct body {
	enum body_kind kind;
	struct str bytes;
	int file;     /* the owner's descriptor */
	off_t offset; /* of what is to be sent */
	uint64_t length;
	void *owner;
	void (*release)(void *owner);
};

struct response {
	unsigned status;
	const struct fields *prepared; /* made before, shared; or NULL */
	struct fields fields;          /* of this response */
	struct body body;
	bool close; /* this connection must not be used again */
};

/* CLOCK_MONOTONIC ns; 0 for what did not happen. */
struct exchange_times {
	uint64_t accepted;   /* the connection */
	uint64_t first_byte; /* of the request */
	uint64_t head;       /* the head was whole */
	uint64_t answered;   /* the handler was done */
	uint64_t last_byte;  /* was handed to the kernel */
};

struct exchange {
	uint32_t magic;
	enum exchange_state state;
	struct http *http;
	struct arena arena;
	struct request request;
	struct response response;
	const struct route *route;   /* NULL when there is none */
	const struct policy *policy; /* of the route or the site, or NULL */
	struct exchange_times times;
	struct endpoint peer;
	uint64_t content_sent; /* bytes of content, by the protocol */
	/* The protocol's: the answer is there. */
	void (*on_answer)(struct exchange *x);
};

void exchange_init(struct exchange *x, struct http *http,
		   void (*on_answer)(struct exchange *x));
void exchange_fini(struct exchange *x);

/*
 * The head is whole and `x->request` filled, but for path and host, which are
 * made here from raw_path and `host_value` (a Host value: "Name:port").
 * Finds the route. Returns 0, or the status of the error that answers it
 * (400, 404, 405, 501); for 405 the response has its Allow field.
 */
unsigned exchange_begin(struct exchange *x, struct str host_value)
	__attribute__((warn_unused_result));

/* True when its handler wants the request's body before it answers. */
bool exchange_wants_body(const struct exchange *x);

/* Has the handler of the route answer. */
void exchange_handle(struct exchange *x);

/* What came is not a request, or came too slowly: answers with that error,
 * so that it is counted and logged like the others. `method` may be empty. */
void exchange_refuse(struct exchange *x, unsigned status, struct str method);

/* For handlers: fill the response, then answer. */

/* Content that lives at least as long as the exchange. */
void exchange_set_bytes(struct exchange *x, struct str type, struct str bytes);

/* The standard page for an error, in place of what was there; answers. */
void exchange_answer_error(struct exchange *x, unsigned status);

/* A redirect to a URI reference, which is encoded as far as it must be to
 * stand in a field; answers. */
void exchange_answer_redirect(struct exchange *x, unsigned status,
			      struct str location);

/* The response is complete. */
void exchange_answer(struct exchange *x);

/* The response is sent, or never will be: counts it, logs it, lets go of all
 * that it held. The exchange is idle again. */
void exchange_finish(struct exchange *x);

/* Forgets it, without a trace: it goes on elsewhere. */
void exchange_forget(struct exchange *x);

/* Value of a request field by its lower-case name; p == NULL if none. */
struct str exchange_field(const struct exchange *x, struct str name);

/* The reason phrase of a status, "" for one we do not know (RFC 9110 15). */
struct str http_reason(unsigned status);

#endif
