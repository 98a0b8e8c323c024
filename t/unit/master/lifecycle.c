/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every request gets an outcome in every state: an action that has its
 * verdict, or a refusal with a reason. The actions are fakes, and so is the
 * control socket.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/ending.h"
#include "master/handover.h"
#include "master/master.h"
#include "master/reload.h"
#include "master/workforce.h"

static const char *acted; /* the last action, or NULL */

#define FAKE(name)                  \
	void name(struct master *m) \
	{                           \
		assert_non_null(m); \
		acted = #name;      \
	}
FAKE(reload_begin)
FAKE(reload_queue)
FAKE(reload_commit)
FAKE(reload_roll_back)
FAKE(handover_begin)
FAKE(handover_join)
FAKE(handover_fail)
FAKE(handover_commit)
FAKE(handover_lose)
FAKE(handover_quit)
FAKE(handover_announce)
FAKE(ending_linger)
FAKE(ending_quit)
FAKE(ending_stop)
FAKE(ending_join)
FAKE(ending_fail_to_start)
FAKE(ending_finish)
FAKE(workforce_more)
FAKE(workforce_fewer)

static bool reopen_fails;

void reload_reopen(struct master *m)
{
	acted = "reload_reopen";
	if (reopen_fails) {
		verdict_blame(&m->reopening, "one");
		verdict_blame(&m->reopening, "two");
		verdict_fail(&m->reopening, "");
		return;
	}
	verdict_pass(&m->reopening, "log files were reopened");
	verdict_answer(&m->reopening);
}

/* The last answer. */
static struct {
	struct control_client *client;
	bool ok;
	char text[1000];
	unsigned n;
} answer;

void control_answer(struct control_client *client, bool ok, struct str text)
{
	answer.client = client;
	answer.ok = ok;
	snprintf(answer.text, sizeof(answer.text), "%" STR_FMT, STR_ARG(text));
	answer.n++;
}

void control_hold(struct control_client *client)
{
	client->held = true;
}

static struct master *m;

static int make_master(void **state)
{
	struct verdict *const verdicts[] = {
		&m->next_reload, &m->reload,   &m->upgrading, &m->answering,
		&m->reopening,   &m->resizing, &m->ending,
	};

	(void)state;
	memset(m, 0, sizeof(*m));
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++)
		verdict_init(verdicts[i], "thing", &m->notify);
	m->ending.holds = true;
	acted = NULL;
	reopen_fails = false;
	memset(&answer, 0, sizeof(answer));
	return 0;
}

static int fini_master(void **state)
{
	struct verdict *const verdicts[] = {
		&m->next_reload, &m->reload,   &m->upgrading, &m->answering,
		&m->reopening,   &m->resizing, &m->ending,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++)
		verdict_fini(verdicts[i]);
	return 0;
}

static void every_request_has_an_outcome(void **state)
{
	static const enum event requests[] = {
		EVENT_RELOAD, EVENT_UPGRADE, EVENT_QUIT, EVENT_TERM,
		EVENT_STOP,   EVENT_REOPEN,  EVENT_MORE, EVENT_FEWER};

	for (unsigned life = 0; life < LIFE_COUNT; life++)
		for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
			struct control_client client = {0};

			make_master(state);
			list_init(&client.waiting);
			m->state = (enum life)life;
			lifecycle_ask(m, requests[i], &client);
			if (acted == NULL) {
				assert_int_equal(answer.n, 1);
				assert_ptr_equal(answer.client, &client);
				assert_false(answer.ok);
				assert_memory_equal(answer.text, "refused: ", 9);
				assert_int_equal(m->state, life);
			} else if (answer.n == 0) {
				assert_false(list_is_empty(&client.waiting));
			} else {
				assert_true(answer.text[0] != '\0');
			}
			if (answer.n > 0)
				assert_true(list_is_empty(&client.waiting));
			fini_master(state);
		}
}

