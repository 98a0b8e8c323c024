/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The body of a request, whatever protocol brings it: collected in memory or
 * in a file for a handler that wants it whole, given to one that takes it in
 * pieces, or counted and dropped; and bounded in its size and in the time
 * that it takes. The protocol knows how the body is framed, and calls
 *
 *   body_begin()   when the request is admitted,
 *   body_put()     for each piece of content, or body_drop() for one that
 *                  nobody wants,
 *   body_wait()    whenever the next piece has to be waited for,
 *   body_end()     after the last one.
 *
 * Embedded in the exchange. Worker.
 */
#ifndef WORKER_HTTP_BODY_H
#define WORKER_HTTP_BODY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pace.h"
#include "base/str.h"
#include "worker/http/fields.h"
#include "worker/http/handler.h"
#include "worker/http/spool.h"

struct exchange;

struct request_body {
	enum body_want want;
	bool is_paused;         /* its handler takes no more of it now */
	uint64_t received;      /* bytes of content, those that were dropped too */
	struct pace pace;       /* at which they come */
	struct spool spool;     /* what was collected */
	struct str earlier;     /* of `spool`: collected by a worker whose handler
				 * wanted it whole, where ours takes pieces */
	struct fields trailers; /* what followed a body in pieces, as it came;
				 * in the exchange's arena */
	unsigned status;        /* of the error, once it is refused */
};

enum body_put {
	BODY_PUT_ALL,     /* taken: the next, please */
	BODY_PUT_PAUSED,  /* taken, but no more is wanted now, or ever: the
			   * handler may have answered */
	BODY_PUT_REFUSED, /* see `status` */
};

void body_init(struct request_body *body);

/* A request begins: nothing of its body has come. */
static inline void body_restart(struct request_body *body)
{
	body->want = BODY_WANT_NOT;
	body->is_paused = false;
	body->received = 0;
	body->trailers = (struct fields){0};
	pace_stop(&body->pace);
}

/* Lets go of what was collected. */
void body_empty(struct request_body *body);

/* The same; most requests have nothing. */
static inline void body_release(struct request_body *body)
{
	if (!spool_is_empty(&body->spool))
		body_empty(body);
}

/* The request is admitted; `length` is of its content, or
 * BODY_LENGTH_UNKNOWN, or 0. Sets `want`. False when it is refused. */
bool body_begin(struct exchange *x, uint64_t length)
	__attribute__((warn_unused_result));

/* For BODY_WANT_PIECES, after exchange_handle(): what is in `spool` goes to
 * the handler first, by body_put_earlier(). False when it is refused. */
bool body_begin_pieces(struct exchange *x) __attribute__((warn_unused_result));
/* While `earlier` is not empty and the body not paused. */
void body_put_earlier(struct exchange *x);

/* The piece is valid only during the call. */
enum body_put body_put(struct exchange *x, struct str piece)
	__attribute__((warn_unused_result));

/* Octets of the lines of its trailers, for a handler that takes pieces: they are
 * in `trailers` when it ends. See base/codec/trailers.h. */
void body_put_trailers(struct exchange *x, struct str text);

/* That was all of it: has the handler answer. False when it is refused. */
bool body_end(struct exchange *x) __attribute__((warn_unused_result));

/* Drops content that is not wanted; false if reading more is not worth it. */
bool body_drop(struct exchange *x, uint64_t n) __attribute__((warn_unused_result));
/* How much is read only to be dropped, in bytes. */
uint64_t body_drop_limit(const struct exchange *x);

/* Sets x->deadline for the next piece; false when the body comes more slowly
 * than limits.rate over each timeouts.body, and is refused. */
bool body_wait(struct exchange *x) __attribute__((warn_unused_result));

/* By the protocol itself, for a body that is not framed as it should be. */
enum body_put body_refuse(struct exchange *x, unsigned status, const char *why);

#endif
