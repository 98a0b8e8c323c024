/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop: events, timers and tasks each get their turn, and what dies
 * in a callback is still there until the end of the tick.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/loop.h"
#include "t/unit/base/child.h"

enum { MOST_TICKS = 2000 }; /* a test that waits for longer has failed */

static struct loop loop;
static unsigned ticks;
static struct timer give_up_timer;

/* The end of a tick, for the tests that have something to do there. */
static void (*at_tick_end)(void);

static void on_tick_end(struct loop *l)
{
	assert_ptr_equal(l, &loop);
	assert_ptr_equal(l->context, &ticks);
	if (at_tick_end != NULL)
		at_tick_end();
	if (++ticks >= MOST_TICKS)
		loop_stop(l);
}

static void on_give_up(struct timer *timer)
{
	(void)timer;
	fail_msg("nothing happened for 5 seconds");
}

static int set_up(void **state)
{
	(void)state;
	if (loop_init(&loop) == -1)
		return -1;
	loop.on_tick_end = on_tick_end;
	loop.context = &ticks;
	at_tick_end = NULL;
	ticks = 0;
	timer_init(&give_up_timer, on_give_up);
	loop_timer(&loop, &give_up_timer, 5000);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	loop_fini(&loop);
	return loop.epoll_fd == -1 ? 0 : -1;
}

/* Until somebody stops it, in one piece or in several. */
static void run(void)
{
	loop.stopped = false;
	loop_run(&loop);
	assert_true(ticks < MOST_TICKS);
}

/* A watched descriptor, and what was heard of it. */
struct ear {
	struct watch watch;
	unsigned heard;
	uint32_t events;
	void (*then)(struct ear *ear);
};

static void on_event(struct watch *watch, uint32_t events)
{
	struct ear *ear = CONTAINER_OF(watch, struct ear, watch);

	ear->heard++;
	ear->events = events;
	if (ear->then != NULL)
		ear->then(ear);
	else
		loop_stop(&loop);
}

static void listen_to(struct ear *ear, int fd, uint32_t events)
{
	*ear = (struct ear){.watch = {.on_event = on_event, .fd = fd}};
	assert_int_equal(loop_add(&loop, &ear->watch, events), 0);
}

