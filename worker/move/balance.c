/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/move/balance.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/net/conn.h"

enum {
	BALANCE_MS = 100,
	BALANCE_BEAT = 300,   /* ms: three turns that a worker has missed */
	BALANCE_SLACK = 2,    /* connections that are not worth moving */
	BALANCE_GATE = 8,     /* beyond the mean, and an eighth of it more */
	BALANCE_LOOK = 65536, /* connections looked at for idle ones at once */
	BALANCE_LOOK_MS = 10, /* from one look at the own load to the next */
	BALANCE_BUSY = 750,   /* of a thousand, the load of a worker that others
			       * should help */
	BALANCE_LOOKS = 3,    /* that find it busy: then it is */
	BALANCE_UNEVEN = 250, /* less load than that one's: who can help */
	BALANCE_FULL = 950,   /* the load of one whose clients may wait more and
			       * more; then already so much less: */
	BALANCE_UNFAIR = 100,
	BALANCE_REST_MS = 100, /* after giving, to see what has come of it */
};

/* The workers that serve the same generation, we among them. */
struct peers {
	uint64_t n;
	uint64_t connections;
	uint64_t fewest; /* of one of them */
	uint64_t load, most_load, least_load;
	uint64_t takers; /* others that take connections now */
};

/* What is given to one that is stuck, nobody takes. */
static bool is_alive(const struct slot *slot, uint64_t now)
{
	return slot->beat > now || now - slot->beat < BALANCE_BEAT * NS_PER_MS;
}

static struct peers count_peers(const struct balance *b)
{
	uint64_t generation = b->net->slot->generation;
	struct peers peers = {.fewest = UINT64_MAX, .least_load = UINT64_MAX};
	uint64_t now = b->net->loop->now;

	for (uint32_t i = 0; i < b->board->n_used && i < SCOREBOARD_SLOTS; i++) {
		const struct slot *slot = &b->board->slots[i];

		if (slot->generation != generation || !is_alive(slot, now))
			continue;
		if (slot->connections < peers.fewest)
			peers.fewest = slot->connections;
		if (slot->load < peers.least_load)
			peers.least_load = slot->load;
		if (slot->load > peers.most_load)
			peers.most_load = slot->load;
		peers.load += slot->load;
		peers.takers += slot != b->net->slot && slot->takes != 0;
		peers.n++;
		peers.connections += slot->connections;
	}
	return peers;
}

/* Gives up to `n` connections that wait for a request: of the active ones
 * that were found, or of all. */
static void give_idle(struct balance *b, uint64_t n, bool active)
{
	int looked = 0;

	LIST_EACH (link, &b->net->conns) {
		struct conn *c = CONTAINER_OF(link, struct conn, link);

		if (n == 0 || looked++ == BALANCE_LOOK)
			break;
		if (c->session == NULL && buf_length(&c->socket.in) == 0 &&
		    buf_length(&c->socket.out) == 0 &&
		    list_is_empty(&c->socket.queued) &&
		    (!active || c->socket.active_round == b->net->activity_round)) {
			handoff_offer(b->handoff, c);
			n--;
		}
	}
	handoff_give_now(b->handoff);
}

static void set_gate(struct net *net, uint64_t mine, uint64_t mean)
{
	if (net->state == NET_SERVING && mine > mean + mean / 8 + BALANCE_GATE)
		net_pause(net, NET_GATED);
	else if (net->state == NET_GATED &&
		 mine <= mean + mean / 16 + BALANCE_GATE / 2)
		net_resume(net);
}

/* Publishes how much there was to do since the last look. */
static void publish_load(struct balance *b)
{
	const struct loop *loop = b->net->loop;
	uint64_t took = loop->now - b->since, waited = loop->waited - b->waited;

	if (took < BALANCE_LOOK_MS * NS_PER_MS)
		return;
	b->net->slot->load = waited < took ? 1000 - waited * 1000 / took : 0;
	b->since = loop->now;
	b->waited = loop->waited;
}

