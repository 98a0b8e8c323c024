/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The health that requests show (passive health): three failures within ten
 * seconds, without a success between them, take a server out for a second,
 * which doubles each time up to half a minute. Then one request finds out
 * whether it is back. If it is, its share of the requests grows to the whole
 * over ten seconds, so that a server with cold caches is not run over (slow
 * start).
 */
#include "worker/upstream/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/upstream/health.h"
#include "worker/upstream/peer.h"
#include "worker/upstream/resolver.h"
#include "worker/upstream/upstreams.h"

enum {
	SERVER_FAILURES = 3,
	SERVER_WINDOW_S = 10,
	SERVER_DOWN_S = 1,
	SERVER_DOWN_MAX_S = 30,
	SERVER_SLOW_START_S = 10,
	SERVER_SLOW_START_MIN = 100, /* thousandths of its weight at first */
};

static void init(struct server *server, struct upstream *upstream)
{
	const struct conf_server *conf = server->conf;

	server->upstream = upstream;
	server->net = upstream->all->net;
	server->weight = conf->weight;
	server->keepalive = (uint32_t)upstream->conf->keepalive;
	server->keepalive_ms = upstream->conf->keepalive_time;
	server->proxy_protocol = upstream->conf->proxy_protocol;
	server->shown = &server->unshown;
	if (upstream->conf->sticky != NULL)
		sticky_value(upstream->conf, conf->text, server->sticky);
	list_init(&server->link);
	list_init(&server->idle);
	if (conf->addr.length == 0)
		server->name = resolver_watch(upstreams_resolver(upstream->all),
					      conf->text);
}

struct server *server_create(struct upstream *upstream,
			     const struct conf_server *conf)
{
	struct server *server = mem_zalloc(1, sizeof(*server));

	server->conf = conf;
	init(server, upstream);
	return server;
}

struct server *server_create_own(struct upstream *upstream,
				 const struct conf_server *conf)
{
	struct server *server = mem_zalloc(1, sizeof(*server));

	server->own = *conf;
	server->own.text = mem_strdup(conf->text);
	server->conf = &server->own;
	init(server, upstream);
	return server;
}

static void close_idle(struct server *server)
{
	while (!list_is_empty(&server->idle)) {
		struct peer *peer =
			CONTAINER_OF(server->idle.next, struct peer, link);

		peer_close(&peer);
	}
}

void server_destroy(struct server **server)
{
	struct server *s = *server;

	*server = NULL;
	close_idle(s);
	list_remove(&s->link);
	if (s->name != NULL)
		resolver_leave(&s->name);
	if (s->conf == &s->own)
		free((char *)(size_t)s->own.text);
	free(s);
}

static uint64_t now(const struct server *server)
{
	return server->net->loop->now;
}

static bool has_address(const struct server *server)
{
	return server->name == NULL || resolver_count(server->name) > 0;
}

static bool is_usable(const struct server *server)
{
	return server->mode == SERVER_ENABLED && has_address(server);
}

static bool has_room(const struct server *server)
{
	uint64_t max = server->conf->max_connections;

	return max == 0 || server->n_active < max;
}

/* One that fails is tried with one request at a time. */
static bool is_healthy(const struct server *server)
{
	if (server->is_unhealthy)
		return false;
	return server->down_until == 0 ||
	       (now(server) >= server->down_until && !server->is_probing);
}

bool server_is_up(const struct server *server)
{
	return is_usable(server) && is_healthy(server);
}

bool server_is_available(const struct server *server, bool heed_health)
{
	return is_usable(server) && has_room(server) &&
	       (!heed_health || is_healthy(server));
}

bool server_takes_bound(const struct server *server)
{
	return server->mode != SERVER_DISABLED && has_address(server) &&
	       has_room(server) && is_healthy(server);
}

