/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/move/handoff.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/shared/channel.h"
#include "worker/net/conn.h"

enum {
	HANDOFF_BYTES = 96 * 1024, /* the largest message */
	HANDOFF_GIVE = 64,         /* in one tick */
	HANDOFF_TAKE = 32,         /* in one wake-up */
	HANDOFF_BACK = 256,        /* taken back at once */
	HANDOFF_RETRY_MS = 10,
};
_Static_assert((int)FROZEN_FDS == (int)CHANNEL_FDS, "a channel carries as many");

/* CONNECTION: what is the same for every protocol. INPUT and OUTPUT follow,
 * when there are any, and then the protocol's own. */
struct frozen_connection {
	struct str listener; /* its address as configured */
	struct str protocol, transport;
	uint64_t id;
	uint64_t accepted_at; /* CLOCK_MONOTONIC ns */
	uint8_t peer_family;
	struct str peer_ip; /* 4 or 16 bytes, network order */
	uint16_t peer_port;
	uint32_t requests;
	uint8_t crashes; /* of workers that it has lived through */
};

enum {
	FROZEN_PEER_UNIX = 0,
	FROZEN_PEER_IPV4 = 4,
	FROZEN_PEER_IPV6 = 6,
};

static const struct frozen_field connection_fields[] = {
	FROZEN_FIELD(frozen_connection, listener),
	FROZEN_FIELD(frozen_connection, protocol),
	FROZEN_FIELD(frozen_connection, transport),
	FROZEN_FIELD(frozen_connection, id),
	FROZEN_FIELD(frozen_connection, accepted_at),
	FROZEN_FIELD(frozen_connection, peer_family),
	FROZEN_FIELD(frozen_connection, peer_ip),
	FROZEN_FIELD(frozen_connection, peer_port),
	FROZEN_FIELD(frozen_connection, requests),
	FROZEN_FIELD(frozen_connection, crashes),
};
static const struct frozen_layout connection_layout =
	FROZEN_LAYOUT(FROZEN_CONNECTION, connection_fields);

struct frozen_bytes {
	struct str bytes;
};
static const struct frozen_field bytes_fields[] = {
	FROZEN_FIELD(frozen_bytes, bytes),
};
static const struct frozen_layout input_layout =
	FROZEN_LAYOUT(FROZEN_INPUT, bytes_fields);
static const struct frozen_layout output_layout =
	FROZEN_LAYOUT(FROZEN_OUTPUT, bytes_fields);

/* Both sides work on one message at a time. */
static char message[HANDOFF_BYTES];

/* Giving. */

static void put_peer(struct frozen_connection *frozen, const struct endpoint *peer)
{
	size_t n = peer->family == AF_INET ? 4 : peer->family == AF_INET6 ? 16 : 0;

	frozen->peer_family = n == 4    ? FROZEN_PEER_IPV4
			      : n == 16 ? FROZEN_PEER_IPV6
					: FROZEN_PEER_UNIX;
	frozen->peer_ip = (struct str){(const char *)peer->ip, n};
	frozen->peer_port = peer->port;
}

static void put_bytes(struct frozen_writer *w, const struct frozen_layout *layout,
		      const struct buf *buf)
{
	struct frozen_bytes frozen = {buf_str(buf)};

	if (frozen.bytes.n > 0)
		frozen_put(w, layout, &frozen);
}

/* Freezes a connection into `message`. False when its protocol is in the
 * middle of something; what else is wrong, w->result says. */
static bool pack(const struct handoff *handoff, const struct conn *c,
		 struct frozen_writer *w)
{
	struct frozen_connection frozen = {
		.listener = str_of(c->listener->conf->text),
		.protocol = str_of(c->protocol->name),
		.transport = str_of(c->socket.transport->name),
		.id = c->id,
		.accepted_at = c->accepted_at,
		.requests = c->requests,
	};

	put_peer(&frozen, &c->peer);
	frozen_begin(w, message, sizeof(message), handoff->readers);
	frozen_put_fd(w, c->socket.watch.fd);
	frozen_put(w, &connection_layout, &frozen);
	put_bytes(w, &input_layout, &c->socket.in);
	put_bytes(w, &output_layout, &c->socket.out);
	return c->protocol->freeze(c, w);
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
	struct frozen_writer w;

