/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work beside the loop: in the order in which it came, told in the loop, no
 * more of it than was agreed, and ended as it is asked to end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/offload.h"
#include "t/unit/base/child.h"
#include "t/unit/base/scratch.h"

enum { JOBS = 100 };

static struct loop loop;
static struct offload offload;
static struct timer give_up_timer;

/* What the jobs of a test have done, in the thread and in the loop. */
static struct {
	unsigned n_worked, n_done, n_dropped;
	unsigned wanted; /* then the loop stops */
	unsigned again;  /* this many are submitted from their done() */
	pthread_t worked_in;
	int gate[2]; /* a pipe: gated work reads a byte first */
} seen;

struct task_job {
	struct job job;
	unsigned number;
};

static void on_give_up(struct timer *timer)
{
	(void)timer;
	fail_msg("nothing happened for 20 seconds");
}

static int set_up(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	if (pipe2(seen.gate, O_CLOEXEC) == -1 || loop_init(&loop) == -1)
		return -1;
	timer_init(&give_up_timer, on_give_up);
	loop_timer(&loop, &give_up_timer, 20000);
	offload_init(&offload, &loop, "unit test", JOBS);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	loop_fini(&loop);
	fd_close(&seen.gate[0]);
	fd_close(&seen.gate[1]);
	return 0;
}

