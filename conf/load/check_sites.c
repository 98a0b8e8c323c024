/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/check_sites.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "conf/load/check_authorize.h"
#include "conf/load/check_common.h"
#include "conf/load/check_routes.h"

/* One host of a site, for sorting. */
struct host {
	struct str name;
	const struct conf_site *site;
	size_t order;
};

static int compare_str(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return order != 0 ? order : a.n < b.n ? -1 : a.n > b.n;
}

static int compare_hosts(const void *left, const void *right)
{
	const struct host *a = left, *b = right;
	int order = compare_str(a->name, b->name);

	return order != 0 ? order : a->order < b->order ? -1 : 1;
}

static size_t collect_hosts(const struct conf *conf, struct host *hosts)
{
	size_t n = 0;

	for (size_t i = 0; i < conf->n_sites; i++) {
		const struct conf_site *site = &conf->sites[i];

		for (size_t j = 0; j < site->hosts.n; j++, n++)
			if (hosts != NULL)
				hosts[n] = (struct host){site->hosts.items[j], site,
							 n};
	}
	return n;
}

static void check_hosts(struct check *c)
{
	size_t n = collect_hosts(c->conf, NULL);
	struct host *hosts = mem_zalloc(n, sizeof(*hosts));

	collect_hosts(c->conf, hosts);
	qsort(hosts, n, sizeof(*hosts), compare_hosts);
	for (size_t i = 1; i < n; i++) {
		const struct host *h = &hosts[i], *first = h - 1;

		if (!str_equal(h->name, first->name))
			continue;
		struct location at =
			check_location(c, &h->site->hosts, h->site->origin.where);

		if (at.line == 0) { /* "*" by default */
			at.file = h->site->origin.file;
			at.line = h->site->origin.line;
		}
		if (h->site == first->site)
			check_complain(c, &at, "duplicate host \"%" STR_FMT "\"",
				       STR_ARG(h->name));
		else
			check_complain(c, &at,
				       "host \"%" STR_FMT
				       "\" is already in %s, see "
				       "%s",
				       STR_ARG(h->name), first->site->origin.where,
				       check_spot(c, first->site->origin));
	}
	free(hosts);
}

static int compare_routes(const void *left, const void *right)
{
	const struct conf_route *const *a = left, *const *b = right;
	int order = compare_str((*a)->path, (*b)->path);

	if (order == 0)
		order = (*a)->match - (*b)->match;
	return order != 0 ? order : *a < *b ? -1 : *a > *b;
}

static void check_pair(struct check *c, const struct conf_route *first,
		       const struct conf_route *second)
{
	struct location at = check_location(c, &second->path, second->origin.where);
	unsigned both = first->methods & second->methods;
	size_t method = 0;

	if (!check_is_given(c, &first->methods) ||
	    !check_is_given(c, &second->methods)) {
		check_complain(c, &at,
			       "the same path and match as %s, see %s; two such "
			       "routes must both name their methods",
			       first->origin.where, check_spot(c, first->origin));
		return;
	}
	if (both == 0 || check_is_bad(c, &first->methods) ||
	    check_is_bad(c, &second->methods))
		return;
	while ((both & 1u << method) == 0)
		method++;
	check_complain(c, &at, "the same path, match and method %s as %s, see %s",
		       conf_method_names[method].p, first->origin.where,
		       check_spot(c, first->origin));
}

/* Routes that share path and match are neighbours once they are sorted; each
 * is compared with all of those before it, as any may share a method. One
 * complaint a route is enough. */
static void check_overlaps(struct check *c, const struct conf_site *site)
{
	size_t n = 0, first = 0;
	const struct conf_route **routes =
		mem_zalloc(site->n_routes, sizeof(struct conf_route *));

	for (size_t i = 0; i < site->n_routes; i++)
		if (site->routes[i].path.n > 0 &&
		    !check_is_bad(c, &site->routes[i].match))
			routes[n++] = &site->routes[i];
	qsort(routes, n, sizeof(struct conf_route *), compare_routes);
	for (size_t i = 0; i < n; i++) {
		if (!str_equal(routes[first]->path, routes[i]->path) ||
		    routes[first]->match != routes[i]->match)
			first = i;
		size_t errors = c->errors->n;

		for (size_t j = first; j < i && c->errors->n == errors; j++)
			check_pair(c, routes[j], routes[i]);
	}
	free(routes);
}

void check_sites(struct check *c)
{
	check_hosts(c);
	for (size_t i = 0; i < c->conf->n_sites; i++) {
		struct conf_site *site = &c->conf->sites[i];

		check_common(c, &site->common, site->origin.where);
		check_site_templates(c, site);
		check_overlaps(c, site);
		for (size_t j = 0; j < site->n_routes; j++)
			check_route(c, &site->routes[j]);
		check_authorize(c, site);
	}
}
