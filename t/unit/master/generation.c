/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A generation opens what its configuration names and lets go of all of it,
 * whatever fails. Children and listeners are fakes that count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/conf.h"
#include "master/generation.h"
#include "master/keeper_link.h"
#include "t/unit/base/scratch.h"

enum { ADDRESSES = 4, WORKERS = 3 };

/* The fakes. */

static struct bound bounds[ADDRESSES];
static int refused_port;
static struct child workers[WORKERS];
static unsigned n_workers;
static struct {
	unsigned abandoned, served_out, kept_open, moved, drained, reopened;
	size_t listener;   /* of the last serve_out */
	unsigned users;    /* of that listener then */
	uint64_t patience; /* of the last move or drain */
} seen;

struct bound *listeners_use(struct listeners *listeners,
			    const struct conf_listener *conf,
			    const struct socket_access *access,
			    char why_out[WHY_SIZE])
{
	unsigned port = addr_port(&conf->addr) % ADDRESSES;

	(void)listeners;
	assert_int_equal(access->mode, 0666);
	if (addr_port(&conf->addr) == refused_port) {
		snprintf(why_out, WHY_SIZE, "refused");
		return NULL;
	}
	bounds[port].users++;
	return &bounds[port];
}

bool listeners_release(struct bound **bound)
{
	struct bound *b = *bound;

	*bound = NULL;
	return b != NULL && --b->users == 0;
}

void listeners_abandon(struct bound **bound)
{
	seen.abandoned++;
	listeners_release(bound);
}

static bool holds_back[ADDRESSES];

bool listeners_let_in(struct bound *bound)
{
	bool held = holds_back[bound - bounds];

	holds_back[bound - bounds] = false;
	return held;
}

bool keeper_link_is_needed(const struct conf *conf)
{
	(void)conf;
	return false;
}

int keeper_link_connect(struct keeper_link *link)
{
	(void)link;
	return -1;
}

struct child *children_spawn(struct children *children,
			     const struct child_spec *spec)
{
	(void)children;
	if (n_workers == WORKERS) {
		errno = EAGAIN;
		return NULL;
	}
	workers[n_workers].number = n_workers;
	workers[n_workers].generation = spec->generation;
	workers[n_workers].state = CHILD_STARTING;
	return &workers[n_workers++];
}

struct child *children_next(struct children *children,
			    const struct generation *generation,
			    const struct child *previous)
{
	(void)children;
	for (unsigned i = previous == NULL ? 0 : previous->number + 1;
	     i < n_workers; i++)
		if (workers[i].generation == generation)
			return &workers[i];
	return NULL;
}

void child_serve_out(struct child *child, size_t listener)
{
	(void)child;
	seen.served_out++;
	seen.listener = listener;
	seen.users = bounds[1].users;
}

void child_keep_open(struct child *child, size_t listener)
{
	(void)child;
	seen.kept_open++;
	seen.listener = listener;
}

void child_move(struct child *child, uint64_t patience_ms, bool to_successor)
{
	(void)child;
	(void)to_successor;
	seen.moved++;
	seen.patience = patience_ms;
}

void child_drain(struct child *child, uint64_t idle_grace_ms, uint64_t patience_ms)
{
	(void)child;
	(void)idle_grace_ms;
	seen.drained++;
	seen.patience = patience_ms;
}

void child_reopen(struct child *child, uint64_t which, int log)
{
	(void)child;
	seen.reopened++;
	assert_int_equal(which, REOPEN_ACCESS_LOG);
	assert_true(log > STDERR_FILENO);
}

static int reset(void **state)
{
	(void)state;
	memset(bounds, 0, sizeof(bounds));
	memset(workers, 0, sizeof(workers));
	memset(&seen, 0, sizeof(seen));
	memset(holds_back, 0, sizeof(holds_back));
	n_workers = 0;
	refused_port = 0;
	return 0;
}

/* A configuration that listens on those ports. */
static struct conf *conf_of(const char *log, const char *ports)
{
	char text[2000];
	struct conf_errors errors = {0};
	struct buf said = {0};
	int n = snprintf(text, sizeof(text),
			 "workers = 2; timeouts = { drain = \"7s\"; };\n"
			 "log = { access = \"%s\"; };\nlisteners = (",
			 log);

	for (const char *p = ports; *p != '\0'; p++)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "%s{ address = \"127.0.0.1:%d\"; "
			      "protocol = \"echo\"; }",
			      p == ports ? " " : ", ", 4000 + (*p - '0'));
	snprintf(text + n, sizeof(text) - (size_t)n, " );\n");
	struct conf *conf = conf_load(scratch_write("a.conf", text), &errors);

	conf_errors_print(&errors, &said);
	if (conf == NULL)
		fail_msg("%" STR_FMT, STR_ARG(buf_str(&said)));
	buf_release(&said);
	conf_errors_fini(&errors);
	return conf;
}

static struct names *names_of(const struct conf *conf)
{
	struct names *names = mem_zalloc(
		1,
		sizeof(*names) + conf->n_listeners * sizeof(struct socket_access));