static unsigned count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	const struct dirent *entry;
	unsigned n = 0;

	assert_non_null(tasks);
	while ((entry = readdir(tasks)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(tasks);
	return n;
}

static void work(struct job *job)
{
	struct task_job *t = CONTAINER_OF(job, struct task_job, job);

	/* In order; an assertion would not work in this thread. */
	if (t->number != seen.n_worked)
		abort();
	seen.n_worked++;
	seen.worked_in = pthread_self();
}

static void gated(struct job *job)
{
	char byte;

	if (read(seen.gate[0], &byte, 1) != 1)
		abort();
	work(job);
}

static void open_gate(unsigned n)
{
	while (n-- > 0)
		assert_int_equal(write(seen.gate[1], "x", 1), 1);
}

static void done(struct job *job)
{
	struct task_job *t = CONTAINER_OF(job, struct task_job, job);

	if (job->dropped) {
		seen.n_dropped++;
		return;
	}
	assert_int_equal(t->number, seen.n_done);
	seen.n_done++;
	if (seen.again > 0) {
		seen.again--;
		t->number = seen.n_done;
		assert_true(offload_submit(&offload, job));
	}
	if (seen.n_done == seen.wanted)
		loop_stop(&loop);
}

static void submit(struct task_job *jobs, unsigned n, void (*how)(struct job *job))
{
	for (unsigned i = 0; i < n; i++) {
		jobs[i] = (struct task_job){{.work = how, .done = done}, i};
		assert_true(offload_submit(&offload, &jobs[i].job));
	}
}

static void run_until(unsigned wanted)
{
	seen.wanted = wanted;
	loop.stopped = false;
	loop_run(&loop);
	assert_int_equal(seen.n_done, wanted);
}

static void in_order_and_told_in_the_loop(void **state)
{
	struct task_job jobs[JOBS];

	(void)state;
	submit(jobs, JOBS, work);
	assert_int_equal(seen.n_done, 0);
	run_until(JOBS);
	assert_int_equal(seen.n_worked, JOBS);
	assert_false(pthread_equal(seen.worked_in, pthread_self()));
	assert_true(offload_fini(&offload, OFFLOAD_RUN, UINT64_MAX));
	assert_int_equal(seen.n_dropped, 0);
}

static void again_from_done(void **state)
{
	struct task_job job;

	(void)state;
	seen.again = 999;
	submit(&job, 1, work);
	run_until(1000);
	assert_true(offload_fini(&offload, OFFLOAD_RUN, UINT64_MAX));
}

static void no_thread_before_the_first_job(void **state)
{
	struct task_job job;
	unsigned before = count_threads();

	(void)state;
	assert_false(offload.has_thread);
	submit(&job, 1, gated);
	assert_int_equal(count_threads(), before + 1);
	open_gate(1);
	run_until(1);
	assert_true(offload_fini(&offload, OFFLOAD_RUN, UINT64_MAX));
	assert_int_equal(count_threads(), before);
	/* And one that never had work has nothing to end. */
	offload_init(&offload, &loop, "unit test", 1);
	assert_true(offload_fini(&offload, OFFLOAD_DROP, 0));
}

static void bounded(void **state)
{
	struct task_job jobs[JOBS + 1];

	(void)state;
	submit(jobs, JOBS, gated);
	jobs[JOBS] = (struct task_job){{.work = work, .done = done}, JOBS};
	assert_false(offload_submit(&offload, &jobs[JOBS].job));
	open_gate(JOBS);
	run_until(JOBS);
	assert_true(offload_submit(&offload, &jobs[JOBS].job));
	run_until(JOBS + 1);
	assert_true(offload_fini(&offload, OFFLOAD_RUN, UINT64_MAX));
}

/* Which jobs were run, in their order, as letters. */
static char order[64];

struct letter_job {
	struct job job;
	char letter;
};

static void letter_work(struct job *job)
{
	size_t n = strlen(order);

	order[n] = CONTAINER_OF(job, struct letter_job, job)->letter;
	order[n + 1] = '\0';
}

static void letter_gated(struct job *job)
{
	char byte;

	if (read(seen.gate[0], &byte, 1) != 1)
		abort();
	letter_work(job);
}

static void letter_done(struct job *job)
{
	seen.n_dropped += job->dropped;
	if (++seen.n_done == seen.wanted)
		loop_stop(&loop);
}

static bool submit_letter(struct letter_job *j, uint64_t client, char letter)
{
	*j = (struct letter_job){
		{.work = letter == '!' ? letter_gated : letter_work,
		 .done = letter_done,
		 .client = client},
		letter};
	return offload_submit(&offload, &j->job);
}

/* Takes the first job off the queue, so that what comes is in the queue. */
static void hold_thread(struct letter_job *gate)
{
	order[0] = '\0';
	assert_true(submit_letter(gate, 0, '!'));
	for (;;) {
		pthread_mutex_lock(&offload.lock);
		bool is_running = !gate->job.is_queued;

		pthread_mutex_unlock(&offload.lock);
		if (is_running)
			break;
		sched_yield();
	}
}

static void clients_take_turns(void **state)
{
	static const struct {
		uint64_t client;
		char letter;
	} jobs_of[] = {
		{1, 'a'}, {1, 'b'}, {1, 'c'}, {2, 'x'},
		{2, 'y'}, {3, 'm'}, {1, 'd'}, {0, 'z'},
	};
	struct letter_job gate, jobs[8];

	(void)state;
	hold_thread(&gate);
	for (size_t i = 0; i < 8; i++)
		assert_true(submit_letter(&jobs[i], jobs_of[i].client,
					  jobs_of[i].letter));
	open_gate(1);
	run_until(9);
	assert_string_equal(order, "!axmbycdz");
	assert_true(offload_fini(&offload, OFFLOAD_RUN, UINT64_MAX));
}

static void cancelled_jobs_are_not_run(void **state)
{
	struct letter_job gate, jobs[3];

	(void)state;
	hold_thread(&gate);
	for (int i = 0; i < 3; i++)
		assert_true(submit_letter(&jobs[i], 1, (char)('a' + i)));
	assert_true(offload_cancel(&offload, &jobs[1].job));
	assert_false(offload_cancel(&offload, &jobs[1].job));
	assert_false(offload_cancel(&offload, &gate.job));
	assert_int_equal(offload.held, 3);
	open_gate(1);
	run_until(3);
	assert_false(offload_cancel(&offload, &jobs[0].job));
	assert_string_equal(order, "!ac");
	assert_int_equal(offload.held, 0);
	assert_true(offload_fini(&offload, OFFLOAD_RUN, UINT64_MAX));
}

/* A queue that one client has filled has room for another. */
static void no_client_fills_the_queue(void **state)
{
	static struct letter_job gate, jobs[JOBS + 4];
	unsigned n = 0;

	(void)state;
	hold_thread(&gate);
	while (n < JOBS - 1)
		assert_true(submit_letter(&jobs[n++], 1, 'a'));
	assert_false(submit_letter(&jobs[n], 1, 'a'));
	assert_false(submit_letter(&jobs[n], 0, 'z'));
	assert_true(submit_letter(&jobs[n], 2, 'x'));
	assert_true(submit_letter(&jobs[n + 1], 2, 'y'));
	assert_true(jobs[JOBS - 2].job.dropped);
	assert_true(jobs[JOBS - 3].job.dropped);
	assert_false(jobs[JOBS - 4].job.dropped);
	order[40] = '\0';
	/* So that the letters find room. */
	for (unsigned i = 0; i < JOBS - 3; i++)
		if (i > 5)
			assert_true(offload_cancel(&offload, &jobs[i].job));
	open_gate(1);
	run_until(1 + 6 + 2 + 2);
	assert_string_equal(order, "!axayaaaa");
	assert_int_equal(seen.n_dropped, 2);
	assert_int_equal(offload.held, 0);
	assert_int_equal(offload.n_pushed, 0);
	assert_true(offload_fini(&offload, OFFLOAD_RUN, UINT64_MAX));
}

static void fini_runs(void **state)
{
	struct task_job jobs[10];

	(void)state;
	submit(jobs, 10, gated);
	open_gate(10);
	assert_true(offload_fini(&offload, OFFLOAD_RUN, UINT64_MAX));
	assert_int_equal(seen.n_done, 10);
	assert_int_equal(seen.n_dropped, 0);
}

static void *open_gate_when_ending(void *context)
{
	bool is_ending = false;

	(void)context;
	while (!is_ending) {
		pthread_mutex_lock(&offload.lock);
		is_ending = offload.is_ending;
		pthread_mutex_unlock(&offload.lock);
	}
	open_gate(1);
	return NULL;
}

static void fini_drops(void **state)
{
	struct task_job jobs[10];
	pthread_t opener;

	(void)state;
	submit(jobs, 10, gated);
	/* The first one is taken, and then the rest is dropped. */
	for (bool is_taken = false; !is_taken;) {
		pthread_mutex_lock(&offload.lock);
		is_taken = offload.queued.next == &jobs[1].job.link;
		pthread_mutex_unlock(&offload.lock);
	}
	assert_int_equal(pthread_create(&opener, NULL, open_gate_when_ending, NULL),
			 0);
	assert_true(offload_fini(&offload, OFFLOAD_DROP, UINT64_MAX));
	pthread_join(opener, NULL);
	assert_int_equal(seen.n_worked, 1);
	assert_int_equal(seen.n_done, 1);
	assert_int_equal(seen.n_dropped, 9);
}

/* A process that does not wait for ever; in a child, as it has to end. */
static void leave_behind(void)
{
	struct task_job jobs[2];
	uint64_t then = clock_read();

	submit(jobs, 2, gated);
	CHILD_CHECK(!offload_fini(&offload, OFFLOAD_RUN, 20));
	CHILD_CHECK(clock_read() - then >= 20 * NS_PER_MS);
	CHILD_CHECK(seen.n_done + seen.n_dropped == 0);
}

static void fini_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(child_status(leave_behind), 0);
	assert_true(offload_fini(&offload, OFFLOAD_RUN, UINT64_MAX));
}

