/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handoff: established connections move to another worker, of this
 * generation or the next, and no client can tell.
 *
 * All workers of all generations share one pair of connected sockets.
 * The giver of a connection sends one message into it, in the format of
 * base/shared/frozen.h: what is known of the connection, the bytes that were
 * read and not consumed, those written and not sent, what the protocol
 * remembers, and the descriptor. A worker that has room takes it. A
 * message that was sent belongs to nobody until it is taken, so a worker that
 * dies loses only what it had taken.
 *
 * What the receivers understand is known. A connection that cannot
 * be written for them stays, as long as it lasts. A message that its receiver
 * cannot use, though it is whole, goes back into the socket for others; one
 * that is damaged, or that came back very often, is counted as damage, and its
 * connection is lost.
 *
 * Bytes that are still in the kernel's buffers travel with the descriptor.
 * Owned by the worker.
 */
#ifndef WORKER_MOVE_HANDOFF_H
#define WORKER_MOVE_HANDOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/shared/frozen.h"
#include "worker/net/net.h"

struct conn;

struct handoff {
	struct net *net;
	struct watch send;    /* watched only while it is full */
	struct watch receive; /* watched only while we take connections */
	bool is_receiving;
	bool is_full; /* of `send`: wait until it is not */
	/* The formats that the receivers of connections understand. */
	struct frozen_table readers;
	int reserve[FROZEN_FDS]; /* descriptors held so that as many as a message
				  * has can be received */
	struct list offered;     /* conns to be given away, by conn.socket.queued */
	struct task give;
	struct timer retry; /* while full, or short of descriptors */
	/* A message that is not for us, while it cannot be put back. */
	struct handoff_held {
		struct buf bytes;
		int fds[FROZEN_FDS];
		size_t n_fds;
	} held;
	struct timer rest;    /* others take first what we have put back */
	uint64_t reported_at; /* the last line about damage */
};

/* Neither socket becomes ours to close before handoff_fini(). */
void handoff_init(struct handoff *handoff, struct net *net, int send_fd,
		  int receive_fd, const struct frozen_table *readers);
void handoff_fini(struct handoff *handoff);

/* Starts and stops taking connections that others give away. */
void handoff_start_receiving(struct handoff *handoff);
void handoff_stop_receiving(struct handoff *handoff);

/* Stops, but first receives all messages: there will be no other receiver. */
void handoff_take_all(struct handoff *handoff);

/* Others take connections from now on. When they do not understand our format,
 * what waits to be taken is taken back, and nothing is given any more. */
void handoff_set_readers(struct handoff *handoff,
			 const struct frozen_table *readers);

/* Offers nothing any more; what is offered stays here. */
void handoff_withdraw(struct handoff *handoff);

/* Whether a connection that was sent has not been received yet. */
bool handoff_is_unread(const struct handoff *handoff);

/* Takes some of them back: they are served here, and offered again. */
void handoff_take_back(struct handoff *handoff);

/* Gives a connection away as soon as its protocol can let it go and there is
 * room. Until then it is served here when something happens to it. False when
 * it has something to do first, or is offered already. */
bool handoff_offer(struct handoff *handoff, struct conn *c);

/* Gives the first of what was offered at once, not in the next tick: until
 * then the busiest connections have something to do again. */
void handoff_give_now(struct handoff *handoff);

#endif
