/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A transport with all that one can have: two messages before the first byte,
 * a key, frames that it reads whole and hands out in odd pieces, frames that
 * went in part, reading that has to write first and the other way round, an end
 * that may wait, and a state that moves. The echo protocol runs on it.
 *
 * On the wire: "C" key "S" "D", and then frames: a byte with the length, and as
 * many bytes, each xor the key. Length 254 is the end, 253 asks for a byte (252)
 * in return before anything else is read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "t/unit/worker/net/fixture.h"
#include "worker/move/pack.h"
#include "worker/proto/echo.h"

enum {
	FRAME_MAX = 50,
	FRAME_END = 254,
	FRAME_ASKS = 253,
	FRAME_ANSWER = 252,
	PIECE = 7, /* what one read hands out */
	KEY = 0x55,
};

enum phase { PHASE_HELLO, PHASE_REPLY, PHASE_DONE, PHASE_OPEN };

struct masked {
	enum phase phase;
	char key;
	struct buf raw;     /* read, and not yet a whole frame */
	struct buf plain;   /* read, and not yet handed out */
	struct buf partial; /* of a frame, to be sent */
	size_t covers;      /* bytes of the caller's that are in there */
	bool must_answer;
	bool must_hear; /* before it writes */
};

static size_t masked_room;  /* bytes that the kernel takes */
static int masked_open_now; /* states */
static int masked_taken_calls;

static struct masked *state_of(const struct socket *s)
{
	assert_non_null(s->state);
	return s->state;
}

static void masked_open(struct socket *s, const void *policy)
{
	(void)policy;
	s->state = mem_zalloc(1, sizeof(struct masked));
	masked_open_now++;
}

static void masked_close(struct socket *s)
{
	struct masked *m = s->state;

	if (m == NULL)
		return;
	buf_release(&m->raw);
	buf_release(&m->plain);
	buf_release(&m->partial);
	free(m);
	s->state = NULL;
	masked_open_now--;
}

/* What the kernel has, as much as there is. */
static enum io fill(struct socket *s)
{
	struct masked *m = state_of(s);
	ssize_t n = recv(s->watch.fd, buf_room(&m->raw, 4096), 4096, 0);

	if (n <= 0) {
		s->readable = false;
		return n == 0 ? IO_EOF : errno == EAGAIN ? IO_AGAIN : IO_ERROR;
	}
	buf_added(&m->raw, (size_t)n);
	if (n < 4096 && !s->read_to_end)
		s->readable = false;
	return IO_OK;
}

/* True when it has all gone. */
static bool push(struct socket *s)
{
	struct masked *m = state_of(s);
	size_t n = buf_length(&m->partial);

	if (n > masked_room)
		n = masked_room;
	if (n > 0)
		assert_int_equal(
			send(s->watch.fd, buf_str(&m->partial).p, n, MSG_NOSIGNAL),
			n);
	masked_room -= n;
	buf_consume(&m->partial, n);
	if (buf_length(&m->partial) > 0)
		s->writable = false;
	return buf_length(&m->partial) == 0;
}

static enum io masked_step(struct socket *s)
{
	struct masked *m = state_of(s);

	for (;;) {
		struct str raw = buf_str(&m->raw);
		bool reads = m->phase != PHASE_REPLY;

		if (reads && raw.n < (m->phase == PHASE_HELLO ? 2 : 1)) {
			enum io io = s->readable ? fill(s) : IO_AGAIN;

			if (io == IO_OK)
				continue;
			return io == IO_AGAIN ? IO_WANT_READ : IO_ERROR;
		}
		switch (m->phase) {
		case PHASE_HELLO:
			if (raw.p[0] != 'C')
				return IO_ERROR;
			m->key = raw.p[1];
			buf_consume(&m->raw, 2);
			buf_put(&m->partial, STR("S"));
			m->phase = PHASE_REPLY;
			break;
		case PHASE_REPLY:
			if (!push(s))
				return IO_WANT_WRITE;
			m->phase = PHASE_DONE;
			break;
		default:
			if (raw.p[0] != 'D')
				return IO_ERROR;
			buf_consume(&m->raw, 1);
			m->phase = PHASE_OPEN;
			return IO_OK;
		}
	}
}