static void start_sample(struct balance *b)
{
	if (++b->samples == 0)
		b->samples++; /* 0 is none */
	b->net->activity_round = b->samples;
	b->net->n_active = 0;
	b->busy_looks = 1;
}

static void stop_sample(struct balance *b)
{
	b->net->activity_round = 0;
}

static bool is_load_uneven(const struct peers *peers)
{
	uint64_t difference = peers->most_load - peers->least_load;

	if (peers->n < 2 || peers->most_load < BALANCE_BUSY)
		return false;
	return difference >=
	       (peers->most_load >= BALANCE_FULL ? BALANCE_UNFAIR : BALANCE_UNEVEN);
}

/* Gives of the active connections: those that were found since the sample
 * began. What nobody takes would wait with its requests. */
static void give_load(struct balance *b, const struct peers *peers)
{
	uint64_t mine = b->net->slot->load, mean = peers->load / peers->n;
	uint64_t active = b->net->n_active;

	if (mine <= mean || peers->takers == 0)
		return;
	uint64_t n = active * (mine - mean) / mine;

	/* One, if the other does not become the busier one by it. */
	if (n == 0 && active * (mine - peers->least_load) > mine)
		n = 1;
	if (n == 0)
		return;
	handoff_stop_receiving(b->handoff);
	give_idle(b, n, true);
	b->given_at = b->net->loop->now;
}

void balance_look(struct balance *b)
{
	uint64_t now = b->net->loop->now;

	if (now - b->since < BALANCE_LOOK_MS * NS_PER_MS ||
	    b->net->slot->generation == 0)
		return;
	publish_load(b);
	if (b->net->slot->load < BALANCE_BUSY ||
	    now - b->given_at < BALANCE_REST_MS * NS_PER_MS) {
		stop_sample(b);
	} else if (b->net->activity_round == 0) {
		start_sample(b);
	} else if (++b->busy_looks == BALANCE_LOOKS) {
		struct peers peers = count_peers(b);

		if (is_load_uneven(&peers))
			give_load(b, &peers);
		start_sample(b);
	}
}

static void even_count(struct balance *b, const struct peers *peers, uint64_t mean)
{
	uint64_t mine = b->net->slot->connections;
	/* Many that are a little above the mean can leave one far below it. */
	bool someone_lacks = peers->fewest + mean / 10 + 1 < mean;

	if (mine > mean + mean / 20 + BALANCE_SLACK ||
	    (mine > mean && someone_lacks)) {
		handoff_stop_receiving(b->handoff);
		if (peers->takers > 0)
			give_idle(b, (mine - mean + 1) / 2, false);
	} else if (mine <= mean && net_may_take(b->net)) {
		handoff_start_receiving(b->handoff);
	}
}

static void on_timer(struct timer *timer)
{
	struct balance *b = CONTAINER_OF(timer, struct balance, timer);

	publish_load(b);
	loop_timer(b->net->loop, &b->timer, BALANCE_MS);
	struct peers peers = count_peers(b);
	uint64_t mine = b->net->slot->connections;
	/* Rounded up: where connections cannot be divided evenly, one more
	 * than another is even. */
	uint64_t mean =
		peers.n > 0 ? (peers.connections + peers.n - 1) / peers.n : mine;

	set_gate(b->net, mine, mean);
	if (!is_load_uneven(&peers)) {
		even_count(b, &peers, mean);
	} else if (b->net->slot->load > peers.load / peers.n) {
		handoff_stop_receiving(b->handoff);
	} else if (net_may_take(b->net)) {
		/* Who has little to do takes, however many it has. */
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
	b->since = b->net->loop->now;
	b->waited = b->net->loop->waited;
	handoff_start_receiving(b->handoff);
	loop_timer(b->net->loop, &b->timer, BALANCE_MS);
}

void balance_stop(struct balance *b)
{
	b->net->slot->generation = 0;
	b->net->slot->load = 0;
	b->net->activity_round = 0;
	handoff_stop_receiving(b->handoff);
	timer_detach(&b->net->loop->timers, &b->timer);
}
