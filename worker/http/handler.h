/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the HTTP side of a worker asks of a handler: who answers on a route.
 * To add one: a file in worker/handler/ that fills this struct, a line in
 * worker/parts.c, and its settings in conf/schema.c. Worker.
 */
#ifndef WORKER_HTTP_HANDLER_H
#define WORKER_HTTP_HANDLER_H

#include <stdbool.h>

struct conf_route;
struct exchange;
struct http;

struct handler {
	const char *name; /* as in the configuration */

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

	/* True when the request's body is to be collected first; NULL: never.
	 * What is not collected is read and dropped after the answer. */
	bool (*wants_body)(const void *instance);

	/* Fills x->response and calls exchange_answer() or one of its
	 * relatives before it returns. */
	void (*answer)(struct exchange *x, void *instance);
};

#endif
