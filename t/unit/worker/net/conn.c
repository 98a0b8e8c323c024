/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a connection: when it is read, served, watched, timed out,
 * closed and freed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "t/unit/worker/net/fixture.h"

static void it_is_watched_when_it_waits_and_not_before(void **state)
{
	struct conn *c = fixture_open();

	(void)state;
	peer_sends(c, "hello");
	assert_string_equal(fixture_said(), "");
	fixture_tick();
	assert_string_equal(fixture_said(), "r1 s1 w1 s1");
	assert_true(c->socket.watched);
	assert_string_equal(peer_gets(1), "hello");
	assert_int_equal(fixture_slot.counters.bytes_in, 5);
	assert_int_equal(fixture_slot.counters.bytes_out, 5);
	assert_int_equal(fixture_slot.counters.accepted, 1);
}

static enum step read_and_leave(struct conn *c)
{
	enum io io = socket_read(&c->socket);

	(void)io;
	return buf_length(&c->socket.in) > 0 ? STEP_DONE : STEP_WAIT;
}

static void one_that_never_waits_is_never_watched(void **state)
{
	struct conn *c = fixture_open();

	(void)state;
	fake_step = read_and_leave;
	peer_sends(c, "hello");
	fixture_tick();
	assert_string_equal(fixture_said(), "r1 s1 f1 x1");
	assert_null(peer_gets(1));
	assert_int_equal(fixture_slot.counters.closed, 1);
	assert_int_equal(fixture_slot.connections, 0);
}

static void an_idle_one_owns_no_buffers(void **state)
{
	struct conn *c = fixture_idle();

	(void)state;
	peer_sends(c, "hello");
	fixture_tick();
	assert_string_equal(peer_gets(1), "hello");
	assert_null(c->socket.in.storage);
	assert_null(c->socket.out.storage);
	assert_true(sizeof(*c) <= 224);
}

static void an_event_is_one_read_and_one_write(void **state)
{
	struct conn *c = fixture_idle();

	(void)state;
	for (int i = 0; i < 3; i++) {
		peer_sends(c, "hello");
		fixture_tick();
		assert_string_equal(fixture_said(), "r1 s1 w1 s1");
		assert_string_equal(peer_gets(1), "hello");
	}
	fixture_ticks(3);
	assert_string_equal(fixture_said(), "");
}

static enum step more_for_ever(struct conn *c)
{
	(void)c;
	return STEP_MORE;
}

static void nobody_keeps_the_others_waiting(void **state)
{
	int n = 0;

	(void)state;
	fixture_open();
	fixture_open();
	fake_step = more_for_ever;
	fixture_tick();
	for (const char *at = fixture_said(); (at = strstr(at, "s1")); at++)
		n++;
	assert_int_equal(n, 64);
	fixture_tick();
	assert_non_null(strstr(fixture_said(), "s2"));
}

static enum step later_for_ever(struct conn *c)
{
	(void)c;
	return STEP_LATER;
}

static void later_is_the_next_tick(void **state)
{
	(void)state;
	fixture_open();
	fake_step = later_for_ever;
	fixture_tick();
	assert_string_equal(fixture_said(), "r1 s1");
	fixture_tick();
	assert_string_equal(fixture_said(), "s1");
}

static int offers;

static bool offer(struct net *net, struct conn *c)
{
	assert_ptr_equal(net, &fixture_net);
	(void)c;
	offers++;
	return true;
}

/* One that always has more to do is offered to others between two of its turns,
 * and rests until it is known that it stays. */
static void one_that_never_waits_is_offered(void **state)
{
	struct conn *c = fixture_open();

	(void)state;
	fake_step = later_for_ever;
	fixture_ticks(2);
	(void)fixture_said();
	offers = 0;
	net_move(&fixture_net, offer);
	fixture_ticks(2);
	assert_in_range(offers, 1, 2); /* net_move() offers all */
	(void)fixture_said();
	fixture_ticks(3);
	assert_string_equal(fixture_said(), "");
	conn_stay(c);
	fixture_ticks(3);
	assert_string_equal(fixture_said(), "s1");
	assert_in_range(offers, 2, 3);
	conn_stay(c);
}

static void what_is_left_of_a_write_goes_when_there_is_room(void **state)
{
	struct conn *c = fixture_idle();

	(void)state;
	fake_room = 3;
	peer_sends(c, "hello");
	fixture_tick();
	assert_string_equal(peer_gets(1), "hel");
	assert_false(c->socket.writable);
	fixture_said();
	fixture_ticks(2);
	assert_string_equal(fixture_said(), "");
	fake_room = SIZE_MAX;
	c->socket.watch.on_event(&c->socket.watch, EPOLLOUT);
	fixture_tick();
	assert_string_equal(peer_gets(1), "lo");
}

