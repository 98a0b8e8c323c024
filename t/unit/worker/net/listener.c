/* SPDX-License-Identifier: BSD-2-Clause */
/* A listener accepts in batches until nothing is left, pauses when there are no
 * descriptors, and serves its queue before it is closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/resource.h>

#include "base/defer_accept.h"
#include "t/unit/worker/net/fixture.h"

enum { CLIENTS = 100, BATCH = 64 };

static struct sockaddr_in address;
static int clients[CLIENTS];
static int n_clients;
static unsigned pauses;

static void on_pause(struct net *net)
{
	assert_ptr_equal(net, &fixture_net);
	pauses++;
}

/* The fixture's listener, with a socket. */
static int setup(void **state)
{
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	fixture_setup(state);
	address = (struct sockaddr_in){.sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 2 * CLIENTS), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	listener_init(&fixture_listener, &fixture_net, &fixture_listener_conf, fd,
		      &fake_transport, &fake_protocol);
	fixture_net.listeners = &fixture_listener;
	fixture_net.n_listeners = 1;
	fixture_net.on_pause = on_pause;
	pauses = 0;
	return 0;
}

static int teardown(void **state)
{
	listener_close(&fixture_listener);
	while (n_clients > 0)
		close(clients[--n_clients]);
	return fixture_teardown(state);
}

static bool connect_one(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1) {
		close(fd);
		return false;
	}
	clients[n_clients++] = fd;
	return true;
}

static void connect_many(int n)
{
	while (n-- > 0)
		assert_true(connect_one());
}

static uint64_t accepted(void)
{
	return fixture_slot.counters.accepted;
}

static void it_accepts_in_batches_until_nothing_is_left(void **state)
{
	(void)state;
	connect_many(CLIENTS);
	fixture_tick();
	assert_int_equal(accepted(), 0); /* it is not started */
	net_start(&fixture_net);
	assert_int_equal(fixture_listener.state, LISTENER_ACCEPTING);
	fixture_tick();
	assert_int_equal(accepted(), BATCH);
	fixture_tick();
	assert_int_equal(accepted(), CLIENTS);
	assert_int_equal(fixture_slot.connections, CLIENTS);
}

/* In place of the listening socket's flag, which others may change. */
static void it_does_not_block(void **state)
{
	(void)state;
	assert_true(fcntl(fixture_listener.watch.fd, F_GETFL) & O_NONBLOCK);
	net_start(&fixture_net);
	listener_look(&fixture_listener);
	assert_int_equal(accepted(), 0);
}

/* A listener that is paused leaves its queue alone. */
static void what_waits_in_a_pause_is_accepted_after_it(void **state)
{
	(void)state;
	net_start(&fixture_net);
	net_pause(&fixture_net, NET_GATED);
	assert_int_equal(fixture_listener.state, LISTENER_IDLE);
	assert_int_equal(pauses, 1);
	connect_many(3);
	listener_look(&fixture_listener);
	fixture_wait(0);
	assert_int_equal(accepted(), 0);
	net_resume(&fixture_net);
	fixture_tick();
	assert_int_equal(accepted(), 3);
}

/* The next accept4(2) is the last one that finds a descriptor. */
static void leave_one_descriptor(struct rlimit *before_out)
{
	int next = fcntl(0, F_DUPFD_CLOEXEC, 3);
	struct rlimit few;

	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, before_out), 0);
	few = *before_out;
	few.rlim_cur = (rlim_t)next + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
}

static void without_descriptors_it_pauses_for_a_while(void **state)
{
	struct rlimit before;

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	connect_many(3);
	net_start(&fixture_net);
	leave_one_descriptor(&before);
	fixture_tick();
	assert_int_equal(accepted(), 1);
	assert_int_equal(fixture_net.state, NET_SHORT);
	assert_int_equal(fixture_listener.state, LISTENER_IDLE);
	assert_int_equal(pauses, 1);
	assert_int_equal(fixture_slot.counters.accept_pauses, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	fixture_wait(99);
	assert_int_equal(accepted(), 1);
	fixture_wait(2);
	fixture_wait(1);
	assert_int_equal(accepted(), 3);
	assert_int_equal(fixture_net.state, NET_SERVING);
}

static void it_serves_its_queue_before_it_is_closed(void **state)
{
	(void)state;
	net_start(&fixture_net);
	connect_many(CLIENTS - 1);
	listener_finish(&fixture_listener);
	assert_int_equal(accepted(), CLIENTS - 1);
	assert_int_equal(fixture_listener.state, LISTENER_CLOSED);
	assert_false(connect_one());
	listener_finish(&fixture_listener); /* once more is nothing */
}

static void also_when_it_is_paused(void **state)
{
	(void)state;
	connect_many(3);
	listener_finish(&fixture_listener);
	assert_int_equal(accepted(), 3);
}

static bool keep_it(struct net *net, struct conn *c)
{
	(void)net;
	(void)c;
	return false;
}

static void one_that_is_kept_open_accepts_while_the_others_move(void **state)
{
	(void)state;
	net_start(&fixture_net);
	fixture_listener.is_kept_open = true;
	net_move(&fixture_net, keep_it);
	assert_true(net_keeps_open(&fixture_net));
	assert_int_equal(fixture_listener.state, LISTENER_ACCEPTING);
	connect_many(2);
	fixture_tick();
	assert_int_equal(accepted(), 2);
	connect_many(1);
	listener_finish(&fixture_listener);
	assert_int_equal(accepted(), 3);
	assert_false(net_keeps_open(&fixture_net));
}

static void others_are_closed_then(void **state)
{
	(void)state;
	net_start(&fixture_net);
	connect_many(2);
	net_move(&fixture_net, keep_it);
	assert_int_equal(fixture_listener.state, LISTENER_CLOSED);
	/* It may have been the only worker that was woken for them. */
	assert_int_equal(accepted(), 2);
}

static void it_lets_in_what_the_kernel_holds_back(void **state)
{
	int fd = fixture_listener.watch.fd;

	(void)state;
	assert_false(listener_let_in(&fixture_listener)); /* nothing is */
	assert_int_equal(defer_accept_set(fd, true), 0);
	assert_true(defer_accept_is_set(fd));
	connect_many(1);
	assert_true(listener_let_in(&fixture_listener));
	assert_false(defer_accept_is_set(fd));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(it_accepts_in_batches_until_nothing_is_left),
		TEST(it_does_not_block),
		TEST(what_waits_in_a_pause_is_accepted_after_it),
		TEST(without_descriptors_it_pauses_for_a_while),
		TEST(it_serves_its_queue_before_it_is_closed),
		TEST(also_when_it_is_paused),
		TEST(one_that_is_kept_open_accepts_while_the_others_move),
		TEST(others_are_closed_then),
		TEST(it_lets_in_what_the_kernel_holds_back),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
