/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/checks.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/regex.h"
#include "conf/load/errors.h"
#include "conf/mime.h"
#include "conf/passwords.h"
#include "conf/schema/schema.h"
#include "conf/values.h"

struct check {
	struct conf *conf;
	struct places *places;
	struct conf_errors *errors;
	const char *main_file;
};

static void complain(struct check *c, const struct place *at, const char *format,
		     ...) __attribute__((format(printf, 3, 4)));

static void complain(struct check *c, const struct place *at, const char *format,
		     ...)
{
	va_list args;

	va_start(args, format);
	struct str what = arena_vprintf(&c->conf->arena, format, args);

	va_end(args);
	conf_errors_add(c->errors, at->file, at->line, "%s: %" STR_FMT, at->where,
			STR_ARG(what));
}

/* Where a field was given, or what it would be called in the whole file. */
static struct place place_of(struct check *c, const void *field, const char *where)
{
	const struct place *found = places_find(c->places, field);

	if (found != NULL)
		return *found;
	return (struct place){.where = where, .file = c->main_file};
}

/* "FILE:LINE", in the arena. */
static const char *spot(struct check *c, const char *file, int line)
{
	return arena_printf(&c->conf->arena, "%s:%d", file, line).p;
}

static bool is_given(struct check *c, const void *field)
{
	return places_find(c->places, field) != NULL;
}

static bool is_bad(struct check *c, const void *field)
{
	const struct place *found = places_find(c->places, field);

	return found != NULL && found->is_bad;
}

/* The directory of a path that has one; in the arena. */
static const char *directory_of(struct check *c, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path
		       ? "/"
		       : arena_cstr(&c->conf->arena,
				    (struct str){path, (size_t)(slash - path)});
}

/* The directory of a log or socket has to be there: nobody makes it. What may
 * not be looked at is left for the one who opens it. */
static void check_parent(struct check *c, const void *field, const char *where,
			 const char *path)
{
	struct place at = place_of(c, field, where);
	struct stat st;

	if (path[0] != '/')
		return;
	const char *directory = directory_of(c, path);

	if (stat(directory, &st) == -1) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
			complain(c, &at, "%s: %s", directory, strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		complain(c, &at, "%s: %s", directory, strerror(ENOTDIR));
	} else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		complain(c, &at, "%s: %s", path, strerror(EISDIR));
	}
}

static void check_user(struct check *c)
{
	struct place at = place_of(c, &c->conf->user, "user");

	if (geteuid() != 0 || is_bad(c, &c->conf->user))
		return;
	errno = 0;
	if (getpwnam(c->conf->user) == NULL)
		complain(c, &at, "there is no user \"%s\"%s%s", c->conf->user,
			 errno != 0 && errno != ENOENT ? ": " : "",
			 errno != 0 && errno != ENOENT ? strerror(errno) : "");
}

const char *conf_default_control(struct arena *arena)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0)
		return "/run/holdfast/control.sock";
	if (runtime != NULL && runtime[0] == '/')
		return arena_printf(arena, "%s/holdfast.sock", runtime).p;
	return arena_printf(arena, "/tmp/holdfast-%u/control.sock",
			    (unsigned)geteuid())
		.p;
}

static void check_control(struct check *c)
{
	struct conf *conf = c->conf;
	struct place at = place_of(c, &conf->control, "control");
	struct addr addr;

	if (is_bad(c, &conf->control))
		return;
	if (conf->control == NULL)
		conf->control = conf_default_control(&conf->arena);
	const char *why = addr_parse(
		arena_printf(&conf->arena, "unix:%s", conf->control), &addr);

	if (why != NULL)
		complain(c, &at, "%s", why);
}

static void check_real_ip(struct check *c)
{
	const struct conf_real_ip *real_ip = &c->conf->real_ip;
	struct place at = place_of(c, &real_ip->field, "real_ip.field");

	if (strcasecmp(real_ip->field, "Forwarded") == 0)
		complain(c, &at,
			 "Forwarded is not a list of addresses; only fields like "
			 "X-Forwarded-For are");
}

static void check_files(struct check *c)
{
	struct conf *conf = c->conf;
	struct arena scratch = {0};
	const char *why;
	int line;

	check_parent(c, &conf->log.error, "log.error", conf->log.error);
	check_parent(c, &conf->log.access, "log.access", conf->log.access);
	if (mime_types_load(&scratch, conf->mime_types, &why, &line) == NULL) {
		struct place at = place_of(c, &conf->mime_types, "mime_types");

		if (line == 0)
			complain(c, &at, "%s: %s", conf->mime_types, why);
		else
			conf_errors_add(c->errors, conf->mime_types, line, "%s",
					why);
	}
	arena_fini(&scratch);
}

