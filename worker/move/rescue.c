/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handler walks over the memory blocks of connections (not over lists, which
 * may be damaged, or half changed when the fault came) and sends each connection
 * that rests through the handoff, as any giver does. It neither allocates nor
 * locks: the message is made in static memory and sent with sendmsg(2).
 *
 * It leaves out the connection that was being read, served, written or thawed,
 * which may be the cause, and the tunnel whose server was; connections with a
 * request or unsent bytes; and those that look damaged. A second fault costs the
 * connection that it happened at. Time, connections and faults are bounded.
 *
 * A connection with bytes that were not parsed yet may be the cause all the same,
 * and crash the next worker too. So it carries the number of crashes since it had
 * none last, and its receiver closes it after the second: see handoff.c.
 */
#include "worker/move/rescue.h"

#include <poll.h>
#include <time.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/shared/channel.h"
#include "worker/move/pack.h"
#include "worker/net/conn.h"

enum {
	RESCUE_MS = 500,          /* the watchdog's SIGKILL comes after 1 s */
	RESCUE_FAULTS = 64,       /* and then there is no point in going on */
	RESCUE_BYTES = 64 * 1024, /* the largest message */
};

static struct {
	struct handoff *handoff;
	uint64_t deadline;
	int faults;
	struct conn *conn; /* under examination */
	bool is_over;
} rescue;

static char message[RESCUE_BYTES];

static bool is_one_of(const struct listener *l, const struct listener *all,
		      size_t n)
{
	return l >= all && l < all + n;
}

/* How many protocols there are; and whether one is among them. */
static size_t find_protocol(const struct protocol *protocol, bool *found_out)
{
	const struct net_protocol *all = rescue.handoff->net->protocols;
	size_t n = 0;

	for (*found_out = false; all[n].protocol != NULL; n++)
		*found_out |= all[n].protocol == protocol;
	return n;
}

static bool is_a_transport(const struct transport *transport)
{
	const struct transport *const *all = rescue.handoff->net->transports;

	while (*all != NULL && *all != transport)
		all++;
	return *all != NULL;
}

/* Before any pointer of it is followed or called. */
static bool looks_sound(const struct conn *c)
{
	const struct net *net = rescue.handoff->net;
	const struct listener *l = c->listener;
	bool speaks;
	size_t n_gone = find_protocol(c->protocol, &speaks);

	return speaks && c->socket.net == net && c->socket.watch.fd >= 0 &&
	       (is_one_of(l, net->listeners, net->n_listeners) ||
		is_one_of(l, net->gone, n_gone)) &&
	       is_a_transport(c->socket.transport);
}

static bool may_be_given(const struct conn *c)
{
	return &c->socket != rescue.handoff->net->batch.current &&
	       c != rescue.handoff->net->running && !c->socket.broken &&
	       looks_sound(c) && buf_length(&c->socket.out) == 0 &&
	       c->protocol->rests != NULL && c->protocol->rests(c);
}

/* Waits while the socket is full: other workers read from it. */
static bool has_room(void)
{
	struct pollfd room = {.fd = rescue.handoff->send.fd, .events = POLLOUT};
	uint64_t now = clock_read();

	return now < rescue.deadline &&
	       poll(&room, 1, (int)((rescue.deadline - now) / NS_PER_MS)) == 1;
}

static void give(void *unused)
{
	struct handoff *handoff = rescue.handoff;
	struct conn *c = rescue.conn;
	struct frozen_writer w;
	enum channel_result result;

	(void)unused;
	if (!may_be_given(c) ||
	    !pack_conn(&w, c, message, sizeof(message), &handoff->readers,
		       buf_length(&c->socket.in) == 0 ? 0 : c->crashes + 1u) ||
	    w.result != FROZEN_OK)
		return;
	do {
		result = channel_send(handoff->send.fd, message, w.n, w.fds,
				      w.n_fds);
	} while (result == CHANNEL_AGAIN && has_room());
	if (result != CHANNEL_OK) {
		rescue.is_over = true;
		return;
	}
	/* Should it be met once more. */
	c->state = CONN_MOVED;
	handoff->net->slot->counters.handed_out++;
}

static bool visit(struct conn *c)
{
	rescue.conn = c;
	if (!crash_guard(give, NULL))
		rescue.faults++;
	return !rescue.is_over && rescue.faults < RESCUE_FAULTS &&
	       clock_read() < rescue.deadline;
}

static void save(void)
{
	rescue.deadline = clock_read() + RESCUE_MS * NS_PER_MS;
	conns_visit(rescue.handoff->net, visit);
}

void rescue_set(struct handoff *handoff)
{
	rescue.handoff = handoff;
	crash_set_saver(handoff != NULL ? save : NULL);
}
