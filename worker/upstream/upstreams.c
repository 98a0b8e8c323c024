/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The upstreams of the configuration, and where their servers are shown to
 * others; then what an operator changes at run time; then upstreams that only
 * connections from elsewhere have.
 */
#include "worker/upstream/upstreams.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "worker/upstream/health.h"
#include "worker/upstream/resolver.h"
#include "worker/upstream/server.h"
#include "worker/upstream/srv.h"

static const char *const balance_names[] = {
	[CONF_BALANCE_ROUND_ROBIN] = "round_robin",
	[CONF_BALANCE_LEAST_CONN] = "least_conn",
	[CONF_BALANCE_RANDOM] = "random",
	[CONF_BALANCE_HASH] = "hash",
};

static const struct balancer *find_balancer(const struct balancer *const *balancers,
					    int balance)
{
	while (strcmp((*balancers)->name, balance_names[balance]) != 0)
		ASSERT(*++balancers != NULL);
	return *balancers;
}

/* An upstream of one server that the configuration does not have. */
struct gone {
	struct list link;
	struct upstream upstream;
	struct conf_upstream conf;
	char *name;
};

struct resolver *upstreams_resolver(struct upstreams *all)
{
	if (all->resolver == NULL)
		all->resolver = resolver_create(all->net->loop);
	return all->resolver;
}

/* What others see. */

static void show(struct upstreams *all, struct server *server)
{
	struct server_health *cells = all->net->slot->servers;

	for (size_t i = 0; i < SCOREBOARD_SERVERS; i++)
		if (cells[i].key == 0) {
			server_show_at(server, &cells[i], all->board);
			return;
		}
}

void upstreams_hide(struct server *server)
{
	*server->shown = (struct server_health){0};
	server->shown = &server->unshown;
}

/* Those that are checked come first: theirs are not for show only. */
static void show_servers(struct upstreams *all, bool are_checked)
{
	for (size_t i = 0; i < all->n; i++) {
		struct upstream *u = &all->items[i];

		if ((u->conf->health != NULL) != are_checked)
			continue;
		for (size_t k = 0; k < u->n_servers; k++)
			show(all, u->servers[k]);
	}
}

static void show_queues(struct upstreams *all)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n && n < SCOREBOARD_UPSTREAMS; i++) {
		struct upstream *u = &all->items[i];

		if (u->conf->queue == 0)
			continue;
		u->shown = &all->net->slot->queues[n++];
		u->shown->key = str_hash(str_of(u->conf->name));
	}
}

/* Changes at run time. */

static void heed_change(struct server *server, const struct server_change *change)
{
	server->weight = change->weight > 0 ? change->weight : server->conf->weight;
	server_set_mode(server, change->mode);
}

static const struct conf_server *find_conf(const struct upstream *u,
					   struct str server)
{
	for (size_t i = 0; i < u->conf->n_servers; i++)
		if (u->conf->servers[i].text != NULL &&
		    str_equal(str_of(u->conf->servers[i].text), server))
			return &u->conf->servers[i];
	return NULL;
}

void upstreams_take(struct upstreams *all, struct server *server)
{
	struct upstream *u = server->upstream;
	const struct server_change *change = server_changes_find(
		&all->changes, str_of(u->conf->name), str_of(server->conf->text));

	show(all, server);
	upstream_add(u, server);
	if (all->health != NULL)
		health_take(all->health, server);
	if (change != NULL)
		heed_change(server, change);
}

/* One that an operator has added, or that was removed and is back. NULL for one
 * that this configuration does not know. */
static struct server *make_server(struct upstream *u,
				  const struct server_change *change)
{
	const struct conf_server *conf = find_conf(u, change->server);
	struct conf_server added = {.text = change->server.p, .weight = 1};

	if (conf != NULL)
		return server_create(u, conf);
	/* The master has checked that it is an address, or else a name. */
	if (!change->is_added)
		return NULL;
	if (addr_parse(change->server, &added.addr) != NULL)
		added.addr.length = 0;
	return server_create_own(u, &added);
}

static void change_server(struct upstreams *all, struct upstream *u,
			  const struct server_change *change)
{
	struct server *server = upstream_find(u, change->server);

	if (change->is_removed) {
		if (server != NULL)
			upstream_remove(u, server);
		return;
	}
	if (server == NULL) {
		server = make_server(u, change);
		if (server == NULL)
			return;
		upstreams_take(all, server);
	}
	heed_change(server, change);
}

struct upstream *upstreams_named(struct upstreams *all, struct str name)
{
	for (size_t i = 0; i < all->n; i++)
		if (str_equal(str_of(all->items[i].conf->name), name))
			return &all->items[i];
	return NULL;
}

void upstreams_change(struct upstreams *all, const struct server_change *change)
{
	struct upstream *u = upstreams_named(all, change->upstream);

	if (u == NULL)
		return;
	server_changes_put(&all->changes, change);
	change_server(all, u, change);
}

/* The beginning and the end. */