/* Whether two addresses cannot both be bound: the same, or every address and
 * one of them at the same port. */
static bool addresses_clash(const struct addr *a, const struct addr *b)
{
	struct endpoint x = endpoint_of(a), y = endpoint_of(b);
	static const uint8_t none[16];

	if (addr_equal(a, b))
		return true;
	if (x.family == AF_UNIX || y.family == AF_UNIX || x.port != y.port ||
	    x.port == 0)
		return false;
	bool x_any = memcmp(x.ip, none, sizeof(none)) == 0;
	bool y_any = memcmp(y.ip, none, sizeof(none)) == 0;

	if (x.family == y.family)
		return x_any || y_any || memcmp(x.ip, y.ip, sizeof(x.ip)) == 0;
	/* "*" takes IPv4 too. */
	return (x.family == AF_INET6 && x_any) || (y.family == AF_INET6 && y_any);
}

static void check_listener(struct check *c, size_t i)
{
	const struct conf_listener *l = &c->conf->listeners[i];
	struct place at = place_of(c, &l->text, "listeners");

	if (l->text == NULL)
		return;
	if (addr_family(&l->addr) != AF_UNIX) {
		if (is_given(c, &l->mode)) {
			at = place_of(c, &l->mode, "mode");
			complain(c, &at,
				 "only \"unix:\" addresses have a "
				 "mode");
		}
		return;
	}
	if (l->addr.un.sun_path[0] == '\0')
		return;
	check_parent(c, &l->text, "listeners", l->addr.un.sun_path);
	if (c->conf->control != NULL &&
	    strcmp(l->addr.un.sun_path, c->conf->control) == 0)
		complain(c, &at, "%s is the control socket", c->conf->control);
}

static void check_clashes(struct check *c, size_t i)
{
	const struct conf_listener *l = &c->conf->listeners[i];
	struct place at = place_of(c, &l->text, "listeners");

	for (size_t j = 0; j < i && l->text != NULL; j++) {
		const struct conf_listener *other = &c->conf->listeners[j];

		if (other->text == NULL || !addresses_clash(&l->addr, &other->addr))
			continue;
		struct place first = place_of(c, &other->text, "listeners");

		if (strcmp(l->text, other->text) == 0)
			complain(c, &at, "%s is already listened on, see %s",
				 l->text, spot(c, first.file, first.line));
		else
			complain(c, &at, "%s overlaps %s, see %s", l->text,
				 other->text, spot(c, first.file, first.line));
		return;
	}
}

static void check_listeners(struct check *c)
{
	const struct conf *conf = c->conf;
	bool needs_sites = false;

	for (size_t i = 0; i < conf->n_listeners; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		check_listener(c, i);
		check_clashes(c, i);
		if (l->protocol == NULL || is_bad(c, &l->protocol) ||
		    strcmp(l->protocol, "http") != 0 || needs_sites ||
		    conf->n_sites > 0 || is_bad(c, &conf->sites))
			continue;
		struct place at = {
			.where = arena_printf(&c->conf->arena, "listeners[%zu]", i)
					 .p,
			.file = l->file,
			.line = l->line};

		complain(c, &at, "http listeners need sites");
		needs_sites = true;
	}
}

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
		struct place at = place_of(c, &h->site->hosts, h->site->where);

		if (at.line == 0) { /* "*" by default */
			at.file = h->site->file;
			at.line = h->site->line;
		}
		if (h->site == first->site)
			complain(c, &at, "host \"%" STR_FMT "\" is there twice",
				 STR_ARG(h->name));
		else
			complain(c, &at,
				 "host \"%" STR_FMT "\" is already in %s, see "
				 "%s",
				 STR_ARG(h->name), first->site->where,
				 spot(c, first->site->file, first->site->line));
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
	struct place at = place_of(c, &second->path, second->where);
	unsigned both = first->methods & second->methods;
	size_t method = 0;

	if (!is_given(c, &first->methods) || !is_given(c, &second->methods)) {
		complain(c, &at,
			 "the same path and match as %s, see %s; two such "
			 "routes must both name their methods",
			 first->where, spot(c, first->file, first->line));
		return;
	}
	if (both == 0 || is_bad(c, &first->methods) || is_bad(c, &second->methods))
		return;
	while ((both & 1u << method) == 0)
		method++;
	complain(c, &at, "the same path, match and method %s as %s, see %s",
		 conf_method_names[method].p, first->where,
		 spot(c, first->file, first->line));
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
		    !is_bad(c, &site->routes[i].match))
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

