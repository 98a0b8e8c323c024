/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker that gives and one that takes, in one process and one loop, with a
 * handoff between them; and messages made by hand, of others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/shared/channel.h"
#include "t/unit/base/scratch.h"
#include "t/unit/worker/net/fixture.h"
#include "worker/move/handoff.h"

enum { A_TICK = 20 }; /* ms, longer than any pause of the handoff's */

static int ends[2];
static struct handoff giver, taker;
static struct slot taker_slot;
static struct net taker_net;
static struct listener taker_listener;

/* A protocol that moves: it remembers a number, and may have a file. */

struct memory {
	uint64_t number;
	uint8_t file;
};
static const struct frozen_field memory_fields[] = {
	FROZEN_FIELD(memory, number),
	FROZEN_FIELD(memory, file),
};
static const struct frozen_layout memory_layout =
	FROZEN_LAYOUT(FROZEN_HTTP1, memory_fields);

static bool is_busy;
static int its_file; /* goes along; -1 */
static int got_file; /* came along; -1 */
static uint64_t got_number;
static size_t n_thawed;
static size_t n_of_input; /* that came along with it */
static char last_of_input;

static bool freeze(const struct conn *c, struct frozen_writer *message)
{
	struct memory memory = {.number = 42, .file = FROZEN_NO_FD};

	(void)c;
	if (is_busy)
		return false;
	if (its_file != -1)
		memory.file = frozen_put_fd(message, its_file);
	frozen_put(message, &memory_layout, &memory);
	return true;
}

static bool thaw(struct conn *c, struct frozen_reader *message)
{
	struct memory memory = {0};
	struct str in = buf_str(&c->socket.in);

	n_of_input = in.n;
	last_of_input = in.n > 0 ? in.p[in.n - 1] : '\0';
	if (frozen_get(message, &memory_layout, &memory) != FROZEN_OK)
		return false;
	got_number = memory.number;
	got_file = frozen_get_fd(message, memory.file);
	n_thawed++;
	return true;
}

static struct protocol moving;

static int set_up(void **state)
{
	static const struct protocol *const protocols[] = {&moving, NULL};

	fixture_setup(state);
	moving = fake_protocol;
	moving.freeze = freeze;
	moving.thaw = thaw;
	is_busy = false;
	its_file = got_file = -1;
	got_number = 0;
	n_thawed = 0;
	fixture_listener.protocol = &moving;
	unlink(scratch_path("log"));
	log_set_fd(fd_open_log(scratch_path("log")));

	taker_slot = (struct slot){0};
	net_init(&taker_net, &fixture_loop, &fixture_conf, &taker_slot,
		 fixture_transports);
	taker_net.last_id = 1000;
	listener_init(&taker_listener, &taker_net, &fixture_listener_conf, -1,
		      &fake_transport, &moving);
	net_open_protocols(&taker_net, protocols,
			   &(struct protocol_env){.net = &taker_net});
	taker_net.listeners = &taker_listener;
	taker_net.n_listeners = 1;
	taker_net.state = NET_SERVING;

	assert_int_equal(channel_open(ends), 0);
	handoff_init(&giver, &fixture_net, dup(ends[0]), dup(ends[1]),
		     &frozen_ours);
	handoff_init(&taker, &taker_net, dup(ends[0]), dup(ends[1]), &frozen_ours);
	return 0;
}

static int tear_down(void **state)
{
	handoff_fini(&giver);
	handoff_fini(&taker);
	net_fini(&taker_net);
	assert_int_equal(taker_slot.connections, 0);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	fd_close(&got_file);
	fd_close(&its_file);
	log_set_fd(STDERR_FILENO);
	return fixture_teardown(state);
}

static int count_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(directory) != NULL)
		n++;
	closedir(directory);
	return n;
}

static size_t lines_of_log(void)
{
	char *text = scratch_read("log");
	size_t n = 0;

	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	free(text);
	return n;
}

/* One that waits, offered. */
static struct conn *offer(void)
{
	struct conn *c = fixture_idle();

	handoff_offer(&giver, c);
	return c;
}

static void takes(void)
{
	handoff_start_receiving(&taker);
	fixture_ticks(3);
}

static struct conn *taken(void)
{
	return CONTAINER_OF(taker_net.conns.prev, struct conn, link);
}

/* Giving and taking. */

