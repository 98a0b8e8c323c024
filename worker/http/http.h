/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state that all exchanges of a worker share: the routes with their
 * handlers, the MIME types, the Date, and the callback for finished exchanges.
 * One per worker.
 */
#ifndef WORKER_HTTP_HTTP_H
#define WORKER_HTTP_HTTP_H

#include "base/arena.h"
#include "base/codec/date.h"
#include "base/loop.h"
#include "base/shared/quota.h"
#include "base/shared/scoreboard.h"
#include "conf/conf.h"
#include "conf/mime.h"
#include "worker/http/handler.h"
#include "worker/http/router.h"

struct access;
struct hasher;
struct exchange;
struct known_page;
struct upstreams;

struct http {
	const struct conf *conf;
	const struct handler *const *handlers; /* ends in NULL */
	struct loop *loop;
	struct counters *counters;
	const struct scoreboard *board; /* of all workers */
	struct quota *quota;            /* of all workers */
	unsigned slot;                  /* ours in it */
	bool is_late;                   /* timeouts.drain is over: what can
					 * be begun again elsewhere is */
	bool is_quitting;               /* the server is shutting down */
	struct arena arena;             /* for the worker's life */
	struct mime_types *mime_types;
	struct router router;
	struct upstreams *upstreams;    /* the worker's */
	struct hasher *hasher;          /* of passwords; or NULL */
	struct known_page *error_pages; /* see error_pages.c */
	const struct access *proxies;   /* of real_ip; NULL when there are none */
	/* Called when an exchange is over; may be NULL. */
	void (*on_finished)(struct http *http, struct exchange *x);
	void *context; /* the worker's, for on_finished */
	time_t date_second;
	char date[HTTP_DATE_SIZE];
};

/*
 * Creates all routes, with the handlers of a list that ends in NULL. Returns 0,
 * or -1 with *why_out (in http->arena): "FILE:LINE: where: what". Call
 * http_fini() in either case.
 */
int http_init(struct http *http, struct loop *loop, const struct conf *conf,
	      struct counters *counters, const struct handler *const *handlers,
	      const char **why_out) __attribute__((warn_unused_result));
void http_fini(struct http *http);

/* Has every handler check what it opened, now that privileges are dropped.
 * As http_init(). */
int http_check(struct http *http, const char **why_out)
	__attribute__((warn_unused_result));

/* The worker is about to end: tells every handler that wants to know. */
void http_drain(struct http *http);

/* The Date of now; formatted once a second. */
struct str http_date(struct http *http);

#endif