static void init_upstream(struct upstreams *all, struct upstream *u,
			  const struct conf_upstream *conf,
			  const struct balancer *const *balancers)
{
	upstream_init(u, all, conf, find_balancer(balancers, conf->balance));
	for (size_t k = 0; k < conf->n_servers; k++) {
		if (conf->servers[k].text != NULL)
			upstream_add(u, server_create(u, &conf->servers[k]));
		else
			list_append(&all->srvs,
				    &srv_create(u, &conf->servers[k])->link);
	}
}

/* Servers whose names were not known may be asked now. */
static void on_answer(void *context)
{
	struct upstreams *all = context;

	LIST_EACH (link, &all->srvs)
		srv_settle(CONTAINER_OF(link, struct srv, link));
	for (size_t i = 0; i < all->n; i++) {
		struct upstream *u = &all->items[i];

		for (size_t k = 0; k < u->n_servers; k++)
			if (u->servers[k]->name != NULL)
				server_show_addresses(u->servers[k]);
		if (u->n_waiting > 0)
			upstream_look(u);
	}
}

struct upstreams *upstreams_create(struct net *net, const struct conf *conf,
				   const struct balancer *const *balancers,
				   const struct scoreboard *board,
				   const struct server_changes *changes)
{
	struct upstreams *all = mem_zalloc(1, sizeof(*all));

	all->net = net;
	all->board = board;
	list_init(&all->srvs);
	list_init(&all->gone);
	all->n = conf->n_upstreams;
	all->items = mem_zalloc(all->n, sizeof(*all->items));
	for (size_t i = 0; i < all->n; i++)
		init_upstream(all, &all->items[i], &conf->upstreams[i], balancers);
	show_servers(all, true);
	show_servers(all, false);
	show_queues(all);
	health_create(all);
	for (size_t i = 0; i < changes->n; i++)
		upstreams_change(all, &changes->items[i]);
	if (all->resolver != NULL)
		resolver_when_answered(all->resolver, on_answer, all);
	return all;
}

static void free_gone(struct gone *gone)
{
	upstream_fini(&gone->upstream);
	free(gone->name);
	free(gone);
}

void upstreams_destroy(struct upstreams **upstreams)
{
	struct upstreams *all = *upstreams;

	*upstreams = NULL;
	if (all == NULL)
		return;
	health_destroy(&all->health);
	for (size_t i = 0; i < all->n; i++)
		upstream_fini(&all->items[i]);
	LIST_EACH_SAFE (link, &all->gone)
		free_gone(CONTAINER_OF(link, struct gone, link));
	LIST_EACH_SAFE (link, &all->srvs) {
		struct srv *srv = CONTAINER_OF(link, struct srv, link);

		srv_destroy(&srv);
	}
	if (all->resolver != NULL)
		resolver_destroy(&all->resolver);
	server_changes_fini(&all->changes);
	free(all->items);
	free(all);
}

/* Connections from elsewhere. */

static char *copy(struct str s)
{
	char *text = mem_alloc(s.n + 1);

	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return text;
}

/* Nothing is kept alive there: no request of ours will come. */
static struct gone *make_gone(struct upstreams *all, struct str name,
			      struct str text,
			      const struct conf_upstream_timeouts *timeouts)
{
	static const struct addr nowhere = {.any.sa_family = AF_UNIX,
					    .length = sizeof(sa_family_t)};
	struct gone *gone = mem_zalloc(1, sizeof(*gone));
	char *server_text = copy(text);
	struct conf_server conf = {
		.text = server_text, .addr = nowhere, .weight = 1};

	gone->name = copy(name);
	gone->conf =
		(struct conf_upstream){.name = gone->name, .timeouts = *timeouts};
	upstream_init(&gone->upstream, all, &gone->conf, &round_robin_balancer);
	upstream_add(&gone->upstream, server_create_own(&gone->upstream, &conf));
	free(server_text);
	list_append(&all->gone, &gone->link);
	return gone;
}

static struct upstream *find_gone(struct upstreams *all, struct str name,
				  struct str text,
				  const struct conf_upstream_timeouts *timeouts,
				  struct server **server_out)
{
	struct gone *found = NULL;

	LIST_EACH (link, &all->gone) {
		struct gone *gone = CONTAINER_OF(link, struct gone, link);

		if (str_equal(str_of(gone->name), name) &&
		    upstream_find(&gone->upstream, text) != NULL)
			found = gone;
	}
	if (found == NULL)
		found = make_gone(all, name, text, timeouts);
	*server_out = found->upstream.servers[0];
	return &found->upstream;
}

struct upstream *upstreams_find(struct upstreams *all, struct str name,
				struct str server_text,
				const struct conf_upstream_timeouts *timeouts,
				struct server **server_out)
{
	struct upstream *u = upstreams_named(all, name);

	*server_out = u != NULL ? upstream_find(u, server_text) : NULL;
	if (*server_out != NULL)
		return u;
	return find_gone(all, name, server_text, timeouts, server_out);
}
