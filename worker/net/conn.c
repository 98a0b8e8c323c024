/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From accept to close: the memory of connections, what is done with the steps
 * of their protocols, how they begin (accepted, or from another worker) and
 * how they end (closed, moved, or after lingering). Bytes are socket.c's.
 * Worker.
 */
#include "worker/net/conn.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tunable.h"
#include "worker/net/proxy_header.h"

enum {
	CONN_MAGIC = 0x636f6e6e,
	CONN_STEPS = 64,            /* of a protocol in one tick */
	CONN_LINGER_MS = 2000,      /* for a peer that sends no more */
	CONN_LINGER_MAX_MS = 30000, /* for one that goes on sending */
	CONN_LINGER_READS = 64,     /* in one tick */
	CONNS_IN_BLOCK = 64,
};

/* Connections are allocated in blocks, because malloc would add 16 bytes to
 * each; a block is kept until the worker ends. */
struct conn_block {
	struct conn_block *next;
	struct conn conns[CONNS_IN_BLOCK];
};

static const char *const state_names[] = {
	[CONN_INTRODUCED] = "introduced",
	[CONN_OPENING] = "opening",
	[CONN_OPEN] = "open",
	[CONN_FINISHING] = "finishing",
	[CONN_LINGERING] = "lingering",
	[CONN_CLOSED] = "closed",
	[CONN_MOVED] = "moved",
};

static void set_state(struct conn *c, enum conn_state state)
{
	ASSERT(c->state < state); /* it only ever goes forward */
	log_debug("connection %ju: %s -> %s", (uintmax_t)c->id,
		  state_names[c->state], state_names[state]);
	c->state = state;
}

static struct conn *conn_of(struct socket *s)
{
	struct conn *c = CONTAINER_OF(s, struct conn, socket);

	ASSERT(s->magic == CONN_MAGIC);
	return c;
}

/* Memory. */

static void put_spare(struct net *net, struct conn *c)
{
	c->session = net->spare; /* of a spare one: the next */
	net->spare = c;
}

static struct conn *conn_alloc(struct net *net)
{
	if (net->spare == NULL) {
		struct conn_block *block = mem_alloc(sizeof(*block));

		block->next = net->blocks;
		net->blocks = block;
		net->n_blocks++;
		for (int i = 0; i < CONNS_IN_BLOCK; i++)
			put_spare(net, &block->conns[i]);
	}
	struct conn *c = net->spare;

	net->spare = c->session;
	return c;
}

static void conn_free(struct socket *s)
{
	struct conn *c = conn_of(s);

	s->magic = 0;
	free(c->via);
	c->via = NULL;
	put_spare(s->net, c);
}

void conns_fini(struct net *net)
{
	while (net->blocks != NULL) {
		struct conn_block *block = net->blocks;

		net->blocks = block->next;
		free(block);
	}
	net->spare = NULL;
}

/* The end. */

/* A worker that was full takes new connections when a few are gone, not at
 * each: every pause and start is a system call for each listener. */
static void resume_if_room(struct net *net)
{
	uint64_t limit = net->conf->limits.connections;

	if (net->state == NET_FULL && net->slot->connections < limit - limit / 64)
		net_resume(net);
}

/* What closing and moving have in common, before the socket goes. */
static void conn_end(struct conn *c, enum conn_state state)
{
	set_state(c, state);
	if (c->protocol->close != NULL)
		c->protocol->close(c);
	list_remove(&c->link);
	if (room_counts(c->socket.net) && !proxy_header_is_awaited(c))
		room_remove(c->socket.net, &c->peer);
	c->socket.net->slot->connections--;
}

static void conn_close(struct conn *c)
{
	c->socket.net->slot->counters.closed++;
	conn_end(c, CONN_CLOSED);
	socket_close(&c->socket);
	resume_if_room(c->socket.net);
}

void conn_moved(struct conn *c)
{
	conn_end(c, CONN_MOVED);
	socket_let_go(&c->socket);
	resume_if_room(c->socket.net);
}

void conn_cut(struct conn *c)
{
	if (c->state < CONN_CLOSED)
		conn_close(c);
}