	for (size_t i = 0; i < conf->n_listeners; i++)
		names->listeners[i].mode = 0666;
	return names;
}

static struct generation *create(const char *ports)
{
	struct conf *conf = conf_of(scratch_path("access.log"), ports);
	char why[WHY_SIZE];
	struct generation *g =
		generation_create(&conf, names_of(conf), 5, NULL, why);

	assert_non_null(g);
	assert_null(conf);
	return g;
}

static unsigned users(void)
{
	unsigned n = 0;

	for (size_t i = 0; i < ADDRESSES; i++)
		n += bounds[i].users;
	return n;
}

/* The lowest descriptor that is free: it tells whether one was left open. */
static int next_fd(void)
{
	int fd = dup(STDERR_FILENO), n = fd;

	fd_close(&fd);
	return n;
}

static void opens_and_closes(void **state)
{
	int fd = next_fd();
	struct generation *g = create("12");

	(void)state;
	assert_int_equal(g->number, 5);
	assert_int_equal(g->wanted, 2);
	assert_int_equal(users(), 2);
	assert_true(g->access_logs[0] > STDERR_FILENO);
	generation_destroy(&g);
	assert_null(g);
	assert_int_equal(users(), 0);
	assert_int_equal(next_fd(), fd);
}

static void nothing_stays_of_one_that_fails(void **state)
{
	int fd = next_fd();
	struct conf *conf = conf_of(scratch_path("access.log"), "123");
	char why[WHY_SIZE] = "";

	(void)state;
	refused_port = 4003;
	assert_null(generation_create(&conf, names_of(conf), 1, NULL, why));
	assert_string_equal(why, "refused");
	assert_null(conf);
	assert_int_equal(users(), 0);
	assert_int_equal(next_fd(), fd);

	conf = conf_of(scratch_path("folder"), "12");
	assert_int_equal(mkdir(scratch_path("folder"), 0700), 0);
	assert_null(generation_create(&conf, names_of(conf), 1, NULL, why));
	assert_non_null(strstr(why, "/folder"));
	assert_int_equal(users(), 0);
	assert_int_equal(next_fd(), fd);
}

static void is_ready_when_all_are(void **state)
{
	struct generation *g = create("1");

	(void)state;
	assert_int_equal(generation_spawn(g, NULL), 0);
	assert_int_equal(generation_spawn(g, NULL), 0);
	workers[0].state = CHILD_READY;
	assert_false(generation_is_ready(g, NULL));
	workers[1].state = CHILD_READY;
	assert_true(generation_is_ready(g, NULL));
	workers[0].state = CHILD_DYING;
	assert_false(generation_is_ready(g, NULL));
	generation_destroy(&g);
}

static void first_reason_stays(void **state)
{
	struct generation *g = create("1");

	(void)state;
	generation_fail(g, "the first");
	generation_fail(g, "the second");
	assert_true(g->failed);
	assert_string_equal(g->failure, "the first");
	generation_destroy(&g);
}

/* The master's descriptor goes before the workers are told: the last to close
 * it has just seen an empty queue. */
static void leaves_what_the_next_has_not(void **state)
{
	struct generation *g = create("12"), *next = create("2");

	(void)state;
	assert_int_equal(generation_spawn(g, NULL), 0);
	assert_int_equal(generation_spawn(g, NULL), 0);
	generation_retire_listeners(g, next, NULL);
	assert_int_equal(seen.served_out, 2);
	assert_int_equal(seen.listener, 0);
	assert_int_equal(seen.users, 0);
	assert_int_equal(bounds[2].users, 1);
	generation_destroy(&g);
	assert_int_equal(users(), 1);
	generation_destroy(&next);
	assert_int_equal(users(), 0);
}

/* Its clients come within a second and a half, and the master has it so long,
 * for a reload that wants it back. */
static void keeps_open_what_holds_clients_back(void **state)
{
	struct generation *g = create("12"), *next = create("2");
	struct loop loop;
	struct children children = {.loop = &loop};

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	assert_int_equal(generation_spawn(g, &children), 0);
	assert_int_equal(generation_spawn(g, &children), 0);
	holds_back[1] = true;
	generation_retire_listeners(g, next, &children);
	assert_int_equal(seen.kept_open, 2);
	assert_int_equal(seen.listener, 0);
	assert_int_equal(seen.served_out, 0);
	assert_int_equal(bounds[1].users, 1);
	assert_int_equal(bounds[2].users, 1);
	assert_true(generation_let_in(g)); /* they are on their way */
	timers_run(&loop.timers, loop.now + 1499 * NS_PER_MS);
	assert_int_equal(seen.served_out, 0);
	timers_run(&loop.timers, loop.now + 1500 * NS_PER_MS);
	assert_int_equal(seen.served_out, 2);
	assert_int_equal(seen.users, 0);
	assert_false(generation_let_in(g));
	generation_destroy(&g);
	generation_destroy(&next);
	assert_int_equal(users(), 0);
	loop_fini(&loop);
}

