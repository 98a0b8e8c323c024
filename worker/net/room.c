/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/net/room.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/net/conn.h"

enum {
	ROOM_MADE_MAX = 256, /* connections closed at once */
	/* One that was served just now may be about to send its next request,
	 * which would be lost. */
	ROOM_IDLE_MS = 100,
	ROOM_QUIET_MS = 10000, /* between two log lines */
};

/* An address that has connections. */
struct address {
	struct map_node node;
	char key[8]; /* of IPv6 the first half: a client has all of the other */
	uint64_t n;
};

/* Empty for a peer that has no address: a Unix one. */
static struct str key_of(const struct endpoint *peer)
{
	const char *ip = (const char *)peer->ip;

	if (peer->family == AF_INET)
		return (struct str){ip, 4};
	return (struct str){ip, peer->family == AF_INET6 ? 8 : 0};
}

static struct address *find(const struct net *net, const struct endpoint *peer)
{
	struct map_node *node = map_find(&net->room.addresses, key_of(peer));

	return node != NULL ? CONTAINER_OF(node, struct address, node) : NULL;
}

void room_add_moved(struct net *net, const struct endpoint *peer)
{
	struct address *address = find(net, peer);
	struct str key = key_of(peer);

	if (key.n == 0)
		return;
	if (address == NULL) {
		address = mem_zalloc(1, sizeof(*address));
		memcpy(address->key, key.p, key.n);
		address->node.key = (struct str){address->key, key.n};
		map_put(&net->room.addresses, &address->node);
	}
	address->n++;
}

bool room_add(struct net *net, const struct endpoint *peer)
{
	const struct address *address = find(net, peer);

	if (address != NULL &&
	    address->n >= net->conf->limits.connections_per_address)
		return false;
	room_add_moved(net, peer);
	return true;
}

void room_refuse(struct net *net, const struct endpoint *peer)
{
	char ip[ADDR_TEXT];

	net->slot->counters.limited++;
	log_client(LOG_LEVEL_INFO,
		   "refused a connection of %s: it has "
		   "limits.connections_per_address (%ju)",
		   endpoint_ip(peer, ip),
		   (uintmax_t)net->conf->limits.connections_per_address);
}

void room_remove(struct net *net, const struct endpoint *peer)
{
	struct address *address = find(net, peer);

	if (address == NULL || --address->n > 0)
		return;
	map_remove(&net->room.addresses, &address->node);
	free(address);
}

void room_fini(struct net *net)
{
	map_fini(&net->room.addresses);
}

/* The longest idle. */

/* Since when it has waited for a request; 0 when it is not to be closed. Only
 * where a time-out would close it some time. */
static uint64_t idle_since(const struct conn *c)
{
	uint64_t keepalive = c->socket.net->conf->timeouts.keepalive * NS_PER_MS;
	uint64_t deadline = c->socket.timer.deadline;

	if (deadline <= keepalive || !conn_is_idle(c))
		return 0;
	return c->requests == 0 ? c->accepted_at : deadline - keepalive;
}

struct candidate {
	struct conn *conn;
	uint64_t since;
};

/* The `max` that have been idle longest, the longest first; returns how many. */
static size_t find_idle(struct net *net, struct candidate *found, size_t max,
			uint64_t before)
{
	size_t n = 0;

	LIST_EACH (link, &net->conns) {
		struct conn *c = CONTAINER_OF(link, struct conn, link);
		uint64_t since = idle_since(c);
		size_t at = n;

		if (since == 0 || since > before ||
		    (n == max && since >= found[n - 1].since))
			continue;
		while (at > 0 && found[at - 1].since > since)
			at--;
		if (n < max)
			n++;
		memmove(&found[at + 1], &found[at], (n - at - 1) * sizeof(*found));
		found[at] = (struct candidate){c, since};
	}
	return n;
}

static void say(struct net *net)
{
	uint64_t now = net->loop->now;

	if (net->room.said_at != 0 &&
	    now - net->room.said_at < ROOM_QUIET_MS * NS_PER_MS)
		return;
	net->room.said_at = now;
	log_warn("limits.connections (%ju) are open: closing those that have been "
		 "idle longest",
		 (uintmax_t)net->conf->limits.connections);
}

bool room_make(struct net *net)
{
	struct candidate found[ROOM_MADE_MAX];
	size_t max = net->conf->limits.connections / 64 + 1, n, closed = 0;
	uint64_t young = ROOM_IDLE_MS * NS_PER_MS;

	n = find_idle(net, found, max < ROOM_MADE_MAX ? max : ROOM_MADE_MAX,
		      net->loop->now - young);
	for (size_t i = 0; i < n; i++) {
		/* Its request has come, and is not read yet. */
		if (socket_has_unread(&found[i].conn->socket))
			continue;
		conn_cut(found[i].conn);
		closed++;
	}
	if (closed > 0)
		say(net);
	else if (find_idle(net, found, 1, net->loop->now) > 0)
		room_expect(net); /* it is too early */
	return closed > 0;
}

void room_expect(struct net *net)
{
	if (!timer_is_armed(&net->retry))
		loop_timer(net->loop, &net->retry, ROOM_IDLE_MS);
}
