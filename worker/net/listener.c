/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First accepting, within the budget of a tick; then the life of a listener:
 * start, pause, finish (serve its queue, then close), close. Worker.
 */
#include "worker/net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/defer_accept.h"
#include "base/fd.h"
#include "base/log.h"
#include "worker/net/conn.h"

enum {
	LISTENER_BATCH = 64, /* accepted in one tick from one listener */
	/* A listening socket is shared, and whether accept4(2) waits is a flag
	 * of what is shared: a worker that is taken over can make all others
	 * wait. So accept4(2) never waits for longer than this, */
	LISTENER_ACCEPT_US = 100000,
	/* and so often the flag is looked at. */
	LISTENER_CHECK_MS = 1000,
};

static const char *const state_names[] = {
	[LISTENER_IDLE] = "idle",
	[LISTENER_ACCEPTING] = "accepting",
	[LISTENER_CLOSED] = "closed",
};

static void set_state(struct listener *l, enum listener_state state)
{
	ASSERT(l->state != LISTENER_CLOSED);
	log_debug("listener %s: %s -> %s", l->conf->text, state_names[l->state],
		  state_names[state]);
	l->state = state;
}

enum accepted {
	ACCEPTED_ONE,
	ACCEPTED_NONE,  /* the queue is empty */
	ACCEPTED_SHORT, /* no descriptors or memory for it, or only lost ones */
};

static enum accepted accept_one(struct listener *l)
{
	struct addr peer = {.length = sizeof(struct sockaddr_un)};
	int fd = accept4(l->watch.fd, &peer.any, &peer.length,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		l->n_lost = 0;
		conn_open(l, fd, &peer);
		return ACCEPTED_ONE;
	}
	switch (errno) {
	case EAGAIN:
		return ACCEPTED_NONE;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return ACCEPTED_SHORT;
	case ECONNABORTED:
	case EINTR:
	case ENETDOWN:
	case EPROTO:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
	case EPERM:
	case ETIMEDOUT:
		/* accept(2): what happened to the new connection, which is
		 * gone; the next in the queue may be fine. Where none is, as
		 * a filter denies the call, there is no end of them. */
		if (++l->n_lost % LISTENER_BATCH != 0)
			return ACCEPTED_ONE;
		return ACCEPTED_SHORT;
	default:
		log_errno(LOG_LEVEL_ERROR, "cannot accept on %s", l->conf->text);
		return ACCEPTED_NONE;
	}
}

static bool somebody_waits(const struct listener *l)
{
	struct pollfd queue = {.fd = l->watch.fd, .events = POLLIN};

	return poll(&queue, 1, 0) == 1;
}

void listener_look(struct listener *l)
{
	struct net *net = l->net;

	for (int i = 0; i < LISTENER_BATCH; i++) {
		if (l->state != LISTENER_ACCEPTING)
			return;
		if (!net_is_draining(net) &&
		    net->slot->connections >= net->conf->limits.connections) {
			/* Nobody is closed for nobody. */
			if (!somebody_waits(l))
				return;
			if (!room_make(net)) {
				net_pause(net, NET_FULL);
				return;
			}
		}
		switch (accept_one(l)) {
		case ACCEPTED_ONE:
			break;
		case ACCEPTED_NONE:
			return;
		case ACCEPTED_SHORT:
			net_pause(net, NET_SHORT);
			return;
		}
	}
	loop_queue(net->loop, &l->more);
}

static void check_flags(struct listener *l)
{
	int flags = fcntl(l->watch.fd, F_GETFL);

	l->checked_at = l->net->loop->now;
	if (flags == -1 || flags & O_NONBLOCK)
		return;
	(void)fcntl(l->watch.fd, F_SETFL, flags | O_NONBLOCK);
	log_warn("%s was made to block, by another process that has it: it does "
		 "not any more",
		 l->conf->text);
}

static void on_event(struct watch *watch, uint32_t events)
{
	struct listener *l = CONTAINER_OF(watch, struct listener, watch);

	(void)events;
	if (l->net->loop->now - l->checked_at >= LISTENER_CHECK_MS * NS_PER_MS)
		check_flags(l);
	listener_look(l);
}

static void on_more(struct task *task)
{
	listener_look(CONTAINER_OF(task, struct listener, more));
}

void listener_init(struct listener *l, struct net *net,
		   const struct conf_listener *conf, int fd,
		   const struct transport *transport,
		   const struct protocol *protocol)
{
	static const struct timeval longest = {.tv_usec = LISTENER_ACCEPT_US};

	*l = (struct listener){
		.state = LISTENER_IDLE,
		.net = net,
		.conf = conf,
		.transport = transport,
		.protocol = protocol,
		.watch = {.on_event = on_event, .fd = fd},
	};
	task_init(&l->more, on_more);
	if (fd == -1)
		return;
	/* It may have been made to block by a worker of before, too. */
	(void)!fd_set_nonblocking(fd);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest));
}

void listener_init_gone(struct listener *l, struct net *net,
			const struct protocol *protocol)
{
	static const struct conf_listener nowhere = {.text = "(gone)"};

	listener_init(l, net, &nowhere, -1, NULL, protocol);
	l->state = LISTENER_CLOSED;
}

void listener_start(struct listener *l)
{
	if (l->state != LISTENER_IDLE)
		return;
	if (loop_add(l->net->loop, &l->watch, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE) ==
	    -1) {
		log_errno(LOG_LEVEL_ERROR, "cannot watch %s", l->conf->text);
		return;
	}
	set_state(l, LISTENER_ACCEPTING);
}

void listener_pause(struct listener *l)
{
	if (l->state != LISTENER_ACCEPTING)
		return;
	loop_remove(l->net->loop, &l->watch);
	task_cancel(&l->more);
	set_state(l, LISTENER_IDLE);
}

bool listener_let_in(struct listener *l)
{
	return l->state != LISTENER_CLOSED && defer_accept_let_in(l->watch.fd);
}

static enum accepted accept_rest(struct listener *l)
{
	enum accepted accepted;

	do {
		accepted = accept_one(l);
	} while (accepted == ACCEPTED_ONE);
	return accepted;
}

void listener_finish(struct listener *l)
{
	if (l->state == LISTENER_CLOSED)
		return;
	if (accept_rest(l) == ACCEPTED_SHORT)
		log_errno(LOG_LEVEL_WARN,
			  "closing %s with connections in its queue",
			  l->conf->text);
	listener_close(l);
}

void listener_close(struct listener *l)
{
	if (l->state == LISTENER_CLOSED)
		return;
	/* This worker may have been the only one woken for the queue: it has to
	 * accept it. */
	if (l->state == LISTENER_ACCEPTING)
		(void)accept_rest(l);
	/* Others still hold the socket, so closing is not enough to leave. */
	listener_pause(l);
	fd_close(&l->watch.fd);
	set_state(l, LISTENER_CLOSED);
}