/* A network that is both allowed and denied says nothing. */
static void check_access(struct check *c, const struct conf_common *common,
			 const char *where)
{
	char text[ADDR_TEXT];
	const void *last =
		conf_gives(common, &common->deny) ? &common->deny : &common->allow;
	struct place at = place_of(c, last, where);

	for (size_t i = 0; i < common->allow.n; i++)
		for (size_t k = 0; k < common->deny.n; k++)
			if (network_equal(&common->allow.items[i],
					  &common->deny.items[k]))
				complain(c, &at,
					 "\"%s\" is both allowed and denied",
					 network_format(&common->allow.items[i],
							text));
}

/* A file that several routes name is wrong once. */
static bool is_said(const struct check *c, const char *file, int line)
{
	for (size_t i = 0; i < c->errors->n; i++)
		if (c->errors->items[i].line == line &&
		    strcmp(c->errors->items[i].file, file) == 0)
			return true;
	return false;
}

static void check_auth_file(struct check *c, const struct conf_common *common,
			    const char *where)
{
	struct place at = place_of(c, &common->auth_file, where);
	struct arena scratch = {0};
	const char *why;
	int line;

	if (common->auth_file[0] == '\0' || is_bad(c, &common->auth_file))
		return;
	if (passwords_load(&scratch, common->auth_file, &why, &line) == NULL) {
		if (line == 0)
			complain(c, &at, "%s: %s", common->auth_file, why);
		else if (!is_said(c, common->auth_file, line))
			conf_errors_add(c->errors, common->auth_file, line, "%s",
					why);
	}
	arena_fini(&scratch);
}

static bool uses(const struct template *t, enum template_variable variable)
{
	for (size_t i = 0; i < t->n_pieces; i++)
		if (t->pieces[i].variable == variable)
			return true;
	return false;
}

/* What is made before the password and the body are looked at. */
static void check_early(struct check *c, const struct template *t,
			const struct place *at)
{
	if (t->uses_form)
		complain(c, at,
			 "\"${form.NAME}\" cannot be used here: the body is not "
			 "read yet");
	if (uses(t, TEMPLATE_USER))
		complain(c, at,
			 "\"${user}\" cannot be used here: the password is not "
			 "looked at yet");
}

static void check_key(struct check *c, const struct conf_common *common,
		      const struct template *key, const char *where)
{
	struct place at = place_of(c, key, where);

	if (conf_gives(common, key))
		check_early(c, key, &at);
}

static void check_compress(struct check *c, const struct conf_common *common,
			   const char *where)
{
	struct place at = place_of(c, &common->compress, where);

	for (size_t i = 0; i < common->compress.n; i++)
		if (!conf_coding_is_built(common->compress.items[i]))
			complain(c, &at, "this holdfast was built without %s",
				 conf_coding_names[common->compress.items[i]].p);
}

static void check_common(struct check *c, const struct conf_common *common,
			 const char *where)
{
	if (conf_gives(common, &common->auth_file))
		check_auth_file(c, common, where);
	check_key(c, common, &common->rate_key, where);
	check_key(c, common, &common->concurrent_key, where);

	if (conf_gives(common, &common->allow) || conf_gives(common, &common->deny))
		check_access(c, common, where);
	if (conf_gives(common, &common->compress))
		check_compress(c, common, where);
}

static void check_path(struct check *c, const struct conf_route *route)
{
	struct place at = place_of(c, &route->path, route->where);
	struct str path = route->path, normal;

	if (path.p[0] != '/') {
		complain(c, &at,
			 "a path begins with \"/\"; did you mean \"/%" STR_FMT
			 "\"?",
			 STR_ARG(path));
		return;
	}
	if (memchr(path.p, '?', path.n) != NULL ||
	    memchr(path.p, '#', path.n) != NULL) {
		complain(c, &at,
			 "a path has no \"?\" and no \"#\": it is compared "
			 "without the query");
		return;
	}
	normal = value_normal_path(&c->conf->arena, path);
	if (!str_equal(normal, path))
		complain(c, &at,
			 "a path has no \"//\", \".\" or \"..\"; "
			 "did you mean \"%" STR_FMT "\"?",
			 STR_ARG(normal));
}

