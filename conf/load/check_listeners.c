/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/check_listeners.h"

#include <string.h>

#include "conf/load/check_upstreams.h"

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
	struct location at = check_location(c, &l->text, "listeners");

	if (l->text == NULL || addr_family(&l->addr) != AF_UNIX)
		return;
	if (l->addr.un.sun_path[0] == '\0')
		return;
	check_directory(c, &l->text, "listeners", l->addr.un.sun_path);
	if (c->conf->control.path != NULL &&
	    strcmp(l->addr.un.sun_path, c->conf->control.path) == 0)
		check_complain(c, &at, "%s is the control socket",
			       c->conf->control.path);
}

static void check_clashes(struct check *c, size_t i)
{
	const struct conf_listener *l = &c->conf->listeners[i];
	struct location at = check_location(c, &l->text, "listeners");

	for (size_t j = 0; j < i && l->text != NULL; j++) {
		const struct conf_listener *other = &c->conf->listeners[j];

		if (other->text == NULL || !addresses_clash(&l->addr, &other->addr))
			continue;
		struct location first =
			check_location(c, &other->text, "listeners");

		if (strcmp(l->text, other->text) == 0)
			check_complain(c, &at, "duplicate address %s, see %s",
				       l->text,
				       check_spot(c, (struct conf_origin){
							     .file = first.file,
							     .line = first.line}));
		else
			check_complain(c, &at, "%s overlaps %s, see %s", l->text,
				       other->text,
				       check_spot(c, (struct conf_origin){
							     .file = first.file,
							     .line = first.line}));
		return;
	}
}

/* A name may be in one of them only. */
static void check_hosts(struct check *c, const struct conf_listener *l, size_t i)
{
	const struct conf_by_name *mine = &l->by_name[i];

	for (size_t h = 0; h < mine->hosts.n; h++)
		for (size_t j = 0; j <= i; j++) {
			const struct conf_strings *other = &l->by_name[j].hosts;
			size_t n = j < i ? other->n : h;

			for (size_t k = 0; k < n; k++) {
				struct location at = check_location(
					c, &mine->hosts, mine->origin.where);

				if (str_equal(other->items[k],
					      mine->hosts.items[h]))
					check_complain(
						c, &at,
						"duplicate host "
						"\"%" STR_FMT "\"",
						STR_ARG(mine->hosts.items[h]));
			}
		}
}

/* Where a stream goes. */
static void check_stream(struct check *c, struct conf_listener *l)
{
	struct location at = {.where = l->origin.where,
			      .file = l->origin.file,
			      .line = l->origin.line};

	if (check_is_bad(c, &l->upstream) || check_is_bad(c, &l->by_name))
		return;
	bool has_upstream = l->upstream != NULL && l->upstream[0] != '\0';

	if (has_upstream && l->n_by_name > 0)
		check_complain(c, &at,
			       "a stream has an upstream or chooses by_name, not "
			       "both");
	else if (!has_upstream && l->n_by_name == 0)
		check_complain(c, &at, "a stream needs an upstream, or by_name");
	if (has_upstream)
		(void)check_upstream_name(c, &l->upstream, l->origin.where,
					  &l->upstream_place);
	for (size_t i = 0; i < l->n_by_name; i++) {
		(void)check_upstream_name(c, &l->by_name[i].upstream,
					  l->by_name[i].origin.where,
					  &l->by_name[i].upstream_place);
		check_hosts(c, l, i);
	}
}

void check_listeners(struct check *c)
{
	const struct conf *conf = c->conf;
	bool needs_sites = false;

	for (size_t i = 0; i < conf->n_listeners; i++) {
		const struct conf_listener *l = &conf->listeners[i];

		check_listener(c, i);
		check_clashes(c, i);
		if (l->protocol != NULL && !check_is_bad(c, &l->protocol) &&
		    strcmp(l->protocol, "stream") == 0)
			check_stream(c, &c->conf->listeners[i]);
		if (l->protocol == NULL || check_is_bad(c, &l->protocol) ||
		    strcmp(l->protocol, "http") != 0 || needs_sites ||
		    conf->n_sites > 0 || check_is_bad(c, &conf->sites))
			continue;
		struct location at = {.where = l->origin.where,
				      .file = l->origin.file,
				      .line = l->origin.line};

		check_complain(c, &at, "http listeners need sites");
		needs_sites = true;
	}
}
