/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In this order: creation and start, pausing when there is no room, moving and
 * draining, finding the listener of a connection that moves in, and the end.
 * Worker.
 */
#include "worker/net/net.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/net/conn.h"
#include "worker/net/listener.h"

enum {
	/* A MiB takes some 0.13 ms. Pieces of 16 KiB would cost twice the
	 * CPU time of pieces of 100. */
	NET_FILES_TICK = 8 * 1024 * 1024,
	NET_FILES_MAX = 256 * 1024,
	NET_FILES_MIN = 64 * 1024,
	NET_RETRY_MS = 100,   /* after running out of descriptors */
	NET_QUIET_MS = 10000, /* between two log lines about that */
};

static const char *const state_names[] = {
	[NET_IDLE] = "idle",   [NET_SERVING] = "serving",
	[NET_FULL] = "full",   [NET_SHORT] = "short",
	[NET_GATED] = "gated", [NET_DRAINING] = "draining",
};

static void set_state(struct net *net, enum net_state state)
{
	ASSERT(net->state != NET_DRAINING);
	log_debug("accepting: %s -> %s", state_names[net->state],
		  state_names[state]);
	net->state = state;
}

static void on_retry(struct timer *timer)
{
	net_resume(CONTAINER_OF(timer, struct net, retry));
}

void net_init(struct net *net, struct loop *loop, const struct conf *conf,
	      struct slot *slot, const struct transport *const *transports)
{
	*net = (struct net){
		.loop = loop,
		.conf = conf,
		.slot = slot,
		.transports = transports,
		/* Ids of two workers must differ. They fit 53 bits, so that
		 * programs that read logs as JSON may take them for doubles. */
		.last_id = (uint64_t)getpid() << 30,
	};
	list_init(&net->conns);
	list_init(&net->closed);
	batch_init(&net->batch, loop);
	timer_init(&net->retry, on_retry);
	net->files =
		(struct net_files){.left = NET_FILES_TICK, .share = NET_FILES_MAX};
}

void net_recount_files(struct net *net)
{
	struct net_files *f = &net->files;

	if (f->n == 0)
		return;
	f->share = NET_FILES_TICK / f->n;
	if (f->share > NET_FILES_MAX)
		f->share = NET_FILES_MAX;
	f->left = NET_FILES_TICK;
	f->n = 0;
}

size_t net_file_share(struct net *net)
{
	struct net_files *f = &net->files;
	uint32_t share = f->share < f->left ? f->share : f->left;

	f->n++;
	f->left -= share;
	return share > NET_FILES_MIN ? share : NET_FILES_MIN;
}

void net_open_protocols(struct net *net, const struct protocol *const *protocols,
			const struct protocol_env *env)
{
	size_t n = 0;

	while (protocols[n] != NULL)
		n++;
	net->protocols = mem_zalloc(n + 1, sizeof(*net->protocols));
	net->gone = mem_zalloc(n, sizeof(*net->gone));
	for (size_t i = 0; i < n; i++) {
		const struct protocol *p = protocols[i];

		net->protocols[i] = (struct net_protocol){
			.protocol = p,
			.object = p->create != NULL ? p->create(env) : NULL,
		};
		listener_init_gone(&net->gone[i], net, p);
	}
}

void net_start(struct net *net)
{
	set_state(net, NET_SERVING);
	for (size_t i = 0; i < net->n_listeners; i++)
		listener_start(&net->listeners[i]);
}

static void log_pause(struct net *net, enum net_state why)
{
	uint64_t quiet = NET_QUIET_MS * NS_PER_MS;
	bool said =
		net->short_since != 0 && net->loop->now - net->short_since < quiet;

	net->short_since = net->loop->now;
	if (said)
		return;
	if (why == NET_SHORT)
		log_errno(LOG_LEVEL_WARN,
			  "accepting is paused with %ju connections open",
			  (uintmax_t)net->slot->connections);
	else
		log_warn("accepting is paused: limits.connections (%ju) "
			 "are open",
			 (uintmax_t)net->conf->limits.connections);
}

void net_pause(struct net *net, enum net_state why)
{
	if (net->state != NET_SERVING)
		return;
	if (why != NET_GATED) {
		log_pause(net, why);
		net->slot->counters.accept_pauses++;
	}
	set_state(net, why);
	for (size_t i = 0; i < net->n_listeners; i++)
		listener_pause(&net->listeners[i]);
	if (why == NET_SHORT)
		loop_timer(net->loop, &net->retry, NET_RETRY_MS);
	if (net->on_pause != NULL)
		net->on_pause(net);
}

void net_resume(struct net *net)
{
	if (net->state == NET_FULL || net->state == NET_SHORT ||
	    net->state == NET_GATED)
		net_start(net);
}

static void stop_accepting(struct net *net, bool keeps_open)
{
	if (!net_is_draining(net))
		set_state(net, NET_DRAINING);
	timer_detach(&net->loop->timers, &net->retry);
	for (size_t i = 0; i < net->n_listeners; i++) {
		struct listener *l = &net->listeners[i];

		if (keeps_open && l->is_kept_open)
			listener_start(l); /* it may be paused */
		else
			listener_close(l);
	}
}

bool net_keeps_open(const struct net *net)
{
	for (size_t i = 0; i < net->n_listeners; i++)
		if (net->listeners[i].is_kept_open &&
		    net->listeners[i].state != LISTENER_CLOSED)
			return true;
	return false;
}

void net_move(struct net *net, bool (*on_idle)(struct net *net, struct conn *c))
{
	if (net_is_draining(net))
		return;
	stop_accepting(net, true);
	net->on_idle = on_idle;
	net_offer(net);
}

