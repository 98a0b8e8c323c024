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

#include "base/clock.h"
#include "base/log.h"
#include "worker/upstream/peer.h"
#include "worker/upstream/resolver.h"

enum {
	SERVER_FAILURES = 3,
	SERVER_WINDOW_S = 10,
	SERVER_DOWN_S = 1,
	SERVER_DOWN_MAX_S = 30,
	SERVER_SLOW_START_S = 10,
	SERVER_SLOW_START_MIN = 100, /* thousandths of its weight at first */
};

void server_init(struct server *server, struct net *net, struct resolver *resolver,
		 const struct conf_upstream *upstream,
		 const struct conf_server *conf)
{
	*server = (struct server){
		.conf = conf,
		.net = net,
		.keepalive = (uint32_t)upstream->keepalive,
		.keepalive_ms = upstream->keepalive_time,
	};
	server->shown = &server->unshown;
	list_init(&server->idle);
	if (conf->addr.length == 0)
		server->name = resolver_watch(resolver, conf->text);
}

void server_fini(struct server *server)
{
	while (!list_is_empty(&server->idle)) {
		struct peer *peer =
			CONTAINER_OF(server->idle.next, struct peer, link);

		peer_close(&peer);
	}
}

static uint64_t now(const struct server *server)
{
	return server->net->loop->now;
}

static bool is_up(const struct server *server)
{
	if (server->is_unhealthy)
		return false;
	return server->down_until == 0 ||
	       (now(server) >= server->down_until && !server->is_probing);
}

bool server_is_available(const struct server *server, bool heed_health)
{
	const struct conf_server *conf = server->conf;

	if (server->name != NULL && resolver_count(server->name) == 0)
		return false;
	if (conf->max_connections > 0 && server->n_active >= conf->max_connections)
		return false;
	return !heed_health || is_up(server);
}

uint64_t server_weight(const struct server *server)
{
	uint64_t whole = server->conf->weight * 1000;
	uint64_t start = SERVER_SLOW_START_S * NS_PER_S;
	uint64_t age = now(server) - server->recovered_at;

	if (server->recovered_at == 0 || age >= start)
		return whole;
	uint64_t part = age * 1000 / start;

	if (part < SERVER_SLOW_START_MIN)
		part = SERVER_SLOW_START_MIN;
	return whole * part / 1000;
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
	server_show(server);
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
	server_show(server);
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

struct peer *server_idle_peer(struct server *server, uint64_t max_idle_ms)
{
	if (list_is_empty(&server->idle))
		return NULL;
	struct peer *peer = CONTAINER_OF(server->idle.prev, struct peer, link);

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
