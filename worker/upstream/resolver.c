/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One channel of c-ares for the worker. Its sockets are watched by the loop as
 * it asks us to (ares_init_options(3), ARES_OPT_SOCK_STATE_CB), and its time-outs
 * are one timer (ares_timeout(3)) that is armed while a query is under way.
 */
#include "worker/upstream/resolver.h"

#include <ares.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "worker/upstream/srv_answer.h"

enum {
	RESOLVER_ADDRESSES = 16, /* of one name */
	RESOLVER_TTL_MIN_S = 1,
	RESOLVER_TTL_MAX_S = 3600,
	/* Of what has none: /etc/hosts. */
	RESOLVER_TTL_OTHER_S = 60,
	RESOLVER_RETRY_S = 5, /* after a failure */
	RESOLVER_QUERY_MS = 2000,
	RESOLVER_TRIES = 2,
	/* RFC 1035 section 3.2.4, RFC 2782. */
	RESOLVER_CLASS_IN = 1,
	RESOLVER_TYPE_SRV = 33,
};

struct resolver_name {
	struct list link;
	struct resolver *resolver;
	uint32_t users;
	bool is_asked; /* an answer will come */
	char *text;    /* "name:port" */
	char *host;
	uint16_t port;
	struct timer expiry;
	struct addr addresses[RESOLVER_ADDRESSES];
	uint32_t n;
	bool is_failing;   /* it was logged */
	bool was_answered; /* well or not */
	bool has_answer;   /* a good one */
};

/* An SRV record set. */
struct resolver_srv {
	struct list link;
	struct resolver *resolver;
	char *name;
	struct timer expiry;
	bool is_failing; /* it was logged */
	bool was_answered;
	bool has_records;
	void (*on_records)(void *context, const struct srv_answer *answer);
	void *context;
};

struct ares_watch {
	struct watch watch;
	struct list link;
	struct resolver *resolver;
	uint32_t events;
};

struct resolver {
	struct loop *loop;
	ares_channel channel; /* NULL: it could not be made */
	struct list names;
	struct list srvs;
	uint32_t n_pending; /* of both, without an answer yet */
	void (*on_first)(void *context);
	void *context;
	void (*on_answer)(void *context);
	void *answer_context;
	struct list watches;
	struct timer timer;
};

/* c-ares in the loop. */

static void arm(struct resolver *r)
{
	struct timeval room, *next = ares_timeout(r->channel, NULL, &room);

	if (next == NULL)
		timer_disarm(&r->timer);
	else
		loop_timer(r->loop, &r->timer,
			   (uint64_t)next->tv_sec * 1000 +
				   (uint64_t)next->tv_usec / 1000 + 1);
}

static void on_timer(struct timer *timer)
{
	struct resolver *r = CONTAINER_OF(timer, struct resolver, timer);

	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(r);
}

static void on_event(struct watch *watch, uint32_t events)
{
	struct ares_watch *w = CONTAINER_OF(watch, struct ares_watch, watch);
	struct resolver *r = w->resolver;
	int fd = watch->fd;
	bool in = events & (EPOLLIN | EPOLLERR | EPOLLHUP);
	bool out = events & (EPOLLOUT | EPOLLERR | EPOLLHUP);

	if (fd == -1)
		return;
	/* It may end `w`. */
	ares_process_fd(r->channel, in ? fd : ARES_SOCKET_BAD,
			out ? fd : ARES_SOCKET_BAD);
	arm(r);
}

static struct ares_watch *find_watch(struct resolver *r, int fd)
{
	LIST_EACH (link, &r->watches) {
		struct ares_watch *w = CONTAINER_OF(link, struct ares_watch, link);

		if (w->watch.fd == fd)
			return w;
	}
	return NULL;
}

/* The memory of one that is not needed stays, for events of this tick and for
 * the next socket. */
static struct ares_watch *add_watch(struct resolver *r, int fd)
{
	struct ares_watch *w = find_watch(r, -1);

