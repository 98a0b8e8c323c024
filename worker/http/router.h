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
#include "base/regex.h"
#include "base/shared/named.h"
#include "base/str.h"
#include "conf/conf.h"
#include "worker/http/handler.h"
#include "worker/http/policy/policy.h"

struct route {
	const struct conf_route *conf;
	const struct handler *handler;
	void *instance;              /* the handler's; NULL: see route_is_ours() */
	const struct policy *policy; /* NULL when it has none */
	struct route *other;         /* the same path with other methods, or NULL */
	struct named *counted;       /* in shared memory; NULL: it is not counted */
};

/* Whether it is of this worker's configuration. One that came along with an
 * exchange only names the route that this had: it is in its arena. */
static inline bool route_is_ours(const struct route *route)
{
	return route->instance != NULL;
}

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
/* As http_drain(). */
void router_drain(struct router *router);
void router_fini(struct router *router);

struct found {
	/* The first route, or NULL; others with the same path follow by
	 * ->other. */
	const struct route *route;
	/* By which the path matched, or NULL. It has the captures until it is
	 * used again. */
	const struct regex *regex;
	bool is_too_hard; /* it is not known whether the pattern of the route
			   * matches: that was too much work */
	/* What holds where there is no route; or NULL. */
	const struct policy *policy;
};

/* For that host (lower case, no port) and path (normalised). */
struct found router_find(const struct router *router, struct str host,
			 struct str path);

/* What holds for a request to that host for which no route is looked for. */
const struct policy *router_policy(const struct router *router, struct str host);

/* The common settings that hold for a request to that host: of the route; of the
 * one that has its path, if it moved here with a request; or of the site, where
 * there is none (NULL). NULL without a site. */
const struct conf_common *router_common(const struct router *router,
					struct str host, const struct route *route);

/* Has routes counted in these cells, by their names. */
void router_count_in(struct router *router, struct named cells[NAMED_ROOM]);

/* Where a request is counted that no route of ours has answered: by its site, or by
 * the route that has its path, if it moved here. NULL when it is not. */
struct named *router_counted(const struct router *router, struct str host,
			     const struct route *route);

/* The part of `path` that follows the route's own path; all of it when that is
 * a pattern. */
struct str route_rest(const struct route *route, struct str path);

#endif