static void wake(int fd)
{
	const uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static void quiet(int fd)
{
	uint64_t n;

	assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
}

static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

struct stopper {
	struct timer timer;
	uint64_t at; /* when it fired, by the loop's clock */
};

static void on_stopper(struct timer *timer)
{
	CONTAINER_OF(timer, struct stopper, timer)->at = loop.now;
	loop_stop(&loop);
}

static void stop_in(struct stopper *s, uint64_t ms)
{
	timer_init(&s->timer, on_stopper);
	loop_timer(&loop, &s->timer, ms);
}

static void hears_pipes(void **state)
{
	struct ear reader, writer;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	listen_to(&writer, ends[1], EPOLLOUT | EPOLLET);
	run();
	assert_int_equal(writer.heard, 1);
	assert_int_equal(writer.events, EPOLLOUT);
	listen_to(&reader, ends[0], EPOLLIN);
	wake(ends[1]);
	run();
	assert_int_equal(reader.heard, 1);
	assert_int_equal(reader.events, EPOLLIN);
	/* Level-triggered: as long as it is not read. */
	run();
	assert_int_equal(reader.heard, 2);
	quiet(ends[0]);
	fd_close(&ends[1]);
	run();
	assert_int_equal(reader.heard, 3);
	assert_true(reader.events & EPOLLHUP);
	assert_int_equal(writer.heard, 1);
	fd_close(&ends[0]);
}

static void hears_what_it_asked_for(void **state)
{
	struct stopper soon;
	struct ear ear;
	int fd = new_eventfd();

	(void)state;
	listen_to(&ear, fd, EPOLLIN);
	wake(fd);
	loop_modify(&loop, &ear.watch, 0);
	stop_in(&soon, 1);
	run();
	assert_int_equal(ear.heard, 0);
	loop_modify(&loop, &ear.watch, EPOLLIN);
	run();
	assert_int_equal(ear.heard, 1);
	loop_remove(&loop, &ear.watch);
	stop_in(&soon, 1);
	run();
	assert_int_equal(ear.heard, 1);
	/* And again. */
	assert_int_equal(loop_add(&loop, &ear.watch, EPOLLIN | EPOLLET), 0);
	run();
	assert_int_equal(ear.heard, 2);
	/* Edge-triggered: not until there is more. */
	stop_in(&soon, 1);
	run();
	assert_int_equal(ear.heard, 2);
	wake(fd);
	run();
	assert_int_equal(ear.heard, 3);
	fd_close(&fd);
}

static void refuses_what_it_cannot_watch(void **state)
{
	struct watch closed = {.on_event = on_event, .fd = -1};
	struct ear ear;
	int fd = new_eventfd();

	(void)state;
	assert_int_equal(loop_add(&loop, &closed, EPOLLIN), -1);
	assert_int_equal(errno, EBADF);
	listen_to(&ear, fd, EPOLLIN);
	assert_int_equal(loop_add(&loop, &ear.watch, EPOLLIN), -1);
	assert_int_equal(errno, EEXIST);
	fd_close(&fd);
}

static void remove_unknown(void)
{
	struct watch closed = {.on_event = on_event, .fd = -1};

	loop_remove(&loop, &closed);
}

static void modify_unknown(void)
{
	struct watch closed = {.on_event = on_event, .fd = -1};

	loop_modify(&loop, &closed, EPOLLIN);
}

static void unknown_watches_are_fatal(void **state)
{
	(void)state;
	child_aborts(remove_unknown);
	child_aborts(modify_unknown);
}

static void timers_fire_in_time(void **state)
{
	struct stopper first, second;
	uint64_t start = loop.now;

	(void)state;
	stop_in(&second, 6);
	stop_in(&first, 3);
	run();
	assert_true(first.at >= start + 3 * NS_PER_MS);
	/* Unless we were stopped for so long that both were due. */
	if (timer_is_armed(&second.timer))
		run();
	assert_true(second.at >= start + 6 * NS_PER_MS);
	assert_true(second.at >= first.at);
	/* The wait is rounded up: it does not spin before the time comes. */
	assert_true(ticks < 10);
	assert_true(loop.now <= clock_read());
}

static void timers_of_now_fire_at_once(void **state)
{
	struct stopper now;

	(void)state;
	stop_in(&now, 0);
	run();
	assert_true(ticks <= 2);
}

/* A task that counts, and goes on for as many turns as it shall. */
struct work {
	struct task task;
	unsigned runs, max;
	unsigned last_tick;
};

static void do_work(struct task *task)
{
	struct work *work = CONTAINER_OF(task, struct work, task);

	/* Once a tick, however it was queued. */
	assert_true(work->runs == 0 || ticks > work->last_tick);
	work->last_tick = ticks;
	if (++work->runs < work->max)
		loop_queue(&loop, task);
}

static void work_init(struct work *work, unsigned max)
{
	*work = (struct work){.max = max};
	task_init(&work->task, do_work);
}

static void stop(struct task *task)
{
	(void)task;
	loop_stop(&loop);
}

static void tasks_run_once(void **state)
{
	struct work one, other;
	struct task last;

	(void)state;
	work_init(&one, 1);
	work_init(&other, 1);
	task_init(&last, stop);
	loop_queue(&loop, &one.task);
	loop_queue(&loop, &other.task);
	loop_queue(&loop, &one.task);
	loop_queue(&loop, &last);
	run();
	assert_int_equal(one.runs, 1);
	assert_int_equal(other.runs, 1);
	loop_queue(&loop, &last);
	run();
	assert_int_equal(one.runs, 1);
	loop_queue(&loop, &one.task);
	loop_queue(&loop, &last);
	run();
	assert_int_equal(one.runs, 2);
}

/* Two events, what both of them put off, and a timer that is due then. */
static struct {
	struct task task;
	struct ear ears[2];
	struct stopper due;
	unsigned runs;
} put_off;

static void stop_after_two(void)
{
	if (ticks == 1)
		loop_stop(&loop);
}

static void then_put_off(struct ear *ear)
{
	quiet(ear->watch.fd);
	assert_int_equal(put_off.runs, 0);
	loop_put_off(&loop, &put_off.task);
	timer_arm(&loop.timers, &put_off.due.timer, loop.now);
}

static void do_put_off(struct task *task)
{
	assert_int_equal(put_off.ears[0].heard, 1);
	assert_int_equal(put_off.ears[1].heard, 1);
	if (++put_off.runs == 1)
		assert_int_equal(put_off.due.at, 0);
	if (put_off.runs < 3)
		loop_put_off(&loop, task);
}

static void what_is_put_off_follows_the_events(void **state)
{
	int fds[] = {new_eventfd(), new_eventfd()};

	(void)state;
	put_off.runs = 0;
	task_init(&put_off.task, do_put_off);
	put_off.due = (struct stopper){0};
	timer_init(&put_off.due.timer, on_stopper);
	for (int i = 0; i < 2; i++) {
		listen_to(&put_off.ears[i], fds[i], EPOLLIN);
		put_off.ears[i].then = then_put_off;
		wake(fds[i]);
	}
	run();
	assert_int_equal(put_off.runs, 1);
	assert_int_not_equal(put_off.due.at, 0);
	/* Put off anew, it comes in the next tick, which waits for nothing. */
	ticks = 0;
	at_tick_end = stop_after_two;
	run();
	assert_int_equal(put_off.runs, 3);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}

static struct work *to_cancel;

static void cancel_another(struct task *task)
{
	(void)task;
	task_cancel(&to_cancel->task);
}

static void tasks_are_cancelled(void **state)
{
	struct work waiting, running;
	struct task canceller, last;

	(void)state;
	work_init(&waiting, 1);
	work_init(&running, 1);
	task_init(&canceller, cancel_another);
	task_init(&last, stop);
	loop_queue(&loop, &waiting.task);
	task_cancel(&waiting.task);
	task_cancel(&waiting.task);
	/* By a task before it, in the same tick. */
	to_cancel = &running;
	loop_queue(&loop, &canceller);
	loop_queue(&loop, &running.task);
	loop_queue(&loop, &last);
	run();
	assert_int_equal(waiting.runs, 0);
	assert_int_equal(running.runs, 0);
	loop_queue(&loop, &waiting.task);
	loop_queue(&loop, &last);
	run();
	assert_int_equal(waiting.runs, 1);
}

static void then_quiet_and_stop(struct ear *ear)
{
	quiet(ear->watch.fd);
	loop_stop(&loop);
}

static void endless_task_starves_nobody(void **state)
{
	struct stopper soon;
	struct work endless;
	struct ear ear;
	int fd = new_eventfd();

	(void)state;
	work_init(&endless, UINT32_MAX);
	loop_queue(&loop, &endless.task);
	listen_to(&ear, fd, EPOLLIN);
	ear.then = then_quiet_and_stop;
	wake(fd);
	run();
	assert_int_equal(ear.heard, 1);
	assert_true(ticks <= 2);
	/* Neither does it starve timers; and it has gone on meanwhile. */
	ticks = 0;
	endless.last_tick = 0;
	endless.runs = 0;
	loop_timer(&loop, &give_up_timer, 5000);
	timer_init(&soon.timer, on_stopper);
	timer_arm(&loop.timers, &soon.timer, loop.now + 1);
	run();
	assert_true(ticks <= 2);
	assert_true(endless.runs > 0);
	task_cancel(&endless.task);
	fd_close(&fd);
}

/* Two that are ready in the same tick; whoever is called first closes both.
 * The other may still be called, but the object has to be there, and after
 * this tick it is never called again. */
static struct ear *pair[2];

static void bury(void)
{
	for (int i = 0; i < 2; i++) {
		if (pair[i] != NULL && pair[i]->watch.fd == -1) {
			free(pair[i]);
			pair[i] = NULL;
		}
	}
}

static void then_close_both(struct ear *ear)
{
	assert_int_equal(ear->heard, 1);
	for (int i = 0; i < 2; i++) {
		if (pair[i]->watch.fd == -1)
			continue;
		loop_remove(&loop, &pair[i]->watch);
		fd_close(&pair[i]->watch.fd);
	}
}

static void closing_in_callbacks(void **state)
{
	struct stopper soon;

	(void)state;
	at_tick_end = bury;
	for (int i = 0; i < 2; i++) {
		int fd = new_eventfd();

		pair[i] = calloc(1, sizeof(*pair[i]));
		assert_non_null(pair[i]);
		listen_to(pair[i], fd, EPOLLIN);
		pair[i]->then = then_close_both;
		wake(fd);
	}
	stop_in(&soon, 2);
	run();
	assert_null(pair[0]);
	assert_null(pair[1]);
}

/* As for signals and channels: closing is enough to be watched no more. */
static void then_close(struct ear *ear)
{
	fd_close(&ear->watch.fd);
}

static void closed_is_not_watched(void **state)
{
	struct stopper soon;
	struct ear ear;

	(void)state;
	listen_to(&ear, new_eventfd(), EPOLLIN);
	ear.then = then_close;
	wake(ear.watch.fd);
	stop_in(&soon, 2);
	run();
	assert_int_equal(ear.heard, 1);
}

/* More are ready than one epoll_wait(2) brings. */
enum { MANY = 300 };

static unsigned n_closed;

static void then_close_and_count(struct ear *ear)
{
	then_close(ear);
	if (++n_closed == MANY)
		loop_stop(&loop);
}

static void many_events(void **state)
{
	static struct ear ears[MANY];

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		listen_to(&ears[i], new_eventfd(), EPOLLIN);
		ears[i].then = then_close_and_count;
		wake(ears[i].watch.fd);
	}
	run();
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(ears[i].heard, 1);
}

