/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The child table, with real processes that are no workers: what they say, how
 * they end, what they are told, and what becomes of their slots.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/shared/channel.h"
#include "master/children.h"

static struct loop loop;
static struct children children;
static struct conf conf;
static int owner; /* stands for a generation: only its address counts */

/* What the owner has heard. */
static struct {
	unsigned ready, paused, leaving, left, gone;
	struct child last; /* of those that are gone */
	int status;
} heard;

/* The process. */

static int (*life)(const struct worker_env *env);

int worker_run(const struct worker_env *env)
{
	return life(env);
}

static void say(const struct worker_env *env, uint32_t type, uint64_t number,
		const char *text)
{
	struct message message = {.type = type, .number = number};

	strncpy(message.text, text, sizeof(message.text) - 1);
	if (channel_send(env->channel, &message, sizeof(message), NULL, 0) !=
	    CHANNEL_OK)
		_exit(99);
}

/* The next message from the master; it ends the process when there is none. */
static struct message next(const struct worker_env *env)
{
	struct pollfd ready = {.fd = env->channel, .events = POLLIN};
	struct message message = {0};
	int fds[CHANNEL_FDS];
	size_t n, n_fds;

	if (poll(&ready, 1, -1) != 1 ||
	    channel_receive(env->channel, &message, sizeof(message), &n, fds,
			    &n_fds) != CHANNEL_OK)
		_exit(98);
	return message;
}

static int exits(const struct worker_env *env)
{
	env->slot->counters.requests = 7;
	return 3;
}

static int fails(const struct worker_env *env)
{
	say(env, MESSAGE_FAILED, 0, "no such thing");
	return 1;
}

static int serves(const struct worker_env *env)
{
	say(env, MESSAGE_READY, 0, "");
	if (next(env).type != MESSAGE_START)
		return 97;
	say(env, MESSAGE_PAUSED, 0, "");
	struct message drain = next(env);

	if (drain.type != MESSAGE_DRAIN || drain.number != 250)
		return 96;
	say(env, MESSAGE_NOT_ACCEPTING, 0, "");
	say(env, MESSAGE_DRAINED, 5, "");
	return 0;
}

static int talks_nonsense(const struct worker_env *env)
{
	say(env, 777, 0, "");
	pause();
	return 93;
}

static int stays(const struct worker_env *env)
{
	(void)env;
	pause();
	return 93;
}

static int is_short(const struct worker_env *env)
{
	if (channel_send(env->channel, "short", 5, NULL, 0) != CHANNEL_OK)
		return 95;
	say(env, MESSAGE_READY, 0, "");
	return (int)next(env).type == MESSAGE_START ? 0 : 94;
}

/* The owner. */

static void on_awake(struct children *c)
{
	(void)c;
}

static void on_ready(struct children *c, struct child *child)
{
	assert_ptr_equal(c, &children);
	assert_int_equal(child->state, CHILD_READY);
	heard.ready++;
	child_start(child);
	assert_int_equal(child->state, CHILD_SERVING);
}

static void on_paused(struct children *c, struct child *child)
{
	(void)c;
	heard.paused++;
	child_drain(child, 250, 60000);
	assert_int_equal(child->state, CHILD_DRAINING);
	assert_true(children_still_accept(&children));
}

static void on_not_accepting(struct children *c)
{
	heard.left++;
	assert_false(children_still_accept(c));
}

static void on_signalled(struct children *c, struct child *child)
{
	(void)c;
	(void)child;
	heard.leaving++;
}

static void on_gone(struct children *c, const struct child *gone, int status)
{
	heard.gone++;
	heard.last = *gone;
	heard.status = status;
	/* Its slot is free by now. */
	assert_int_equal(c->table[gone->number].state, CHILD_FREE);
	loop_stop(c->loop);
}

static int set_up(void **state)
{
	(void)state;
	memset(&heard, 0, sizeof(heard));
	if (loop_init(&loop) == -1 || children_init(&children, &loop) == -1)
		return -1;
	children.on_awake = on_awake;
	children.on_ready = on_ready;
	children.on_paused = on_paused;
	children.on_signalled = on_signalled;
	children.on_not_accepting = on_not_accepting;
	children.on_gone = on_gone;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	children_fini(&children);
	loop_fini(&loop);
	return 0;
}

static struct child *spawn(int (*with)(const struct worker_env *env))
{
	const struct child_spec spec = {
		.generation = (struct generation *)(void *)&owner,
		.conf = &conf,
		.generation_number = 1,
		.error_log = -1,
	};

	life = with;
	struct child *child = children_spawn(&children, &spec);

	assert_non_null(child);
	assert_int_equal(child->state, CHILD_STARTING);
	return child;
}

/* As SIGCHLD would. */
static void on_look(struct timer *timer)
{
	children_reap(&children);
	loop_timer(&loop, timer, 5);
}

