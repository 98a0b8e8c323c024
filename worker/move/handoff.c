/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First giving: connections that were offered go one by one, in a task, while
 * there is room in the socket. Then what is done with messages that this worker
 * cannot use; then taking, message by message as they arrive, or all at once;
 * then who reads at the other end, and the life of the handoff. How a connection
 * is written and read is in pack.c. Nothing here is fatal: what cannot be given
 * is served here, and what is damaged is counted.
 */
#include "worker/move/handoff.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/shared/channel.h"
#include "worker/move/pack.h"
#include "worker/move/stored.h"
#include "worker/net/conn.h"

enum {
	HANDOFF_BYTES = 96 * 1024, /* the largest message */
	HANDOFF_GIVE = 64,         /* in one tick */
	HANDOFF_TAKE = 32,         /* in one wake-up */
	HANDOFF_BACK = 256,        /* taken back at once */
	HANDOFF_RETRY_MS = 10,
	HANDOFF_SHORT_MS = 100,    /* without descriptors to take any */
	HANDOFF_RETURNS = 1000,    /* of an unusable message */
	HANDOFF_CRASHES = 2,       /* that a connection may live through */
	HANDOFF_REPORT_MS = 10000, /* from one line about damage to the next */
};
_Static_assert((int)FROZEN_FDS == (int)CHANNEL_FDS, "a channel carries as many");

/* Giving and taking handle one message at a time. A larger one is stored. */
static char message[HANDOFF_BYTES];
static char large[STORED_BYTES];

/* Giving. */

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

/* It has to be served here, as long as it lasts. */
static void keep(struct handoff *handoff, struct conn *c)
{
	if (c->stays == CONN_STAYS_FOR_FORMAT)
		return;
	c->stays = CONN_STAYS_FOR_FORMAT;
	handoff->net->slot->counters.kept_for_format++;
}

static enum conn_stays stays_for(enum movable movable)
{
	switch (movable) {
	case MOVABLE_SOON:
	case MOVABLE_NOT:
		return CONN_STAYS_FOR_SIZE;
	case MOVABLE_TIED:
		return CONN_STAYS_FOR_SOURCE;
	default:
		return CONN_MOVES;
	}
}

/* What is sent of it: the message, or one that says where it is, in *file_out
 * then. False when it cannot be sent. */
static bool fit(struct handoff *handoff, struct frozen_writer *w, int *file_out)
{
	struct frozen_writer whole = *w;

	*file_out = -1;
	if (w->n <= HANDOFF_BYTES)
		return true;
	return w->n <= handoff->net->conf->limits.move_file &&
	       stored_put(w, &whole, message, sizeof(message), file_out);
}

static enum given give(struct handoff *handoff, struct conn *c)
{
	struct frozen_writer w;
	int file = -1;

	if (c->state != CONN_OPEN)
		return GIVEN_LATER;
	enum movable movable = MOVABLE_NOW;

	if (c->protocol->prepare != NULL)
		movable = c->protocol->prepare(c);
	if (c->stays != CONN_STAYS_FOR_FORMAT)
		c->stays = stays_for(movable);
	if (movable != MOVABLE_NOW)
		return GIVEN_LATER;
	bool packed = pack_conn(&w, c, large, sizeof(large), &handoff->readers,
				c->crashes);
	bool fits = packed && w.result == FROZEN_OK && fit(handoff, &w, &file);

	if (w.result == FROZEN_FOREIGN)
		keep(handoff, c);
	else if (packed && !fits)
		c->stays = CONN_STAYS_FOR_SIZE;
	if (!fits)
		return GIVEN_LATER;
	/* Once sent, it belongs to its receiver, also if this process crashes.
	 * */
	handoff->net->batch.current = &c->socket;
	enum channel_result result =
		channel_send(handoff->send.fd, w.bytes, w.n, w.fds, w.n_fds);

