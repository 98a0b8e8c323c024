/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/move/handoff.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/shared/channel.h"
#include "worker/net/conn.h"

enum {
	HANDOFF_MAGIC = 0x68616e64,
	HANDOFF_VERSION = 2,
	HANDOFF_BYTES = 96 * 1024, /* the largest message */
	HANDOFF_GIVE = 64,         /* in one tick */
	HANDOFF_TAKE = 32,         /* in one wake-up */
	HANDOFF_BACK = 256,        /* taken back at once */
	HANDOFF_RETRY_MS = 10,
};

/* What is the same for every protocol. Three parts follow: conn->in,
 * conn->out, and the protocol's own. */
struct handoff_header {
	uint32_t magic;
	uint32_t version;
	char listener[ADDR_TEXT]; /* its address as configured */
	char protocol[16];
	uint64_t accepted_at;
	struct endpoint peer;
	uint32_t requests;
	uint32_t in_size;
	uint32_t out_size;
	uint32_t state_size;
};

/* Both sides work on one message at a time. */
static char message[HANDOFF_BYTES];

/* Giving. */

/* Puts a frozen connection into `message`; 0 when it does not fit. */
static size_t pack(const struct conn *c, struct str state)
{
	struct str in = buf_str(&c->in), out = buf_str(&c->out);
	struct handoff_header header = {
		.magic = HANDOFF_MAGIC,
		.version = HANDOFF_VERSION,
		.accepted_at = c->accepted_at,
		.peer = c->peer,
		.requests = c->requests,
		.in_size = (uint32_t)in.n,
		.out_size = (uint32_t)out.n,
		.state_size = (uint32_t)state.n,
	};
	struct str parts[] = {
		{(const char *)&header, sizeof(header)}, in, out, state};
	size_t size = 0;

	snprintf(header.listener, sizeof(header.listener), "%s",
		 c->listener->conf->text);
	snprintf(header.protocol, sizeof(header.protocol), "%s", c->protocol->name);
	for (int i = 0; i < 4; i++)
		size += parts[i].n;
	if (size > sizeof(message))
		return 0;
	size = 0;
	for (int i = 0; i < 4; i++) {
		if (parts[i].n > 0)
			memcpy(message + size, parts[i].p, parts[i].n);
		size += parts[i].n;
	}
	return size;
}

static void wait_for_room(struct handoff *handoff)
{
	bool by_event = errno == EAGAIN; /* not for ETOOMANYREFS and the like */

	loop_timer(handoff->net->loop, &handoff->retry, HANDOFF_RETRY_MS);
	if (handoff->is_full || !by_event)
		return;
	handoff->is_full = true;
	if (loop_add(handoff->net->loop, &handoff->send, EPOLLOUT) == -1)
		log_errno(LOG_LEVEL_WARN, "cannot watch the handoff");
}

static void stop_waiting(struct handoff *handoff)
{
	if (handoff->is_full)
		loop_remove(handoff->net->loop, &handoff->send);
	handoff->is_full = false;
	timer_disarm(&handoff->retry);
}

enum given {
	GIVEN,
	GIVEN_LATER, /* the protocol is in the middle of something */
	GIVEN_FULL,  /* there is no room now */
};

static enum given give(struct handoff *handoff, struct conn *c)
{
	struct buf state = {0};
	enum given given = GIVEN_LATER;
	int fds[] = {c->watch.fd, -1};
	size_t size;

	if (c->state != CONN_OPEN || c->protocol->freeze == NULL ||
	    !c->protocol->freeze(c, &state, &fds[1]))
		goto out;
	size = pack(c, buf_str(&state));
	if (size == 0)
		goto out;
	switch (channel_send(handoff->send.fd, message, size, fds,
			     fds[1] == -1 ? 1 : 2)) {
	case CHANNEL_OK:
		conn_moved(c);
		handoff->net->slot->counters.handed_out++;
		given = GIVEN;
		break;
	case CHANNEL_AGAIN:
		given = GIVEN_FULL;
		break;
	default: /* too large for the socket, or nobody is left */
		log_errno(LOG_LEVEL_DEBUG, "cannot hand over a connection");
	}
out:
	buf_release(&state);
	return given;
}