static void it_goes_on_elsewhere(void **state)
{
	struct conn *c = offer();

	(void)state;
	c->requests = 3;
	c->crashes = 1;
	c->peer =
		(struct endpoint){.family = AF_INET, .port = 99, .ip = {192, 0, 2}};
	buf_put(&c->socket.in, STR("unread"));
	buf_put(&c->socket.out, STR("unsent"));
	fixture_tick();
	assert_int_equal(fixture_slot.connections, 0);
	assert_int_equal(fixture_slot.counters.handed_out, 1);
	takes();
	assert_int_equal(taker_slot.connections, 1);
	assert_int_equal(taker_slot.counters.handed_in, 1);
	assert_int_equal(taker_slot.counters.accepted, 0);
	assert_int_equal(taken()->id, 1);
	assert_int_equal(taken()->requests, 3);
	assert_int_equal(taken()->accepted_at, 1000 * NS_PER_S);
	assert_int_equal(taken()->peer.family, AF_INET);
	assert_int_equal(taken()->peer.port, 99);
	assert_memory_equal(taken()->peer.ip, "\xc0\0\2\0", 4);
	assert_int_equal(got_number, 42);
	assert_string_equal(peer_gets(1), "unsentunread");
}

static void peers_of_all_families(void **state)
{
	static const struct endpoint peers[] = {
		{.family = AF_UNIX},
		{.family = AF_INET, .port = 65535, .ip = {255, 1, 2, 3}},
		{.family = AF_INET6, .port = 1, .ip = {0x20, 1, [15] = 9}},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		offer()->peer = peers[i];
		fixture_tick();
		takes();
		assert_memory_equal(&taken()->peer, &peers[i], sizeof(*peers));
	}
}

static void its_file_goes_along(void **state)
{
	struct stat given, got;

	(void)state;
	its_file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	offer();
	fixture_tick();
	assert_int_not_equal(fcntl(its_file, F_GETFD), -1); /* stays its own */
	takes();
	assert_int_not_equal(got_file, -1);
	fstat(its_file, &given);
	fstat(got_file, &got);
	assert_int_equal(given.st_ino, got.st_ino);
}

/* More than a message has room for. */
static void fill(struct conn *c)
{
	char *to = buf_room(&c->socket.in, 150 * 1024);

	for (size_t i = 0; i < 150 * 1024; i++)
		to[i] = (char)(i / 3);
	buf_added(&c->socket.in, 150 * 1024);
}

static void one_with_much_on_it_goes_in_a_file(void **state)
{
	struct conn *c = offer();
	int before = count_fds();

	(void)state;
	fill(c);
	fixture_conf.limits.move_file = 1024 * 1024;
	its_file = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fixture_tick();
	assert_int_equal(fixture_slot.counters.handed_out, 1);
	takes();
	handoff_stop_receiving(&taker);
	assert_int_equal(taker_slot.counters.handed_in, 1);
	assert_int_equal(n_of_input, 150 * 1024);
	assert_int_equal(last_of_input, (char)((150 * 1024 - 1) / 3));
	assert_int_equal(got_number, 42);
	assert_int_not_equal(got_file, -1);
	/* Theirs are its_file and got_file. */
	assert_int_equal(count_fds(), before + 2);
}

static void one_that_is_over_the_limit_is_served_out(void **state)
{
	struct conn *c = offer();

	(void)state;
	fill(c);
	fixture_conf.limits.move_file = 100 * 1024;
	fixture_tick();
	assert_int_equal(fixture_slot.counters.handed_out, 0);
	assert_int_equal(c->stays, CONN_STAYS_FOR_SIZE);
}

static void one_that_is_busy_stays_and_is_offered_again(void **state)
{
	struct conn *c = fixture_idle();

	(void)state;
	is_busy = true;
	handoff_offer(&giver, c);
	fixture_ticks(2);
	assert_int_equal(fixture_slot.connections, 1);
	assert_int_equal(c->stays, CONN_MOVES);
	is_busy = false;
	handoff_offer(&giver, c);
	fixture_tick();
	assert_int_equal(fixture_slot.connections, 0);
}

static void all_arrive_though_there_is_little_room(void **state)
{
	enum { N = 40 };
	const int small = 4096;

	(void)state;
	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	for (int i = 0; i < N; i++)
		offer();
	fixture_ticks(3);
	assert_true(fixture_slot.connections > 0);
	assert_true(giver.is_full);
	handoff_start_receiving(&taker);
	for (int i = 0; i < 100 && taker_slot.connections < N; i++)
		fixture_wait(A_TICK);
	assert_int_equal(taker_slot.connections, N);
	assert_int_equal(fixture_slot.connections, 0);
	assert_false(giver.is_full);
}

static void what_is_withdrawn_stays(void **state)
{
	(void)state;
	offer();
	handoff_withdraw(&giver);
	fixture_ticks(2);
	assert_int_equal(fixture_slot.connections, 1);
	assert_false(handoff_is_unread(&giver));
}

