/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection, and the edge-triggered contract, written once:
 *
 * - It is registered once, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, when it
 *   has to wait for the first time: one that is served with what it brought
 *   along never is. There is no other epoll_ctl(2) until it is closed.
 * - Readiness is remembered here. A protocol reads or writes until IO_AGAIN or
 *   until its budget for this tick is used up; then the connection waits in
 *   the ready queue, so that none starves another and no edge is lost.
 * - EPOLLOUT matters only after a short write.
 * - Nothing is freed inside a callback: a closed connection is buried at the
 *   end of the tick.
 * - Only conn.c loops over protocol steps.
 *
 * Owned by its net. An idle connection owns no buffers and no session: keep
 * the struct small, there are very many. Worker.
 */
#ifndef WORKER_NET_CONN_H
#define WORKER_NET_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"
#include "worker/net/listener.h"
#include "worker/net/net.h"
#include "worker/net/protocol.h"
#include "worker/net/transport.h"

enum conn_state {
	CONN_OPEN,
	CONN_LINGERING, /* we are done; what still comes is discarded */
	CONN_CLOSED,    /* waits for its burial */
	CONN_MOVED,     /* it goes on in another process; waits for burial */
};

struct conn {
	uint32_t magic;
	uint8_t state;     /* enum conn_state, by conn_set_state() only */
	bool readable : 1; /* a read may succeed */
	bool writable : 1;
	bool read_to_end : 1; /* a short read does not mean that nothing is
			       * left: the peer has finished, or sent urgent
			       * data */
	bool hung_up : 1;     /* nothing can be sent to the peer any more */
	bool watched : 1;     /* registered */
	bool peer_ended : 1;  /* it sends nothing more; it may be gone or not */
	uint16_t sampled;     /* net->sample, when it last served something
			       * during one */
	struct watch watch;
	struct net *net;
	struct listener *listener;
	const struct transport *transport;
	const struct protocol *protocol;
	void *session;  /* the protocol's; NULL while idle. Of a closed or
			 * spare conn: the next of its kind */
	struct buf in;  /* read and not yet consumed */
	struct buf out; /* written by the protocol and not yet sent */
	struct timer timer;
	struct list link;  /* in net->conns */
	struct list ready; /* in net->ready, in the cohort, or offered by the
			    * handoff */
	uint64_t id;       /* unique among the workers; moves along */
	union {
		uint64_t accepted_at;  /* CLOCK_MONOTONIC ns */
		uint64_t linger_until; /* CONN_LINGERING */
	};
	struct endpoint peer;
	uint32_t requests; /* begun on this connection */
	uint64_t sent;     /* bytes given to the kernel, from here */
};

/*
 * Takes over the accepted `fd`. On failure (no memory in the kernel) the fd
 * is closed and nothing else happens.
 */
void conn_open(struct listener *listener, int fd, const struct addr *peer);

/* What a connection that was handed over has behind it. */
struct conn_origin {
	uint64_t id;
	uint64_t accepted_at;
	struct endpoint peer;
	uint32_t requests;
	struct str in, out; /* unconsumed, unsent */
};

/* Takes over the established `fd` of a connection from elsewhere, as
 * conn_open(). The records of its protocol come next in `message`. False when
 * those are damaged: it was closed. */
bool conn_adopt(struct listener *listener, int fd, const struct conn_origin *origin,
		struct frozen_reader *message);

/* It has gone elsewhere: closes our descriptor of it, and nothing more. */
void conn_moved(struct conn *c);

/* True when it should end at the next good moment: the worker drains and
 * nobody can take it, or its listener is gone. */
static inline bool conn_is_leaving(const struct conn *c)
{
	if (net_is_draining(c->net))
		return c->net->on_idle == NULL;
	return c->listener->state == LISTENER_CLOSED;
}

/* One read into c->in, of as much as fits its chunk. */
enum io conn_read(struct conn *c) __attribute__((warn_unused_result));

/* Sends c->out. IO_OK: all of it; IO_AGAIN: what is left waits. */
enum io conn_flush(struct conn *c, bool more) __attribute__((warn_unused_result));

/* Sends c->out and then *tail, which is cut by what was sent. */
enum io conn_flush_with(struct conn *c, struct str *tail)
	__attribute__((warn_unused_result));

/*
 * Sends up to *left bytes of `file` from *offset; moves both on. IO_OK: all
 * of it, or this tick's share with *left not 0; IO_EOF: the file has ended
 * before that.
 */
enum io conn_send_file(struct conn *c, int file, off_t *offset, uint64_t *left)
	__attribute__((warn_unused_result));

/* protocol->timeout is called at `when` (CLOCK_MONOTONIC ns) unless it is set
 * anew before; one at a time. */
static inline void conn_set_timeout_at(struct conn *c, uint64_t when)
{
	timer_arm(&c->net->loop->timers, &c->timer, when);
}
static inline void conn_set_timeout(struct conn *c, uint64_t ms)
{
	loop_timer(c->net->loop, &c->timer, ms);
}
static inline void conn_clear_timeout(struct conn *c)
{
	timer_disarm(&c->timer);
}

/* Bytes that the peer has taken since some time or other: what it took
 * between two calls is the difference, which may wrap around. */
uint64_t conn_taken(const struct conn *c);

/* Makes closing it a reset: the peer must not take what it has for all. */
void conn_reset(struct conn *c);

/* What it waited for has come from elsewhere than its socket: the protocol
 * takes its next step in the next tick. */
void conn_wake(struct conn *c);

/* True while a step of its protocol is being taken: what comes now need not
 * wake it. */
static inline bool conn_is_running(const struct conn *c)
{
	return c->net->running == c;
}

/* Asks the protocol to finish: the worker drains. */
void conn_drain(struct conn *c);

/* Closes it now, whatever it was doing. */
void conn_cut(struct conn *c);

/* Runs what waits in net->ready. */
void conns_resume(struct task *task);

/* The stages of a cohort: reads what an idle connection may have; lets the
 * protocol take its steps; sends c->out. */
void conn_fill(struct conn *c);
void conn_run(struct conn *c);
void conn_push(struct conn *c);

#endif
