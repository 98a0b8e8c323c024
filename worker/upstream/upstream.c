/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The servers of one upstream, which come and go; then upstream_pick(), which
 * asks the balancer for one of the best kind of candidates that there are.
 */
#include "worker/upstream/upstream.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/upstream/resolver.h"
#include "worker/upstream/server.h"
#include "worker/upstream/upstreams.h"
#include "worker/upstream/waiter.h"

enum { UPSTREAM_BURY_MS = 10000 };

/* The servers. */

/* Those that have nothing under way any more. What has just ended there may still
 * name them, for its line in the log. */
static void bury(struct upstream *u)
{
	struct loop *loop = u->all->net->loop;

	LIST_EACH_SAFE (link, &u->removed) {
		struct server *server = CONTAINER_OF(link, struct server, link);

		if (server->n_active > 0)
			continue;
		if (server->quiet_since == 0)
			server->quiet_since = loop->now;
		if (loop->now - server->quiet_since >= UPSTREAM_BURY_MS * NS_PER_MS)
			server_destroy(&server);
		else if (!timer_is_armed(&u->bury))
			loop_timer(loop, &u->bury, UPSTREAM_BURY_MS);
	}
}

static void on_bury_time(struct timer *timer)
{
	bury(CONTAINER_OF(timer, struct upstream, bury));
}

static void on_look(struct task *task)
{
	struct upstream *u = CONTAINER_OF(task, struct upstream, look);

	bury(u);
	waiters_look(u);
}

void upstream_look(struct upstream *u)
{
	loop_queue(u->all->net->loop, &u->look);
}

void upstream_init(struct upstream *u, struct upstreams *all,
		   const struct conf_upstream *conf,
		   const struct balancer *balancer)
{
	*u = (struct upstream){.conf = conf, .all = all, .balancer = balancer};
	list_init(&u->removed);
	list_init(&u->waiting);
	u->shown = &u->unshown;
	task_init(&u->look, on_look);
	timer_init(&u->bury, on_bury_time);
}

void upstream_fini(struct upstream *u)
{
	task_cancel(&u->look);
	timer_detach(&u->all->net->loop->timers, &u->bury);
	while (u->n_servers > 0)
		server_destroy(&u->servers[--u->n_servers]);
	LIST_EACH_SAFE (link, &u->removed) {
		struct server *server = CONTAINER_OF(link, struct server, link);

		server_destroy(&server);
	}
	free(u->servers);
	free(u->candidates);
}

struct server *upstream_find(const struct upstream *u, struct str server)
{
	for (size_t i = 0; i < u->n_servers; i++)
		if (str_equal(str_of(u->servers[i]->conf->text), server))
			return u->servers[i];
	return NULL;
}

void upstream_add(struct upstream *u, struct server *server)
{
	size_t size = (u->n_servers + 1) * sizeof(struct server *);

	u->servers = mem_resize(u->servers, size);
	u->candidates = mem_resize(u->candidates, size);
	u->servers[u->n_servers++] = server;
	upstream_look(u);
}

void upstream_remove(struct upstream *u, struct server *server)
{
	size_t i = 0;

	while (u->servers[i] != server)
		i++;
	memmove(&u->servers[i], &u->servers[i + 1],
		(u->n_servers - i - 1) * sizeof(*u->servers));
	u->n_servers--;
	server_retire(server);
	list_append(&u->removed, &server->link);
	upstream_look(u);
}

/* Picking one. */

static bool is_among(struct server *const *servers, size_t n,
		     const struct server *server)
{
	for (size_t i = 0; i < n; i++)
		if (servers[i] == server)
			return true;
	return false;
}

enum { KINDS_UP = 2 }; /* of upstream_pick(), for servers that are up */

/* What is asked of a candidate, from the best kind on. */
struct kind {
	bool backup;
	bool heed_health;
	bool is_new; /* it was not tried */
};

static size_t find_candidates(struct upstream *u, struct kind kind,
			      struct server *const *tried, size_t n_tried)
{
	size_t n = 0;

	for (size_t i = 0; i < u->n_servers; i++) {
		struct server *s = u->servers[i];

		if (s->conf->backup == kind.backup &&
		    server_is_available(s, kind.heed_health) &&
		    (!kind.is_new || !is_among(tried, n_tried, s)))
			u->candidates[n++] = s;
	}
	return n;
}

/* Why none is available. */
static enum upstream_lack find_lack(const struct upstream *u)
{
	enum upstream_lack lack =
		u->n_servers > 0 ? UPSTREAM_CLOSED : UPSTREAM_UNRESOLVED;

	for (size_t i = 0; i < u->n_servers; i++) {
		const struct server *s = u->servers[i];

		if (s->mode != SERVER_ENABLED)
			continue;
		if (s->name == NULL || resolver_count(s->name) > 0)
			return UPSTREAM_FULL;
		lack = UPSTREAM_UNRESOLVED;
	}
	return lack;
}

/* Whether a server that counts as up, and was not tried, may be asked once it has
 * a connection to spare. */
static bool is_worth_waiting(const struct upstream *u, struct server *const *tried,
			     size_t n_tried)
{
	for (size_t i = 0; i < u->n_servers; i++)
		if (server_is_up(u->servers[i]) &&
		    !is_among(tried, n_tried, u->servers[i]))
			return true;
	return false;
}

static bool is_any_available(const struct upstream *u, bool heed_health)
{
	for (size_t i = 0; i < u->n_servers; i++)
		if (server_is_available(u->servers[i], heed_health))
			return true;
	return false;
}

bool upstream_has_room(const struct upstream *u)
{
	return is_any_available(u, true) ||
	       (!is_worth_waiting(u, NULL, 0) && is_any_available(u, false));
}

/* When all are down that counts for nothing (panic mode): to ask one that may
 * be back is better than to ask none. */
struct server *upstream_pick(struct upstream *upstream, uint64_t hash,
			     struct server *const *tried, size_t n_tried,
			     enum upstream_lack *lack_out)
{
	static const struct kind kinds[] = {
		{.heed_health = true, .is_new = true},
		{.heed_health = true, .is_new = true, .backup = true},
		{.is_new = true},
		{.is_new = true, .backup = true},
		{.heed_health = false},
		{.backup = true},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		/* With a queue, one that is full is waited for rather than that
		 * one that is down, or has failed at it, is asked. */
		if (i == KINDS_UP && upstream->conf->queue > 0 &&
		    is_worth_waiting(upstream, tried, n_tried))
			break;
		size_t n = find_candidates(upstream, kinds[i], tried, n_tried);
		struct candidates candidates = {
			.items = upstream->candidates, .n = n, .hash = hash};

		if (n == 1)
			return upstream->candidates[0];
		if (n > 1)
			return upstream->balancer->pick(&candidates);
	}
	*lack_out = find_lack(upstream);
	return NULL;
}