static void what_nobody_takes_is_taken_back(void **state)
{
	(void)state;
	fixture_net.listeners = &fixture_listener;
	fixture_net.n_listeners = 1;
	offer();
	fixture_tick();
	assert_true(handoff_is_unread(&giver));
	handoff_take_back(&giver);
	assert_false(handoff_is_unread(&giver));
	assert_int_equal(fixture_slot.connections, 1);
	fixture_net.n_listeners = 0;
}

static void without_descriptors_nothing_is_taken(void **state)
{
	struct rlimit all, none;
	int before = count_fds();

	(void)state;
	offer();
	fixture_tick();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	none = (struct rlimit){.rlim_cur = 3, .rlim_max = all.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	takes();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	assert_false(taker.is_receiving);
	assert_int_equal(taker_slot.connections, 0);
	/* Nor is the message lost. */
	takes();
	assert_int_equal(taker_slot.connections, 1);
	handoff_stop_receiving(&taker);
	assert_int_equal(count_fds(), before + 2); /* its two ends */
}

/* Crashes of workers. */

static void crashes_count_until_it_is_empty(void **state)
{
	struct conn *c = offer();

	(void)state;
	c->crashes = 1;
	buf_put(&c->socket.in, STR("half a"));
	fixture_tick();
	handoff_start_receiving(&taker);
	fixture_tick();
	assert_int_equal(taken()->crashes, 1);
	fixture_ticks(2); /* it is answered */
	assert_int_equal(taken()->crashes, 0);
}

static void after_the_second_it_is_closed(void **state)
{
	struct conn *c = offer();
	int before = count_fds();

	(void)state;
	c->crashes = 2;
	fixture_tick();
	takes();
	assert_int_equal(taker_slot.connections, 0);
	assert_null(peer_gets(1));
	assert_int_equal(lines_of_log(), 1);
	assert_int_equal(taker_slot.counters.handoff_damaged, 0);
	handoff_stop_receiving(&taker);
	assert_int_equal(count_fds(), before - 1);
}

/* Formats. */

static void nothing_is_sent_that_is_not_understood(void **state)
{
	struct conn *c = offer();

	(void)state;
	handoff_set_readers(&giver, &frozen_nothing);
	fixture_ticks(2);
	handoff_offer(&giver, c);
	fixture_ticks(2);
	assert_int_equal(fixture_slot.connections, 1);
	assert_int_equal(c->stays, CONN_STAYS_FOR_FORMAT);
	assert_int_equal(fixture_slot.counters.kept_for_format, 1);
	assert_false(handoff_is_unread(&giver));
	/* It is served, also when others are cut. */
	assert_int_equal(net_cut(&fixture_net, false), 0);
	peer_sends(c, "hello");
	fixture_ticks(2);
	assert_string_equal(peer_gets(1), "hello");
}

static void a_busy_one_is_kept_too(void **state)
{
	struct conn *c = offer();

	(void)state;
	is_busy = true;
	handoff_set_readers(&giver, &frozen_nothing);
	fixture_ticks(2);
	assert_int_equal(c->stays, CONN_STAYS_FOR_FORMAT);
}

/* Only what it has to remember is in a format of another release. */
static void a_kind_that_is_not_understood_keeps_it(void **state)
{
	struct frozen_table readers = frozen_ours;

	(void)state;
	readers.kinds[FROZEN_HTTP1] = (struct frozen_range){0, 0};
	handoff_set_readers(&giver, &readers);
	struct conn *c = offer();

	fixture_ticks(2);
	assert_int_equal(c->stays, CONN_STAYS_FOR_FORMAT);
	handoff_set_readers(&giver, &frozen_ours);
	handoff_offer(&giver, c);
	fixture_tick();
	assert_int_equal(fixture_slot.connections, 0);
}

static void what_waits_is_taken_back_before_others_read(void **state)
{
	(void)state;
	offer();
	fixture_tick();
	handoff_start_receiving(&taker);
	handoff_set_readers(&taker, &frozen_nothing);
	assert_int_equal(taker_slot.connections, 1);
	assert_false(handoff_is_unread(&taker));
}

/* Messages of others. */

/* One as giver would write it, then changed, sent with so many copies of a
 * connected socket. */
static void send_message(void (*change)(char *bytes, size_t *n), size_t n_fds)
{
	static char bytes[4096];
	int fds[CHANNEL_FDS] = {-1, -1, -1, -1}, none[CHANNEL_FDS];
	size_t n, n_none, got = 0;

	offer();
	fixture_tick();
	assert_int_equal(
		channel_receive(ends[1], bytes, sizeof(bytes), &n, none, &n_none),
		CHANNEL_OK);
	while (n_none > 0)
		close(none[--n_none]);
	if (change != NULL)
		change(bytes, &n);
	int pair[2];

	assert_int_equal(channel_open(pair), 0);
	while (got < n_fds)
		fds[got++] = pair[0];
	assert_int_equal(channel_send(ends[0], bytes, n, fds, n_fds), CHANNEL_OK);
	close(pair[0]);
	close(pair[1]);
}

static void unknown_kind(char *bytes, size_t *n)
{
	(void)n;
	bytes[FROZEN_HEADER] = 59;
}

static void other_listener(char *bytes, size_t *n)
{
	(void)n;
	memcpy(memmem(bytes, *n, "fixture", 7), "another", 7);
}

static void other_protocol(char *bytes, size_t *n)
{
	char *name = memmem(bytes, *n, "\4\0\0\0fake", 8);

	memcpy(name + 4, "news", 4);
}

static void cut_off(char *bytes, size_t *n)
{
	(void)bytes;
	*n -= 1;
}

static void garbage(char *bytes, size_t *n)
{
	memset(bytes, 0x55, *n);
}

static void odd_family(char *bytes, size_t *n)
{
	(void)n;
	/* Behind three strings, the id and the time. */
	bytes[FROZEN_HEADER + FROZEN_RECORD_HEADER + 4 + 7 + 4 + 4 + 4 + 4 + 16] =
		5;
}

static void odd_state(char *bytes, size_t *n)
{
	bytes[*n - 9 - FROZEN_RECORD_HEADER] = FROZEN_INPUT;
}

/* The messages that wait, with their descriptors, closed. */
static size_t waiting(unsigned *returned_out, size_t *n_fds_out)
{
	char bytes[4096];
	int fds[CHANNEL_FDS];
	size_t n, n_messages = 0;

	while (channel_receive(ends[1], bytes, sizeof(bytes), &n, fds, n_fds_out) ==
	       CHANNEL_OK) {
		*returned_out = (unsigned char)bytes[6] |
				(unsigned)(unsigned char)bytes[7] << 8;
		for (size_t i = 0; i < *n_fds_out; i++)
			close(fds[i]);
		n_messages++;
		if (n_messages == 10)
			break;
	}
	return n_messages;
}

static void goes_back(void (*change)(char *bytes, size_t *n))
{
	int before = count_fds();
	unsigned returned;
	size_t n_fds;

	send_message(change, 3);
	int peers = count_fds() - before;

	takes();
	/* Not at once again: others have a chance. */
	fixture_ticks(3);
	assert_false(taker.is_receiving);
	assert_int_equal(count_fds() - before, peers);
	fixture_wait(A_TICK);
	assert_true(taker.is_receiving);
	fixture_tick();
	assert_int_equal(waiting(&returned, &n_fds), 1);
	assert_int_equal(returned, 2);
	assert_int_equal(n_fds, 3);
	assert_int_equal(taker_slot.connections, 0);
	assert_int_equal(taker_slot.counters.handoff_damaged, 0);
	assert_int_equal(lines_of_log(), 0);
	handoff_stop_receiving(&taker);
}

static void a_message_for_others_goes_back(void **state)
{
	(void)state;
	goes_back(unknown_kind);
	goes_back(other_protocol);
}

/* An address that is not ours any more is no reason. */
static void a_listener_that_is_gone_is_served_out(void **state)
{
	(void)state;
	send_message(other_listener, 1);
	takes();
	assert_int_equal(n_thawed, 1);
	assert_int_equal(taker_slot.counters.handoff_damaged, 0);
}

static void one_that_nobody_can_use_ends_some_time(void **state)
{
	unsigned returned;
	size_t n_fds;

	(void)state;
	send_message(unknown_kind, 2);
	int before = count_fds();

	handoff_start_receiving(&taker);
	for (int i = 0; i < 3000 && taker_slot.counters.handoff_damaged == 0; i++)
		fixture_wait(A_TICK);
	assert_int_equal(taker_slot.counters.handoff_damaged, 1);
	assert_int_equal(lines_of_log(), 1);
	assert_int_equal(waiting(&returned, &n_fds), 0);
	handoff_stop_receiving(&taker);
	assert_int_equal(count_fds(), before);
}

/* While the socket is full it waits here. */
static void it_is_held_until_there_is_room(void **state)
{
	static const char filler[30000];
	unsigned returned = 0;
	size_t n_fds = 0;

	(void)state;
	send_message(unknown_kind, 2);
	handoff_start_receiving(&taker);
	/* Taken, and in its place something else. */
	while (channel_send(ends[0], filler, sizeof(filler), NULL, 0) == CHANNEL_OK)
		;
	while (channel_send(ends[0], filler, 1, NULL, 0) == CHANNEL_OK)
		;
	const int tiny = 1;

	setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &tiny, sizeof(tiny));
	fixture_ticks(2);
	assert_true(buf_length(&taker.held.bytes) > 0);
	assert_false(taker.is_receiving);
	fixture_wait(A_TICK);
	assert_true(buf_length(&taker.held.bytes) > 0);
	channel_grow(ends[0]);
	for (;;) { /* all of the filler goes */
		char bytes[sizeof(filler)];
		int fds[CHANNEL_FDS];
		size_t n;

		if (channel_receive(ends[1], bytes, sizeof(bytes), &n, fds,
				    &n_fds) != CHANNEL_OK)
			break;
	}
	fixture_wait(A_TICK);
	assert_int_equal(buf_length(&taker.held.bytes), 0);
	assert_int_equal(waiting(&returned, &n_fds), 1);
	assert_int_equal(returned, 1);
	assert_int_equal(n_fds, 2);
}