/* In a tick: events, then timers, then tasks, then its end. */
static char order[8];
static size_t n_order;

static void note(char what)
{
	if (n_order < sizeof(order) - 1)
		order[n_order++] = what;
}

static void then_note(struct ear *ear)
{
	note('e');
	quiet(ear->watch.fd);
}

static void note_timer(struct timer *timer)
{
	(void)timer;
	note('t');
}

static void note_task(struct task *task)
{
	(void)task;
	note('q');
	loop_stop(&loop);
}

static void note_end(void)
{
	note('.');
}

static void order_of_a_tick(void **state)
{
	struct timer timer;
	struct task task;
	struct ear ear;

	(void)state;
	at_tick_end = note_end;
	task_init(&task, note_task);
	loop_queue(&loop, &task);
	timer_init(&timer, note_timer);
	timer_arm(&loop.timers, &timer, 1);
	listen_to(&ear, new_eventfd(), EPOLLIN);
	ear.then = then_note;
	wake(ear.watch.fd);
	run();
	assert_string_equal(order, "etq.");
	fd_close(&ear.watch.fd);
}

/* What others see of the loop, and what ends a rest. */

static struct pulse pulse;
static unsigned wakes;
static struct timer nap;

static void on_wake(struct loop *l)
{
	uint64_t woke;

	assert_false(pulse_waits(&pulse, &woke));
	assert_int_equal(woke, l->now);
	wakes++;
}

