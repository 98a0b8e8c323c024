/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In this order: the peers in the scoreboard, giving away by number of
 * connections (idle ones) and by load (active ones), the gate, and the look at
 * all of it, by events and by timer. Worker.
 */
#include "worker/move/balance.h"

#include "base/clock.h"
#include "base/log.h"
#include "worker/net/conn.h"

enum {
	BALANCE_MS = 100,      /* between two looks at the others */
	BALANCE_DEAF_MS = 300, /* for which another may be in one tick, or may
				* not have woken when asked: then it is stuck */
	BALANCE_SAY_MS = 300,  /* before the same is said again */
	BALANCE_QUIET = 3,     /* looks, with the gate closed, in which nobody
				* took a connection: then it opens */
	BALANCE_SLACK = 2,     /* connections that are not worth moving */
	BALANCE_GATE = 8,      /* beyond the mean, and an eighth of it more */
	BALANCE_LOOK = 65536,  /* connections looked at for idle ones at once */
	BALANCE_LOOK_MS = 10,  /* from one look at the own load to the next */
	BALANCE_BUSY = 750,    /* of a thousand, the load of a worker that others
				* should help */
	BALANCE_IDLE = 500,    /* and of one that can help it */
	BALANCE_LOOKS = 3,     /* that find it busy: then it is */
	BALANCE_UNEVEN = 250,  /* less load than that one's: who can help */
	BALANCE_FULL = 950,    /* the load of one whose clients may wait more and
				* more; then already so much less: */
	BALANCE_UNFAIR = 100,
	BALANCE_REST_MS = 100, /* after giving, to see what has come of it */
};

/* The workers that serve the same generation, we among them. */
struct peers {
	uint64_t n;
	uint64_t connections;
	uint64_t mean;   /* rounded up: where connections cannot be divided
			  * evenly, one more than another is even */
	uint64_t fewest; /* of one of them */
	uint64_t max;    /* of another than us */
	uint64_t load, most_load, least_load;
	uint64_t takers;    /* others that take connections now */
	bool have_answered; /* all others have woken since they were asked */
};

/* What is given to one that is stuck, nobody takes. One that waits is not,
 * unless it was asked to wake and has not. */
static bool is_alive(const struct balance *b, uint64_t now, bool waits,
		     uint64_t woke)
{
	uint64_t since = waits ? b->asked_at : woke;

	if (waits && woke >= b->asked_at)
		return true;
	return since > now || now - since < BALANCE_DEAF_MS * NS_PER_MS;
}

static void count_peer(const struct balance *b, const struct slot *slot,
		       struct peers *peers)
{
	uint64_t now = b->net->loop->now, load = slot->load, woke;
	bool waits = pulse_waits(&slot->pulse, &woke);
	bool is_other = slot != b->net->slot;

	if (is_other && waits && woke < b->asked_at)
		peers->have_answered = false;
	if (is_other && !is_alive(b, now, waits, woke))
		return;
	/* Its load is of when it was awake. */
	if (is_other && waits && woke < now && now - woke > BALANCE_MS * NS_PER_MS)
		load = 0;
	if (slot->connections < peers->fewest)
		peers->fewest = slot->connections;
	if (is_other && slot->connections > peers->max)
		peers->max = slot->connections;
	if (load < peers->least_load)
		peers->least_load = load;
	if (load > peers->most_load)
		peers->most_load = load;
	peers->load += load;
	peers->takers += is_other && slot->takes != 0;
	peers->n++;
	peers->connections += slot->connections;
}

static struct peers count_peers(const struct balance *b)
{
	uint64_t generation = b->net->slot->generation;
	struct peers peers = {.fewest = UINT64_MAX,
			      .least_load = UINT64_MAX,
			      .have_answered = true};

	for (uint32_t i = 0; i < b->board->n_used && i < SCOREBOARD_SLOTS; i++)
		if (b->board->slots[i].generation == generation)
			count_peer(b, &b->board->slots[i], &peers);
	peers.mean = peers.n > 0 ? (peers.connections + peers.n - 1) / peers.n
				 : b->net->slot->connections;
	return peers;
}

/* Whether a worker with `n` connections should give some away. */
static bool is_crowded(const struct peers *peers, uint64_t n)
{
	uint64_t mean = peers->mean;
	/* Many that are a little above the mean can leave one far below it. */
	bool someone_lacks = peers->fewest + mean / 10 + 1 < mean;

	return n > mean + mean / 20 + BALANCE_SLACK || (n > mean && someone_lacks);
}

/* Gives up to `n` connections that wait for a request: of the active ones
 * that were found, or of all. */
static void give_idle(struct balance *b, uint64_t n, bool active)
{
	uint64_t wanted = n;
	int looked = 0;

	LIST_EACH (link, &b->net->conns) {
		struct conn *c = CONTAINER_OF(link, struct conn, link);

		if (n == 0 || looked++ == BALANCE_LOOK)
			break;
		if (conn_may_be_given(c) &&
		    (!active || c->socket.active_round == b->net->activity_round)) {
			(void)handoff_offer(b->handoff, c);
			n--;
		}
	}
	b->gave = n < wanted;
	if (b->gave)
		b->given_at = b->net->loop->now;
	handoff_give_now(b->handoff);
}

/* For those that rest: they look at the scoreboard when the master tells them.
 * True when it was said; not the same again and again. */