static void set_linger_timeout(struct conn *c)
{
	uint64_t silent = c->socket.net->loop->now + CONN_LINGER_MS * NS_PER_MS;

	socket_set_timeout_at(&c->socket,
			      silent < c->linger_until ? silent : c->linger_until);
}

/* False when it had to be closed. */
static bool conn_watch(struct conn *c)
{
	if (c->socket.watched || socket_watch(&c->socket) == 0)
		return true;
	log_errno(LOG_LEVEL_WARN, "cannot watch a connection");
	conn_close(c);
	return false;
}

/* Goes on in the next tick, without an event. */
static void conn_queue(struct conn *c)
{
	batch_join_later(&c->socket.net->batch, &c->socket);
}

static void begin_end(struct conn *c, enum conn_state state)
{
	set_state(c, state);
	buf_release(&c->socket.in);
	buf_release(&c->socket.out);
	c->socket.reading = false;
	c->linger_until = c->socket.net->loop->now +
			  tunable("LINGER_MAX_MS", CONN_LINGER_MAX_MS) * NS_PER_MS;
	set_linger_timeout(c);
}

/* Closes politely: what we sent must not be lost to a reset. */
static void conn_linger(struct conn *c)
{
	if (!conn_watch(c))
		return;
	begin_end(c, CONN_LINGERING);
	socket_shutdown(&c->socket);
	conn_queue(c);
}

static void discard(struct conn *c)
{
	for (int i = 0; i < CONN_LINGER_READS; i++) {
		enum io io = socket_discard(&c->socket);

		if (io == IO_AGAIN)
			return;
		if (io == IO_EOF || io == IO_ERROR) {
			conn_close(c);
			return;
		}
		set_linger_timeout(c);
	}
	conn_queue(c);
}

/* Everything is said: what the transport has to add, and the end. */
static void conn_finish(struct conn *c, bool lingers)
{
	switch (socket_finish(&c->socket)) {
	case IO_OK:
		if (lingers)
			conn_linger(c);
		else
			conn_close(c);
		return;
	case IO_AGAIN:
		if (c->state == CONN_FINISHING)
			set_linger_timeout(c);
		else if (conn_watch(c))
			begin_end(c, CONN_FINISHING);
		return;
	default:
		conn_close(c);
	}
}

/* The steps of the protocol. */

static void note_activity(struct conn *c)
{
	struct net *net = c->socket.net;

	if (c->socket.active_round == net->activity_round)
		return;
	c->socket.active_round = net->activity_round;
	net->n_active++;
}

static void conn_wait(struct conn *c)
{
	struct net *net = c->socket.net;

	if (!conn_watch(c))
		return;
	buf_shrink(&c->socket.in);
	buf_shrink(&c->socket.out);
	if (c->crashes != 0 && conn_is_empty(c))
		c->crashes = 0;
	if (net->on_idle != NULL) {
		c->has_more = false;
		(void)net->on_idle(net, c);
	}
	if (net->activity_round != 0)
		note_activity(c);
	if (net->state == NET_FULL)
		room_expect(net);
}

void conn_stay(struct conn *c)
{
	if (c->has_more)
		conn_queue(c);
	c->has_more = false;
}

/* It has more to do, and others are served first; or it moves, for one that
 * never waits has to move, too. */
static void conn_go_on(struct conn *c)
{
	struct net *net = c->socket.net;

	c->has_more = true;
	if (net->on_idle == NULL || !net->on_idle(net, c))
		conn_stay(c);
}

/* Acts on a step of the protocol; true to call it again. */
static bool conn_obey(struct conn *c, enum step step)
{
	switch (step) {
	case STEP_MORE:
		return true;
	case STEP_LATER:
		socket_clear_timeout(&c->socket);
		conn_go_on(c);
		return false;
	case STEP_WRITE:
		socket_clear_timeout(&c->socket);
		if (!batch_write(&c->socket.net->batch, &c->socket))
			conn_queue(c);
		return false;
	case STEP_WAIT:
		conn_wait(c);
		return false;
	case STEP_LINGER:
		conn_finish(c, true);
		return false;
	case STEP_DONE:
		conn_finish(c, false);
		return false;
	case STEP_FAIL:
		conn_close(c);
		return false;
	}
	log_fatal("protocol %s took step %d", c->protocol->name, (int)step);
}