/* A template that stands in a route or site, and what it may use there. */
struct use {
	struct place at;
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
			complain(c, &use->at,
				 "\"${match.%" STR_FMT "}\": only a route with "
				 "match = \"regex\" has groups",
				 STR_ARG(piece->name));
		else if (use->regex != NULL &&
			 !regex_find_group(use->regex, piece->name, &piece->number))
			complain(c, &use->at,
				 "\"${match.%" STR_FMT "}\": the pattern has no "
				 "such group",
				 STR_ARG(piece->name));
	}
}

static void check_setting(struct check *c, struct use *use,
			  const struct schema_setting *row, void *base,
			  const char *where)
{
	void *field = (char *)base + row->offset;

	if (is_bad(c, field))
		return;
	use->at = place_of(c, field, where);
	if (row->type == SCHEMA_TEMPLATE || row->type == SCHEMA_LINE)
		check_template(c, use, field);
	if (row->type == SCHEMA_REQUEST_FIELDS ||
	    row->type == SCHEMA_RESPONSE_FIELDS) {
		struct conf_fields *fields = field;

		for (size_t i = 0; i < fields->n; i++)
			check_template(c, use, &fields->items[i].value);
	}
}

/* The templates that a site gives, or a route. */
static void check_templates(struct check *c, enum schema_section_id id, void *group,
			    const struct conf_common *common, const char *handler,
			    const char *where, struct use use)
{
	for (size_t i = 0; i < schema_n_settings; i++) {
		const struct schema_setting *row = &schema_settings[i];

		if (!schema_has(id, row) || !schema_applies(row, handler))
			continue;
		if (row->section == SCHEMA_COMMON &&
		    !(common->given & schema_common_bit(row)))
			continue;
		check_setting(c, &use, row, schema_base(id, row, group), where);
	}
}

static void check_match(struct check *c, struct conf_route *route)
{
	bool has_match =
		route->match == CONF_MATCH_REGEX && !is_bad(c, &route->match);
	struct use use = {.has_match = has_match};
	struct regex *regex = NULL;
	const char *why;

	if (route->path.n > 0 && !is_bad(c, &route->path)) {
		if (!has_match) {
			check_path(c, route);
		} else {
			struct place at = place_of(c, &route->path, route->where);

			regex = regex_create(route->path, &c->conf->arena, &why);
			if (regex == NULL)
				complain(c, &at, "%s", why);
		}
	}
	use.regex = regex;
	check_templates(c, SCHEMA_ROUTES, route, &route->common, route->handler,
			route->where, use);
	regex_destroy(&regex);
}

static bool is_handler(const struct conf_route *route, const char *name)
{
	return route->handler != NULL && strcmp(route->handler, name) == 0;
}

/* It is only known while the request is read which path it will have. */
static void check_rewrite(struct check *c, const struct conf_route *route)
{
	const struct template *to = &route->to;
	struct place at = place_of(c, to, route->where);

	if (route->common.given != 0) {
		at = (struct place){.where = route->where,
				    .file = route->file,
				    .line = route->line};
		complain(c, &at,
			 "a route that rewrites has no common settings: those of "
			 "the route that answers hold");
	}
	if (to->n_pieces == 0)
		return;
	if (to->pieces[0].variable == TEMPLATE_LITERAL &&
	    to->pieces[0].text.p[0] != '/')
		complain(c, &at, "a path begins with \"/\"");
	check_early(c, to, &at);
}

static void check_route(struct check *c, struct conf_route *route)
{
	check_match(c, route);
	if (is_handler(route, "rewrite"))
		check_rewrite(c, route);

	check_common(c, &route->common, route->where);

	bool has_no_body = route->status == 204 || route->status == 205 ||
			   route->status == 304;

	if (!is_handler(route, "respond") || !has_no_body ||
	    route->body.source.n == 0)
		return;
	struct place at = place_of(c, &route->body, route->where);

	complain(c, &at, "a response with status %d has no body",
		 (int)route->status);
}

void conf_check(struct conf *conf, const char *main_file, struct places *places,
		struct conf_errors *errors)
{
	struct check c = {conf, places, errors, main_file};

	check_user(&c);
	check_control(&c);
	check_files(&c);
	check_real_ip(&c);
	check_listeners(&c);
	check_hosts(&c);
	for (size_t i = 0; i < conf->n_sites; i++) {
		struct conf_site *site = &conf->sites[i];

		check_common(&c, &site->common, site->where);
		check_templates(&c, SCHEMA_SITES, site, &site->common, NULL,
				site->where, (struct use){0});
		check_overlaps(&c, site);
		for (size_t j = 0; j < site->n_routes; j++)
			check_route(&c, &site->routes[j]);
	}
}
