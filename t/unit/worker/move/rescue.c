/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workers that crash, each in a process of its own; what they have given away
 * waits in the handoff afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "base/crash.h"
#include "base/log.h"
#include "base/shared/channel.h"
#include "t/unit/base/child.h"
#include "t/unit/base/scratch.h"
#include "t/unit/worker/net/fixture.h"
#include "worker/move/pack.h"
#include "worker/move/rescue.h"

/* A sanitizer's own handler comes before ours, but for abort(3). */
#if defined(__SANITIZE_ADDRESS__)
#define IS_OURS false
#else
#define IS_OURS true
#endif

static int ends[2];
static struct handoff handoff;
static struct conn *busy; /* does not rest */

static bool rests(const struct conn *c)
{
	return c != busy;
}

static bool freeze(const struct conn *c, struct frozen_writer *message)
{
	(void)c;
	(void)message;
	return true;
}

static struct protocol moving;

static int set_up(void **state)
{
	fixture_setup(state);
	moving = fake_protocol;
	moving.freeze = freeze;
	moving.rests = rests;
	busy = NULL;
	fixture_listener.protocol = &moving;
	fixture_net.listeners = &fixture_listener;
	fixture_net.n_listeners = 1;
	fixture_net.protocols[0].protocol = &moving;
	fixture_transports[2] = NULL;
	assert_int_equal(channel_open(ends), 0);
	handoff_init(&handoff, &fixture_net, dup(ends[0]), dup(ends[1]),
		     &frozen_ours);
	unlink(scratch_path("log"));
	log_set_fd(fd_open_log(scratch_path("log")));
	return 0;
}

static int tear_down(void **state)
{
	handoff_fini(&handoff);
	fixture_net.n_listeners = 0;
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	log_set_fd(STDERR_FILENO);
	return fixture_teardown(state);
}

static void be_a_worker(void)
{
	crash_install("worker 1");
	rescue_set(&handoff);
}

/* Runs `body` as a worker, which has to die of the signal and to leave its
 * stack in the log. Returns what it gave, "1 3:1": the ids, and the crashes
 * where there are some. */
static const char *given_by(void (*body)(void), int number)
{
	static char text[1024];
	static char bytes[128 * 1024];
	int fds[CHANNEL_FDS];
	size_t n, n_fds, at = 0;
	int status = child_status(body);
	char *log = scratch_read("log");

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), number);
	assert_non_null(strstr(log, "the stack is:"));
	free(log);
	text[0] = '\0';
	while (channel_receive(ends[1], bytes, sizeof(bytes), &n, fds, &n_fds) ==
	       CHANNEL_OK) {
		struct frozen_reader r;
		struct unpacked u;

		assert_int_equal(
			frozen_open(&r, (struct str){bytes, n}, fds, n_fds),
			FROZEN_OK);
		assert_int_equal(unpack_conn(&r, &u), FROZEN_OK);
		assert_int_equal(n_fds, 1);
		frozen_close(&r);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%d",
				       at > 0 ? " " : "", (int)u.origin.id);
		if (u.origin.crashes > 0)
			at += (size_t)snprintf(text + at, sizeof(text) - at, ":%u",
					       u.origin.crashes);
	}
	return text;
}

/* Which ones. */

static void crash(void)
{
	be_a_worker();
	abort();
}

static char *volatile nowhere = (char *)8;

static void fault(void)
{
	be_a_worker();
	*nowhere = 1;
}

static void those_that_rest_are_given(void **state)
{
	struct conn *c[6];

	(void)state;
	for (int i = 1; i < 6; i++)
		c[i] = fixture_idle();
	buf_put(&c[2]->socket.in, STR("half a"));
	buf_put(&c[3]->socket.out, STR("unsent"));
	busy = c[4];
	assert_string_equal(given_by(crash, SIGABRT), "5 2:1 1");
}

static void any_fault_will_do(void **state)
{
	(void)state;
	if (!IS_OURS)
		return;
	fixture_idle();
	fixture_idle();
	assert_string_equal(given_by(fault, SIGSEGV), "2 1");
}

