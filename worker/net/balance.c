/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/net/balance.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/net/conn.h"

enum {
	BALANCE_MS = 100,
	BALANCE_BEAT = 300,   /* ms: three turns that a worker has missed */
	BALANCE_SLACK = 2,    /* connections that are not worth moving */
	BALANCE_GATE = 8,     /* beyond the mean, and an eighth of it more */
	BALANCE_LOOK = 65536, /* connections looked at for idle ones at once */
};

/* The workers that serve the same generation, we among them. */
struct peers {
	uint64_t n;
	uint64_t connections;
	uint64_t fewest; /* of one of them */
};

/* What is given to one that is stuck, nobody takes. */
static bool is_alive(const struct slot *slot, uint64_t now)
{
	return slot->beat > now || now - slot->beat < BALANCE_BEAT * NS_PER_MS;
}

static struct peers count_peers(const struct balance *b)
{
	uint64_t generation = b->net->slot->generation;
	struct peers peers = {.fewest = UINT64_MAX};
	uint64_t now = b->net->loop->now;

	for (uint32_t i = 0; i < b->board->n_used && i < SCOREBOARD_SLOTS; i++) {
		const struct slot *slot = &b->board->slots[i];

		if (slot->generation != generation || !is_alive(slot, now))
			continue;
		if (slot->connections < peers.fewest)
			peers.fewest = slot->connections;
		peers.n++;
		peers.connections += slot->connections;
	}
	return peers;
}

/* Offers up to `n` connections that wait for a request. */
static void give_idle(struct balance *b, uint64_t n)
{
	int looked = 0;

	LIST_EACH (link, &b->net->conns) {
		struct conn *c = CONTAINER_OF(link, struct conn, link);

		if (n == 0 || looked++ == BALANCE_LOOK)
			return;
		if (c->session == NULL && buf_length(&c->in) == 0 &&
		    buf_length(&c->out) == 0 && list_is_empty(&c->ready)) {
			handoff_offer(b->handoff, c);
			n--;
		}
	}
}

static void set_gate(struct net *net, uint64_t mine, uint64_t mean)
{
	if (net->state == NET_SERVING && mine > mean + mean / 8 + BALANCE_GATE)
		net_pause(net, NET_GATED);
	else if (net->state == NET_GATED &&
		 mine <= mean + mean / 16 + BALANCE_GATE / 2)
		net_resume(net);
}

static void on_timer(struct timer *timer)
{
	struct balance *b = CONTAINER_OF(timer, struct balance, timer);
	struct peers peers = count_peers(b);
	uint64_t mine = b->net->slot->connections;

	loop_timer(b->net->loop, &b->timer, BALANCE_MS);
	/* Rounded up: where connections cannot be divided evenly, one more
	 * than another is even. */
	uint64_t mean =
		peers.n > 0 ? (peers.connections + peers.n - 1) / peers.n : mine;

	set_gate(b->net, mine, mean);
	/* Many that are a little above the mean can leave one far below it. */
	bool someone_lacks = peers.fewest + mean / 10 + 1 < mean;

	if (mine > mean + mean / 20 + BALANCE_SLACK ||
	    (mine > mean && someone_lacks)) {
		handoff_stop_receiving(b->handoff);
		give_idle(b, (mine - mean + 1) / 2);
	} else if (mine <= mean && net_may_take(b->net)) {
		handoff_start_receiving(b->handoff);
	}
}

void balance_init(struct balance *b, struct net *net, struct handoff *handoff,
		  const struct scoreboard *board)
{
	*b = (struct balance){.net = net, .handoff = handoff, .board = board};
	timer_init(&b->timer, on_timer);
}

void balance_start(struct balance *b, uint64_t generation)
{
	b->net->slot->generation = generation;
	handoff_start_receiving(b->handoff);
	loop_timer(b->net->loop, &b->timer, BALANCE_MS);
}

void balance_stop(struct balance *b)
{
	b->net->slot->generation = 0;
	handoff_stop_receiving(b->handoff);
	timer_detach(&b->net->loop->timers, &b->timer);
}