/* At the end there is no next one: the server waits before it comes to that. */
static void keeps_nothing_open_for_no_next_one(void **state)
{
	struct generation *g = create("12");

	(void)state;
	assert_int_equal(generation_spawn(g, NULL), 0);
	holds_back[2] = true;
	assert_true(generation_let_in(g));
	assert_false(generation_let_in(g));
	holds_back[2] = true;
	generation_retire_listeners(g, NULL, NULL);
	assert_int_equal(seen.kept_open, 0);
	assert_int_equal(seen.served_out, 2);
	generation_destroy(&g);
}

static void keeps_open_what_a_new_master_does_not_want(void **state)
{
	struct generation *g = create("12");
	struct loop loop;
	struct children children = {.loop = &loop};

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	assert_int_equal(generation_spawn(g, &children), 0);
	bounds[1].is_unwanted = true;
	holds_back[1] = holds_back[2] = true;
	generation_release_listeners(g, &children);
	assert_int_equal(seen.kept_open, 1);
	assert_int_equal(bounds[1].users, 1);
	assert_int_equal(bounds[2].users, 0);
	assert_true(holds_back[2]); /* the new master's affair */
	timers_run(&loop.timers, loop.now + 1500 * NS_PER_MS);
	assert_int_equal(seen.served_out, 1);
	assert_int_equal(users(), 0);
	generation_destroy(&g);
	loop_fini(&loop);
}

static void its_timer_goes_with_it(void **state)
{
	struct generation *g = create("1"), *next = create("2");
	struct loop loop;
	struct children children = {.loop = &loop};

	(void)state;
	assert_int_equal(loop_init(&loop), 0);
	holds_back[1] = true;
	generation_retire_listeners(g, next, &children);
	generation_destroy(&g);
	assert_int_equal(timers_next(&loop.timers), UINT64_MAX);
	generation_destroy(&next);
	loop_fini(&loop);
}

static void abandons(void **state)
{
	struct generation *g = create("12");

	(void)state;
	generation_abandon_listeners(g);
	assert_int_equal(seen.abandoned, 2);
	generation_destroy(&g);
	assert_int_equal(users(), 0);
}

static void ends_within_the_drain(void **state)
{
	struct generation *g = create("1");

	(void)state;
	assert_int_equal(generation_spawn(g, NULL), 0);
	generation_move(g, NULL, false);
	assert_int_equal(seen.moved, 1);
	assert_int_equal(seen.patience, 7000 + GENERATION_PATIENCE_MS);
	generation_drain(g, NULL, 100);
	assert_int_equal(seen.drained, 1);
	assert_true(generation_is_busy(g, NULL));
	workers[0].is_done = true;
	assert_false(generation_is_busy(g, NULL));
	workers[0].is_done = false;
	workers[0].state = CHILD_DYING;
	assert_false(generation_is_busy(g, NULL));
	generation_destroy(&g);
}

static void reopens(void **state)
{
	struct generation *g = create("1");
	int fd = next_fd(), before = g->access_logs[0];
	char why[WHY_SIZE];

	(void)state;
	assert_int_equal(generation_spawn(g, NULL), 0);
	assert_int_equal(generation_reopen(g, NULL, why), 0);
	assert_int_equal(seen.reopened, 1);
	/* One more, one less. */
	assert_int_not_equal(g->access_logs[0], before);
	before = g->access_logs[0];

	/* One that cannot be opened leaves the old one in use. */
	assert_int_equal(unlink(scratch_path("access.log")), 0);
	assert_int_equal(mkdir(scratch_path("access.log"), 0700), 0);
	assert_int_equal(generation_reopen(g, NULL, why), -1);
	assert_non_null(strstr(why, "access.log"));
	assert_int_equal(seen.reopened, 1);
	assert_int_equal(g->access_logs[0], before);
	generation_destroy(&g);
	assert_true(next_fd() <= fd);
	assert_int_equal(rmdir(scratch_path("access.log")), 0);
}

static int group_begins(void **state)
{
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	return scratch_make(state);
}

static int group_ends(void **state)
{
	buf_free_all();
	return scratch_remove(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(opens_and_closes, reset),
		cmocka_unit_test_setup(nothing_stays_of_one_that_fails, reset),
		cmocka_unit_test_setup(is_ready_when_all_are, reset),
		cmocka_unit_test_setup(first_reason_stays, reset),
		cmocka_unit_test_setup(leaves_what_the_next_has_not, reset),
		cmocka_unit_test_setup(keeps_open_what_holds_clients_back, reset),
		cmocka_unit_test_setup(keeps_nothing_open_for_no_next_one, reset),
		cmocka_unit_test_setup(keeps_open_what_a_new_master_does_not_want,
				       reset),
		cmocka_unit_test_setup(its_timer_goes_with_it, reset),
		cmocka_unit_test_setup(abandons, reset),
		cmocka_unit_test_setup(ends_within_the_drain, reset),
		cmocka_unit_test_setup(reopens, reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, group_begins, group_ends);
}