/* Crashes are counted while bytes wait that may be the cause. */
static void crashes_are_counted(void **state)
{
	struct conn *a = fixture_idle(), *b = fixture_idle();

	(void)state;
	a->crashes = b->crashes = 1;
	buf_put(&b->socket.in, STR("half a"));
	assert_string_equal(given_by(crash, SIGABRT), "2:2 1");
}

static void only_what_is_understood(void **state)
{
	(void)state;
	fixture_idle();
	handoff_set_readers(&handoff, &frozen_nothing);
	assert_string_equal(given_by(crash, SIGABRT), "");
}

/* The one at fault. */

static int fatal_call; /* counts down to the call that is at fault */

static void maybe_fatal(void)
{
	if (--fatal_call == 0)
		abort();
}

static enum step fatal_step(struct conn *c)
{
	maybe_fatal();
	return echo_in_batches(c);
}

static enum io fatal_read(struct socket *s, char *into, size_t room, size_t *n_out)
{
	maybe_fatal();
	return plain_transport.read(s, into, room, n_out);
}

static enum io fatal_write(struct socket *s, const struct iovec *pieces,
			   int n_pieces, bool more, size_t *n_out)
{
	maybe_fatal();
	return plain_transport.write(s, pieces, n_pieces, more, n_out);
}

static enum step fatal_timeout(struct conn *c)
{
	(void)c;
	abort();
}

static bool fatal_thaw(struct conn *c, struct frozen_reader *message)
{
	(void)c;
	(void)message;
	abort();
}

static struct transport fatal_transport;

static void serve(void)
{
	be_a_worker();
	fixture_tick();
}

/* Three, of which the first and second have something to do. */
static void three(void)
{
	struct conn *a = fixture_idle(), *b = fixture_idle();

	fixture_idle();
	peer_sends(a, "a");
	peer_sends(b, "b");
}

static void not_the_one_that_takes_a_step(void **state)
{
	(void)state;
	three();
	fake_step = fatal_step;
	fatal_call = 1;
	assert_string_equal(given_by(serve, SIGABRT), "3 2:1");
}

static void use_fatal_transport(void)
{
	fatal_transport = fake_transport;
	fatal_transport.read = fatal_read;
	fixture_listener.transport = fixture_transports[2] = &fatal_transport;
}

static void not_the_one_that_is_read(void **state)
{
	(void)state;
	use_fatal_transport();
	fatal_call = INT32_MAX;
	three();
	fatal_call = 2;
	assert_string_equal(given_by(serve, SIGABRT), "3 1:1");
}

static void not_the_one_that_is_written(void **state)
{
	(void)state;
	use_fatal_transport();
	fatal_transport.read = plain_transport.read;
	fatal_transport.write = fatal_write;
	three();
	fatal_call = 1;
	/* The other one has an answer, too. */
	assert_string_equal(given_by(serve, SIGABRT), "3");
}

static void expire(void)
{
	be_a_worker();
	fixture_wait(1000);
}

static void not_the_one_whose_time_is_over(void **state)
{
	struct conn *c = fixture_idle();

	(void)state;
	fixture_idle();
	socket_set_timeout(&c->socket, 10);
	fake_timeout = fatal_timeout;
	assert_string_equal(given_by(expire, SIGABRT), "2");
}

static void adopt(void)
{
	struct conn_origin origin = {.id = 50, .transport = &fake_transport};
	struct frozen_reader message = {.rest = STR("")};

	be_a_worker();
	(void)conn_adopt(&fixture_listener, fixture_pair(), &origin, &message);
}

static void not_the_one_that_is_thawed(void **state)
{
	(void)state;
	fixture_idle();
	moving.thaw = fatal_thaw;
	assert_string_equal(given_by(adopt, SIGABRT), "1");
}

static void move_and_crash(void)
{
	be_a_worker();
	handoff_offer(&handoff, fixture_last());
	fixture_tick();
	abort();
}

/* What has gone already is not given twice. */
static void not_what_has_moved(void **state)
{
	(void)state;
	fixture_idle();
	fixture_idle();
	assert_string_equal(given_by(move_and_crash, SIGABRT), "2 1");
}