static void is_damage(void (*change)(char *bytes, size_t *n), size_t n_fds)
{
	uint64_t damaged = taker_slot.counters.handoff_damaged;
	int before = count_fds();

	send_message(change, n_fds);
	int peers = count_fds() - before;

	takes();
	assert_int_equal(taker_slot.counters.handoff_damaged, damaged + 1);
	assert_int_equal(taker_slot.connections, 0);
	handoff_stop_receiving(&taker);
	fixture_tick();
	assert_int_equal(count_fds() - before, peers);
}

static void damage_is_counted_and_leaks_nothing(void **state)
{
	(void)state;
	is_damage(cut_off, 1);
	is_damage(garbage, 2);
	is_damage(odd_family, 3);
	is_damage(odd_state, 4); /* the thaw fails */
	is_damage(NULL, 0);
}

/* Whoever sends damage cannot fill the log with it. */
static void damage_is_logged_now_and_then(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		is_damage(garbage, 1);
	assert_int_equal(lines_of_log(), 1);
	fixture_wait(10000);
	is_damage(garbage, 1);
	assert_int_equal(lines_of_log(), 2);
}

static void more_descriptors_than_it_needs_are_closed(void **state)
{
	int before = count_fds();

	(void)state;
	send_message(NULL, 4);
	int peers = count_fds() - before;

	takes();
	handoff_stop_receiving(&taker);
	assert_int_equal(n_thawed, 1);
	assert_int_equal(count_fds() - before,
			 peers + (taker_slot.connections > 0));
}