static void run_protocol(struct conn *c)
{
	struct net *net = c->socket.net;
	enum step step = STEP_MORE;

	net->running = c;
	for (int budget = CONN_STEPS; budget > 0 && step == STEP_MORE; budget--)
		step = c->protocol->step(c);
	net->running = NULL;
	if (c->state == CONN_OPENING) /* conn_secure() */
		conn_queue(c);
	else
		conn_obey(c, step == STEP_MORE ? STEP_LATER : step);
}

/* True when there is nothing to do before the protocol. */
static bool open_transport(struct conn *c)
{
	struct listener *l = c->listener;

	c->socket.transport = l->transport;
	if (socket_open(&c->socket, l->policy)) {
		set_state(c, CONN_OPEN);
		c->socket.reading = true;
		return true;
	}
	set_state(c, CONN_OPENING);
	socket_set_timeout_at(
		&c->socket,
		c->accepted_at + c->socket.net->conf->timeouts.header * NS_PER_MS);
	return false;
}

bool conn_secure(struct conn *c)
{
	return c->state == CONN_INTRODUCED && !open_transport(c);
}

/* True when the handshake is done. */
static bool run_transport(struct conn *c)
{
	switch (socket_step(&c->socket)) {
	case IO_OK:
		set_state(c, CONN_OPEN);
		socket_clear_timeout(&c->socket);
		return true;
	case IO_AGAIN:
		(void)conn_watch(c);
		return false;
	default:
		conn_close(c);
		return false;
	}
}

static void conn_run(struct socket *s)
{
	struct conn *c = conn_of(s);

	if (c->state == CONN_OPENING && !run_transport(c))
		return;
	if (s->broken)
		conn_close(c);
	else if (c->state == CONN_OPEN || c->state == CONN_INTRODUCED)
		run_protocol(c);
	else if (c->state == CONN_FINISHING)
		conn_finish(c, true); /* it had to wait: so may the peer */
	else
		discard(c);
}

static void conn_on_timeout(struct socket *s)
{
	struct conn *c = conn_of(s);
	bool had_more = !list_is_empty(&s->queued);

	list_remove(&s->queued);
	if (c->state != CONN_OPEN)
		conn_close(c);
	else if (conn_obey(c, c->protocol->timeout(c)))
		conn_run(s);
	/* What it had to do is still to be done. */
	if (had_more && c->state < CONN_CLOSED)
		conn_queue(c);
}

void conn_wake(struct conn *c)
{
	if (c->state >= CONN_CLOSED)
		return;
	list_remove(&c->socket.queued); /* it may be offered to others */
	if (conn_is_running(c))
		conn_queue(c);
	else
		batch_wake(&c->socket.net->batch, &c->socket);
}

void conn_set_via(struct conn *c, const struct conn_via *via)
{
	if (c->via == NULL)
		c->via = mem_alloc(sizeof(*c->via));
	*c->via = *via;
}

struct endpoint conn_local(const struct conn *c)
{
	struct addr local = {.length = sizeof(local.un)};

	if (c->via != NULL)
		return c->via->local;
	if (getsockname(c->socket.watch.fd, &local.any, &local.length) == -1)
		return (struct endpoint){.family = AF_UNIX};
	return endpoint_of(&local);
}

bool conn_is_idle(const struct conn *c)
{
	return c->state == CONN_OPEN && list_is_empty(&c->socket.queued) &&
	       c->protocol->is_idle(c);
}

bool conn_may_be_given(const struct conn *c)
{
	return c->state == CONN_OPEN && list_is_empty(&c->socket.queued) &&
	       (c->protocol->moves_any_time || c->protocol->is_idle(c));
}

void conn_become(struct conn *c, const struct protocol *protocol)
{
	ASSERT(conn_is_running(c));
	log_debug("connection %ju: %s -> %s", (uintmax_t)c->id, c->protocol->name,
		  protocol->name);
	if (c->protocol->close != NULL)
		c->protocol->close(c);
	c->session = NULL;
	c->protocol = protocol;
	socket_clear_timeout(&c->socket);
}

