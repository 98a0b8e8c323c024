/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections are served in stages, some at a time, and what happens to one
 * of them is no matter for the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "t/unit/worker/net/fixture.h"

static struct conn *idle[FIXTURE_PEERS];

static void open_idle(int n)
{
	for (int i = 1; i <= n; i++)
		idle[i] = fixture_idle();
}

static void all_send(int n)
{
	for (int i = 1; i <= n; i++)
		peer_sends(idle[i], "hello");
}

/* "r1 r2 s1 s2 w1 w2 s1 s2" for those from `first` to `last`. */
static const char *stages(int first, int last)
{
	static char text[4096];
	size_t n = 0;

	for (const char *stage = "rsws"; *stage; stage++)
		for (int i = first; i <= last; i++)
			n += (size_t)sprintf(text + n, "%s%c%d", n > 0 ? " " : "",
					     *stage, i);
	return text;
}

static void all_read_then_step_then_write(void **state)
{
	(void)state;
	open_idle(16);
	all_send(16);
	fixture_tick();
	assert_string_equal(fixture_said(), stages(1, 16));
	for (int i = 1; i <= 16; i++)
		assert_string_equal(peer_gets((uint64_t)i), "hello");
}

static void there_are_sixteen_at_most(void **state)
{
	char both[8192];

	(void)state;
	open_idle(20);
	all_send(20);
	fixture_tick();
	strcpy(both, stages(1, 16));
	strcat(both, " ");
	strcat(both, stages(17, 20));
	assert_string_equal(fixture_said(), both);
}

static void the_same_for_those_that_were_just_accepted(void **state)
{
	(void)state;
	for (int i = 1; i <= 3; i++)
		idle[i] = fixture_open();
	all_send(3);
	fixture_tick();
	assert_string_equal(fixture_said(), stages(1, 3));
}

static void one_that_cannot_be_written_to_is_closed(void **state)
{
	(void)state;
	open_idle(3);
	all_send(3);
	fake_fails = 2;
	fixture_tick();
	fixture_tick();
	assert_null(peer_gets(2));
	assert_string_equal(peer_gets(1), "hello");
	assert_string_equal(peer_gets(3), "hello");
	assert_int_equal(fixture_slot.connections, 2);
}

static enum step writes_twice(struct conn *c)
{
	if (c->requests < 2) {
		c->requests++;
		buf_put(&c->socket.out, STR("x"));
		return STEP_WRITE;
	}
	return STEP_WAIT;
}

static void the_second_write_is_for_the_next_tick(void **state)
{
	(void)state;
	open_idle(2);
	fake_step = writes_twice;
	all_send(2);
	fixture_tick();
	assert_string_equal(fixture_said(), "r1 r2 s1 s2 w1 w2 s1 s2");
	fixture_tick();
	/* With what it put into c->socket.out then. */
	assert_string_equal(fixture_said(), "s1 s2");
}

static enum step wakes_the_next(struct conn *c)
{
	if (c->id == 1)
		conn_wake(idle[2]);
	return STEP_WAIT;
}

static void one_that_is_woken_goes_on_after_the_others(void **state)
{
	(void)state;
	open_idle(3);
	fake_step = wakes_the_next;
	all_send(3);
	fixture_tick();
	assert_string_equal(fixture_said(), "r1 r2 r3 s1 s3 s2");
	fixture_tick();
	assert_string_equal(fixture_said(), "");
}

static enum step writes_for_the_next(struct conn *c)
{
	if (c->id == 2 && buf_length(&c->socket.out) > 0)
		return STEP_WRITE;
	if (c->id == 1) {
		buf_put(&idle[2]->socket.out, STR("x"));
		conn_wake(idle[2]);
	}
	return STEP_WAIT;
}

static void one_that_is_woken_writes_in_the_same_tick(void **state)
{
	(void)state;
	open_idle(2);
	fake_step = writes_for_the_next;
	peer_sends(idle[1], "hello");
	fixture_tick();
	assert_string_equal(fixture_said(), "r1 s1 s2 w2 s2");
	assert_string_equal(peer_gets(2), "x");
}

static enum step wakes_the_other(struct conn *c)
{
	conn_wake(idle[3 - c->id]);
	return STEP_WAIT;
}

/* Or a tick would never end. */
static void those_that_wake_each_other_have_turns(void **state)
{
	(void)state;
	open_idle(2);
	fake_step = wakes_the_other;
	peer_sends(idle[1], "hello");
	fixture_tick();
	assert_string_equal(fixture_said(), "r1 s1 s2 s1 s2 s1 s2 s1 s2 s1 s2 "
					    "s1 s2 s1 s2 s1 s2 s1");
	fixture_tick();
	assert_int_equal(strlen(fixture_said()), 17 * 3 - 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(all_read_then_step_then_write),
		TEST(there_are_sixteen_at_most),
		TEST(the_same_for_those_that_were_just_accepted),
		TEST(one_that_cannot_be_written_to_is_closed),
		TEST(the_second_write_is_for_the_next_tick),
		TEST(one_that_is_woken_goes_on_after_the_others),
		TEST(one_that_is_woken_writes_in_the_same_tick),
		TEST(those_that_wake_each_other_have_turns),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
