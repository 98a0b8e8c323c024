/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/check_authorize.h"

#include <string.h>

#include "base/codec/uri.h"
#include "base/regex.h"

static bool takes_get(const struct conf_route *route)
{
	return route->methods & CONF_METHOD(GET);
}

static bool pattern_matches(struct check *c, const struct conf_route *route,
			    struct str path)
{
	const char *why;
	struct regex *regex = regex_create(route->path, &c->conf->arena, &why);
	bool matches = regex != NULL && regex_match(regex, path) == REGEX_MATCHES;

	regex_destroy(&regex);
	return matches;
}

static bool prefix_matches(struct str prefix, struct str path)
{
	return str_starts_with(path, prefix) &&
	       (prefix.p[prefix.n - 1] == '/' || path.n == prefix.n ||
		path.p[prefix.n] == '/');
}

static bool is_match(struct check *c, const struct conf_route *route,
		     enum conf_match match, struct str path)
{
	if (route->path.n == 0 || route->match != (int)match || !takes_get(route))
		return false;
	switch (match) {
	case CONF_MATCH_EXACT:
		return str_equal(route->path, path);
	case CONF_MATCH_REGEX:
		return pattern_matches(c, route, path);
	default:
		return prefix_matches(route->path, path);
	}
}

/* The route that answers GET of the path: exact, by pattern in the order of the
 * file, or by the longest prefix, as worker/http/router.c has it. */
static const struct conf_route *find_route(struct check *c,
					   const struct conf_site *site,
					   struct str path)
{
	static const enum conf_match order[] = {CONF_MATCH_EXACT, CONF_MATCH_REGEX,
						CONF_MATCH_PREFIX};
	const struct conf_route *found = NULL;

	for (size_t k = 0; k < sizeof(order) / sizeof(*order) && found == NULL; k++)
		for (size_t i = 0; i < site->n_routes; i++) {
			const struct conf_route *route = &site->routes[i];

			if (is_match(c, route, order[k], path) &&
			    (found == NULL || (order[k] == CONF_MATCH_PREFIX &&
					       route->path.n > found->path.n)))
				found = route;
		}
	return found;
}

/* It is sent as it is written. */
static bool is_target(struct str path)
{
	for (size_t i = 0; i < path.n; i++)
		if (path.p[i] <= ' ' || path.p[i] > '~' ||
		    memchr("?#%", path.p[i], 3) != NULL)
			return false;
	return path.p[0] == '/';
}

static bool is_a_path(struct check *c, struct str path, const struct location *at)
{
	char *out = arena_bytes(&c->conf->arena, path.n);
	struct str normal = {out, 0};

	if (is_target(path) && uri_remove_dot_segments(path, out, &normal.n) &&
	    str_equal(normal, path))
		return true;
	check_complain(c, at,
		       "a path begins with \"/\", and has no \"//\", \".\", "
		       "\"..\", \"?\", \"#\", \"%%\" or spaces");
	return false;
}

/* What authorizes must not ask to be authorized: that would have no end. */
static void check_one(struct check *c, const struct conf_site *site,
		      const struct conf_common *common, const char *where)
{
	struct location at = check_location(c, &common->authorize, where);
	const struct conf_route *route;

	if (!conf_gives(common, &common->authorize) ||
	    check_is_bad(c, &common->authorize) || common->authorize[0] == '\0')
		return;
	struct str path = str_of(common->authorize);

	if (!is_a_path(c, path, &at))
		return;
	route = find_route(c, site, path);
	if (route != NULL && route->handler != NULL &&
	    strcmp(route->handler, "rewrite") == 0)
		return; /* another one answers */
	if (route == NULL)
		check_complain(c, &at, "no route of this site answers GET %s",
			       common->authorize);
	else if (route->common.authorize[0] != '\0')
		check_complain(c, &at,
			       "%s, which answers %s, asks for authorization "
			       "itself, see %s; give it authorize = \"\"",
			       route->origin.where, common->authorize,
			       check_spot(c, route->origin));
}

void check_authorize(struct check *c, const struct conf_site *site)
{
	check_one(c, site, &site->common, site->origin.where);
	for (size_t i = 0; i < site->n_routes; i++)
		check_one(c, site, &site->routes[i].common,
			  site->routes[i].origin.where);
}
