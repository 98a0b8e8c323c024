/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connected socket with its buffers, its timer and its transport, and the
 * edge-triggered contract, written once:
 *
 * - It is registered once, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, when it
 *   has to wait for the first time: one that is served with what it brought
 *   along never is. There is no other epoll_ctl(2) until it is closed.
 * - Readiness is remembered here. Its owner reads or writes until IO_AGAIN or
 *   until its budget for this tick is used up; then the socket joins the next
 *   tick's batch, so that none starves another and no edge is lost.
 * - EPOLLOUT matters only after a short write.
 * - Nothing is freed inside a callback: a closed socket is given back to its
 *   owner at the end of the tick.
 *
 * Whose it is, it does not know: what happens, it tells its owner. A client's
 * socket is a conn's. Worker.
 */
#ifndef WORKER_NET_SOCKET_H
#define WORKER_NET_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"
#include "worker/net/net.h"
#include "worker/net/transport.h"

struct socket;

struct socket_owner {
	const char *name;
	bool is_client; /* its bytes count as the worker's */

	/* It has something to do: an event, its turn, or a wake-up. */
	void (*run)(struct socket *s);

	/* The time set by socket_set_timeout() has passed. */
	void (*on_timeout)(struct socket *s);

	/* It was closed in this tick, which is over: the memory may go. */
	void (*free)(struct socket *s);
};

/* Embedded in its owner's object; keep it small, there are very many. */
struct socket {
	uint32_t magic;    /* the owner's, to check what comes back */
	bool readable : 1; /* a read may succeed */
	bool writable : 1;
	bool read_to_end : 1; /* a short read does not mean that nothing is
			       * left: the peer has finished, or sent urgent
			       * data */
	bool hung_up : 1;     /* nothing can be sent to the peer any more */
	bool watched : 1;     /* registered */
	bool peer_ended : 1;  /* it sends nothing more; it may be gone or not */
	bool reading : 1;     /* its owner waits for bytes: the last read found
			       * none */
	bool broken : 1;      /* s->out could not be sent */
	bool ends : 1;        /* what a batch writes of s->out is the last, and its
			       * owner closes: the FIN goes in the same packet */
	bool read_wants_write : 1; /* the transport has to write before it can
				    * read on, */
	bool write_wants_read : 1; /* or the other way round */
	uint16_t active_round;     /* net->activity_round, when its owner was last
				    * active during one */
	struct watch watch;
	struct timer timer;
	const struct socket_owner *owner;
	const struct transport *transport;
	void *state; /* the transport's */
	struct net *net;
	struct list queued; /* in a list of net->batch, offered by the handoff,
			     * or in net->closed */
	struct buf in;      /* read and not yet consumed */
	struct buf out;     /* written by the owner and not yet sent */
	uint64_t sent;      /* bytes given to the kernel, from here */
};

/* Takes over the connected `fd`. socket_open() or socket_thaw() is next. */
void socket_init(struct socket *s, struct net *net,
		 const struct socket_owner *owner, int fd,
		 const struct transport *transport);

/* The connection is new: begins with its transport. True when there is nothing
 * to do for that; else socket_step() comes first. `policy` is the transport's. */
bool socket_open(struct socket *s, const void *policy)
	__attribute__((warn_unused_result));

/* IO_OK: reading and writing may begin. */
enum io socket_step(struct socket *s) __attribute__((warn_unused_result));

/* The connection was established by another worker, whose transport has put its
 * records next in `message`. False when those are damaged. */
bool socket_thaw(struct socket *s, struct frozen_reader *message)
	__attribute__((warn_unused_result));

/* Puts those there. False when that cannot be done, now or ever. */
bool socket_freeze(const struct socket *s, struct frozen_writer *message)
	__attribute__((warn_unused_result));

/* From now on events tell what happens; what is readable already is one at
 * once. 0, or -1 with errno. */
int socket_watch(struct socket *s) __attribute__((warn_unused_result));

/* Closes it, and gives it to owner->free() at the end of the tick. */
void socket_close(struct socket *s);

/* The same for one that lives on elsewhere: closes our descriptor of it. */
void socket_let_go(struct socket *s);

static inline bool socket_is_open(const struct socket *s)
{
	return s->watch.fd != -1;
}

/* One read into s->in, of as much as fits its chunk. */
enum io socket_read(struct socket *s) __attribute__((warn_unused_result));

/* As good as a read of the owner's next step. */
void socket_read_ahead(struct socket *s);

/* Reads once, and drops the bytes. */
enum io socket_discard(struct socket *s) __attribute__((warn_unused_result));

/* Sends s->out. IO_OK: all of it; IO_AGAIN: what is left waits. */
enum io socket_flush(struct socket *s, bool more)
	__attribute__((warn_unused_result));

/* Sends s->out and then *tail, which is cut by what was sent. */
enum io socket_flush_with(struct socket *s, struct str *tail)
	__attribute__((warn_unused_result));

/*
 * Sends up to *left bytes of `file` from *offset; moves both on. IO_OK: all
 * of it, or this tick's share with *left not 0; IO_EOF: the file has ended
 * before that.
 */
enum io socket_send_file(struct socket *s, int file, off_t *offset, uint64_t *left)
	__attribute__((warn_unused_result));

/* Whether socket_splice() may be called for these two. */
bool socket_can_splice(const struct socket *s, const struct socket *from);

/*
 * Moves up to `max` bytes that `from` reads to `s` without looking at them;
 * s->out and from->in have to be empty. What `s` does not take lies in s->out
 * then. The result is that of reading; IO_OK: *n_out bytes were moved.
 */
enum io socket_splice(struct socket *s, struct socket *from, size_t max,
		      size_t *n_out) __attribute__((warn_unused_result));

/* Bytes that the peer has taken since some time or other: what it took
 * between two calls is the difference, which may wrap around. */
uint64_t socket_taken(const struct socket *s);

/* Whether bytes have come that were not consumed, in `in` or before it. */
bool socket_has_unread(const struct socket *s);

/* Bytes that were given to the kernel and that the peer has not acknowledged;
 * for transports. */
uint64_t socket_unsent(const struct socket *s);

/* Tells the peer, within the transport, that nothing more will be sent; again
 * after IO_AGAIN. */
enum io socket_finish(struct socket *s) __attribute__((warn_unused_result));

/* The same to the kernel: the peer reads its end. */
void socket_shutdown(struct socket *s);

/* Makes closing it a reset: the peer must not take what it has for all. */
void socket_reset(struct socket *s);

/* Has owner->on_timeout called at `when` (CLOCK_MONOTONIC ns); replaces an
 * earlier time-out. */
static inline void socket_set_timeout_at(struct socket *s, uint64_t when)
{
	timer_arm(&s->net->loop->timers, &s->timer, when);
}
static inline void socket_set_timeout(struct socket *s, uint64_t ms)
{
	loop_timer(s->net->loop, &s->timer, ms);
}
static inline void socket_clear_timeout(struct socket *s)
{
	timer_disarm(&s->timer);
}

#endif