static enum step wait_a_second(struct conn *c)
{
	socket_set_timeout(&c->socket, 1000);
	return STEP_WAIT;
}

static void a_timeout_comes_in_time(void **state)
{
	struct conn *c = fixture_idle();

	(void)state;
	fake_step = wait_a_second;
	conn_wake(c);
	fixture_tick();
	fixture_wait(999);
	assert_string_equal(fixture_said(), "s1");
	fake_timeout = wait_a_second;
	fixture_wait(1);
	assert_string_equal(fixture_said(), "t1");
	fake_timeout = NULL;
	fixture_wait(1000);
	assert_string_equal(fixture_said(), "t1 f1 x1");
	assert_null(peer_gets(1));
}

static enum step last_words(struct conn *c)
{
	buf_put(&c->socket.out, STR("bye"));
	assert_int_equal(socket_flush(&c->socket, false), IO_OK);
	return STEP_LINGER;
}

static void one_that_lingers_discards_what_comes(void **state)
{
	struct conn *c = fixture_idle();

	(void)state;
	fake_step = last_words;
	peer_sends(c, "hello");
	fixture_tick();
	assert_string_equal(peer_gets(1), "bye");
	assert_int_equal(c->state, CONN_LINGERING);
	/* It goes on for 2 s after the last byte, and for 30 in all. */
	for (int i = 0; i < 19; i++) {
		fixture_wait(1500);
		assert_int_equal(c->state, CONN_LINGERING);
		assert_null(peer_gets(1)); /* shut down for writing */
		peer_sends(c, "more");
		fixture_tick();
	}
	fixture_wait(1500);
	assert_int_equal(fixture_slot.connections, 0);
}

static void a_silent_one_lingers_for_two_seconds(void **state)
{
	struct conn *c = fixture_idle();

	(void)state;
	fake_step = last_words;
	peer_sends(c, "hello");
	fixture_tick();
	fixture_wait(1999);
	assert_int_equal(c->state, CONN_LINGERING);
	fixture_wait(1);
	assert_int_equal(fixture_slot.connections, 0);
}

static void it_lingers_no_longer_than_its_peer(void **state)
{
	struct conn *c = fixture_idle();

	(void)state;
	fake_step = last_words;
	peer_sends(c, "hello");
	fixture_tick();
	peer_closes(c);
	fixture_ticks(2);
	assert_int_equal(fixture_slot.connections, 0);
}

static struct conn *cut_in_step;

static enum step cut_the_other(struct conn *c)
{
	if (cut_in_step == c || cut_in_step == NULL)
		return STEP_WAIT;
	conn_cut(cut_in_step);
	/* It is not freed before the tick ends: this is another. */
	assert_ptr_not_equal(fixture_open(), cut_in_step);
	cut_in_step = NULL;
	return STEP_WAIT;
}

static void what_is_closed_is_freed_at_the_end_of_the_tick(void **state)
{
	struct conn *a = fixture_idle(), *b = fixture_idle();

	(void)state;
	fake_step = cut_the_other;
	cut_in_step = b;
	peer_sends(a, "hello");
	peer_sends(b, "hello"); /* an event of the same tick */
	fixture_tick();
	assert_null(peer_gets(2));
	assert_int_equal(fixture_slot.connections, 2);
	assert_ptr_equal(fixture_open(), b);
}

static enum step ends_when_draining(struct conn *c)
{
	return net_is_draining(c->socket.net) ? STEP_DONE : STEP_WAIT;
}

static void all_take_a_step_when_draining_begins(void **state)
{
	(void)state;
	fixture_idle();
	fixture_idle();
	fake_step = ends_when_draining;
	net_drain(&fixture_net, 10);
	fixture_ticks(2);
	assert_string_equal(fixture_said(), "s1 f1 x1 s2 f2 x2");
	assert_int_equal(fixture_slot.connections, 0);
}

/* Another protocol for those that begin with "U": it says what it gets, in
 * brackets. */

static enum step bracket_step(struct conn *c)
{
	fixture_note('b', &c->socket);
	if (buf_length(&c->socket.in) > 0) {
		buf_put(&c->socket.out, STR("["));
		buf_put(&c->socket.out, buf_str(&c->socket.in));
		buf_put(&c->socket.out, STR("]"));
		buf_consume(&c->socket.in, buf_length(&c->socket.in));
		assert_int_equal(socket_flush(&c->socket, false), IO_OK);
	}
	return socket_read(&c->socket) == IO_OK ? STEP_MORE : STEP_WAIT;
}

static const struct protocol brackets = {
	.name = "brackets",
	.step = bracket_step,
	.is_idle = fixture_is_idle,
};

static enum step becomes(struct conn *c)
{
	if (str_starts_with(buf_str(&c->socket.in), STR("U"))) {
		conn_become(c, &brackets);
		return STEP_MORE;
	}
	socket_set_timeout(&c->socket, 1000);
	return socket_read(&c->socket) == IO_OK ? STEP_MORE : STEP_WAIT;
}