/* The beginning. */

static const struct socket_owner conn_owner = {
	.name = "client",
	.is_client = true,
	.run = conn_run,
	.on_timeout = conn_on_timeout,
	.free = conn_free,
};

static struct conn *conn_create(struct listener *listener, int fd,
				const struct transport *transport,
				const struct endpoint *peer)
{
	struct net *net = listener->net;
	struct conn *c = conn_alloc(net);

	socket_init(&c->socket, net, &conn_owner, fd, transport);
	c->socket.magic = CONN_MAGIC;
	c->listener = listener;
	c->protocol = listener->protocol;
	c->session = NULL;
	c->id = ++net->last_id;
	c->state = CONN_INTRODUCED;
	c->crashes = 0;
	c->has_more = false;
	c->stays = CONN_MOVES;
	c->requests = 0;
	c->peer = *peer;
	c->via = NULL;
	list_append(&net->conns, &c->link);
	net->slot->connections++;
	return c;
}

void conn_open(struct listener *listener, int fd, const struct addr *peer)
{
	struct endpoint from = endpoint_of(peer);
	struct net *net = listener->net;
	bool awaits_header = proxy_header_is_due(listener, &from);
	struct conn *c;

	/* With a header it is not known yet whose it is. */
	if (!awaits_header && room_counts(net) && !room_add(net, &from)) {
		close(fd);
		room_refuse(net, &from);
		return;
	}
	c = conn_create(listener, fd, &plain_transport, &from);
	c->accepted_at = net->loop->now;
	net->slot->counters.accepted++;
	if (listener->counted != NULL)
		listener->counted->n[NAMED_ACCEPTED]++;
	/* As a client that connects has something to say. */
	c->socket.readable = true;
	if (awaits_header)
		c->protocol = &proxy_header_protocol;
	if (awaits_header && listener->transport->open != NULL)
		c->socket.reading = true;
	else
		(void)open_transport(c);
	conn_queue(c);
}

bool conn_adopt(struct listener *listener, int fd, const struct conn_origin *origin,
		struct frozen_reader *message)
{
	struct conn *c =
		conn_create(listener, fd, origin->transport, &origin->peer);

	if (origin->awaits_header)
		c->protocol = &proxy_header_protocol;
	else if (room_counts(listener->net))
		room_add_moved(listener->net, &origin->peer);
	if (origin->has_via)
		conn_set_via(c, &origin->via);
	c->state = CONN_OPEN;
	c->id = origin->id;
	c->accepted_at = origin->accepted_at;
	c->requests = origin->requests;
	c->crashes = origin->crashes < CONN_CRASHES_MAX ? origin->crashes
							: CONN_CRASHES_MAX;
	buf_put(&c->socket.in, origin->in);
	buf_put(&c->socket.out, origin->out);
	c->socket.net->batch.current = &c->socket;
	bool is_fine = socket_thaw(&c->socket, message) &&
		       c->protocol->thaw != NULL && c->protocol->thaw(c, message);

	c->socket.net->batch.current = NULL;
	if (is_fine) {
		/* No event may come of a peer that takes nothing: the step
		 * arms the time-out. */
		conn_queue(c);
		return true;
	}
	conn_close(c);
	return false;
}

/* Those there are. */

/* In the handler of a crash: for each block no more is trusted than that it may
 * be one, and there are not more than there were. */
void conns_visit(const struct net *net, bool (*visit)(struct conn *c))
{
	uint32_t n = 0;

	for (struct conn_block *block = net->blocks; block != NULL;
	     block = block->next) {
		if (n++ == net->n_blocks)
			return;
		for (int i = 0; i < CONNS_IN_BLOCK; i++) {
			struct conn *c = &block->conns[i];

			if (c->socket.magic == CONN_MAGIC &&
			    c->socket.owner == &conn_owner &&
			    c->state == CONN_OPEN && !visit(c))
				return;
		}
	}
}