static void on_give(struct task *task)
{
	struct handoff *handoff = CONTAINER_OF(task, struct handoff, give);

	for (int i = 0; i < HANDOFF_GIVE; i++) {
		if (list_is_empty(&handoff->offered)) {
			stop_waiting(handoff);
			return;
		}
		struct conn *c =
			CONTAINER_OF(handoff->offered.next, struct conn, ready);

		list_remove(&c->ready);
		if (give(handoff, c) == GIVEN_FULL) {
			list_append(&handoff->offered, &c->ready);
			wait_for_room(handoff);
			return;
		}
	}
	stop_waiting(handoff);
	loop_queue(handoff->net->loop, task);
}

static void on_room(struct watch *watch, uint32_t events)
{
	struct handoff *handoff = CONTAINER_OF(watch, struct handoff, send);

	(void)events;
	loop_queue(handoff->net->loop, &handoff->give);
}

static void on_retry(struct timer *timer)
{
	struct handoff *handoff = CONTAINER_OF(timer, struct handoff, retry);

	loop_queue(handoff->net->loop, &handoff->give);
}

void handoff_offer(struct handoff *handoff, struct conn *c)
{
	if (!list_is_empty(&c->ready))
		return; /* it has something to do first, or is offered */
	list_append(&handoff->offered, &c->ready);
	if (!handoff->is_full)
		loop_queue(handoff->net->loop, &handoff->give);
}

void handoff_give_now(struct handoff *handoff)
{
	if (handoff->is_full)
		return; /* it is known when it goes on */
	task_cancel(&handoff->give);
	on_give(&handoff->give);
}

/* Taking. */

/* The parts of a message, if they are as the header says. */
static bool unpack(size_t size, struct handoff_header *header_out,
		   struct str parts_out[3])
{
	size_t at = sizeof(*header_out);

	if (size < at)
		return false;
	memcpy(header_out, message, at);
	if (header_out->magic != HANDOFF_MAGIC ||
	    header_out->version != HANDOFF_VERSION)
		return false;
	uint32_t sizes[] = {header_out->in_size, header_out->out_size,
			    header_out->state_size};

	for (int i = 0; i < 3; i++) {
		if (sizes[i] > size - at)
			return false;
		parts_out[i] = (struct str){message + at, sizes[i]};
		at += sizes[i];
	}
	header_out->listener[sizeof(header_out->listener) - 1] = '\0';
	header_out->protocol[sizeof(header_out->protocol) - 1] = '\0';
	return at == size;
}

static void take(struct handoff *handoff, size_t size, int fd, int file)
{
	struct handoff_header header;
	struct str parts[3];
	struct listener *listener = NULL;

	if (unpack(size, &header, parts))
		listener = net_find_listener(handoff->net, header.listener,
					     header.protocol);
	if (listener == NULL) {
		log_warn("closing a connection that was handed over: its "
			 "message is not understood");
		fd_close(&fd);
		fd_close(&file);
		return;
	}
	handoff->net->slot->counters.handed_in++;
	conn_adopt(listener, fd,
		   &(struct conn_origin){.accepted_at = header.accepted_at,
					 .peer = header.peer,
					 .requests = header.requests,
					 .in = parts[0],
					 .out = parts[1],
					 .state = parts[2],
					 .file = file});
}

/* A message whose descriptors find no place is a connection lost: so places
 * are kept, and no message is taken without them. */
static bool hold_reserve(struct handoff *handoff)
{
	for (int i = 0; i < 2; i++)
		if (handoff->reserve[i] == -1)
			handoff->reserve[i] =
				fcntl(handoff->receive.fd, F_DUPFD_CLOEXEC, 0);
	return handoff->reserve[0] != -1 && handoff->reserve[1] != -1;
}