	if (w == NULL) {
		w = mem_zalloc(1, sizeof(*w));
		w->resolver = r;
		list_append(&r->watches, &w->link);
	}
	w->watch = (struct watch){.on_event = on_event, .fd = fd};
	w->events = 0;
	return w;
}

static void on_socket(void *data, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = data;
	struct ares_watch *w = find_watch(r, fd);
	uint32_t events = (readable ? (uint32_t)EPOLLIN : 0) |
			  (writable ? (uint32_t)EPOLLOUT : 0);

	if (w == NULL && events != 0)
		w = add_watch(r, fd);
	if (w == NULL)
		return;
	if (events == 0) {
		if (w->events != 0)
			loop_remove(r->loop, &w->watch);
		w->watch.fd = -1;
	} else if (w->events == 0) {
		if (loop_add(r->loop, &w->watch, events) == -1)
			log_errno(LOG_LEVEL_WARN,
				  "cannot watch a socket of the name service");
	} else if (w->events != events) {
		loop_modify(r->loop, &w->watch, events);
	}
	w->events = events;
}

/* Names. */

static bool take_node(struct resolver_name *name,
		      const struct ares_addrinfo_node *node)
{
	struct addr addr = {.length = node->ai_addrlen};

	if (node->ai_addrlen > sizeof(addr.un) ||
	    (node->ai_family != AF_INET && node->ai_family != AF_INET6))
		return false;
	memcpy(&addr.any, node->ai_addr, node->ai_addrlen);
	if (node->ai_family == AF_INET)
		addr.v4.sin_port = htons(name->port);
	else
		addr.v6.sin6_port = htons(name->port);
	for (uint32_t i = 0; i < name->n; i++)
		if (addr_equal(&name->addresses[i], &addr))
			return false;
	name->addresses[name->n++] = addr;
	return true;
}

static uint64_t bound_ttl(uint64_t ttl)
{
	if (ttl > RESOLVER_TTL_MAX_S)
		return RESOLVER_TTL_MAX_S;
	return ttl < RESOLVER_TTL_MIN_S ? RESOLVER_TTL_MIN_S : ttl;
}

/* The seconds for which the answer holds. */
static uint64_t take_answer(struct resolver_name *name,
			    const struct ares_addrinfo *answer)
{
	uint64_t ttl = RESOLVER_TTL_MAX_S;
	bool has_ttl = false;

	name->n = 0;
	name->has_answer = true;
	for (const struct ares_addrinfo_node *node = answer->nodes;
	     node != NULL && name->n < RESOLVER_ADDRESSES; node = node->ai_next) {
		if (!take_node(name, node) || node->ai_ttl <= 0)
			continue;
		has_ttl = true;
		if ((uint64_t)node->ai_ttl < ttl)
			ttl = (uint64_t)node->ai_ttl;
	}
	if (!has_ttl)
		ttl = RESOLVER_TTL_OTHER_S;
	return bound_ttl(ttl);
}

static bool has_addresses(const struct ares_addrinfo *answer)
{
	return answer != NULL && answer->nodes != NULL;
}

static void count_first(struct resolver *r, bool *was_answered)
{
	if (*was_answered)
		return;
	*was_answered = true;
	if (--r->n_pending == 0 && r->on_first != NULL)
		r->on_first(r->context);
}

static void free_name(struct resolver_name *name)
{
	timer_detach(&name->resolver->loop->timers, &name->expiry);
	list_remove(&name->link);
	free(name->text);
	free(name->host);
	free(name);
}

static void on_answer(void *arg, int status, int timeouts,
		      struct ares_addrinfo *answer)
{
	struct resolver_name *name = arg;
	uint64_t seconds = RESOLVER_RETRY_S;

