/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A site has its exact paths in a map, its patterns in the order of the file,
 * and its prefixes in an array, longest first. A prefix that ends in "/" matches
 * what is below it; one that does not matches itself and what is below it: "/doc"
 * is not "/documents".
 */
#include "worker/http/router.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "worker/http/http.h"

struct path_entry {
	struct map_node node; /* by path, for exact ones */
	struct str path;
	struct regex *regex;  /* when the path is a pattern */
	struct route *routes; /* by ->other */
};

struct site {
	const struct conf_site *conf;
	struct named *counted;       /* what no route has answered */
	const struct policy *policy; /* where no route is found; or NULL */
	struct route *routes;
	size_t n_routes;
	struct map exact;
	struct path_entry **patterns; /* as in the file */
	size_t n_patterns;
	struct path_entry **prefixes; /* longest first */
	size_t n_prefixes;
};

struct host_name {
	struct map_node node;
	struct site *site;
};

struct host_suffix {
	struct str suffix;
	struct site *site;
};

static const struct handler *find_handler(const struct handler *const *all,
					  const char *name)
{
	while (*all != NULL && strcmp((*all)->name, name) != 0)
		all++;
	return *all;
}

static struct path_entry *find_entry(struct path_entry *const *entries, size_t n,
				     struct str path)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(entries[i]->path, path))
			return entries[i];
	return NULL;
}

static struct path_entry *find_same(const struct site *site,
				    const struct conf_route *conf)
{
	struct map_node *node;

	switch ((enum conf_match)conf->match) {
	case CONF_MATCH_EXACT:
		node = map_find(&site->exact, conf->path);
		return node ? CONTAINER_OF(node, struct path_entry, node) : NULL;
	case CONF_MATCH_REGEX:
		return find_entry(site->patterns, site->n_patterns, conf->path);
	case CONF_MATCH_PREFIX:
		break;
	}
	return find_entry(site->prefixes, site->n_prefixes, conf->path);
}

/* The entry of the route; NULL when its pattern is wrong. */
static struct path_entry *entry_of(struct site *site, struct arena *arena,
				   const struct conf_route *conf,
				   const char **why_out)
{
	struct path_entry *entry = find_same(site, conf);

	if (entry != NULL)
		return entry;
	entry = arena_zalloc(arena, 1, sizeof(*entry));
	entry->path = entry->node.key = conf->path;
	switch ((enum conf_match)conf->match) {
	case CONF_MATCH_EXACT:
		map_put(&site->exact, &entry->node);
		break;
	case CONF_MATCH_REGEX:
		entry->regex = regex_create(conf->path, arena, why_out);
		if (entry->regex == NULL)
			return NULL;
		site->patterns[site->n_patterns++] = entry;
		break;
	case CONF_MATCH_PREFIX:
		site->prefixes[site->n_prefixes++] = entry;
		break;
	}
	return entry;
}

/* "FILE:LINE: where: what", in the worker's arena. */
static const char *at_route(struct http *http, const struct conf_route *conf,
			    const char *why)
{
	return arena_printf(&http->arena, "%s:%d: %s: %s", conf->origin.file,
			    conf->origin.line, conf->origin.where, why)
		.p;
}

/* A route that gives no common setting shares the site's. */
static int make_policy(struct route *route, const struct site *site,
		       struct http *http, const char **why_out)
{
	struct policy *own = NULL;

	route->policy = site->policy;
	if (route->conf->common.given == 0)
		return 0;
	if (policy_create(http, &route->conf->common, &own, why_out) == -1)
		return -1;
	route->policy = own;
	return 0;
}

static int route_init(struct route *route, struct site *site, struct http *http,
		      const struct conf_route *conf,
		      const struct handler *const *handlers, const char **why_out)
{
	const char *why = NULL;
	struct path_entry *entry = entry_of(site, &http->arena, conf, &why);

	route->conf = conf;
	route->handler = find_handler(handlers, conf->handler);
	ASSERT(route->handler != NULL); /* the schema knows only what is */
	if (entry != NULL && make_policy(route, site, http, &why) == 0)
		route->instance = route->handler->create(http, conf, &why);
	if (route->instance == NULL) {
		*why_out = at_route(http, conf, why);
		return -1;
	}
	route->other = entry->routes;
	entry->routes = route;
	return 0;
}