uint64_t server_weight(const struct server *server)
{
	uint64_t whole = server->weight * 1000;
	uint64_t start = SERVER_SLOW_START_S * NS_PER_S;
	uint64_t age = now(server) - server->recovered_at;

	if (server->recovered_at == 0 || age >= start)
		return whole;
	uint64_t part = age * 1000 / start;

	if (part < SERVER_SLOW_START_MIN)
		part = SERVER_SLOW_START_MIN;
	return whole * part / 1000;
}

/* What is seldom changed, too. */
static void show_health(struct server *server)
{
	struct server_health *shown = server->shown;

	shown->down_until = server->down_until;
	shown->recovered_at = server->recovered_at;
	shown->n_downs = server->n_downs;
	server_show(server);
	if (server->upstream->n_waiting > 0) /* for a server that is up */
		upstream_look(server->upstream);
}

/* Others may have written anything: a time that cannot be is none. */
static void learn(struct server *server, const struct server_health *cell)
{
	uint64_t max = now(server) + SERVER_DOWN_MAX_S * NS_PER_S;

	if (cell->recovered_at > server->recovered_at &&
	    cell->recovered_at <= now(server))
		server->recovered_at = cell->recovered_at;
	if (cell->down_until > server->down_until && cell->down_until <= max) {
		server->down_until = cell->down_until;
		server->n_downs = cell->n_downs;
	}
}

void server_show_record(struct server *server)
{
	struct server_health *shown = server->shown;
	struct str text = str_of(server->conf->text);

	shown->weight = (uint32_t)server->conf->weight;
	shown->is_backup = server->conf->backup;
	memcpy(shown->text, text.p,
	       text.n < SCOREBOARD_SERVER_TEXT ? text.n : SCOREBOARD_SERVER_TEXT);
}

void server_show_addresses(struct server *server)
{
	struct server_health *shown = server->shown;
	uint32_t n = server->name != NULL ? resolver_count(server->name) : 0;

	for (uint32_t i = 0; i < SCOREBOARD_ADDRESSES; i++)
		if (i < n)
			shown_address_set(&shown->addresses[i],
					  resolver_address(server->name, i));
		else
			shown->addresses[i] = (struct shown_address){0};
}

static void learn_addresses(struct server *server, const struct server_health *cell)
{
	struct addr addr;

	if (server->name == NULL || resolver_count(server->name) > 0)
		return;
	for (uint32_t i = 0; i < SCOREBOARD_ADDRESSES; i++)
		if (shown_address_get(&cell->addresses[i], &addr))
			resolver_suggest(server->name, &addr);
}

/* From the workers that there are; else, what those that are gone knew. */
static void learn_all(struct server *server, const struct scoreboard *board,
		      uint64_t key, size_t hint)
{
	const struct server_health *cell = NULL;
	bool found = false;

	for (uint32_t i = 0; i < board->n_used && i < SCOREBOARD_SLOTS; i++) {
		const struct slot *slot = &board->slots[i];

		if (slot == server->net->slot || slot->generation == 0)
			continue;
		cell = server_health_find(slot->servers, key, &hint);
		if (cell == NULL)
			continue;
		learn(server, cell);
		learn_addresses(server, cell);
		found = true;
	}
	cell = found ? NULL : server_health_find(board->known, key, &hint);
	if (cell == NULL)
		return;
	learn(server, cell);
	learn_addresses(server, cell);
}

void server_show_at(struct server *server, struct server_health *cell,
		    const struct scoreboard *board)
{
	uint64_t key = server_health_key(str_of(server->upstream->conf->name),
					 str_of(server->conf->text));

	learn_all(server, board, key, (size_t)(cell - server->net->slot->servers));
	*cell = (struct server_health){.key = key};
	server->shown = cell;
	if (server->srv != NULL)
		server_show_record(server);
	server_show_addresses(server);
	show_health(server);
}

/* As one that has just come back. */
static void begin_anew(struct server *server)
{
	server->failures = 0;
	server->failures_since = 0;
	server->down_until = 0;
	server->n_downs = 0;
	server->is_probing = false;
	server->is_unhealthy = false;
	server->recovered_at = now(server);
	show_health(server);
}