	/* Keys are in it, perhaps. */
	if (result == CHANNEL_OK && c->socket.transport->is_secure)
		explicit_bzero(message, w.n);
	if (result == CHANNEL_OK)
		conn_moved(c);
	handoff->net->batch.current = NULL;
	fd_close(&file);
	switch (result) {
	case CHANNEL_OK:
		handoff->net->slot->counters.handed_out++;
		return GIVEN;
	case CHANNEL_AGAIN:
		return GIVEN_FULL;
	default: /* too large for the socket, or no receiver is left */
		log_errno(LOG_LEVEL_DEBUG, "cannot hand over a connection");
		return GIVEN_LATER;
	}
}

static void on_give(struct task *task)
{
	struct handoff *handoff = CONTAINER_OF(task, struct handoff, give);

	for (int i = 0; i < HANDOFF_GIVE; i++) {
		if (list_is_empty(&handoff->offered)) {
			stop_waiting(handoff);
			return;
		}
		struct conn *c = CONTAINER_OF(handoff->offered.next, struct conn,
					      socket.queued);

		list_remove(&c->socket.queued);
		switch (give(handoff, c)) {
		case GIVEN:
			break;
		case GIVEN_LATER:
			conn_stay(c);
			break;
		case GIVEN_FULL:
			if (c->has_more)
				conn_stay(c);
			else
				list_append(&handoff->offered, &c->socket.queued);
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

bool handoff_offer(struct handoff *handoff, struct conn *c)
{
	if (!list_is_empty(&c->socket.queued))
		return false; /* it has something to do first, or is offered */
	if (handoff->is_full && c->has_more)
		return false; /* others can wait for room, and are offered */
	list_append(&handoff->offered, &c->socket.queued);
	if (!handoff->is_full)
		loop_queue(handoff->net->loop, &handoff->give);
	return true;
}

void handoff_give_now(struct handoff *handoff)
{
	if (handoff->is_full)
		return; /* it is known when it goes on */
	task_cancel(&handoff->give);
	on_give(&handoff->give);
}

/* Taking. */

/* The connection is lost. A sender of such messages may send many. */
static void report_damage(struct handoff *handoff, const char *why)
{
	uint64_t now = handoff->net->loop->now;
	uint64_t quiet = HANDOFF_REPORT_MS * NS_PER_MS;

	handoff->net->slot->counters.handoff_damaged++;
	if (handoff->reported_at != 0 && now - handoff->reported_at < quiet)
		return;
	handoff->reported_at = now;
	log_error("closing a connection that was handed over: %s", why);
}

/* Returns the message to the socket, for receivers that can use it. */

static void close_held(struct handoff *handoff)
{
	struct handoff_held *held = &handoff->held;

	while (held->n_fds > 0)
		close(held->fds[--held->n_fds]);
	buf_release(&held->bytes);
}

static bool send_held(struct handoff *handoff)
{
	struct handoff_held *held = &handoff->held;
	struct str bytes = buf_str(&held->bytes);

	switch (channel_send(handoff->send.fd, bytes.p, bytes.n, held->fds,
			     held->n_fds)) {
	case CHANNEL_AGAIN:
		return false;
	case CHANNEL_OK:
		break;
	default:
		report_damage(handoff, strerror(errno));
	}
	close_held(handoff);
	return true;
}

static void on_rested(struct timer *timer)
{
	struct handoff *handoff = CONTAINER_OF(timer, struct handoff, rest);

	if (buf_length(&handoff->held.bytes) > 0 && !send_held(handoff))
		loop_timer(handoff->net->loop, &handoff->rest, HANDOFF_RETRY_MS);
	else if (net_may_take(handoff->net))
		handoff_start_receiving(handoff);
}

/* Takes r's descriptors over. */
static void put_back(struct handoff *handoff, struct str bytes,
		     struct frozen_reader *r)
{
	struct handoff_held *held = &handoff->held;

	handoff_stop_receiving(handoff);
	frozen_set_returned(message, (uint16_t)(r->returned + 1));
	buf_put(&held->bytes, bytes);
	for (size_t i = 0; i < r->n_fds; i++)
		held->fds[held->n_fds++] = frozen_get_fd(r, (uint8_t)i);
	(void)send_held(handoff);
	loop_timer(handoff->net->loop, &handoff->rest, HANDOFF_RETRY_MS);
}

/* As a C string. */
static bool get_name(struct str name, char *name_out, size_t size)
{
	if (name.n >= size || memchr(name.p, '\0', name.n) != NULL)
		return false;
	memcpy(name_out, name.p, name.n);
	name_out[name.n] = '\0';
	return true;
}

static struct listener *find_listener(struct handoff *handoff, struct unpacked *u,
				      int fd)
{
	char name[ADDR_TEXT], protocol[16];

	if (!get_name(u->listener, name, sizeof(name)) ||
	    !get_name(u->protocol, protocol, sizeof(protocol)))
		return NULL;
	u->origin.transport = net_find_transport(handoff->net, u->transport);
	return u->origin.transport == NULL
		       ? NULL
		       : net_find_listener(handoff->net, name, protocol, fd);
}

/* This many workers have crashed with the connection and the same bytes of it:
 * close it. */
static void close_suspect(const struct conn_origin *origin)
{
	char ip[ADDR_TEXT];

	log_warn("closing connection %ju from %s: %u workers have crashed that "
		 "had it",
		 (uintmax_t)origin->id, endpoint_ip(&origin->peer, ip),
		 origin->crashes);
}

/* Serves what was unpacked. */
static void adopt(struct handoff *handoff, struct listener *listener,
		  const struct unpacked *unpacked, struct frozen_reader *r)
{
	int fd = frozen_get_fd(r, 0);

	/* It may be shared with somebody who has set it otherwise. */
	if (fd == -1 || fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
		fd_close(&fd);
		report_damage(handoff, "it has no socket");
		return;
	}
	if (unpacked->origin.crashes >= HANDOFF_CRASHES) {
		close_suspect(&unpacked->origin);
		fd_close(&fd);
		return;
	}
	handoff->net->slot->counters.handed_in++;
	if (!conn_adopt(listener, fd, &unpacked->origin, r))
		report_damage(handoff, frozen_result_name(FROZEN_DAMAGED));
}

/* False when it was put back. */
static bool take(struct handoff *handoff, struct str bytes, const int *fds,
		 size_t n_fds)
{
	struct frozen_reader r;
	struct unpacked unpacked;
	struct listener *listener = NULL;
	struct buf whole = {0};
	enum frozen_result result = frozen_open(&r, bytes, fds, n_fds);

	if (result == FROZEN_OK)
		result = stored_get(&r, &whole);
	if (result == FROZEN_OK)
		result = unpack_conn(&r, &unpacked);
	if (result == FROZEN_OK)
		listener = find_listener(handoff, &unpacked,
					 r.n_fds > 0 ? r.fds[0] : -1);
	bool is_for_others = result == FROZEN_FOREIGN ||
			     (result == FROZEN_OK && listener == NULL);

	if (is_for_others && r.returned < HANDOFF_RETURNS) {
		put_back(handoff, bytes, &r);
		buf_release(&whole);
		return false;
	}
	if (listener != NULL)
		adopt(handoff, listener, &unpacked, &r);
	else
		report_damage(handoff, result == FROZEN_OK
					       ? "no listener has its protocol"
					       : frozen_result_name(result));
	frozen_close(&r);
	buf_release(&whole);
	return true;
}

/* A message whose descriptors find no place is a connection lost: so places
 * are kept, and no message is taken without them. */
static bool hold_reserve(struct handoff *handoff)
{
	for (int i = 0; i < FROZEN_FDS; i++) {
		if (handoff->reserve[i] == -1)
			handoff->reserve[i] =
				fcntl(handoff->receive.fd, F_DUPFD_CLOEXEC, 0);
		if (handoff->reserve[i] == -1)
			return false;
	}
	return true;
}

static void drop_reserve(struct handoff *handoff)
{
	for (int i = 0; i < FROZEN_FDS; i++)
		fd_close(&handoff->reserve[i]);
}

/* False when there is none. */
static bool take_one(struct handoff *handoff)
{
	int fds[CHANNEL_FDS];
	size_t size, n_fds;

	if (buf_length(&handoff->held.bytes) > 0)
		return false;
	drop_reserve(handoff);
	enum channel_result result = channel_receive(
		handoff->receive.fd, message, sizeof(message), &size, fds, &n_fds);
	bool taken = false;

	if (result == CHANNEL_OK) {
		taken = take(handoff, (struct str){message, size}, fds, n_fds);
		explicit_bzero(message, size);
	} else if (result != CHANNEL_AGAIN)
		report_damage(handoff, "its message is cut short");
	if (handoff->is_receiving)
		hold_reserve(handoff);
	return taken;
}

/* No event says that there are descriptors again. */
static void wait_for_descriptors(struct handoff *handoff)
{
	handoff_stop_receiving(handoff);
	if (!timer_is_armed(&handoff->rest))
		loop_timer(handoff->net->loop, &handoff->rest, HANDOFF_SHORT_MS);
}

static void on_message(struct watch *watch, uint32_t events)
{
	struct handoff *handoff = CONTAINER_OF(watch, struct handoff, receive);

	(void)events;
	for (int i = 0; i < HANDOFF_TAKE; i++) {
		if (!net_may_take(handoff->net)) {
			handoff_stop_receiving(handoff);
			return;
		}
		if (!hold_reserve(handoff)) {
			wait_for_descriptors(handoff);
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

static bool is_understood(const struct handoff *handoff)
{
	return frozen_version(&handoff->readers, FROZEN_CONNECTION) != 0;
}

void handoff_set_readers(struct handoff *handoff,
			 const struct frozen_table *readers)
{
	handoff->readers = *readers;
	if (!is_understood(handoff) && handoff->is_receiving)
		handoff_take_all(handoff);
}

void handoff_withdraw(struct handoff *handoff)
{
	LIST_EACH_SAFE (link, &handoff->offered) {
		list_remove(link);
		conn_stay(CONTAINER_OF(link, struct conn, socket.queued));
	}
	task_cancel(&handoff->give);
	stop_waiting(handoff);
}

bool handoff_is_unread(const struct handoff *handoff)
{
	int bytes = 0;

	/* In the format of others it is theirs. */
	return handoff->send.fd != -1 && is_understood(handoff) &&
	       ioctl(handoff->send.fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

void handoff_take_back(struct handoff *handoff)
{
	for (int i = 0; i < HANDOFF_BACK; i++)
		if (!hold_reserve(handoff) || !take_one(handoff))
			break;
	if (!handoff->is_receiving)
		drop_reserve(handoff);
}

static void set_receiving(struct handoff *handoff, bool receiving)
{
	handoff->is_receiving = receiving;
	handoff->net->slot->takes = receiving;
}

void handoff_start_receiving(struct handoff *handoff)
{
	if (handoff->is_receiving || handoff->receive.fd == -1)
		return;
	if (!hold_reserve(handoff)) {
		wait_for_descriptors(handoff);
		return;
	}
	/* Level-triggered: another worker is woken for messages that one
	 * leaves. */
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
	if (buf_length(&handoff->held.bytes) == 0)
		timer_disarm(&handoff->rest);
}

void handoff_init(struct handoff *handoff, struct net *net, int send_fd,
		  int receive_fd, const struct frozen_table *readers)
{
	*handoff = (struct handoff){
		.net = net,
		.send = {on_room, send_fd},
		.receive = {on_message, receive_fd},
		.readers = *readers,
		.reserve = {-1, -1, -1, -1},
	};
	list_init(&handoff->offered);
	task_init(&handoff->give, on_give);
	timer_init(&handoff->retry, on_retry);
	timer_init(&handoff->rest, on_rested);
}

void handoff_fini(struct handoff *handoff)
{
	handoff_stop_receiving(handoff);
	stop_waiting(handoff);
	timer_detach(&handoff->net->loop->timers, &handoff->retry);
	timer_detach(&handoff->net->loop->timers, &handoff->rest);
	if (buf_length(&handoff->held.bytes) > 0 && !send_held(handoff))
		report_damage(handoff, "it could not be put back");
	close_held(handoff);
	task_cancel(&handoff->give);
	fd_close(&handoff->send.fd);
	fd_close(&handoff->receive.fd);
}