static void unmask(struct masked *m)
{
	for (;;) {
		struct str raw = buf_str(&m->raw);
		size_t n = raw.n > 0 ? (uint8_t)raw.p[0] : 0;

		if (raw.n == 0 || m->must_answer)
			return;
		if (n == FRAME_ASKS) {
			m->must_answer = true;
			n = 0;
		} else if (raw.n < 1 + n) {
			return;
		}
		m->must_hear = false;
		for (size_t i = 1; i <= n; i++) {
			char byte = raw.p[i] ^ m->key;

			buf_put(&m->plain, (struct str){&byte, 1});
		}
		buf_consume(&m->raw, 1 + n);
	}
}

static enum io masked_read(struct socket *s, char *into, size_t room, size_t *n_out)
{
	struct masked *m = state_of(s);
	enum io io = IO_OK;

	*n_out = 0;
	unmask(m);
	if (m->must_answer && buf_length(&m->plain) == 0) {
		char answer = (char)FRAME_ANSWER;

		if (buf_length(&m->partial) == 0)
			buf_put(&m->partial, (struct str){&answer, 1});
		if (!push(s))
			return IO_WANT_WRITE;
		m->must_answer = false;
		unmask(m);
	}
	while (buf_length(&m->plain) == 0 && io == IO_OK) {
		io = s->readable ? fill(s) : IO_AGAIN;
		unmask(m);
		if (m->must_answer)
			return IO_OK; /* the next read answers */
	}
	size_t n = buf_length(&m->plain);

	if (n == 0)
		return io;
	n = n > PIECE ? PIECE : n;
	n = n > room ? room : n;
	memcpy(into, buf_str(&m->plain).p, n);
	buf_consume(&m->plain, n);
	*n_out = n;
	return IO_OK;
}

static size_t masked_pending(const struct socket *s)
{
	const struct masked *m = state_of(s);

	return m->phase == PHASE_OPEN ? buf_length(&m->plain) + buf_length(&m->raw)
				      : 0;
}

static enum io masked_write(struct socket *s, const struct iovec *pieces,
			    int n_pieces, bool more, size_t *n_out)
{
	struct masked *m = state_of(s);
	size_t n = pieces[0].iov_len > FRAME_MAX ? FRAME_MAX : pieces[0].iov_len;
	char length = (char)n;

	(void)n_pieces;
	(void)more;
	*n_out = 0;
	if (m->must_hear) {
		if (s->readable)
			(void)fill(s);
		unmask(m);
		if (m->must_hear)
			return IO_WANT_READ;
	}
	if (buf_length(&m->partial) == 0) {
		buf_put(&m->partial, (struct str){&length, 1});
		for (size_t i = 0; i < n; i++) {
			char byte = ((const char *)pieces[0].iov_base)[i] ^ m->key;

			buf_put(&m->partial, (struct str){&byte, 1});
		}
		m->covers = n;
	}
	if (!push(s))
		return IO_AGAIN;
	*n_out = m->covers;
	return IO_OK;
}

static enum io masked_finish(struct socket *s)
{
	struct masked *m = state_of(s);
	char end = (char)FRAME_END;

	if (buf_length(&m->partial) == 0)
		buf_put(&m->partial, (struct str){&end, 1});
	return push(s) ? IO_OK : IO_WANT_WRITE;
}

static uint64_t masked_taken(const struct socket *s)
{
	masked_taken_calls++;
	return s->sent - socket_unsent(s);
}

struct frozen_masked {
	uint8_t key;
	struct str raw, plain;
};
static const struct frozen_field masked_fields[] = {
	FROZEN_FIELD(frozen_masked, key),
	FROZEN_FIELD(frozen_masked, raw),
	FROZEN_FIELD(frozen_masked, plain),
};
static const struct frozen_layout masked_layout =
	FROZEN_LAYOUT(FROZEN_HTTP1, masked_fields);

