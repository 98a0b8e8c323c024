/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First what happens on the socket, by the state of the peer: run() and
 * on_timeout(). Then how one comes to be, connected by us or by another process;
 * and then its uses, one after the other.
 */
#include "worker/upstream/peer.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/codec/proxy_protocol.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/upstream/server.h"

enum { PEER_MAGIC = 0x70656572 };

static const char *const state_names[] = {
	[PEER_CONNECTING] = "connecting",
	[PEER_BUSY] = "busy",
	[PEER_IDLE] = "idle",
	[PEER_CLOSED] = "closed",
};

static void set_state(struct peer *peer, enum peer_state state)
{
	ASSERT(peer->state != PEER_CLOSED);
	log_debug("peer %s: %s -> %s", peer->server->conf->text,
		  state_names[peer->state], state_names[state]);
	peer->state = state;
}

static struct peer *peer_of(struct socket *s)
{
	struct peer *peer = CONTAINER_OF(s, struct peer, socket);

	ASSERT(s->magic == PEER_MAGIC);
	return peer;
}

static void forget(struct peer *peer)
{
	if (peer->state == PEER_IDLE) {
		list_remove(&peer->link);
		peer->server->n_idle--;
	} else if (!peer->is_uncounted) {
		server_released(peer->server);
	}
	if (peer->is_probe) /* also when its client went before an answer */
		peer->server->is_probing = false;
	server_show(peer->server);
	set_state(peer, PEER_CLOSED);
	peer->user = NULL;
	/* Another process may have it now. */
	socket_let_go(&peer->socket);
}

void peer_close(struct peer **peer)
{
	if (*peer != NULL)
		forget(*peer);
	*peer = NULL;
}

/* EPOLLOUT: SO_ERROR says how the connect went; connect(2). */
static void finish_connect(struct peer *peer)
{
	const struct peer_user *user = peer->user;
	int error = 0;
	socklen_t size = sizeof(error);

	if (!peer->socket.writable)
		return; /* not yet */
	if (getsockopt(peer->socket.watch.fd, SOL_SOCKET, SO_ERROR, &error,
		       &size) == -1)
		error = errno;
	socket_clear_timeout(&peer->socket);
	if (error == 0) {
		set_state(peer, PEER_BUSY);
		user->on_connected(peer, 0);
		return;
	}
	void *context = peer->context;

	forget(peer);
	peer->context = context; /* freed at the end of the tick */
	user->on_connected(peer, error);
}

/* An idle connection has nothing to say: what comes is its end, or bytes that
 * no request asked for, and cannot belong to the next. */
static void run(struct socket *s)
{
	struct peer *peer = peer_of(s);

	switch (peer->state) {
	case PEER_CONNECTING:
		finish_connect(peer);
		break;
	case PEER_BUSY:
		peer->user->on_ready(peer);
		break;
	case PEER_IDLE:
		if (s->readable || s->peer_ended || s->hung_up ||
		    buf_length(&s->in) > 0)
			forget(peer);
		break;
	case PEER_CLOSED:
		break;
	}
}

static void on_timeout(struct socket *s)
{
	struct peer *peer = peer_of(s);

	if (peer->state == PEER_IDLE)
		forget(peer);
	else if (peer->state != PEER_CLOSED)
		peer->user->on_timeout(peer);
}

static void free_peer(struct socket *s)
{
	struct peer *peer = peer_of(s);

	s->magic = 0;
	free(peer);
}

static const struct socket_owner owner = {
	.name = "peer",
	.run = run,
	.on_timeout = on_timeout,
	.free = free_peer,
};

static struct peer *peer_create(struct net *net, struct server *server, int fd,
				const struct peer_user *user, void *context)
{
	struct peer *peer = mem_zalloc(1, sizeof(*peer));

	socket_init(&peer->socket, net, &owner, fd, &plain_transport);
	peer->socket.magic = PEER_MAGIC;
	peer->server = server;
	peer->user = user;
	peer->context = context;
	list_init(&peer->link);
	server->n_active++;
	server_show(server);
	return peer;
}