static int longest_prefix_first(const void *a, const void *b)
{
	size_t x = (*(struct path_entry *const *)a)->path.n;
	size_t y = (*(struct path_entry *const *)b)->path.n;

	return (x < y) - (x > y);
}

static int site_init(struct site *site, struct http *http,
		     const struct conf_site *conf,
		     const struct handler *const *handlers, const char **why_out)
{
	struct arena *arena = &http->arena;
	struct policy *policy = NULL;
	const char *why = NULL;

	if (policy_create(http, &conf->common, &policy, &why) == -1) {
		*why_out = arena_printf(arena, "%s:%d: %s: %s", conf->origin.file,
					conf->origin.line, conf->origin.where, why)
				   .p;
		return -1;
	}
	site->conf = conf;
	site->policy = policy;
	site->routes = arena_zalloc(arena, conf->n_routes, sizeof(*site->routes));
	site->prefixes =
		arena_zalloc(arena, conf->n_routes, sizeof(*site->prefixes));
	site->patterns =
		arena_zalloc(arena, conf->n_routes, sizeof(*site->patterns));
	for (size_t i = 0; i < conf->n_routes; i++) {
		if (route_init(&site->routes[i], site, http, &conf->routes[i],
			       handlers, why_out) == -1)
			return -1;
		site->n_routes++;
	}
	qsort(site->prefixes, site->n_prefixes, sizeof(*site->prefixes),
	      longest_prefix_first);
	return 0;
}

static int longest_suffix_first(const void *a, const void *b)
{
	size_t x = ((const struct host_suffix *)a)->suffix.n;
	size_t y = ((const struct host_suffix *)b)->suffix.n;

	return (x < y) - (x > y);
}

static void add_host(struct router *router, struct arena *arena, struct site *site,
		     struct str host)
{
	if (str_equal(host, STR("*"))) {
		router->fallback = site;
	} else if (str_starts_with(host, STR("*."))) {
		router->suffixes[router->n_suffixes++] =
			(struct host_suffix){str_tail(host, 1), site};
	} else {
		struct host_name *name = arena_zalloc(arena, 1, sizeof(*name));

		name->node.key = host;
		name->site = site;
		map_put(&router->hosts, &name->node);
	}
}

static void add_hosts(struct router *router, struct arena *arena,
		      const struct conf *conf)
{
	size_t n = 0;

	for (size_t i = 0; i < conf->n_sites; i++)
		n += conf->sites[i].hosts.n;
	router->suffixes = arena_zalloc(arena, n, sizeof(*router->suffixes));
	for (size_t i = 0; i < conf->n_sites; i++)
		for (size_t k = 0; k < conf->sites[i].hosts.n; k++)
			add_host(router, arena, &router->sites[i],
				 conf->sites[i].hosts.items[k]);
	qsort(router->suffixes, router->n_suffixes, sizeof(*router->suffixes),
	      longest_suffix_first);
	if (router->fallback == NULL && conf->n_sites > 0)
		router->fallback = &router->sites[0];
}

int router_init(struct router *router, struct http *http,
		const struct handler *const *handlers, const char **why_out)
{
	const struct conf *conf = http->conf;

	*router = (struct router){
		.sites = arena_zalloc(&http->arena, conf->n_sites,
				      sizeof(struct site)),
		.n_sites = conf->n_sites,
	};
	add_hosts(router, &http->arena, conf);
	for (size_t i = 0; i < conf->n_sites; i++)
		if (site_init(&router->sites[i], http, &conf->sites[i], handlers,
			      why_out) == -1)
			return -1;
	return 0;
}

static bool route_check(struct route *route, struct http *http,
			const char **why_out)
{
	const char *why = NULL;

	if (route->handler->check == NULL ||
	    route->handler->check(http, route->instance, &why))
		return true;
	*why_out = at_route(http, route->conf, why);
	return false;
}

int router_check(struct router *router, struct http *http, const char **why_out)
{
	for (size_t i = 0; i < router->n_sites; i++)
		for (size_t k = 0; k < router->sites[i].n_routes; k++)
			if (!route_check(&router->sites[i].routes[k], http,
					 why_out))
				return -1;
	return 0;
}

void router_drain(struct router *router)
{
	for (size_t i = 0; i < router->n_sites; i++) {
		struct site *site = &router->sites[i];

		for (size_t k = 0; k < site->n_routes; k++)
			if (site->routes[k].handler->drain != NULL)
				site->routes[k].handler->drain(
					site->routes[k].instance);
	}
}