static bool masked_freeze(const struct socket *s, struct frozen_writer *message)
{
	const struct masked *m = state_of(s);
	struct frozen_masked frozen = {(uint8_t)m->key, buf_str(&m->raw),
				       buf_str(&m->plain)};

	if (buf_length(&m->partial) > 0)
		return false;
	frozen_put(message, &masked_layout, &frozen);
	return true;
}

static bool masked_thaw(struct socket *s, struct frozen_reader *message)
{
	struct frozen_masked frozen = {0};

	if (frozen_get(message, &masked_layout, &frozen) != FROZEN_OK)
		return false;
	masked_open(s, NULL);
	struct masked *m = s->state;

	m->key = (char)frozen.key;
	m->phase = PHASE_OPEN;
	buf_put(&m->raw, frozen.raw);
	buf_put(&m->plain, frozen.plain);
	return true;
}

static const struct transport masked = {
	.name = "masked",
	.is_secure = true,
	.open = masked_open,
	.step = masked_step,
	.read = masked_read,
	.pending = masked_pending,
	.write = masked_write,
	.finish = masked_finish,
	.taken = masked_taken,
	.close = masked_close,
	.freeze = masked_freeze,
	.thaw = masked_thaw,
};

static int setup(void **state)
{
	fixture_setup(state);
	fixture_conf.timeouts.header = 10000;
	fixture_transports[2] = &masked;
	fixture_listener.transport = &masked;
	fixture_listener.protocol = &echo_protocol;
	masked_room = SIZE_MAX;
	masked_taken_calls = 0;
	return 0;
}

static int teardown(void **state)
{
	fixture_teardown(state);
	assert_int_equal(masked_open_now, 0);
	return 0;
}

/* The peer. */

static void peer_sends_bytes(const struct conn *c, const char *bytes, size_t n)
{
	char text[8192];

	assert_true(n < sizeof(text) && memchr(bytes, '\0', n) == NULL);
	memcpy(text, bytes, n);
	text[n] = '\0';
	peer_sends(c, text);
}

/* `text` in frames, appended to `b`. */
static void put_frames(struct buf *b, const char *text)
{
	for (size_t n, left = strlen(text); left > 0; left -= n, text += n) {
		n = left > FRAME_MAX ? FRAME_MAX : left;
		char length = (char)n;

		buf_put(b, (struct str){&length, 1});
		for (size_t i = 0; i < n; i++) {
			char byte = text[i] ^ KEY;

			buf_put(b, (struct str){&byte, 1});
		}
	}
}

static void peer_says(const struct conn *c, const char *text)
{
	struct buf b = {0};

	put_frames(&b, text);
	peer_sends_bytes(c, buf_str(&b).p, buf_length(&b));
	buf_release(&b);
}

/* What the peer has heard so far, in plain. */
static const char *peer_hears(uint64_t id, size_t n)
{
	static char heard[8192];
	size_t got = 0;
	int left = 0;

	while (got < n) {
		const uint8_t *raw = (const uint8_t *)peer_gets(id);

		assert_non_null(raw);
		for (; *raw != '\0'; raw++) {
			if (left == 0) {
				assert_true(*raw <= FRAME_MAX);
				left = *raw;
				continue;
			}
			heard[got++] = (char)(*raw ^ KEY);
			left--;
		}
		fixture_ticks(2);
	}
	heard[got] = '\0';
	return heard;
}

static struct conn *shaken(void)
{
	struct conn *c = fixture_open();

	peer_sends(c, "C\x55");
	fixture_ticks(2);
	assert_string_equal(peer_gets(c->id), "S");
	peer_sends(c, "D");
	fixture_ticks(2);
	assert_int_equal(c->state, CONN_OPEN);
	return c;
}

static void has_room(struct conn *c, size_t room)
{
	masked_room = room;
	c->socket.watch.on_event(&c->socket.watch, EPOLLOUT);
	fixture_ticks(2);
}