/* Damage. */

static void damaged_ones_are_passed_over(void **state)
{
	struct conn *c[8];

	(void)state;
	if (!IS_OURS)
		return;
	for (int i = 1; i < 8; i++)
		c[i] = fixture_idle();
	const struct conn before[] = {*c[1], *c[2], *c[3], *c[4], *c[5], *c[6]};

	c[1]->protocol = (void *)16;
	c[2]->listener = (void *)24;
	c[3]->socket.transport = NULL;
	c[4]->socket.in = (struct buf){.storage = (void *)32, .end = 100};
	c[5]->socket.watch.fd = -7;
	c[6]->socket.net = NULL;
	c[7]->socket.queued.next = (void *)40;
	assert_string_equal(given_by(crash, SIGABRT), "7");
	for (int i = 1; i < 7; i++)
		*c[i] = before[i - 1];
	list_init(&c[7]->socket.queued);
}

static struct conn_block *blocks;
static void *wrong;

/* The pointer at the beginning of a block is the next one's. */
static void break_blocks(void)
{
	memcpy(fixture_net.blocks, &wrong, sizeof(wrong));
	fixture_net.n_blocks = 2;
	crash();
}

static void a_damaged_list_ends_the_walk(void **state)
{
	(void)state;
	if (!IS_OURS)
		return;
	fixture_idle();
	wrong = (void *)48;
	assert_string_equal(given_by(break_blocks, SIGABRT), "1");
	blocks = fixture_net.blocks;
	wrong = blocks; /* in a circle */
	assert_string_equal(given_by(break_blocks, SIGABRT), "1");
}

/* Bounds. */

static void nobody_takes(void **state)
{
	static const char filler[1000];
	const int small = 4096;
	struct timespec from, to;

	(void)state;
	fixture_idle();
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	while (channel_send(ends[0], filler, sizeof(filler), NULL, 0) == CHANNEL_OK)
		;
	clock_gettime(CLOCK_MONOTONIC_RAW, &from);
	assert_int_equal(WTERMSIG(child_status(crash)), SIGABRT);
	clock_gettime(CLOCK_MONOTONIC_RAW, &to);
	/* Half a second, and the time to die on a busy machine. */
	assert_true(to.tv_sec - from.tv_sec <= 5);
}

/* Threads. */

static void *abort_here(void *unused)
{
	(void)unused;
	abort();
	return NULL;
}

static void crash_beside(void)
{
	pthread_t thread;

	be_a_worker();
	pthread_create(&thread, NULL, abort_here, NULL);
	for (;;)
		pause();
}

static void crash_beside_unheard(void)
{
	sigset_t set;

	sigfillset(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	crash_beside();
}

static void another_thread_at_fault(void **state)
{
	(void)state;
	fixture_idle();
	assert_string_equal(given_by(crash_beside, SIGABRT), "1");
}

/* Its objects are not touched while the loop's thread may run. */
static void a_thread_that_does_not_stop_saves_nothing(void **state)
{
	(void)state;
	fixture_idle();
	assert_string_equal(given_by(crash_beside_unheard, SIGABRT), "");
}

static void served_no_more(void)
{
	be_a_worker();
	rescue_set(NULL);
	abort();
}

static void not_when_it_is_over(void **state)
{
	(void)state;
	fixture_idle();
	assert_string_equal(given_by(served_no_more, SIGABRT), "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(those_that_rest_are_given),
		TEST(any_fault_will_do),
		TEST(crashes_are_counted),
		TEST(only_what_is_understood),
		TEST(not_the_one_that_takes_a_step),
		TEST(not_the_one_that_is_read),
		TEST(not_the_one_that_is_written),
		TEST(not_the_one_whose_time_is_over),
		TEST(not_the_one_that_is_thawed),
		TEST(not_what_has_moved),
		TEST(damaged_ones_are_passed_over),
		TEST(a_damaged_list_ends_the_walk),
		TEST(nobody_takes),
		TEST(another_thread_at_fault),
		TEST(a_thread_that_does_not_stop_saves_nothing),
		TEST(not_when_it_is_over),
	};

	alarm(60);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