void net_offer(struct net *net)
{
	LIST_EACH_SAFE (link, &net->conns)
		(void)net->on_idle(net, CONTAINER_OF(link, struct conn, link));
}

/* Whether a listener on `wide` takes connections to `local`. */
static bool covers(const struct addr *wide, const struct addr *local)
{
	struct endpoint a = endpoint_of(wide), b = endpoint_of(local);

	if (a.family == AF_UNIX || a.port != b.port)
		return false;
	if (addr_family(wide) == AF_INET6 &&
	    IN6_IS_ADDR_UNSPECIFIED(&wide->v6.sin6_addr))
		return true;
	if (a.family != b.family)
		return false;
	return (a.family == AF_INET && wide->v4.sin_addr.s_addr == 0) ||
	       memcmp(a.ip, b.ip, sizeof(a.ip)) == 0;
}

/* A reload has made "127.0.0.1:80" of "*:80", or the other way round. */
static struct listener *find_by_address(struct net *net, const char *protocol,
					int fd)
{
	struct addr local = {.length = sizeof(local.un)};

	if (fd == -1 || getsockname(fd, &local.any, &local.length) == -1)
		return NULL;
	for (size_t i = 0; i < net->n_listeners; i++)
		if (strcmp(net->listeners[i].protocol->name, protocol) == 0 &&
		    covers(&net->listeners[i].conf->addr, &local))
			return &net->listeners[i];
	return NULL;
}

struct listener *net_find_listener(struct net *net, const char *key,
				   const char *protocol, int fd)
{
	struct listener *found;

	for (size_t i = 0; i < net->n_listeners; i++)
		if (strcmp(net->listeners[i].conf->text, key) == 0 &&
		    strcmp(net->listeners[i].protocol->name, protocol) == 0)
			return &net->listeners[i];
	found = find_by_address(net, protocol, fd);
	if (found != NULL)
		return found;
	for (size_t i = 0; net->protocols[i].protocol != NULL; i++)
		if (strcmp(net->protocols[i].protocol->name, protocol) == 0)
			return &net->gone[i];
	return NULL;
}

const struct transport *net_find_transport(const struct net *net, struct str name)
{
	for (const struct transport *const *t = net->transports; *t != NULL; t++)
		if (str_equal(str_of((*t)->name), name))
			return *t;
	return NULL;
}

bool net_may_take(const struct net *net)
{
	/* limits.connections is about new ones: those that are established
	 * have nowhere else to go. */
	return net->state == NET_SERVING || net->state == NET_GATED ||
	       net->state == NET_FULL;
}

void net_drain(struct net *net, uint64_t idle_grace_ms)
{
	if (net_is_draining(net) && net->on_idle == NULL)
		return;
	stop_accepting(net, false);
	/* There is no worker left to move to. */
	net->on_idle = NULL;
	net->idle_grace_ms = idle_grace_ms;
	LIST_EACH_SAFE (link, &net->conns)
		conn_wake(CONTAINER_OF(link, struct conn, link));
}

static void log_cut(const struct conn *c)
{
	struct buf text = {0};
	char ip[ADDR_TEXT];

	if (c->state > CONN_OPEN || c->protocol->is_idle(c))
		return;
	if (c->protocol->describe != NULL)
		c->protocol->describe(c, &text);
	else
		buf_put_cstr(&text, c->protocol->name);
	log_info("%s:%u: cut: %" STR_FMT, endpoint_ip(&c->peer, ip), c->peer.port,
		 STR_ARG(buf_str(&text)));
	buf_release(&text);
}

uint64_t net_cut(struct net *net, bool kept_too)
{
	uint64_t n = 0;

	LIST_EACH_SAFE (link, &net->conns) {
		struct conn *c = CONTAINER_OF(link, struct conn, link);

		if (c->stays != CONN_MOVES && !kept_too)
			continue;
		log_cut(c);
		n += c->state <= CONN_OPEN; /* one that lingers was served */
		conn_cut(c);
	}
	return n;
}

void net_describe_staying(const struct net *net, struct buf *text)
{
	static const char *const reasons[CONN_STAYS_COUNT] = {
		[CONN_STAYS_FOR_SIZE] = "over limits.move_file, or temp is full",
		[CONN_STAYS_FOR_SOURCE] =
			"compressed here on the way from a server",
		[CONN_STAYS_FOR_FORMAT] = "in a state that the new workers do not "
					  "understand",
	};
	unsigned n[CONN_STAYS_COUNT] = {0};

	LIST_EACH (link, &net->conns)
		n[CONTAINER_OF(link, struct conn, link)->stays]++;
	for (size_t i = CONN_MOVES + 1; i < CONN_STAYS_COUNT; i++)
		if (n[i] > 0)
			buf_printf(text, "%s%u %s",
				   buf_length(text) > 0 ? "; " : "", n[i],
				   reasons[i]);
}

void net_free_closed(struct net *net)
{
	while (!list_is_empty(&net->closed)) {
		struct socket *s =
			CONTAINER_OF(net->closed.next, struct socket, queued);

		list_remove(&s->queued);
		s->owner->free(s);
	}
}

static void close_protocols(struct net *net)
{
	for (struct net_protocol *p = net->protocols; p && p->protocol; p++)
		if (p->protocol->destroy != NULL)
			p->protocol->destroy(p->object);
	free(net->protocols);
	free(net->gone);
}

void net_fini(struct net *net)
{
	if (net->loop == NULL)
		return; /* it was never begun */
	net_cut(net, true);
	net_free_closed(net);
	close_protocols(net);
	conns_fini(net);
	room_fini(net);
}
