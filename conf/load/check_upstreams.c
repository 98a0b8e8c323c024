/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/check_upstreams.h"

#include <string.h>

#include "conf/schema/conf_proxy.h"
#include "conf/suggest.h"

/* A server is written by its address, or servers are by a record. */
static void check_kind(struct check *c, const struct conf_server *s)
{
	bool has_srv = s->srv != NULL && s->srv[0] != '\0';
	struct location at = {.where = s->origin.where,
			      .file = s->origin.file,
			      .line = s->origin.line};

	if (check_is_bad(c, &s->srv) || check_is_bad(c, &s->text))
		return;
	if (has_srv && s->text != NULL)
		check_complain(c, &at,
			       "a server has an address or an srv, not both");
	else if (!has_srv && s->text == NULL)
		check_complain(c, &at, "a server has an address, or an srv");
	else if (has_srv && strchr(s->srv, ':') != NULL)
		check_complain(c, &at,
			       "\"%s\" is no name: the record has the ports",
			       s->srv);
}

static void check_servers(struct check *c, const struct conf_upstream *u)
{
	bool has_primary = false;

	for (size_t i = 0; i < u->n_servers; i++) {
		const struct conf_server *s = &u->servers[i];
		struct location at = check_location(c, &s->text, s->origin.where);

		check_kind(c, s);
		has_primary |= !s->backup;
		for (size_t j = 0; j < i && s->text != NULL; j++)
			if (u->servers[j].text != NULL &&
			    strcmp(u->servers[j].text, s->text) == 0)
				check_complain(c, &at,
					       "%s is already a server of this "
					       "upstream, see %s",
					       s->text,
					       check_spot(c, u->servers[j].origin));
	}
	if (!has_primary && u->n_servers > 0) {
		struct location at = {.where = u->origin.where,
				      .file = u->origin.file,
				      .line = u->origin.line};

		check_complain(c, &at, "all servers are backups");
	}
}

/* What browsers would not take, or what would end the attribute. */
static void check_sticky(struct check *c, const struct conf_upstream *u)
{
	const struct conf_sticky *sticky = u->sticky;
	struct location at = check_location(c, &sticky->path, u->origin.where);

	if (!check_is_bad(c, &sticky->path) &&
	    (sticky->path[0] != '/' || strpbrk(sticky->path, "; ,") != NULL))
		check_complain(c, &at,
			       "the path of a cookie begins with \"/\", and has no "
			       "semicolon, comma or space");
	if (sticky->samesite != CONF_SAMESITE_NONE ||
	    sticky->secure != CONF_SECURE_NEVER)
		return;
	at = check_location(c, &sticky->samesite, u->origin.where);
	check_complain(c, &at,
		       "samesite = \"none\" is for cookies that are secure");
}

void check_upstreams(struct check *c)
{
	const struct conf *conf = c->conf;

	for (size_t i = 0; i < conf->n_upstreams; i++) {
		const struct conf_upstream *u = &conf->upstreams[i];
		struct location at = check_location(c, &u->name, u->origin.where);

		for (size_t j = 0; j < i && u->name != NULL; j++)
			if (conf->upstreams[j].name != NULL &&
			    strcmp(conf->upstreams[j].name, u->name) == 0)
				check_complain(
					c, &at, "duplicate upstream \"%s\", see %s",
					u->name,
					check_spot(c, conf->upstreams[j].origin));
		check_servers(c, u);
		if (u->sticky != NULL)
			check_sticky(c, u);
		if (u->health != NULL && u->health->path != NULL &&
		    u->health->path[0] != '/') {
			at = check_location(c, &u->health->path, u->origin.where);
			check_complain(c, &at, "a path begins with \"/\"");
		}
	}
}

bool check_upstream_name(struct check *c, const char *const *name,
			 const char *where, size_t *place_out)
{
	const struct conf *conf = c->conf;
	struct location at = check_location(c, name, where);
	struct suggest nearest;

	if (*name == NULL || check_is_bad(c, name))
		return false;
	nearest = (struct suggest){.wrong = str_of(*name)};
	for (size_t i = 0; i < conf->n_upstreams; i++) {
		const char *other = conf->upstreams[i].name;

		*place_out = i;
		if (other != NULL && strcmp(other, *name) == 0)
			return true;
		if (other != NULL)
			suggest_offer(&nearest, str_of(other));
	}
	if (nearest.best.n > 0)
		check_complain(c, &at,
			       "there is no upstream \"%s\"; did you mean "
			       "\"%" STR_FMT "\"?",
			       *name, STR_ARG(nearest.best));
	else
		check_complain(c, &at, "there is no upstream \"%s\"", *name);
	return false;
}

void check_proxy(struct check *c, const struct conf_route *route)
{
	const struct conf_proxy *proxy = route->settings;
	size_t place;

	if (proxy->strip && route->match == CONF_MATCH_REGEX) {
		struct location strip =
			check_location(c, &proxy->strip, route->origin.where);

		check_complain(c, &strip,
			       "only a route with a path, not a pattern, can have "
			       "that path taken away");
	}
	(void)check_upstream_name(c, &proxy->upstream, route->origin.where, &place);
}