/* Its giver may have shared it, and set it otherwise. */
static void a_socket_that_blocks_does_not_hang_its_taker(void **state)
{
	struct conn *c = offer();
	int flags = fcntl(c->socket.watch.fd, F_GETFL);

	(void)state;
	fcntl(c->socket.watch.fd, F_SETFL, flags & ~O_NONBLOCK);
	fixture_tick();
	alarm(10);
	takes();
	alarm(60);
	assert_int_equal(taker_slot.connections, 1);
	assert_true(fcntl(taken()->socket.watch.fd, F_GETFL) & O_NONBLOCK);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(it_goes_on_elsewhere),
		TEST(peers_of_all_families),
		TEST(its_file_goes_along),
		TEST(one_with_much_on_it_goes_in_a_file),
		TEST(one_that_is_over_the_limit_is_served_out),
		TEST(one_that_is_busy_stays_and_is_offered_again),
		TEST(all_arrive_though_there_is_little_room),
		TEST(what_is_withdrawn_stays),
		TEST(what_nobody_takes_is_taken_back),
		TEST(without_descriptors_nothing_is_taken),
		TEST(crashes_count_until_it_is_empty),
		TEST(after_the_second_it_is_closed),
		TEST(nothing_is_sent_that_is_not_understood),
		TEST(a_busy_one_is_kept_too),
		TEST(a_kind_that_is_not_understood_keeps_it),
		TEST(what_waits_is_taken_back_before_others_read),
		TEST(a_message_for_others_goes_back),
		TEST(a_listener_that_is_gone_is_served_out),
		TEST(one_that_nobody_can_use_ends_some_time),
		TEST(it_is_held_until_there_is_room),
		TEST(damage_is_counted_and_leaks_nothing),
		TEST(damage_is_logged_now_and_then),
		TEST(more_descriptors_than_it_needs_are_closed),
		TEST(a_socket_that_blocks_does_not_hang_its_taker),
	};

	alarm(60);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
