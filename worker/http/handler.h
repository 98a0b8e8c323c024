/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface of a handler, which answers the requests of its routes. To add
 * one: a file in worker/handler/ that fills this struct, a line in
 * worker/parts.c, and its settings in conf/schema/; the README shows it.
 * Worker.
 */
#ifndef WORKER_HTTP_HANDLER_H
#define WORKER_HTTP_HANDLER_H

#include <stdbool.h>

#include "base/str.h"

struct buf;
struct conf_route;
struct exchange;
struct exchange_compact;
struct frozen_reader;
struct frozen_writer;
struct http;

/* How the body of a request is given to a handler. */
enum body_want {
	BODY_WANT_NOT,    /* it is read and dropped after the answer */
	BODY_WANT_WHOLE,  /* as x->request.body, before answer() is called */
	BODY_WANT_PIECES, /* by body(), after answer() was called */
};

/* How the tunnels of a handler are put away while they are silent: see
 * exchange_compact.h. */
struct handler_compact {
	/* Puts what it has to remember of one; false: not now. Changes
	 * nothing. */
	bool (*put)(const struct exchange *x, struct buf *out);
	/* Takes that, and makes the content of the response anew. Told to
	 * nobody: it may be for a look only. */
	void (*get)(struct exchange *x, struct str *from);
	/* What happens from now on wakes `compact`; or is the exchange's own
	 * again, with NULL. */
	void (*link)(struct exchange *x, struct exchange_compact *compact);
};

struct handler {
	const char *name; /* as in the configuration */

	/* create() runs code that is not holdfast's: `holdfast check` runs it
	 * too, in a process of its own. */
	bool runs_foreign_code;

	/* What it does for an exchange that it holds can be begun again by another
	 * worker: nobody has seen anything of it. */
	bool restarts;

	/*
	 * Makes the handler's part of one route, in a worker that is not yet
	 * ready and still has the master's privileges: opens all that it will
	 * need. Returns what the other functions get as `instance`, or NULL
	 * with *why_out set to a sentence (in http->arena, or static).
	 */
	void *(*create)(struct http *http, const struct conf_route *conf,
			const char **why_out);
	void (*destroy)(void *instance);

	/* The privileges are dropped: can the workers' user use what was
	 * opened? False with *why_out set; NULL: always. */
	bool (*check)(struct http *http, void *instance, const char **why_out);

	/* The worker is about to end: it waits for what is being answered, but
	 * not for ever. NULL: nothing to do about that. */
	void (*drain)(void *instance);

	/* NULL: BODY_WANT_NOT. */
	enum body_want (*wants_body)(const void *instance);

	/* Of one that does not answer but gives the request another path, for
	 * which a route is looked for again: changes x->request. Returns 0,
	 * or the status of the error that answers it. NULL: it answers; else
	 * it has no answer(). */
	unsigned (*reroute)(struct exchange *x, void *instance);

	/* Fills x->response and calls exchange_answer() or one of its
	 * relatives; or calls exchange_hold() and does that later. */
	void (*answer)(struct exchange *x, void *instance);

	/* For BODY_WANT_PIECES, while it has not answered: a piece, valid
	 * during the call; and the end. False: no further piece until it
	 * calls exchange_want_body(). What is left of the body when it has
	 * answered is dropped. */
	bool (*body)(struct exchange *x, void *instance, struct str piece);
	void (*end_body)(struct exchange *x, void *instance);

	/*
	 * An exchange that it holds, or whose content it sends (body.moves),
	 * can go on in another process. may_move(): now. freeze() puts what it
	 * has to remember into the message; it changes nothing and allocates
	 * nothing. thaw() is the other side of it, for an exchange that is as
	 * it was, but whose route need not be in our configuration: `instance`
	 * is NULL from then on. False when the records are damaged. All NULL:
	 * it is finished where it is.
	 */
	bool (*may_move)(const struct exchange *x);
	/* Whether one that may move has nothing under way, either. As freeze(),
	 * called in the signal handler of a worker that crashes; so both only
	 * read memory. NULL: never. */
	bool (*rests)(const struct exchange *x);
	void (*freeze)(const struct exchange *x, struct frozen_writer *message);
	bool (*thaw)(struct exchange *x, struct frozen_reader *message);

	/* Or NULL: its tunnels are as large as any exchange. */
	const struct handler_compact *compact;
};

#endif
