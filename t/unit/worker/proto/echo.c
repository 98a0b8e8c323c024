/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Echo: bytes that its client does not take yet keep the connection, whatever
 * happens meanwhile, and no more than a chunk of them is held.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "t/unit/worker/net/fixture.h"
#include "worker/proto/echo.h"

static struct listener listener;

static int set_up(void **state)
{
	fixture_protocols[1] = &echo_protocol;
	fixture_setup(state);
	listener_init(&listener, &fixture_net, &fixture_listener_conf, -1,
		      &fake_transport, &echo_protocol);
	return 0;
}

static struct conn *open_echo(void)
{
	struct addr peer = {.length = sizeof(sa_family_t)};

	peer.any.sa_family = AF_UNIX;
	conn_open(&listener, fixture_pair(), &peer);
	fixture_ticks(2);
	return fixture_last();
}

/* One whose client has sent something and takes nothing. */
static struct conn *open_busy(void)
{
	struct conn *c = open_echo();

	fake_room = 0;
	peer_sends(c, "hello");
	fixture_ticks(2);
	assert_int_equal(buf_length(&c->socket.in), 5);
	return c;
}

static void let_it_take(struct conn *c)
{
	fake_room = SIZE_MAX;
	c->socket.writable = true;
	conn_wake(c);
	fixture_ticks(2);
}

static void sends_back(void **state)
{
	struct conn *c = open_echo();

	(void)state;
	peer_sends(c, "hello");
	fixture_ticks(2);
	assert_string_equal(peer_gets(c->id), "hello");
	assert_true(echo_protocol.is_idle(c));
}

/* It is no idle one that may be closed for others. */
static void bytes_on_their_way_are_work(void **state)
{
	struct conn *c = open_busy();

	(void)state;
	assert_false(echo_protocol.is_idle(c));
	let_it_take(c);
	assert_string_equal(peer_gets(c->id), "hello");
	assert_true(echo_protocol.is_idle(c));
}

/* A drain waits for silence, and not with bytes in hand. */
static void a_time_out_does_not_cut_them(void **state)
{
	struct conn *c = open_busy();
	uint64_t id = c->id;

	(void)state;
	assert_int_equal(echo_protocol.timeout(c), STEP_WAIT);
	let_it_take(c);
	assert_string_equal(peer_gets(id), "hello");
	assert_int_equal(echo_protocol.timeout(c), STEP_DONE);
}

static void nor_does_the_end_of_the_client(void **state)
{
	struct conn *c = open_busy();
	uint64_t id = c->id;

	(void)state;
	assert_int_equal(shutdown(fixture_peers[id], SHUT_WR), 0);
	peer_is_read(c);
	assert_int_equal(fixture_slot.connections, 1);
	let_it_take(c);
	assert_string_equal(peer_gets(id), "hello");
	fixture_ticks(2);
	assert_null(peer_gets(id));
	assert_int_equal(fixture_slot.connections, 0);
}

/* Then the kernel's buffers fill, and the client waits. */
static void not_more_than_a_chunk_is_held(void **state)
{
	static char much[4 * BUF_CHUNK];
	struct conn *c = open_echo();

	(void)state;
	memset(much, 'x', sizeof(much) - 1);
	fake_room = 0;
	peer_sends(c, much);
	fixture_ticks(20);
	assert_in_range(buf_length(&c->socket.in), 1, 2 * BUF_CHUNK);
	assert_false(echo_protocol.is_idle(c));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(sends_back),
		TEST(bytes_on_their_way_are_work),
		TEST(a_time_out_does_not_cut_them),
		TEST(nor_does_the_end_of_the_client),
		TEST(not_more_than_a_chunk_is_held),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
