/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections without a worker: a loop that runs one tick at a time, a clock
 * that the test moves, a transport that writes down what is asked of it, and
 * a protocol that does what the test says. The sockets are real ones, so that
 * their edges are the kernel's.
 */
#ifndef T_UNIT_WORKER_NET_FIXTURE_H
#define T_UNIT_WORKER_NET_FIXTURE_H

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "worker/net/conn.h"
#include "worker/net/listener.h"
#include "worker/net/net.h"

enum { FIXTURE_PEERS = 64 };

/* The clock of everything in this process that uses base/clock.h. */
static uint64_t fake_now = 1000 * NS_PER_S;

int clock_gettime(clockid_t id, struct timespec *now)
{
	if (id != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, id, now);
	*now = (struct timespec){.tv_sec = (time_t)(fake_now / NS_PER_S),
				 .tv_nsec = (long)(fake_now % NS_PER_S)};
	return 0;
}

static struct conf fixture_conf;
static struct conf_listener fixture_listener_conf = {.text = "fixture"};
static struct loop fixture_loop;
static struct slot fixture_slot;
static struct net fixture_net;
static struct listener fixture_listener;
static int fixture_peers[FIXTURE_PEERS]; /* the other ends, by conn.id */

/* What was asked of the transport and the protocol, as "r1 s1 w1". */
static char fixture_log[16384];

static inline int id_of(const struct socket *s)
{
	return (int)((const struct conn *)s)->id;
}

static inline void fixture_note(char what, const struct socket *s)
{
	size_t n = strlen(fixture_log);

	snprintf(fixture_log + n, sizeof(fixture_log) - n, "%s%c%d",
		 n > 0 ? " " : "", what, id_of(s));
}

/* The log since the last look. */
static inline const char *fixture_said(void)
{
	static char said[sizeof(fixture_log)];

	memcpy(said, fixture_log, sizeof(said));
	fixture_log[0] = '\0';
	return said;
}

/* The fake transport: plain, but for what the test sets. */

static size_t fake_room; /* bytes that a write takes; more would wait */
static int fake_fails;   /* the id of the connection that cannot be written to */

static enum io fake_read(struct socket *s, char *into, size_t room, size_t *n_out)
{
	fixture_note('r', s);
	return plain_transport.read(s, into, room, n_out);
}

static enum io fake_write(struct socket *s, const struct iovec *pieces,
			  int n_pieces, bool more, size_t *n_out)
{
	struct iovec piece = pieces[0];

	fixture_note('w', s);
	*n_out = 0;
	if (id_of(s) == fake_fails) {
		errno = EPIPE;
		return IO_ERROR;
	}
	if (fake_room == 0) {
		s->writable = false;
		return IO_AGAIN;
	}
	if (piece.iov_len <= fake_room)
		return plain_transport.write(s, pieces, n_pieces, more, n_out);
	piece.iov_len = fake_room;
	fake_room = 0;
	enum io io = plain_transport.write(s, &piece, 1, more, n_out);

	s->writable = false;
	return io;
}

static enum io fake_finish(struct socket *s)
{
	fixture_note('f', s);
	return IO_OK;
}

static uint64_t fake_taken(const struct socket *s)
{
	return plain_transport.taken(s);
}

static const struct transport fake_transport = {
	.name = "fake",
	.read = fake_read,
	.write = fake_write,
	.finish = fake_finish,
	.taken = fake_taken,
};

static const struct transport *fixture_transports[] = {
	&fake_transport,
	&plain_transport,
	NULL, /* a test's own */
	NULL,
};

/* The fake protocol: an echo in batches, unless the test has another step. */

static enum step (*fake_step)(struct conn *c);
static enum step (*fake_timeout)(struct conn *c);

static inline enum step echo_in_batches(struct conn *c)
{
	if (buf_length(&c->socket.in) > 0) {
		buf_put(&c->socket.out, buf_str(&c->socket.in));
		buf_consume(&c->socket.in, buf_length(&c->socket.in));
	}
	if (buf_length(&c->socket.out) > 0)
		return c->socket.writable ? STEP_WRITE : STEP_WAIT;
	switch (socket_read(&c->socket)) {
	case IO_OK:
		return STEP_MORE;
	case IO_AGAIN:
		return STEP_WAIT;
	case IO_EOF:
		return STEP_DONE;
	default:
		return STEP_FAIL;
	}
}

static enum step fixture_step(struct conn *c)
{
	fixture_note('s', &c->socket);
	return fake_step(c);
}

static enum step fixture_timeout(struct conn *c)
{
	fixture_note('t', &c->socket);
	return fake_timeout == NULL ? STEP_DONE : fake_timeout(c);
}

static int fixture_objects; /* of the fake protocol, in all nets */

static void *fixture_create(const struct protocol_env *env)
{
	assert_non_null(env->net);
	fixture_objects++;
	return env->net;
}

static void fixture_destroy(void *object)
{
	struct net *net = object;

	assert_true(list_is_empty(&net->conns));
	fixture_objects--;
}

static bool fixture_is_idle(const struct conn *c)
{
	return buf_length(&c->socket.in) == 0;
}

static void fixture_close(struct conn *c)
{
	fixture_note('x', &c->socket);
}

/* What the fake protocol remembers: one string. */
static const struct frozen_field fixture_fields[] = {
	{.type = FROZEN_STR, .since = 1}};