static const char *long_text(size_t n)
{
	static char text[8192];

	for (size_t i = 0; i < n; i++)
		text[i] = (char)('a' + i * 7 % 26);
	text[n] = '\0';
	return text;
}

static void the_handshake_comes_first(void **state)
{
	struct conn *c = fixture_open();

	(void)state;
	fixture_tick();
	assert_int_equal(c->state, CONN_OPENING);
	assert_true(c->socket.watched);
	peer_sends(c, "C");
	fixture_ticks(2);
	assert_int_equal(c->state, CONN_OPENING);
	peer_sends(c, "\x55");
	fixture_ticks(2);
	assert_string_equal(peer_gets(1), "S");
	assert_int_equal(c->state, CONN_OPENING);
	peer_sends(c, "D");
	fixture_ticks(2);
	assert_int_equal(c->state, CONN_OPEN);
	peer_says(c, "hello");
	fixture_ticks(2);
	assert_string_equal(peer_hears(1, 5), "hello");
}

/* No edge tells of them: they were read with the handshake. */
static void bytes_that_came_with_it_are_served(void **state)
{
	struct conn *c = fixture_open();
	struct buf b = {0};

	(void)state;
	peer_sends(c, "C\x55");
	fixture_ticks(2);
	assert_string_equal(peer_gets(1), "S");
	buf_put(&b, STR("D"));
	put_frames(&b, "hello");
	peer_sends_bytes(c, buf_str(&b).p, buf_length(&b));
	buf_release(&b);
	fixture_ticks(2);
	assert_string_equal(peer_hears(1, 5), "hello");
}

static void a_handshake_may_wait_for_room(void **state)
{
	struct conn *c = fixture_open();

	(void)state;
	masked_room = 0;
	peer_sends(c, "C\x55"
		      "D");
	fixture_ticks(3);
	assert_int_equal(c->state, CONN_OPENING);
	has_room(c, SIZE_MAX);
	assert_int_equal(c->state, CONN_OPEN);
	assert_string_equal(peer_gets(1), "S");
}

static void a_handshake_has_its_time(void **state)
{
	struct conn *c = fixture_open();

	(void)state;
	peer_sends(c, "C");
	fixture_wait(9999);
	assert_int_equal(c->state, CONN_OPENING);
	fixture_wait(1);
	assert_null(peer_gets(1));
	assert_int_equal(fixture_slot.connections, 0);
	assert_int_equal(fixture_slot.counters.closed, 1);
}

static void the_time_of_the_handshake_is_over_with_it(void **state)
{
	struct conn *c = shaken();

	(void)state;
	fixture_wait(20000);
	assert_int_equal(c->state, CONN_OPEN);
}

static void a_handshake_that_fails_ends_the_connection(void **state)
{
	struct conn *c = fixture_open();

	(void)state;
	peer_sends(c, "GET / HTTP/1.1");
	fixture_ticks(2);
	assert_int_equal(fixture_slot.connections, 0);
}

static int offered;

static bool offer(struct net *net, struct conn *c)
{
	(void)net;
	(void)c;
	offered++;
	return true;
}

static void half_a_handshake_is_offered_to_nobody(void **state)
{
	struct conn *c = fixture_open();

	(void)state;
	offered = 0;
	net_move(&fixture_net, offer);
	offered = 0; /* of all that there are, which the handoff sorts out */
	peer_sends(c, "C\x55");
	fixture_ticks(2);
	assert_int_equal(c->state, CONN_OPENING);
	assert_int_equal(offered, 0);
	assert_string_equal(peer_gets(1), "S");
	peer_sends(c, "D");
	fixture_ticks(2);
	assert_int_equal(offered, 1);
}

/* They come out 7 at a time, and there is one edge for all. */
static void pending_bytes_need_no_edge(void **state)
{
	struct conn *c = shaken();
	const char *text = long_text(2000);

	(void)state;
	peer_says(c, text);
	fixture_ticks(8);
	assert_string_equal(peer_hears(1, 2000), text);
	assert_int_equal(fixture_slot.counters.bytes_in, 2000);
	assert_int_equal(fixture_slot.counters.bytes_out, 2000);
}