static void on_nap(struct timer *timer)
{
	(void)timer;
	loop_stop(&loop);
}

static void run_for(uint64_t ms)
{
	timer_init(&nap, on_nap);
	loop_timer(&loop, &nap, ms);
	run();
}

static void wakes_after_a_rest(void **state)
{
	uint64_t woke;

	(void)state;
	pulse = (struct pulse){0};
	wakes = 0;
	loop.pulse = &pulse;
	loop.on_wake = on_wake;
	run_for(1);
	assert_int_equal(wakes, 1); /* the first tick */
	run_for(1);
	run_for(LOOP_REST_MS / 3);
	assert_int_equal(wakes, 1);
	run_for(LOOP_REST_MS + 1);
	assert_int_equal(wakes, 2);
	assert_false(pulse_waits(&pulse, &woke));
	assert_int_equal(woke, loop.now);
}

/* A signal, as for a process that was stopped, is nothing to do. */
static void interrupt_from_elsewhere(void)
{
	usleep((LOOP_REST_MS + 100) * 1000);
	CHILD_CHECK(kill(getppid(), SIGALRM) == 0);
	usleep(100 * 1000);
	CHILD_CHECK(kill(getppid(), SIGALRM) == 0);
}

static uint64_t seen_woke[2];
static unsigned seen_waiting;

static void on_alarm(int number)
{
	(void)number;
	if (seen_waiting < 2 && pulse_waits(&pulse, &seen_woke[seen_waiting]))
		seen_waiting++;
}

static void interruptions_end_no_rest(void **state)
{
	struct sigaction action = {.sa_handler = on_alarm}, before;

	(void)state;
	pulse = (struct pulse){0};
	wakes = 0;
	loop.pulse = &pulse;
	loop.on_wake = on_wake;
	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	pid_t pid = fork();

	if (pid == 0) {
		interrupt_from_elsewhere();
		_exit(0);
	}
	run_for(1);
	run_for(LOOP_REST_MS + 1000);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(seen_waiting, 2);
	assert_int_equal(seen_woke[0], seen_woke[1]);
	assert_int_equal(wakes, 2); /* the second for the timer */
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
}

/* Timers that were moved again and again: one look soon puts them right. */
static void moved_timers_do_not_wake(void **state)
{
	struct timer timers[20];
	unsigned before;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		timer_init(&timers[i], on_nap);
		loop_timer(&loop, &timers[i], 300 + 20 * i);
		loop_timer(&loop, &timers[i], 3000);
	}
	run_for(1);
	before = ticks;
	run_for(900);
	assert_in_range(ticks - before, 1, 3);
	for (unsigned i = 0; i < 20; i++)
		timer_detach(&loop.timers, &timers[i]);
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOOP_TEST(hears_pipes),
		LOOP_TEST(hears_what_it_asked_for),
		LOOP_TEST(refuses_what_it_cannot_watch),
		LOOP_TEST(unknown_watches_are_fatal),
		LOOP_TEST(timers_fire_in_time),
		LOOP_TEST(timers_of_now_fire_at_once),
		LOOP_TEST(tasks_run_once),
		LOOP_TEST(what_is_put_off_follows_the_events),
		LOOP_TEST(tasks_are_cancelled),
		LOOP_TEST(endless_task_starves_nobody),
		LOOP_TEST(closing_in_callbacks),
		LOOP_TEST(closed_is_not_watched),
		LOOP_TEST(many_events),
		LOOP_TEST(order_of_a_tick),
		LOOP_TEST(wakes_after_a_rest),
		LOOP_TEST(interruptions_end_no_rest),
		LOOP_TEST(moved_timers_do_not_wake),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