	(void)timeouts;
	name->is_asked = false;
	if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
		return;
	if (name->users == 0) {
		if (answer != NULL)
			ares_freeaddrinfo(answer);
		count_first(name->resolver, &name->was_answered);
		free_name(name);
		return;
	}
	if (status == ARES_SUCCESS && has_addresses(answer)) {
		seconds = take_answer(name, answer);
		if (name->is_failing)
			log_info("server %s: its name is resolved again",
				 name->text);
		name->is_failing = false;
	} else if (!name->is_failing) {
		name->is_failing = true;
		log_warn("server %s: cannot resolve its name: %s%s", name->text,
			 status == ARES_SUCCESS ? "it has no address"
						: ares_strerror(status),
			 name->n > 0 ? "; its last addresses stay in use" : "");
	}
	if (answer != NULL)
		ares_freeaddrinfo(answer);
	loop_timer(name->resolver->loop, &name->expiry, seconds * 1000);
	count_first(name->resolver, &name->was_answered);
	if (name->resolver->on_answer != NULL)
		name->resolver->on_answer(name->resolver->answer_context);
}

static void ask(struct resolver_name *name)
{
	struct resolver *r = name->resolver;
	struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
					    .ai_socktype = SOCK_STREAM,
					    .ai_flags = ARES_AI_NOSORT};

	if (r->channel == NULL)
		return;
	name->is_asked = true;
	ares_getaddrinfo(r->channel, name->host, NULL, &hints, on_answer, name);
	arm(r);
}

static void on_expiry(struct timer *timer)
{
	ask(CONTAINER_OF(timer, struct resolver_name, expiry));
}

struct resolver_name *resolver_watch(struct resolver *resolver, const char *text)
{
	struct str port = str_of(text), host = str_cut(&port, ':');
	uint64_t number = 0;

	LIST_EACH (link, &resolver->names) {
		struct resolver_name *name =
			CONTAINER_OF(link, struct resolver_name, link);

		if (strcmp(name->text, text) == 0) {
			/* One that nobody needed is asked for still. */
			name->users++;
			return name;
		}
	}
	struct resolver_name *name = mem_zalloc(1, sizeof(*name));

	ASSERT(str_to_u64(port, &number));
	name->resolver = resolver;
	name->users = 1;
	name->text = mem_strdup(text);
	name->host = mem_strdup(text);
	name->host[host.n] = '\0';
	name->port = (uint16_t)number;
	timer_init(&name->expiry, on_expiry);
	list_append(&resolver->names, &name->link);
	if (resolver->channel != NULL)
		resolver->n_pending++;
	ask(name);
	return name;
}

void resolver_leave(struct resolver_name **name)
{
	struct resolver_name *n = *name;

	*name = NULL;
	if (--n->users > 0)
		return;
	/* An answer that is under way names it. */
	timer_disarm(&n->expiry);
	if (!n->is_asked)
		free_name(n);
}

bool resolver_was_answered(const struct resolver_name *name)
{
	return name->was_answered;
}

void resolver_when_answered(struct resolver *resolver,
			    void (*when_answered)(void *context), void *context)
{
	resolver->on_answer = when_answered;
	resolver->answer_context = context;
}

/* SRV records. */

static void log_srv_failure(const struct resolver_srv *srv, int status)
{
	log_warn("cannot resolve the SRV record of %s: %s%s", srv->name,
		 status == ARES_SUCCESS ? "the answer names no servers"
					: ares_strerror(status),
		 srv->has_records ? "; its last servers stay in use" : "");
}

static void on_srv_answer(void *arg, int status, int timeouts, unsigned char *bytes,
			  int n)
{
	static struct srv_answer answer; /* large; of no use afterwards */
	struct resolver_srv *srv = arg;
	uint64_t seconds = RESOLVER_RETRY_S;

	(void)timeouts;
	if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
		return;
	if (status == ARES_SUCCESS &&
	    srv_answer_parse(bytes, (size_t)n, &answer) == -1)
		status = ARES_EBADRESP;
	if (status == ARES_SUCCESS && answer.n > 0) {
		seconds = bound_ttl(answer.ttl);
		if (srv->is_failing)
			log_info("the SRV record of %s is resolved again",
				 srv->name);
		srv->is_failing = false;
		srv->has_records = true;
		srv->on_records(srv->context, &answer);
	} else if (!srv->is_failing) {
		srv->is_failing = true;
		log_srv_failure(srv, status);
	}
	loop_timer(srv->resolver->loop, &srv->expiry, seconds * 1000);
	count_first(srv->resolver, &srv->was_answered);
}