static void a_frame_that_went_in_part_is_completed(void **state)
{
	struct conn *c = shaken();
	const char *text = long_text(120);

	(void)state;
	masked_room = 60; /* one frame, and a part of the next */
	peer_says(c, text);
	fixture_ticks(4);
	has_room(c, 30);
	has_room(c, 20);
	has_room(c, SIZE_MAX);
	assert_string_equal(peer_hears(1, 120), text);
	assert_int_equal(c->socket.sent, 120);
}

static void reading_may_have_to_write_first(void **state)
{
	struct conn *c = shaken();
	struct buf b = {0};

	(void)state;
	masked_room = 0;
	buf_put(&b, STR("\xfd")); /* FRAME_ASKS */
	put_frames(&b, "hello");
	peer_sends_bytes(c, buf_str(&b).p, buf_length(&b));
	buf_release(&b);
	fixture_ticks(3);
	assert_true(c->socket.read_wants_write);
	/* Not readable, not writable: it waits, and does not try. */
	fixture_ticks(3);
	has_room(c, SIZE_MAX);
	assert_false(c->socket.read_wants_write);
	char answer;

	assert_int_equal(read(fixture_peers[1], &answer, 1), 1);
	assert_int_equal((uint8_t)answer, FRAME_ANSWER);
	assert_string_equal(peer_hears(1, 5), "hello");
}

static void writing_may_have_to_read_first(void **state)
{
	struct conn *c = shaken();
	struct masked *m = c->socket.state;
	struct str tail = STR("hello");

	(void)state;
	m->must_hear = true;
	assert_int_equal(socket_flush_with(&c->socket, &tail), IO_AGAIN);
	assert_true(c->socket.write_wants_read);
	assert_true(c->socket.writable);
	/* It is not tried again before there is something to read. */
	m->must_hear = false;
	assert_int_equal(socket_flush_with(&c->socket, &tail), IO_AGAIN);
	c->socket.readable = true;
	assert_int_equal(socket_flush_with(&c->socket, &tail), IO_OK);
	assert_false(c->socket.write_wants_read);
	assert_string_equal(peer_hears(1, 5), "hello");
}

static void the_end_is_told(void **state)
{
	struct conn *c = shaken();

	(void)state;
	assert_int_equal(shutdown(fixture_peers[1], SHUT_WR), 0);
	peer_is_read(c);
	assert_string_equal(peer_gets(1), "\xfe");
	assert_null(peer_gets(1));
	assert_int_equal(fixture_slot.connections, 0);
}

static void the_end_may_wait(void **state)
{
	struct conn *c = shaken();

	(void)state;
	masked_room = 0;
	assert_int_equal(shutdown(fixture_peers[1], SHUT_WR), 0);
	peer_is_read(c);
	assert_int_equal(c->state, CONN_FINISHING);
	fixture_wait(1500);
	has_room(c, SIZE_MAX);
	assert_string_equal(peer_gets(1), "\xfe");
	assert_null(peer_gets(1));
	assert_int_equal(fixture_slot.connections, 0);
}

static void but_not_for_ever(void **state)
{
	struct conn *c = shaken();

	(void)state;
	masked_room = 0;
	assert_int_equal(shutdown(fixture_peers[1], SHUT_WR), 0);
	peer_is_read(c);
	fixture_wait(1999);
	assert_int_equal(c->state, CONN_FINISHING);
	fixture_wait(1);
	assert_int_equal(fixture_slot.connections, 0);
}

static void a_failure_tells_no_end(void **state)
{
	struct conn *c = shaken();

	(void)state;
	conn_cut(c);
	assert_null(peer_gets(1));
}