void router_fini(struct router *router)
{
	for (size_t i = 0; i < router->n_sites; i++) {
		struct site *site = &router->sites[i];

		for (size_t k = 0; k < site->n_routes; k++)
			site->routes[k].handler->destroy(site->routes[k].instance);
		for (size_t k = 0; k < site->n_patterns; k++)
			regex_destroy(&site->patterns[k]->regex);
		map_fini(&site->exact);
	}
	map_fini(&router->hosts);
	*router = (struct router){0};
}

static const struct site *find_site(const struct router *router, struct str host)
{
	struct map_node *node = map_find(&router->hosts, host);

	if (node != NULL)
		return CONTAINER_OF(node, struct host_name, node)->site;
	for (size_t i = 0; i < router->n_suffixes; i++)
		if (str_ends_with(host, router->suffixes[i].suffix))
			return router->suffixes[i].site;
	return router->fallback;
}

static bool prefix_matches(struct str prefix, struct str path)
{
	return str_starts_with(path, prefix) &&
	       (prefix.p[prefix.n - 1] == '/' || path.n == prefix.n ||
		path.p[prefix.n] == '/');
}

/* The first pattern that is found in the path. */
static bool match_patterns(const struct site *site, struct str path,
			   struct found *found)
{
	for (size_t i = 0; i < site->n_patterns; i++) {
		const struct path_entry *entry = site->patterns[i];
		enum regex_result result = regex_match(entry->regex, path);

		if (result == REGEX_DIFFERS)
			continue;
		found->route = entry->routes;
		found->regex = entry->regex;
		found->is_too_hard = result == REGEX_TOO_HARD;
		return true;
	}
	return false;
}

struct found router_find(const struct router *router, struct str host,
			 struct str path)
{
	const struct site *site = find_site(router, host);
	struct found found = {0};

	if (site == NULL)
		return found;
	struct map_node *node = map_find(&site->exact, path);

	found.policy = site->policy;
	if (node != NULL) {
		found.route = CONTAINER_OF(node, struct path_entry, node)->routes;
		return found;
	}
	if (match_patterns(site, path, &found))
		return found;
	for (size_t i = 0; i < site->n_prefixes; i++) {
		if (prefix_matches(site->prefixes[i]->path, path)) {
			found.route = site->prefixes[i]->routes;
			break;
		}
	}
	return found;
}

const struct policy *router_policy(const struct router *router, struct str host)
{
	const struct site *site = find_site(router, host);

	return site != NULL ? site->policy : NULL;
}

/* The route of the site that is at the same path; or NULL. */
static const struct route *find_like(const struct site *site,
				     const struct route *route)
{
	for (size_t i = 0; i < site->n_routes; i++) {
		const struct conf_route *conf = site->routes[i].conf;

		if (conf->match == route->conf->match &&
		    str_equal(conf->path, route->conf->path))
			return &site->routes[i];
	}
	return NULL;
}

const struct conf_common *router_common(const struct router *router,
					struct str host, const struct route *route)
{
	const struct site *site;

	if (route != NULL && route->conf->origin.where != NULL)
		return &route->conf->common;
	site = find_site(router, host);
	if (site == NULL)
		return NULL;
	if (route != NULL)
		route = find_like(site, route);
	return route != NULL ? &route->conf->common : &site->conf->common;
}

void router_count_in(struct router *router, struct named cells[NAMED_ROOM])
{
	for (size_t i = 0; i < router->n_sites; i++) {
		struct site *site = &router->sites[i];
		struct str name = str_of(site->conf->name);

		site->counted =
			named_take(cells, named_key(NAMED_ROUTE, name, STR("")));
		for (size_t k = 0; k < site->n_routes; k++)
			site->routes[k].counted = named_take(
				cells,
				named_key(NAMED_ROUTE, name,
					  str_of(site->routes[k].conf->name)));
	}
}

struct named *router_counted(const struct router *router, struct str host,
			     const struct route *route)
{
	const struct site *site = find_site(router, host);

	if (site == NULL)
		return NULL;
	if (route != NULL)
		route = find_like(site, route);
	return route != NULL ? route->counted : site->counted;
}

struct str route_rest(const struct route *route, struct str path)
{
	if (route->conf->match == CONF_MATCH_REGEX)
		return path;
	return str_tail(path, route->conf->path.n);
}
