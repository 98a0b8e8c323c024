/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which tunnels rest, and may be given away by a worker that crashes: those
 * that are silent both ways, and are not being served.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/handler/proxy/forward_frozen.h"
#include "worker/handler/proxy/forward_state.h"

static struct net net;
static struct peer peer;
static struct forward forward;
static struct exchange x;

static int set_up(void **state)
{
	(void)state;
	net = (struct net){0};
	peer = (struct peer){
		.socket = {.net = &net}, .state = PEER_BUSY, .context = &forward};
	forward = (struct forward){.x = &x, .peer = &peer, .state = FORWARD_TUNNEL};
	x = (struct exchange){.state = EXCHANGE_ANSWERED,
			      .response.body.owner = &forward};
	return 0;
}

static void a_silent_tunnel_rests(void **state)
{
	struct socket other = {0};

	(void)state;
	assert_true(forward_rests(&x));
	net.batch.current = &other;
	assert_true(forward_rests(&x));
}

static void not_while_its_server_is_served(void **state)
{
	(void)state;
	net.batch.current = &peer.socket;
	assert_false(forward_rests(&x));
}

static void not_with_bytes_under_way(void **state)
{
	(void)state;
	buf_put(&forward.out, STR("to the server"));
	assert_false(forward_rests(&x));
	buf_release(&forward.out);
	buf_put(&peer.socket.in, STR("to the client"));
	assert_false(forward_rests(&x));
	buf_release(&peer.socket.in);
	assert_true(forward_rests(&x));
}

static void not_content(void **state)
{
	(void)state;
	forward.state = FORWARD_CONTENT;
	assert_false(forward_rests(&x));
}

static void not_one_that_has_ended(void **state)
{
	(void)state;
	peer.socket.broken = true;
	assert_false(forward_rests(&x));
	peer.socket.broken = false;
	peer.state = PEER_CLOSED;
	assert_false(forward_rests(&x));
	peer.state = PEER_BUSY;
	forward.has_timed_out = true;
	assert_false(forward_rests(&x));
	forward.has_timed_out = false;
	forward.peer = NULL;
	assert_false(forward_rests(&x));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, set_up)
	const struct CMUnitTest tests[] = {
		TEST(a_silent_tunnel_rests),
		TEST(not_while_its_server_is_served),
		TEST(not_with_bytes_under_way),
		TEST(not_content),
		TEST(not_one_that_has_ended),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