static void it_may_become_another_protocols(void **state)
{
	struct conn *c = fixture_idle();

	(void)state;
	fake_step = becomes;
	conn_wake(c);
	fixture_tick();
	c->session = &fixture_net;
	peer_sends(c, "Upgrade");
	fixture_tick();
	/* The bytes that the first has read are the second's. */
	assert_string_equal(peer_gets(1), "[Upgrade]");
	assert_string_equal(fixture_said(), "s1 r1 s1 x1 b1 w1");
	assert_null(c->session);
	/* Nor is the first's time-out its own. */
	fixture_wait(2000);
	assert_int_equal(fixture_slot.connections, 1);
	peer_sends(c, "more");
	fixture_tick();
	assert_string_equal(peer_gets(1), "[more]");
}

static void it_is_idle_when_its_protocol_says_so(void **state)
{
	struct conn *c = fixture_open();

	(void)state;
	assert_false(conn_is_idle(c)); /* it has something to do */
	fixture_ticks(2);
	assert_true(conn_is_idle(c));
	c->session = &fixture_net; /* which is no sign */
	assert_true(conn_is_idle(c));
	buf_put(&c->socket.in, STR("x"));
	assert_false(conn_is_idle(c));
	buf_consume(&c->socket.in, 1);
	fake_step = last_words;
	conn_wake(c);
	assert_false(conn_is_idle(c));
	fixture_tick();
	assert_int_equal(c->state, CONN_LINGERING);
	assert_false(conn_is_idle(c));
}

static void a_protocol_has_an_object_of_the_worker(void **state)
{
	(void)state;
	assert_int_equal(fixture_objects, 1);
	assert_ptr_equal(net_object(&fixture_net, &fake_protocol), &fixture_net);
	fixture_idle(); /* which is closed before the object goes */
}

static void a_cut_counts_those_that_were_being_served(void **state)
{
	struct conn *c = fixture_idle();

	(void)state;
	fixture_idle();
	fake_step = last_words;
	peer_sends(c, "hello");
	fixture_tick();
	assert_int_equal(net_cut(&fixture_net, false), 1);
	assert_int_equal(fixture_slot.connections, 0);
}

static bool adopt(struct str state)
{
	struct conn_origin origin = {.transport = &fake_transport,
				     .id = 7,
				     .accepted_at = fake_now,
				     .requests = 3,
				     .in = STR("unread"),
				     .out = STR("unsent")};
	char bytes[100];
	struct frozen_writer w;
	struct frozen_reader message;

	frozen_begin(&w, bytes, sizeof(bytes), &frozen_ours);
	frozen_put(&w, &fixture_layout, &state);
	assert_int_equal(frozen_open(&message, (struct str){bytes, w.n}, NULL, 0),
			 FROZEN_OK);
	return conn_adopt(&fixture_listener, fixture_pair(), &origin, &message);
}

static void an_adopted_one_has_what_was_read_and_not_sent(void **state)
{
	(void)state;
	assert_true(adopt(STR("state")));
	assert_int_equal(fixture_last()->id, 7);
	assert_int_equal(fixture_last()->requests, 3);
	fixture_tick();
	assert_string_equal(peer_gets(1), "unsentunread");
	assert_int_equal(fixture_slot.counters.accepted, 0);
}

static void one_that_is_not_understood_is_closed(void **state)
{
	(void)state;
	assert_false(adopt(STR("state of another kind")));
	assert_int_equal(fixture_slot.connections, 0);
	assert_null(peer_gets(1));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(it_is_watched_when_it_waits_and_not_before),
		TEST(one_that_never_waits_is_never_watched),
		TEST(an_idle_one_owns_no_buffers),
		TEST(an_event_is_one_read_and_one_write),
		TEST(nobody_keeps_the_others_waiting),
		TEST(later_is_the_next_tick),
		TEST(one_that_never_waits_is_offered),
		TEST(what_is_left_of_a_write_goes_when_there_is_room),
		TEST(a_timeout_comes_in_time),
		TEST(one_that_lingers_discards_what_comes),
		TEST(a_silent_one_lingers_for_two_seconds),
		TEST(it_lingers_no_longer_than_its_peer),
		TEST(what_is_closed_is_freed_at_the_end_of_the_tick),
		TEST(all_take_a_step_when_draining_begins),
		TEST(it_may_become_another_protocols),
		TEST(it_is_idle_when_its_protocol_says_so),
		TEST(a_protocol_has_an_object_of_the_worker),
		TEST(a_cut_counts_those_that_were_being_served),
		TEST(an_adopted_one_has_what_was_read_and_not_sent),
		TEST(one_that_is_not_understood_is_closed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