static void taken_is_what_the_transport_says(void **state)
{
	struct conn *c = shaken();

	(void)state;
	peer_says(c, "hello");
	fixture_ticks(2);
	assert_string_equal(peer_hears(1, 5), "hello");
	(void)socket_taken(&c->socket);
	assert_int_equal(masked_taken_calls, 1);
}

/* Freezes `c`; false when that cannot be done. */
static bool pack(struct conn *c, char *bytes, size_t room, struct frozen_writer *w)
{
	return pack_conn(w, c, bytes, room, &frozen_ours, 0) &&
	       w->result == FROZEN_OK;
}

static void its_state_moves(void **state)
{
	static char bytes[32768];
	struct conn *c = shaken();
	struct frozen_writer w;
	struct frozen_reader r;
	struct unpacked u;
	int fd = dup(c->socket.watch.fd);

	(void)state;
	/* A frame and a half are in the transport, read and not handed out. */
	peer_says(c, "hello");
	peer_sends(c, "\x05\x3d\x30");
	c->socket.readable = true;
	assert_int_equal(fill(&c->socket), IO_OK);
	assert_true(pack(c, bytes, sizeof(bytes), &w));
	conn_moved(c);
	assert_int_equal(masked_open_now, 0);
	assert_int_equal(frozen_open(&r, (struct str){bytes, w.n}, NULL, 0),
			 FROZEN_OK);
	assert_int_equal(unpack_conn(&r, &u), FROZEN_OK);
	u.origin.transport = net_find_transport(&fixture_net, u.transport);
	assert_ptr_equal(u.origin.transport, &masked);
	assert_true(conn_adopt(&fixture_listener, fd, &u.origin, &r));
	frozen_close(&r);
	c = fixture_last();
	fixture_ticks(3);
	peer_sends(c, "\x39\x39\x3a"); /* the rest of the other */
	fixture_ticks(3);
	assert_string_equal(peer_hears(1, 10), "hellohello");
}

static void it_stays_where_its_state_cannot_move(void **state)
{
	static char bytes[32768];
	struct conn *c = shaken();
	struct transport fixed = masked;
	struct frozen_writer w;

	(void)state;
	masked_room = 3;
	peer_says(c, "hello");
	fixture_ticks(2);
	assert_false(pack(c, bytes, sizeof(bytes), &w));
	has_room(c, SIZE_MAX);
	assert_true(pack(c, bytes, sizeof(bytes), &w));
	fixed.freeze = NULL;
	c->socket.transport = &fixed;
	assert_false(pack(c, bytes, sizeof(bytes), &w));
	c->socket.transport = &masked;
}

static void what_is_damaged_is_closed(void **state)
{
	struct conn_origin origin = {.transport = &masked};
	static char bytes[1000];
	struct frozen_writer w;
	struct frozen_reader r;

	(void)state;
	frozen_begin(&w, bytes, sizeof(bytes), &frozen_ours);
	assert_int_equal(frozen_open(&r, (struct str){bytes, w.n}, NULL, 0),
			 FROZEN_OK);
	assert_false(conn_adopt(&fixture_listener, fixture_pair(), &origin, &r));
	frozen_close(&r);
	assert_int_equal(fixture_slot.connections, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_handshake_comes_first),
		TEST(bytes_that_came_with_it_are_served),
		TEST(a_handshake_may_wait_for_room),
		TEST(a_handshake_has_its_time),
		TEST(the_time_of_the_handshake_is_over_with_it),
		TEST(a_handshake_that_fails_ends_the_connection),
		TEST(half_a_handshake_is_offered_to_nobody),
		TEST(pending_bytes_need_no_edge),
		TEST(a_frame_that_went_in_part_is_completed),
		TEST(reading_may_have_to_write_first),
		TEST(writing_may_have_to_read_first),
		TEST(the_end_is_told),
		TEST(the_end_may_wait),
		TEST(but_not_for_ever),
		TEST(a_failure_tells_no_end),
		TEST(taken_is_what_the_transport_says),
		TEST(its_state_moves),
		TEST(it_stays_where_its_state_cannot_move),
		TEST(what_is_damaged_is_closed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