/* What is refused does not answer those who wait for the same thing. */
static void refusal_is_its_own(void **state)
{
	struct control_client first = {0}, second = {0};

	(void)state;
	list_init(&first.waiting);
	list_init(&second.waiting);
	m->state = LIFE_SERVING;
	lifecycle_ask(m, EVENT_UPGRADE, &first);
	assert_string_equal(acted, "handover_begin");
	assert_int_equal(m->state, LIFE_UPGRADING);
	m->state = LIFE_RELOADING;
	lifecycle_ask(m, EVENT_UPGRADE, &second);
	assert_int_equal(answer.n, 1);
	assert_ptr_equal(answer.client, &second);
	assert_string_equal(answer.text, "refused: the server is reloading\n");
	assert_true(verdict_is_asked(&m->upgrading));
}

static void reopen_while_stopping(void **state)
{
	struct control_client client = {0};

	(void)state;
	list_init(&client.waiting);
	m->state = LIFE_STOPPING;
	lifecycle_ask(m, EVENT_REOPEN, &client);
	assert_null(acted);
	assert_false(answer.ok);
	assert_string_equal(answer.text, "refused: the server is shutting down\n");
	assert_string_equal(m->notify.failure,
			    "; last reopen refused: the server is shutting down");
}

static void all_reasons(void **state)
{
	struct control_client client = {0};
	char line[100];

	(void)state;
	list_init(&client.waiting);
	reopen_fails = true;
	m->state = LIFE_SERVING;
	lifecycle_ask(m, EVENT_REOPEN, &client);
	assert_false(answer.ok);
	assert_string_equal(answer.text, "one\ntwo\n");
	assert_string_equal(m->notify.failure,
			    "; last thing failed: one (and 1 more)");
	assert_false(verdict_is_asked(&m->reopening));
	verdict_blame(&m->reload, "%s", "only");
	verdict_summary(&m->reload, line, sizeof(line));
	assert_string_equal(line, "only");
}

/* A failed request leaves nothing behind for the next. */
static void each_verdict_is_new(void **state)
{
	struct control_client client = {0};

	(void)state;
	list_init(&client.waiting);
	reopen_fails = true;
	m->state = LIFE_SERVING;
	lifecycle_ask(m, EVENT_REOPEN, NULL);
	assert_int_equal(answer.n, 0);
	reopen_fails = false;
	lifecycle_ask(m, EVENT_REOPEN, &client);
	assert_true(answer.ok);
	assert_string_equal(answer.text, "log files were reopened\n");
}

/* All who wait are answered, once, and those of an end are held. */
static void many_wait(void **state)
{
	struct control_client clients[3] = {0};

	(void)state;
	m->state = LIFE_SERVING;
	for (size_t i = 0; i < 3; i++) {
		list_init(&clients[i].waiting);
		lifecycle_ask(m, EVENT_QUIT, &clients[i]);
	}
	assert_string_equal(acted, "ending_join");
	assert_int_equal(m->state, LIFE_LINGERING);
	verdict_pass(&m->ending, "ended; no connection was cut");
	assert_int_equal(answer.n, 0);
	verdict_answer(&m->ending);
	assert_int_equal(answer.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(clients[i].held);
	verdict_answer(&m->ending);
	assert_int_equal(answer.n, 3);
}

static void facts(void **state)
{
	(void)state;
	assert_true(life_replaces(LIFE_SERVING));
	assert_true(life_replaces(LIFE_LINGERING));
	assert_false(life_replaces(LIFE_HANDING_OVER));
	assert_false(life_replaces(LIFE_STOPPING));
	assert_false(life_is_unready(LIFE_RELOADING));
	assert_true(life_is_unready(LIFE_LINGERING));
}

/* The log is not what is tested. */
static int group_begins(void **state)
{
	(void)state;
	m = mem_zalloc(1, sizeof(*m));
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	return 0;
}

static int group_ends(void **state)
{
	(void)state;
	free(m);
	buf_free_all();
	return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_master, fini_master)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_has_an_outcome),
		TEST(refusal_is_its_own),
		TEST(reopen_while_stopping),
		TEST(all_reasons),
		TEST(each_verdict_is_new),
		TEST(many_wait),
		TEST(facts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, group_begins, group_ends);
}