	if (c->state != CONN_OPEN || c->protocol->freeze == NULL ||
	    !pack(handoff, c, &w) || w.result != FROZEN_OK)
		return GIVEN_LATER;
	switch (channel_send(handoff->send.fd, message, w.n, w.fds, w.n_fds)) {
	case CHANNEL_OK:
		conn_moved(c);
		handoff->net->slot->counters.handed_out++;
		return GIVEN;
	case CHANNEL_AGAIN:
		return GIVEN_FULL;
	default: /* too large for the socket, or nobody is left */
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
		if (give(handoff, c) == GIVEN_FULL) {
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

void handoff_offer(struct handoff *handoff, struct conn *c)
{
	if (!list_is_empty(&c->socket.queued))
		return; /* it has something to do first, or is offered */
	list_append(&handoff->offered, &c->socket.queued);
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

static bool get_peer(const struct frozen_connection *frozen,
		     struct endpoint *peer_out)
{
	static const struct {
		uint16_t family;
		size_t n;
	} families[] = {
		[FROZEN_PEER_UNIX] = {AF_UNIX, 0},
		[FROZEN_PEER_IPV4] = {AF_INET, 4},
		[FROZEN_PEER_IPV6] = {AF_INET6, 16},
	};

	if (frozen->peer_family > FROZEN_PEER_IPV6 ||
	    families[frozen->peer_family].family == AF_UNSPEC ||
	    families[frozen->peer_family].n != frozen->peer_ip.n)
		return false;
	*peer_out = (struct endpoint){
		.family = families[frozen->peer_family].family,
		.port = frozen->peer_port,
	};
	if (frozen->peer_ip.n > 0)
		memcpy(peer_out->ip, frozen->peer_ip.p, frozen->peer_ip.n);
	return true;
}

/* Bytes that are there only when there are some. */
static enum frozen_result get_bytes(struct frozen_reader *r,
				    const struct frozen_layout *layout,
				    struct str *bytes_out)
{
	struct frozen_bytes frozen = {.bytes = STR("")};
	enum frozen_result result = frozen_get(r, layout, &frozen);

	*bytes_out = frozen.bytes;
	return result == FROZEN_ABSENT ? FROZEN_OK : result;
}

struct unpacked {
	struct frozen_connection connection;
	struct conn_origin origin;
};

/* Up to what is the protocol's own. */
static enum frozen_result unpack(struct frozen_reader *r, struct unpacked *out)
{
	struct conn_origin *origin = &out->origin;

	*out = (struct unpacked){0};
	if (frozen_get(r, &connection_layout, &out->connection) != FROZEN_OK ||
	    !get_peer(&out->connection, &origin->peer) ||
	    get_bytes(r, &input_layout, &origin->in) != FROZEN_OK ||
	    get_bytes(r, &output_layout, &origin->out) != FROZEN_OK)
		return FROZEN_DAMAGED;
	origin->id = out->connection.id;
	origin->accepted_at = out->connection.accepted_at;
	origin->requests = out->connection.requests;
	return FROZEN_OK;
}

static void refuse(enum frozen_result why)
{
	log_error("closing a connection that was handed over: %s",
		  frozen_result_name(why));
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

static struct listener *find_listener(struct handoff *handoff,
				      const struct frozen_connection *c)
{
	char listener[ADDR_TEXT], protocol[16];

	if (!get_name(c->listener, listener, sizeof(listener)) ||
	    !get_name(c->protocol, protocol, sizeof(protocol)))
		return NULL;
	return net_find_listener(handoff->net, listener, protocol);
}

static void take(struct handoff *handoff, struct str bytes, const int *fds,
		 size_t n_fds)
{
	struct frozen_reader r;
	struct unpacked unpacked;
	enum frozen_result result = frozen_open(&r, bytes, fds, n_fds);

	if (result == FROZEN_OK)
		result = unpack(&r, &unpacked);
	int fd = frozen_take_fd(&r, 0);
	struct listener *listener =
		result == FROZEN_OK ? find_listener(handoff, &unpacked.connection)
				    : NULL;

	if (listener == NULL || fd == -1) {
		fd_close(&fd);
		refuse(result == FROZEN_OK ? FROZEN_DAMAGED : result);
	} else {
		handoff->net->slot->counters.handed_in++;
		if (!conn_adopt(listener, fd, &unpacked.origin, &r))
			refuse(FROZEN_DAMAGED);
	}
	frozen_close(&r);
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

	drop_reserve(handoff);
	enum channel_result result = channel_receive(
		handoff->receive.fd, message, sizeof(message), &size, fds, &n_fds);

	if (result == CHANNEL_OK)
		take(handoff, (struct str){message, size}, fds, n_fds);
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
		.readers = &frozen_ours,
		.reserve = {-1, -1, -1, -1},
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
