/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which workers the watchdog takes for stuck, and what becomes of them. They are
 * processes that do nothing; what is noted in their slots says what they do, so
 * that no test has to wait for a time-out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "master/generation.h"
#include "master/watchdog.h"

enum { LIMIT_MS = 10000 };

static struct loop loop;
static struct children children;
static struct watchdog watchdog;
static struct conf conf = {.timeouts.watchdog = LIMIT_MS};
static struct generation generation = {.conf = &conf};
static unsigned n_gone, n_killed; /* by SIGKILL, of those */

/* The worker: it cannot even be asked for its stack. */
int worker_run(const struct worker_env *env)
{
	sigset_t all;

	(void)env;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (;;)
		pause();
}

static void on_awake(struct children *c)
{
	(void)c;
	watchdog_wake(&watchdog);
}

static void on_gone(struct children *c, const struct child *gone, int status)
{
	(void)c;
	(void)gone;
	n_gone++;
	n_killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static int set_up(void **state)
{
	(void)state;
	n_gone = n_killed = 0;
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	if (loop_init(&loop) == -1 || children_init(&children, &loop) == -1)
		return -1;
	children.on_awake = on_awake;
	children.on_gone = on_gone;
	watchdog_init(&watchdog, &children);
	return 0;
}

static int tear_down(void **state)
{
	struct child *c = NULL;

	(void)state;
	while ((c = children_next(&children, NULL, c)) != NULL)
		kill(c->pid, SIGKILL);
	while (wait(NULL) > 0)
		;
	watchdog_stop(&watchdog);
	children_fini(&children);
	loop_fini(&loop);
	return 0;
}

static uint64_t ago(uint64_t ms)
{
	return clock_read() - ms * NS_PER_MS;
}

/* One that was spawned an hour ago. */
static struct child *spawn(void)
{
	const struct child_spec spec = {
		.generation = &generation,
		.conf = &conf,
		.error_log = -1,
	};
	struct child *child = children_spawn(&children, &spec);

	assert_non_null(child);
	child->started_at = ago(3600 * 1000);
	child->told_at = 0;
	watchdog_stop(&watchdog);
	return child;
}

/* It notes this in its slot: for how long it has been awake, or at rest. */
static void note(struct child *child, bool waits, uint64_t ms)
{
	atomic_store(&child->slot->pulse.woke, ago(ms));
	atomic_store(&child->slot->pulse.waits, waits);
}

static void look(void)
{
	watchdog.timer.on_expire(&watchdog.timer);
}

static bool will_look_again(void)
{
	bool will = timer_is_armed(&watchdog.timer);

	watchdog_stop(&watchdog);
	return will;
}

static void at_work(void **state)
{
	struct child *child = spawn();

	(void)state;
	note(child, false, LIMIT_MS - 1000);
	look();
	look();
	assert_int_not_equal(child->state, CHILD_DYING);
	assert_true(will_look_again());
}

static void stuck(void **state)
{
	struct child *child = spawn();

	(void)state;
	note(child, false, LIMIT_MS + 1000);
	look();
	assert_int_not_equal(child->state, CHILD_DYING);
	assert_true(will_look_again());
	look();
	assert_int_equal(child->state, CHILD_DYING);
	/* Its end has a time of its own. */
	assert_false(will_look_again());
}

/* The machine was asleep, or the master: it has not had the time to wake. */
static void only_seemed_so(void **state)
{
	struct child *child = spawn();

	(void)state;
	note(child, false, 2 * LIMIT_MS);
	look();
	note(child, false, 0);
	look();
	assert_int_not_equal(child->state, CHILD_DYING);
	/* Nor does what was found then count for another time. */
	note(child, false, LIMIT_MS + 1000);
	look();
	assert_int_not_equal(child->state, CHILD_DYING);
}

static void at_rest(void **state)
{
	struct child *child = spawn();

	(void)state;
	note(child, true, 3600 * 1000);
	look();
	look();
	assert_int_not_equal(child->state, CHILD_DYING);
	assert_false(will_look_again());
}

static void told_and_does_not_wake(void **state)
{
	struct child *child = spawn();

	(void)state;
	note(child, true, 3600 * 1000);
	child->told_at = ago(LIMIT_MS - 1000);
	look();
	assert_true(will_look_again());
	look();
	assert_int_not_equal(child->state, CHILD_DYING);
	child->told_at = ago(LIMIT_MS + 1000);
	look();
	look();
	assert_int_equal(child->state, CHILD_DYING);
}

/* load() of a module may take longer than a turn of a loop. */
static void getting_ready(void **state)
{
	struct child *child = spawn();

	(void)state;
	child->started_at = ago(LIMIT_MS + 15000);
	look();
	look();
	assert_int_not_equal(child->state, CHILD_DYING);
	child->started_at = ago(31000);
	look();
	look();
	assert_int_equal(child->state, CHILD_DYING);
}

/* As SIGCHLD would; and as whoever says that workers may be awake. */
static void on_tick(struct timer *timer)
{
	children_reap(&children);
	if (n_gone == 5) {
		loop_stop(&loop);
		return;
	}
	loop_timer(&loop, timer, 20);
	look();
}

/* However often it is looked, and however many are stuck. */
static void each_is_killed_in_its_time(void **state)
{
	struct timer tick;
	uint64_t start = clock_read();

	(void)state;
	for (int i = 0; i < 5; i++)
		note(spawn(), false, LIMIT_MS + 1000);
	timer_init(&tick, on_tick);
	loop_timer(&loop, &tick, 1);
	loop_run(&loop);
	timer_detach(&loop.timers, &tick);
	assert_int_equal(n_killed, 5);
	assert_true(clock_read() - start < 10 * NS_PER_S);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(at_work),
		TEST(stuck),
		TEST(only_seemed_so),
		TEST(at_rest),
		TEST(told_and_does_not_wake),
		TEST(getting_ready),
		TEST(each_is_killed_in_its_time),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
