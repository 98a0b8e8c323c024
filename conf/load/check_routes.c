/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/check_routes.h"

#include <string.h>

#include "base/codec/http_status.h"
#include "base/codec/uri.h"
#include "base/regex.h"
#include "conf/load/check_common.h"
#include "conf/load/check_upstreams.h"
#include "conf/schema/conf_respond.h"
#include "conf/schema/conf_rewrite.h"
#include "conf/schema/types.h"

static void check_path(struct check *c, const struct conf_route *route)
{
	struct location at = check_location(c, &route->path, route->origin.where);
	struct str path = route->path, normal;
	char *out;

	if (path.p[0] != '/') {
		check_complain(c, &at,
			       "a path begins with \"/\"; did you mean \"/%" STR_FMT
			       "\"?",
			       STR_ARG(path));
		return;
	}
	if (memchr(path.p, '?', path.n) != NULL ||
	    memchr(path.p, '#', path.n) != NULL) {
		check_complain(c, &at,
			       "a path has no \"?\" and no \"#\": it is compared "
			       "without the query");
		return;
	}
	out = arena_bytes(&c->conf->arena, path.n);
	normal.p = out;
	if (!uri_remove_dot_segments(path, out, &normal.n))
		check_complain(c, &at, "a path has no \"..\" above the top");
	else if (!str_equal(normal, path))
		check_complain(c, &at,
			       "a path has no \"//\", \".\" or \"..\"; "
			       "did you mean \"%" STR_FMT "\"?",
			       STR_ARG(normal));
}

/* A template of a route or site, and the groups that it may name. */
struct use {
	struct location at;
	const struct regex *regex; /* of the route; or NULL */
	bool has_match;            /* it is a route's, and that has a pattern */
};

/* Finds the groups that a template names. */
static void check_template(struct check *c, const struct use *use,
			   struct template *t)
{
	for (size_t i = 0; i < t->n_pieces; i++) {
		struct template_piece *piece = &t->pieces[i];

		if (piece->variable != TEMPLATE_MATCH)
			continue;
		if (!use->has_match)
			check_complain(c, &use->at,
				       "\"${match.%" STR_FMT
				       "}\": only a route with "
				       "match = \"regex\" has groups",
				       STR_ARG(piece->name));
		else if (use->regex != NULL &&
			 !regex_find_group(use->regex, piece->name, &piece->number))
			check_complain(c, &use->at,
				       "\"${match.%" STR_FMT
				       "}\": the pattern has no "
				       "such group",
				       STR_ARG(piece->name));
	}
}

static void check_setting(struct check *c, struct use *use,
			  const struct schema_walk *at, const char *where)
{
	struct setting_field f = setting_field(NULL, at->setting, at->base);
	struct template *template;

	if (at->setting->type->template_at == NULL || check_is_bad(c, f.field))
		return;
	use->at = check_location(c, f.field, where);
	for (size_t i = 0;
	     (template = at->setting->type->template_at(&f, i)) != NULL; i++)
		check_template(c, use, template);
}

/* The templates that a group gives itself; inherited ones were checked with the
 * site. */
static void check_templates(struct check *c, struct schema_walk walk,
			    const char *where, struct use use)
{
	while (schema_next(&walk)) {
		const struct conf_common *common = walk.base;

		if (walk.table != &schema_common ||
		    common->given & schema_common_bit(walk.setting))
			check_setting(c, &use, &walk, where);
	}
}

void check_site_templates(struct check *c, struct conf_site *site)
{
	check_templates(
		c, (struct schema_walk){.group = &schema_site, .struct_at = site},
		site->origin.where, (struct use){0});
}

static const struct schema_handler *handler_of(const struct conf_route *route)
{
	return route->handler == NULL ? NULL : schema_find_handler(route->handler);
}

static void check_match(struct check *c, struct conf_route *route)
{
	bool has_match =
		route->match == CONF_MATCH_REGEX && !check_is_bad(c, &route->match);
	struct use use = {.has_match = has_match};
	struct regex *regex = NULL;
	const char *why;

	if (route->path.n > 0 && !check_is_bad(c, &route->path)) {
		if (!has_match) {
			check_path(c, route);
		} else {
			struct location at = check_location(c, &route->path,
							    route->origin.where);

			regex = regex_create(route->path, &c->conf->arena, &why);
			if (regex == NULL)
				check_complain(c, &at, "%s", why);
		}
	}
	use.regex = regex;
	check_templates(c,
			(struct schema_walk){.group = &schema_route,
					     .handler = handler_of(route),
					     .struct_at = route},
			route->origin.where, use);
	regex_destroy(&regex);
}

static bool is_handler(const struct conf_route *route, const char *name)
{
	return route->handler != NULL && strcmp(route->handler, name) == 0;
}

/* Which path it makes is known only when the request is there. */
static void check_rewrite(struct check *c, const struct conf_route *route)
{
	const struct conf_rewrite *rewrite = route->settings;
	const struct template *to = &rewrite->to;
	struct location at = check_location(c, to, route->origin.where);

	if (route->common.given != 0) {
		at = (struct location){.where = route->origin.where,
				       .file = route->origin.file,
				       .line = route->origin.line};
		check_complain(
			c, &at,
			"a route that rewrites has no common settings: those of "
			"the route that answers apply");
	}
	if (to->n_pieces == 0)
		return;
	if (to->pieces[0].variable == TEMPLATE_LITERAL &&
	    to->pieces[0].text.p[0] != '/')
		check_complain(c, &at, "a path begins with \"/\"");
	check_early(c, to, &at);
}

static void check_respond(struct check *c, const struct conf_route *route)
{
	const struct conf_respond *respond = route->settings;
	struct location at = check_location(c, &respond->body, route->origin.where);

	if (respond->body.source.n > 0 &&
	    http_status_has_no_content((unsigned)respond->status))
		check_complain(c, &at, "a response with status %d has no body",
			       (int)respond->status);
}

void check_route(struct check *c, struct conf_route *route)
{
	check_match(c, route);
	check_common(c, &route->common, route->origin.where);
	if (is_handler(route, "rewrite"))
		check_rewrite(c, route);
	if (is_handler(route, "respond"))
		check_respond(c, route);
	if (is_handler(route, "proxy"))
		check_proxy(c, route);
}