static void drop_reserve(struct handoff *handoff)
{
	fd_close(&handoff->reserve[0]);
	fd_close(&handoff->reserve[1]);
}

/* False when there is none. */
static bool take_one(struct handoff *handoff)
{
	int fds[CHANNEL_FDS];
	size_t size, n_fds;

	drop_reserve(handoff);
	enum channel_result result = channel_receive(
		handoff->receive.fd, message, sizeof(message), &size, fds, &n_fds);

	if (result == CHANNEL_OK && (n_fds == 1 || n_fds == 2))
		take(handoff, size, fds[0], n_fds == 2 ? fds[1] : -1);
	else if (result != CHANNEL_AGAIN)
		log_errno(LOG_LEVEL_WARN, "a handoff message is broken");
	hold_reserve(handoff);
	return result == CHANNEL_OK;
}

static void on_message(struct watch *watch, uint32_t events)
{
	struct handoff *handoff = CONTAINER_OF(watch, struct handoff, receive);

	(void)events;
	for (int i = 0; i < HANDOFF_TAKE; i++) {
		if (!net_may_take(handoff->net) || !hold_reserve(handoff)) {
			handoff_stop_receiving(handoff);
			return;
		}
		if (!take_one(handoff))
			return;
	}
}

void handoff_take_all(struct handoff *handoff)
{
	handoff_stop_receiving(handoff);
	while (handoff->receive.fd != -1 && hold_reserve(handoff) &&
	       take_one(handoff))
		;
	drop_reserve(handoff);
}

void handoff_withdraw(struct handoff *handoff)
{
	LIST_EACH_SAFE (link, &handoff->offered)
		list_remove(link);
	task_cancel(&handoff->give);
	stop_waiting(handoff);
}

bool handoff_is_unread(const struct handoff *handoff)
{
	int bytes = 0;

	return handoff->send.fd != -1 &&
	       ioctl(handoff->send.fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

void handoff_take_back(struct handoff *handoff)
{
	for (int i = 0; i < HANDOFF_BACK; i++)
		if (!hold_reserve(handoff) || !take_one(handoff))
			return;
}

static void set_receiving(struct handoff *handoff, bool receiving)
{
	handoff->is_receiving = receiving;
	handoff->net->slot->takes = receiving;
}

void handoff_start_receiving(struct handoff *handoff)
{
	if (handoff->is_receiving || handoff->receive.fd == -1 ||
	    !hold_reserve(handoff))
		return;
	/* Level-triggered: what one worker leaves, another is told of. */
	if (loop_add(handoff->net->loop, &handoff->receive,
		     EPOLLIN | EPOLLEXCLUSIVE) == -1)
		log_errno(LOG_LEVEL_WARN, "cannot watch the handoff");
	else
		set_receiving(handoff, true);
}

void handoff_stop_receiving(struct handoff *handoff)
{
	if (handoff->is_receiving)
		loop_remove(handoff->net->loop, &handoff->receive);
	set_receiving(handoff, false);
	drop_reserve(handoff);
}

void handoff_init(struct handoff *handoff, struct net *net, int send_fd,
		  int receive_fd)
{
	*handoff = (struct handoff){
		.net = net,
		.send = {on_room, send_fd},
		.receive = {on_message, receive_fd},
		.reserve = {-1, -1},
	};
	list_init(&handoff->offered);
	task_init(&handoff->give, on_give);
	timer_init(&handoff->retry, on_retry);
}

void handoff_fini(struct handoff *handoff)
{
	handoff_stop_receiving(handoff);
	stop_waiting(handoff);
	timer_detach(&handoff->net->loop->timers, &handoff->retry);
	task_cancel(&handoff->give);
	fd_close(&handoff->send.fd);
	fd_close(&handoff->receive.fd);
}
