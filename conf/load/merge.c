/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/merge.h"

#include "conf/load/logs.h"

enum { STATUSES = CONF_ERROR_MAX - CONF_ERROR_MIN + 1 };

static bool is_edited(const struct conf_fields *fields, struct str name)
{
	for (size_t i = 0; i < fields->n; i++)
		if (str_equal_nocase(fields->items[i].name, name))
			return true;
	return false;
}

static void merge_fields(struct arena *arena, const struct conf_fields *site,
			 struct conf_fields *route)
{
	struct conf_fields all = {0};

	all.items = arena_zalloc(arena, site->n + route->n, sizeof(*all.items));
	for (size_t i = 0; i < site->n; i++)
		if (!is_edited(route, site->items[i].name))
			all.items[all.n++] = site->items[i];
	for (size_t i = 0; i < route->n; i++)
		all.items[all.n++] = route->items[i];
	*route = all;
}

static bool has_page(const struct conf_error_pages *pages, size_t status)
{
	for (size_t i = 0; i < pages->n; i++)
		if (pages->items[i].statuses[status])
			return true;
	return false;
}

static void merge_pages(struct arena *arena, const struct conf_error_pages *site,
			struct conf_error_pages *route)
{
	struct conf_error_pages all = {0};

	all.items = arena_zalloc(arena, site->n + route->n, sizeof(*all.items));
	for (size_t i = 0; i < site->n; i++) {
		struct conf_error_page page = site->items[i];
		bool is_left = false;

		for (size_t k = 0; k < STATUSES; k++) {
			page.statuses[k] &= !has_page(route, k);
			is_left |= page.statuses[k];
		}
		if (is_left)
			all.items[all.n++] = page;
	}
	for (size_t i = 0; i < route->n; i++)
		all.items[all.n++] = route->items[i];
	*route = all;
}

static void merge_common(struct arena *arena, const struct conf_common *site,
			 struct conf_common *route)
{
	if (conf_gives(route, &route->request_fields))
		merge_fields(arena, &site->request_fields, &route->request_fields);
	if (conf_gives(route, &route->response_fields))
		merge_fields(arena, &site->response_fields,
			     &route->response_fields);
	if (conf_gives(route, &route->error_pages))
		merge_pages(arena, &site->error_pages, &route->error_pages);
}

/* Names the limits that the group itself gives. */
static void name_limits(struct conf_common *common, struct str name)
{
	if (conf_gives(common, &common->rate) ||
	    conf_gives(common, &common->rate_burst) ||
	    conf_gives(common, &common->rate_key))
		common->rate_zone = name;
	if (conf_gives(common, &common->concurrent) ||
	    conf_gives(common, &common->concurrent_key))
		common->concurrent_zone = name;
}

static void put_hosts(struct buf *name, const struct conf_site *site)
{
	for (size_t i = 0; i < site->hosts.n; i++)
		buf_printf(name, "%s%" STR_FMT, i > 0 ? "," : "",
			   STR_ARG(site->hosts.items[i]));
}

/* The name of a limit stays the same while others come and go in the file:
 * "example.org" of a site, "example.org prefix /path GET" of a route. */
static struct str site_name(struct arena *arena, const struct conf_site *site)
{
	struct buf name = {0};

	put_hosts(&name, site);
	struct str copy = arena_copy(arena, buf_str(&name));

	buf_release(&name);
	return copy;
}

static struct str route_name(struct arena *arena, const struct conf_site *site,
			     const struct conf_route *route)
{
	static const char *const matches[] = {"prefix", "exact", "regex"};
	struct buf name = {0};

	put_hosts(&name, site);
	buf_printf(&name, " %s %" STR_FMT, matches[route->match],
		   STR_ARG(route->path));
	for (int m = 0; m < METHOD_COUNT; m++)
		if (route->methods & 1u << m)
			buf_printf(&name, " %s", conf_method_names[m].p);
	struct str copy = arena_copy(arena, buf_str(&name));

	buf_release(&name);
	return copy;
}

void merge_begin(const struct schema_group *group, void *struct_at,
		 const void *parent)
{
	struct conf_site *site = struct_at;
	struct conf_route *route = struct_at;

	if (group == &schema_site) {
		const struct conf *conf = parent;

		site->common.body_limit = conf->limits.body;
		site->common.where = site->origin.where;
	} else if (group == &schema_access_log) {
		((struct conf_access_log *)struct_at)->format = CONF_LOG_INHERITED;
	} else if (group == &schema_route) {
		const struct conf_site *above = parent;

		route->common = above->common;
		route->common.given = 0;
		route->common.where = route->origin.where;
		route->common.site = &above->common;
	}
}

void merge_end(struct arena *arena, const struct schema_group *group,
	       void *struct_at, const void *parent)
{
	struct conf_site *site = struct_at;
	struct conf_route *route = struct_at;
	const struct conf_site *above = parent;

	if (group == &schema_site) {
		if (site->name[0] == '\0' && site->hosts.n > 0)
			site->name = arena_cstr(arena, site->hosts.items[0]);
		name_limits(&site->common, site_name(arena, site));
	} else if (group == &schema_route) {
		merge_common(arena, &above->common, &route->common);
		name_limits(&route->common, route_name(arena, above, route));
		if (route->methods == 0 && route->handler != NULL)
			route->methods = conf_handler_methods(route->handler);
		if (route->name[0] == '\0')
			route->name = arena_cstr(arena, route->path);
	} else if (group == &schema_listener) {
		struct conf_listener *listener = struct_at;

		if (listener->name[0] == '\0' && listener->text != NULL)
			listener->name = listener->text;
	} else if (group == &schema_top) {
		logs_settle(struct_at);
	}
}