static bool have_others_look(struct balance *b, const struct peers *peers)
{
	uint64_t now = b->net->loop->now, mine = b->net->slot->connections;

	if (b->said_mine == mine && b->said_all == peers->connections &&
	    now - b->said_at < BALANCE_SAY_MS * NS_PER_MS)
		return false;
	b->said_mine = mine;
	b->said_all = peers->connections;
	b->said_at = now;
	if (peers->have_answered)
		b->asked_at = now;
	b->on_uneven(b);
	return true;
}

/* New connections are left to others while this worker has clearly more than
 * they, and as long as there are new ones. */
static void set_gate(struct balance *b, const struct peers *peers)
{
	uint64_t mine = b->net->slot->connections, mean = peers->mean;
	struct net *net = b->net;

	if (net->state == NET_SERVING && mine > b->mine &&
	    mine > mean + mean / 8 + BALANCE_GATE) {
		b->quiet_looks = 0;
		if (peers->have_answered)
			b->asked_at = net->loop->now;
		net_pause(net, NET_GATED);
		return;
	}
	if (net->state != NET_GATED)
		return;
	b->quiet_looks = peers->connections == b->all ? b->quiet_looks + 1 : 0;
	if (mine <= mean + mean / 16 + BALANCE_GATE / 2 ||
	    b->quiet_looks == BALANCE_QUIET)
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

	if (mine <= mean)
		return;
	if (peers->takers == 0) {
		(void)have_others_look(b, peers);
		return;
	}
	uint64_t n = active * (mine - mean) / mine;

	/* One, if the other does not become the busier one by it. */
	if (n == 0 && active * (mine - peers->least_load) > mine)
		n = 1;
	if (n == 0)
		return;
	handoff_stop_receiving(b->handoff);
	give_idle(b, n, true);
	b->evened_at = b->net->loop->now;
}

static void look_at_load(struct balance *b)
{
	uint64_t now = b->net->loop->now;

	publish_load(b);
	if (b->net->slot->load < BALANCE_BUSY ||
	    now - b->evened_at < BALANCE_REST_MS * NS_PER_MS) {
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

/* True when there is more to come. */
static bool even_load(struct balance *b, const struct peers *peers)
{
	if (b->net->slot->load <= peers->load / peers->n) {
		/* A worker with little to do takes connections, however many it
		 * has. */
		if (net_may_take(b->net))
			handoff_start_receiving(b->handoff);
		return false;
	}
	handoff_stop_receiving(b->handoff);
	if (peers->takers == 0)
		(void)have_others_look(b, peers);
	return true;
}

/* True when there is more to come. */
static bool even_count(struct balance *b, const struct peers *peers)
{
	uint64_t mine = b->net->slot->connections;

	if (is_crowded(peers, mine)) {
		handoff_stop_receiving(b->handoff);
		if (peers->takers == 0)
			return have_others_look(b, peers);
		give_idle(b, (mine - peers->mean + 1) / 2, false);
		return b->gave;
	}
	/* One that was told while it has little to do may be asked to help. */
	if ((mine <= peers->mean ||
	     (b->was_told && b->net->slot->load < BALANCE_IDLE)) &&
	    net_may_take(b->net))
		handoff_start_receiving(b->handoff);
	/* The other workers that were asked see the same. */
	return !b->was_told && is_crowded(peers, peers->max) &&
	       have_others_look(b, peers);
}

/* Connections that no worker takes are served here. True while some may still
 * be taken. */
static bool take_back(struct balance *b, const struct peers *peers)
{
	uint64_t since = b->net->loop->now - b->given_at;

	if (b->given_at == 0 || since < BALANCE_MS * NS_PER_MS)
		return false;
	if (!handoff_is_unread(b->handoff)) {
		b->given_at = 0;
		return false;
	}
	(void)have_others_look(b, peers);
	if (since >= BALANCE_DEAF_MS * NS_PER_MS)
		handoff_take_back(b->handoff);
	return true;
}

static void look(struct balance *b)
{
	struct loop *loop = b->net->loop;
	struct peers peers = count_peers(b);
	bool again = take_back(b, &peers);

	b->gave = false;
	set_gate(b, &peers);
	if (is_load_uneven(&peers))
		again |= even_load(b, &peers);
	else
		again |= even_count(b, &peers);
	again |= b->given_at != 0 || b->net->state == NET_GATED ||
		 b->net->slot->load >= BALANCE_BUSY;
	b->mine = b->net->slot->connections;
	b->all = peers.connections;
	b->looked_at = loop->now;
	b->was_told = false;
	if (again)
		loop_timer(loop, &b->timer, BALANCE_MS);
}

void balance_look(struct balance *b)
{
	uint64_t now = b->net->loop->now;

	if (b->net->slot->generation == 0)
		return;
	if (now - b->since >= BALANCE_LOOK_MS * NS_PER_MS)
		look_at_load(b);
	if (b->was_told || now - b->looked_at >= BALANCE_MS * NS_PER_MS)
		look(b);
	else if ((b->mine != b->net->slot->connections || b->given_at != 0) &&
		 !timer_is_armed(&b->timer))
		timer_arm(&b->net->loop->timers, &b->timer,
			  b->looked_at + BALANCE_MS * NS_PER_MS);
}

void balance_told(struct balance *b)
{
	b->was_told = true;
}

/* The end of the tick does the rest. */
static void on_timer(struct timer *timer)
{
	(void)timer;
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
}

void balance_stop(struct balance *b)
{
	b->net->slot->generation = 0;
	b->net->slot->load = 0;
	b->net->activity_round = 0;
	handoff_stop_receiving(b->handoff);
	timer_detach(&b->net->loop->timers, &b->timer);
}