void server_set_mode(struct server *server, enum server_mode mode)
{
	struct upstream *u = server->upstream;
	enum server_mode before = server->mode;

	if (mode == before)
		return;
	server->mode = mode;
	server->keepalive =
		mode == SERVER_ENABLED ? (uint32_t)u->conf->keepalive : 0;
	if (mode != SERVER_ENABLED)
		close_idle(server);
	if (before == SERVER_DISABLED)
		begin_anew(server);
	health_heed_mode(server);
	upstream_look(u);
}

void server_retire(struct server *server)
{
	server->is_removed = true;
	server->keepalive = 0;
	close_idle(server);
	health_leave(server);
	upstreams_hide(server);
	if (server->name != NULL)
		resolver_leave(&server->name);
}

void server_succeeded(struct server *server)
{
	server->failures = 0;
	server->failures_since = 0;
	if (server->down_until == 0)
		return;
	log_info("server %s: it answers again", server->conf->text);
	server->down_until = 0;
	server->n_downs = 0;
	server->is_probing = false;
	server->recovered_at = now(server);
	show_health(server);
}

static void take_out(struct server *server, const char *why)
{
	uint64_t s = SERVER_DOWN_S;

	for (uint32_t i = 0; i < server->n_downs && s < SERVER_DOWN_MAX_S; i++)
		s *= 2;
	if (s > SERVER_DOWN_MAX_S)
		s = SERVER_DOWN_MAX_S;
	if (server->n_downs == 0)
		log_warn("server %s: not asked for %ju s after %d failures: %s",
			 server->conf->text, (uintmax_t)s, SERVER_FAILURES, why);
	server->n_downs++;
	server->down_until = now(server) + s * NS_PER_S;
	server->is_probing = false;
	server->failures = 0;
	server->failures_since = 0;
	show_health(server);
}

void server_failed(struct server *server, const char *why)
{
	server->shown->failures++;
	if (server->down_until != 0) {
		if (now(server) >= server->down_until)
			take_out(server, why);
		return;
	}
	if (server->failures_since == 0 ||
	    now(server) - server->failures_since > SERVER_WINDOW_S * NS_PER_S) {
		server->failures = 0;
		server->failures_since = now(server);
	}
	if (++server->failures >= SERVER_FAILURES)
		take_out(server, why);
}

/* The one that was used last; or NULL. */
static struct peer *find_idle(struct server *server, uint64_t client)
{
	for (struct list *link = server->idle.prev; link != &server->idle;
	     link = link->prev) {
		struct peer *peer = CONTAINER_OF(link, struct peer, link);

		if (peer->client == client)
			return peer;
	}
	return NULL;
}

struct peer *server_idle_peer(struct server *server, uint64_t client,
			      uint64_t max_idle_ms)
{
	struct peer *peer = find_idle(server, client);

	if (peer == NULL)
		return NULL;

	/* The last read may have left it open whether there is more: one more
	 * tells, which is rare. What the server said unasked ends it. */
	if (peer->socket.peer_ended ||
	    (peer->socket.readable && socket_read(&peer->socket) != IO_AGAIN)) {
		peer_close(&peer);
		return NULL;
	}
	buf_release(&peer->socket.in);
	return now(server) - peer->idle_since <= max_idle_ms * NS_PER_MS ? peer
									 : NULL;
}

struct peer *server_connect(struct server *server, const struct peer_user *user,
			    void *context)
{
	const struct addr *addr = &server->conf->addr;
	struct peer *peer;

	server->requests++;
	server_show(server);
	if (server->name != NULL) {
		addr = resolver_address(server->name, server->next_address++);
		if (addr == NULL) {
			errno = EADDRNOTAVAIL;
			return NULL;
		}
	}
	peer = peer_connect(server->net, server, addr, user, context);
	if (peer != NULL && server->down_until != 0 &&
	    now(server) >= server->down_until)
		peer->is_probe = server->is_probing = true;
	return peer;
}