static void ask_srv(struct resolver_srv *srv)
{
	struct resolver *r = srv->resolver;

	if (r->channel == NULL)
		return;
	ares_query(r->channel, srv->name, RESOLVER_CLASS_IN, RESOLVER_TYPE_SRV,
		   on_srv_answer, srv);
	arm(r);
}

static void on_srv_expiry(struct timer *timer)
{
	ask_srv(CONTAINER_OF(timer, struct resolver_srv, expiry));
}

void resolver_watch_srv(struct resolver *r, const char *name,
			void (*on_records)(void *context,
					   const struct srv_answer *answer),
			void *context)
{
	struct resolver_srv *srv = mem_zalloc(1, sizeof(*srv));

	srv->resolver = r;
	srv->name = mem_strdup(name);
	srv->on_records = on_records;
	srv->context = context;
	timer_init(&srv->expiry, on_srv_expiry);
	list_append(&r->srvs, &srv->link);
	if (r->channel != NULL)
		r->n_pending++;
	ask_srv(srv);
}

uint32_t resolver_pending(const struct resolver *resolver)
{
	return resolver != NULL ? resolver->n_pending : 0;
}

void resolver_when_first(struct resolver *resolver, void (*on_first)(void *context),
			 void *context)
{
	resolver->on_first = on_first;
	resolver->context = context;
}

void resolver_suggest(struct resolver_name *name, const struct addr *addr)
{
	if (!name->has_answer && name->n < RESOLVER_ADDRESSES)
		name->addresses[name->n++] = *addr;
}

uint32_t resolver_count(const struct resolver_name *name)
{
	return name->n;
}

const struct addr *resolver_address(const struct resolver_name *name, uint32_t i)
{
	return name->n == 0 ? NULL : &name->addresses[i % name->n];
}

struct resolver *resolver_create(struct loop *loop)
{
	struct resolver *r = mem_zalloc(1, sizeof(*r));
	struct ares_options options = {
		.timeout = RESOLVER_QUERY_MS,
		.tries = RESOLVER_TRIES,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = r,
	};
	int status = ares_library_init(ARES_LIB_INIT_ALL);

	r->loop = loop;
	list_init(&r->names);
	list_init(&r->srvs);
	list_init(&r->watches);
	timer_init(&r->timer, on_timer);
	if (status == ARES_SUCCESS)
		status = ares_init_options(&r->channel, &options,
					   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
						   ARES_OPT_SOCK_STATE_CB);
#ifdef HOLDFAST_TEST_HOOKS
	const char *servers = getenv("HOLDFAST_TEST_NAMESERVERS");

	if (status == ARES_SUCCESS && servers != NULL)
		status = ares_set_servers_ports_csv(r->channel, servers);
#endif
	if (status != ARES_SUCCESS) {
		log_error("names of servers cannot be resolved: %s",
			  ares_strerror(status));
		r->channel = NULL;
	}
	return r;
}

static void free_names(struct resolver *r)
{
	LIST_EACH_SAFE (link, &r->names)
		free_name(CONTAINER_OF(link, struct resolver_name, link));
	LIST_EACH_SAFE (link, &r->srvs) {
		struct resolver_srv *srv =
			CONTAINER_OF(link, struct resolver_srv, link);

		timer_detach(&r->loop->timers, &srv->expiry);
		free(srv->name);
		free(srv);
	}
}

void resolver_destroy(struct resolver **resolver)
{
	struct resolver *r = *resolver;

	*resolver = NULL;
	if (r == NULL)
		return;
	if (r->channel != NULL)
		ares_destroy(r->channel);
	timer_detach(&r->loop->timers, &r->timer);
	free_names(r);
	LIST_EACH_SAFE (link, &r->watches)
		free(CONTAINER_OF(link, struct ares_watch, link));
	ares_library_cleanup();
	free(r);
}