static const struct frozen_layout fixture_layout =
	FROZEN_LAYOUT(FROZEN_HTTP1, fixture_fields);

static bool fixture_thaw(struct conn *c, struct frozen_reader *message)
{
	struct str state;

	(void)c;
	return frozen_get(message, &fixture_layout, &state) == FROZEN_OK &&
	       str_equal(state, STR("state"));
}

static const struct protocol fake_protocol = {
	.name = "fake",
	.create = fixture_create,
	.destroy = fixture_destroy,
	.step = fixture_step,
	.timeout = fixture_timeout,
	.is_idle = fixture_is_idle,
	.close = fixture_close,
	.thaw = fixture_thaw,
};

static void fixture_tick_end(struct loop *loop)
{
	net_free_closed(&fixture_net);
	loop_stop(loop);
}

static inline void fixture_tick(void)
{
	fixture_loop.stopped = false;
	loop_run(&fixture_loop);
}

static inline void fixture_ticks(int n)
{
	while (n-- > 0)
		fixture_tick();
}

/* A tick after so much time. */
static inline void fixture_wait(uint64_t ms)
{
	fake_now += ms * NS_PER_MS;
	fixture_tick();
}

static const struct protocol *fixture_protocols[] = {
	&fake_protocol,
	NULL, /* a test's own */
	NULL,
};

static int fixture_setup(void **state)
{
	(void)state;
	fake_step = echo_in_batches;
	fake_timeout = NULL;
	fake_room = SIZE_MAX;
	fake_fails = 0;
	fixture_log[0] = '\0';
	fixture_slot = (struct slot){0};
	fixture_conf.limits.connections = 1000;
	assert_int_equal(loop_init(&fixture_loop), 0);
	fixture_loop.on_tick_end = fixture_tick_end;
	net_init(&fixture_net, &fixture_loop, &fixture_conf, &fixture_slot,
		 fixture_transports);
	fixture_net.last_id = 0; /* ids count the peers */
	net_open_protocols(&fixture_net, fixture_protocols,
			   &(struct protocol_env){.net = &fixture_net});
	listener_init(&fixture_listener, &fixture_net, &fixture_listener_conf, -1,
		      &fake_transport, &fake_protocol);
	return 0;
}

static int fixture_teardown(void **state)
{
	(void)state;
	net_fini(&fixture_net);
	assert_int_equal(fixture_objects, 0);
	assert_int_equal(fixture_slot.connections, 0);
	loop_fini(&fixture_loop);
	for (int i = 0; i < FIXTURE_PEERS; i++)
		if (fixture_peers[i] > 0) {
			close(fixture_peers[i]);
			fixture_peers[i] = 0;
		}
	buf_free_all();
	return 0;
}

/* A TCP connection: our end of it is returned, the other is the peer's. */
static inline int fixture_pair(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(addr);
	int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr *any = (struct sockaddr *)&addr;

	assert_int_equal(bind(listening, any, size), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(getsockname(listening, any, &size), 0);
	assert_int_equal(connect(peer, any, size), 0);
	int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	assert_true(fd >= 0);
	close(listening);
	assert_int_equal(fd_set_nonblocking(peer), 0);
	fixture_peers[fixture_net.last_id + 1] = peer;
	return fd;
}

static inline struct conn *fixture_last(void)
{
	return CONTAINER_OF(fixture_net.conns.prev, struct conn, link);
}

/* A connection, as if it was accepted just now. */
static inline struct conn *fixture_open(void)
{
	struct addr peer = {.length = sizeof(sa_family_t)};

	peer.any.sa_family = AF_UNIX;
	conn_open(&fixture_listener, fixture_pair(), &peer);
	return fixture_last();
}

/* One that waits for its peer. */
static inline struct conn *fixture_idle(void)
{
	struct conn *c = fixture_open();

	fixture_ticks(2); /* to be served, and for the first EPOLLOUT */
	fixture_said();
	return c;
}

static inline void peer_sends(const struct conn *c, const char *text)
{
	size_t n = strlen(text);

	struct pollfd arrives = {.fd = c->socket.watch.fd, .events = POLLIN};

	assert_int_equal(send(fixture_peers[c->id], text, n, MSG_NOSIGNAL), n);
	assert_int_equal(poll(&arrives, 1, 10000), 1);
}

/* What comes to the peer of the connection with this id; NULL when that is
 * its end. */
static inline const char *peer_gets(uint64_t id)
{
	static char got[65536];
	struct pollfd arrives = {.fd = fixture_peers[id], .events = POLLIN};

	assert_int_equal(poll(&arrives, 1, 10000), 1);
	ssize_t n = recv(fixture_peers[id], got, sizeof(got) - 1, 0);

	got[n > 0 ? n : 0] = '\0';
	return n > 0 ? got : NULL;
}

/* Its end has come, and is read. */
static inline void peer_is_read(const struct conn *c)
{
	struct pollfd ends = {.fd = c->socket.watch.fd, .events = POLLRDHUP};

	assert_int_equal(poll(&ends, 1, 10000), 1);
	fixture_ticks(2);
}

static inline void peer_closes(const struct conn *c)
{
	struct pollfd ends = {.fd = c->socket.watch.fd, .events = POLLRDHUP};

	close(fixture_peers[c->id]);
	fixture_peers[c->id] = 0;
	assert_int_equal(poll(&ends, 1, 10000), 1);
}

#endif
