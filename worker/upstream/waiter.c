/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/upstream/waiter.h"

#include "base/loop.h"
#include "worker/net/net.h"
#include "worker/upstream/upstream.h"
#include "worker/upstream/upstreams.h"

static struct loop *loop_of(const struct upstream *u)
{
	return u->all->net->loop;
}

static void on_late(struct timer *timer)
{
	struct waiter *waiter = CONTAINER_OF(timer, struct waiter, timer);
	struct upstream *u = waiter->upstream;

	waiter_leave(waiter);
	upstream_show(u);
	waiter->on_turn(waiter, true);
}

void waiter_init(struct waiter *waiter,
		 void (*on_turn)(struct waiter *waiter, bool is_late))
{
	waiter->on_turn = on_turn;
	waiter->upstream = NULL;
	list_init(&waiter->link);
	timer_init(&waiter->timer, on_late);
}

bool waiter_may_join(const struct upstream *u)
{
	return u->n_waiting < u->conf->queue;
}

/* Most come last: the search begins there. */
static void insert(struct list *queue, struct waiter *waiter)
{
	struct list *at = queue->prev;

	while (at != queue &&
	       CONTAINER_OF(at, struct waiter, link)->came > waiter->came)
		at = at->prev;
	/* Before the one that follows. */
	list_append(at->next, &waiter->link);
}

void waiter_join(struct waiter *waiter, struct upstream *u, uint64_t came,
		 uint64_t until)
{
	waiter->upstream = u;
	waiter->came = came;
	waiter->since = loop_of(u)->now;
	insert(&u->waiting, waiter);
	u->n_waiting++;
	timer_arm(&loop_of(u)->timers, &waiter->timer, until);
	upstream_show(u);
}

void waiter_leave(struct waiter *waiter)
{
	struct upstream *u = waiter->upstream;

	if (u == NULL)
		return;
	list_remove(&waiter->link);
	timer_detach(&loop_of(u)->timers, &waiter->timer);
	u->n_waiting--;
	waiter->upstream = NULL;
	upstream_show(u);
}

/* Each once: one that waits for another server than the one that has room joins
 * again, and must not keep the room from those behind it. */
void waiters_look(struct upstream *u)
{
	struct list turn;

	list_init(&turn);
	list_move_all(&turn, &u->waiting);
	while (!list_is_empty(&turn) && upstream_has_room(u)) {
		struct waiter *first = CONTAINER_OF(turn.next, struct waiter, link);

		waiter_leave(first);
		first->on_turn(first, false);
	}
	list_move_all(&u->waiting, &turn);
}