static void waits(void **state)
{
	struct task_job job;

	(void)state;
	assert_true(offload_wait(&offload, 0));
	submit(&job, 1, gated);
	assert_false(offload_wait(&offload, 20));
	assert_int_equal(seen.n_done, 0);
	/* Those that come from done() too. */
	seen.again = 9;
	open_gate(10);
	assert_true(offload_wait(&offload, UINT64_MAX));
	assert_int_equal(seen.n_done, 10);
	assert_true(offload_fini(&offload, OFFLOAD_RUN, UINT64_MAX));
}

/* The name is set after the thread has begun: it waits for the gate. */
static void look_at_itself(struct job *job)
{
	char name[16] = "", byte;
	sigset_t blocked;

	(void)job;
	if (read(seen.gate[0], &byte, 1) != 1)
		abort();
	pthread_getname_np(pthread_self(), name, sizeof(name));
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	seen.n_worked += strcmp(name, "unit test") == 0 &&
			 sigismember(&blocked, SIGTERM) == 1 &&
			 sigismember(&blocked, SIGABRT) == 1 &&
			 sigismember(&blocked, SIGUSR2) == 1 &&
			 sigismember(&blocked, SIGSEGV) == 0;
}

static void named_and_deaf(void **state)
{
	struct task_job job;
	sigset_t ours;

	(void)state;
	submit(&job, 1, look_at_itself);
	open_gate(1);
	run_until(1);
	assert_int_equal(seen.n_worked, 1);
	pthread_sigmask(SIG_SETMASK, NULL, &ours);
	assert_int_equal(sigismember(&ours, SIGTERM), 0);
	assert_true(offload_fini(&offload, OFFLOAD_RUN, UINT64_MAX));
}

static void fault(struct job *job)
{
	(void)job;
	abort();
}

static void die_in_the_thread(void)
{
	struct task_job job;

	crash_install("unit test");
	submit(&job, 1, fault);
	loop_run(&loop);
}

static void faults_leave_a_stack(void **state)
{
	(void)state;
	log_set_fd(fd_open_log(scratch_path("log")));
	int status = child_status(die_in_the_thread);

	log_set_fd(STDERR_FILENO);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	char *text = scratch_read("log");

	assert_non_null(strstr(text, "signal 6; the stack is:\n"));
	free(text);
	assert_true(offload_fini(&offload, OFFLOAD_RUN, UINT64_MAX));
}

#define OFFLOAD_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OFFLOAD_TEST(in_order_and_told_in_the_loop),
		OFFLOAD_TEST(again_from_done),
		OFFLOAD_TEST(no_thread_before_the_first_job),
		OFFLOAD_TEST(bounded),
		OFFLOAD_TEST(clients_take_turns),
		OFFLOAD_TEST(cancelled_jobs_are_not_run),
		OFFLOAD_TEST(no_client_fills_the_queue),
		OFFLOAD_TEST(fini_runs),
		OFFLOAD_TEST(fini_drops),
		OFFLOAD_TEST(fini_is_bounded),
		OFFLOAD_TEST(waits),
		OFFLOAD_TEST(named_and_deaf),
		OFFLOAD_TEST(faults_leave_a_stack),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
