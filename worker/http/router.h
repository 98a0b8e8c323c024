/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which route answers: the host picks a site, the path a place in it, the
 * method one of the routes of that place. Made once when the worker starts;
 * routing allocates nothing. Worker.
 */
#ifndef WORKER_HTTP_ROUTER_H
#define WORKER_HTTP_ROUTER_H

#include <stddef.h>

#include "base/map.h"
#include "base/str.h"
#include "conf/conf.h"
#include "worker/http/handler.h"
#include "worker/http/policy.h"

struct route {
	const struct conf_route *conf;
	const struct handler *handler;
	void *instance;              /* the handler's */
	const struct policy *policy; /* NULL when it has none */
	struct route *other;         /* the same path with other methods, or NULL */
};

struct site;

struct router {
	struct site *sites;
	size_t n_sites;
	struct map hosts;             /* exact ones, by name */
	struct host_suffix *suffixes; /* "*.b" as ".b", longest first */
	size_t n_suffixes;
	struct site *fallback; /* "*", or else the first site */
};

/* As http_init(). */
int router_init(struct router *router, struct http *http,
		const struct handler *const *handlers, const char **why_out)
	__attribute__((warn_unused_result));
/* As http_check(). */
int router_check(struct router *router, struct http *http, const char **why_out)
	__attribute__((warn_unused_result));
void router_fini(struct router *router);

/*
 * The first route for that host (lower case, no port) and path (normalised),
 * or NULL. Others with the same path follow by ->other.
 */
const struct route *router_find(const struct router *router, struct str host,
				struct str path);

/* What holds for a request to that host which no route answers; or NULL. */
const struct policy *router_policy(const struct router *router, struct str host);

/* The part of `path` that follows the route's own path. */
struct str route_rest(const struct route *route, struct str path);

#endif