/* Until one is gone. */
static void run(void)
{
	struct timer look;

	timer_init(&look, on_look);
	loop_timer(&loop, &look, 5);
	loop.stopped = false;
	loop_run(&loop);
	timer_detach(&loop.timers, &look);
}

static void ends_by_itself(void **state)
{
	struct child *child = spawn(exits);
	pid_t pid = child->pid;

	(void)state;
	assert_int_equal(children_count(&children, NULL), 1);
	run();
	assert_int_equal(heard.gone, 1);
	assert_int_equal(heard.last.pid, pid);
	assert_true(WIFEXITED(heard.status));
	assert_int_equal(WEXITSTATUS(heard.status), 3);
	assert_int_equal(children_count(&children, NULL), 0);
	/* What it counted is kept; its slot is empty for the next. */
	assert_int_equal(children.retired.requests, 7);
	assert_int_equal(children.board->slots[0].counters.requests, 0);
}

static void says_why(void **state)
{
	(void)state;
	spawn(fails);
	run();
	assert_int_equal(heard.ready, 0);
	assert_string_equal(heard.last.failure, "no such thing");
	/* The next in that slot has a clean one. */
	spawn(exits);
	run();
	assert_string_equal(heard.last.failure, "");
}

static void a_whole_life(void **state)
{
	struct child *child = spawn(serves);

	(void)state;
	run();
	assert_int_equal(heard.ready, 1);
	assert_int_equal(heard.paused, 1);
	assert_int_equal(heard.left, 1);
	assert_int_equal(WEXITSTATUS(heard.status), 0);
	assert_true(heard.last.is_done);
	assert_int_equal(child->state, CHILD_FREE);
	assert_false(timer_is_armed(&child->kill_timer));
}

static void nonsense_is_deadly(void **state)
{
	(void)state;
	spawn(talks_nonsense);
	run();
	assert_true(WIFSIGNALED(heard.status));
	assert_int_equal(WTERMSIG(heard.status), SIGKILL);
}

static void half_a_message_means_nothing(void **state)
{
	(void)state;
	spawn(is_short);
	run();
	assert_int_equal(heard.ready, 1);
	assert_int_equal(WEXITSTATUS(heard.status), 0);
}

/* Whatever it was told to end by, it is killed when it has not. */
static void patience_ends(void **state)
{
	for (int way = 0; way < 4; way++) {
		struct child *child = spawn(stays);

		if (way == 0)
			child_move(child, 20, false);
		else if (way == 1)
			child_drain(child, 0, 20);
		else if (way == 2)
			child_stop(child, 20);
		else
			child_kill(child);
		run();
		assert_true(WIFSIGNALED(heard.status));
		assert_int_equal(WTERMSIG(heard.status), SIGKILL);
	}
	assert_int_equal(heard.gone, 4);
	(void)state;
}

/* Who does not read what it is told is killed. */
static void does_not_listen(void **state)
{
	struct child *child = spawn(stays);

	(void)state;
	for (int i = 0; i < 100000 && child->state != CHILD_DYING; i++)
		child_unready(child);
	assert_int_equal(child->state, CHILD_DYING);
	run();
	assert_int_equal(WTERMSIG(heard.status), SIGKILL);
}

static void slots(void **state)
{
	const struct generation *mine = (struct generation *)(void *)&owner;
	struct child *a = spawn(stays), *b = spawn(stays), *c = spawn(stays);

	(void)state;
	assert_int_equal(a->number, 0);
	assert_int_equal(b->number, 1);
	assert_int_equal(c->number, 2);
	assert_int_equal(children.board->n_used, 3);
	assert_ptr_equal(children_next(&children, mine, NULL), a);
	assert_ptr_equal(children_next(&children, mine, a), b);
	child_stop(b, 60000);
	assert_int_equal(children_count(&children, mine), 3);
	assert_int_equal(children_count_staying(&children, mine), 2);
	child_kill(b);
	run();
	assert_int_equal(heard.last.number, 1);
	assert_ptr_equal(children_next(&children, mine, a), c);
	assert_ptr_equal(children_next(&children, mine, c), NULL);
	/* The first that is free is the next that is used. */
	assert_ptr_equal(spawn(stays), b);
	while ((a = children_next(&children, mine, NULL)) != NULL) {
		child_kill(a);
		run();
	}
	assert_int_equal(children_count(&children, NULL), 0);
}

#define CHILDREN_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHILDREN_TEST(ends_by_itself),
		CHILDREN_TEST(says_why),
		CHILDREN_TEST(a_whole_life),
		CHILDREN_TEST(nonsense_is_deadly),
		CHILDREN_TEST(half_a_message_means_nothing),
		CHILDREN_TEST(patience_ends),
		CHILDREN_TEST(does_not_listen),
		CHILDREN_TEST(slots),
	};

	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