static struct peer *watch(struct peer *peer)
{
	if (socket_watch(&peer->socket) == -1) {
		int error = errno;

		forget(peer);
		errno = error;
		return NULL;
	}
	return peer;
}

struct peer *peer_connect(struct net *net, struct server *server,
			  const struct addr *addr, const struct peer_user *user,
			  void *context)
{
	static const int on = 1;
	int fd = socket(addr_family(addr),
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return NULL;
	if (addr_family(addr) != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* unix(7): EAGAIN is a full queue there, and no connect in progress. */
	if (connect(fd, &addr->any, addr->length) == -1 && errno != EINPROGRESS) {
		int error = errno;

		close(fd);
		errno = error;
		return NULL;
	}
	struct peer *peer = peer_create(net, server, fd, user, context);

	peer->socket.writable = false;
	return watch(peer);
}

struct peer *peer_adopt(struct net *net, struct server *server,
			const struct peer_origin *origin,
			const struct peer_user *user, void *context)
{
	struct peer *peer = peer_create(net, server, origin->fd, user, context);

	peer->is_reused = origin->is_reused;
	if (origin->is_connecting)
		peer->socket.writable = false;
	else
		set_state(peer, PEER_BUSY);
	buf_put(&peer->socket.in, origin->in);
	buf_put(&peer->socket.out, origin->out);
	return watch(peer);
}

void peer_put_header(struct peer *peer, const struct endpoint *source,
		     const struct endpoint *destination)
{
	struct buf *out = &peer->socket.out;

	if (peer->server->proxy_protocol == CONF_PROXY_PROTOCOL_OFF)
		return;
	buf_added(out,
		  proxy_protocol_put(
			  buf_room(out, PROXY_PROTOCOL_OUT),
			  (enum proxy_protocol_version)peer->server->proxy_protocol,
			  source, destination));
}

void peer_put_own_header(struct peer *peer)
{
	struct buf *out = &peer->socket.out;

	if (peer->server->proxy_protocol == CONF_PROXY_PROTOCOL_OFF)
		return;
	buf_added(
		out,
		proxy_protocol_put_local(
			buf_room(out, PROXY_PROTOCOL_OUT),
			(enum proxy_protocol_version)peer->server->proxy_protocol));
}

void peer_uncount(struct peer *peer)
{
	peer->is_uncounted = true;
	peer->server->n_active--;
}

void peer_use(struct peer *peer, const struct peer_user *user, void *context)
{
	ASSERT(peer->state == PEER_IDLE);
	list_remove(&peer->link);
	peer->server->n_idle--;
	peer->server->n_active++;
	server_show(peer->server);
	socket_clear_timeout(&peer->socket);
	set_state(peer, PEER_BUSY);
	peer->is_reused = true;
	peer->user = user;
	peer->context = context;
}

void peer_keep(struct peer *peer)
{
	struct server *server = peer->server;
	struct socket *s = &peer->socket;

	ASSERT(peer->state == PEER_BUSY);
	if (server->n_idle >= server->keepalive || s->peer_ended || s->hung_up ||
	    net_is_draining(s->net) || buf_length(&s->in) > 0 ||
	    buf_length(&s->out) > 0) {
		forget(peer);
		return;
	}
	buf_release(&s->in);
	buf_release(&s->out);
	server_released(server);
	server->n_idle++;
	server_show(server);
	set_state(peer, PEER_IDLE);
	peer->is_probe = false;
	peer->user = NULL;
	peer->context = NULL;
	peer->idle_since = s->net->loop->now;
	/* The one used last is used first: the others can age. */
	list_append(&server->idle, &peer->link);
	s->reading = false;
	socket_set_timeout(s, server->keepalive_ms);
}

void peer_wake(struct peer *peer)
{
	batch_join_later(&peer->socket.net->batch, &peer->socket);
}
