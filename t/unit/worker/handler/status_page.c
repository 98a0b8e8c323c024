/* SPDX-License-Identifier: BSD-2-Clause */
/* What the handlers status and ready say while the server serves, and when it is
 * about to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "t/unit/worker/http/fixture.h"
#include "worker/handler/ready.h"
#include "worker/handler/status_page.h"

static const struct handler *const handlers[] = {&ready_handler, &status_handler,
						 &fake_respond, NULL};
static struct scoreboard board;

/* Asks for a path; the content, which is not for caches. */
static const char *ask(const char *path, unsigned status, const char *type)
{
	static char text[8192];
	struct exchange x;

	fixture_exchange(&x, &fake_protocol);
	assert_int_equal(fixture_begin(&x, "GET", "h", path), 0);
	exchange_handle(&x);
	assert_int_equal(x.response.status, status);
	struct str all = fields_str(&x.response.fields);

	snprintf(text, sizeof(text), "%" STR_FMT, STR_ARG(all));
	assert_non_null(strstr(text, "Cache-Control: no-store\r\n"));
	assert_non_null(strstr(text, type));
	snprintf(text, sizeof(text), "%" STR_FMT, STR_ARG(x.response.body.bytes));
	exchange_finish(&x);
	exchange_fini(&x);
	return text;
}

static int set_up(void **state)
{
	(void)state;
	fixture_handlers = handlers;
	fixture_make("sites = ( { routes = (\n"
		     "{ path = \"/ready\"; handler = \"ready\"; },\n"
		     "{ path = \"/status\"; handler = \"status\"; }\n"
		     "); } );\n");
	board = (struct scoreboard){0};
	fixture_http.board = &board;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_free();
	return 0;
}

static void ready(void **state)
{
	(void)state;
	assert_string_equal(ask("/ready", 200, "text/plain"), "ready\n");
	fixture_http.is_quitting = true;
	assert_string_equal(ask("/ready", 503, "text/plain"), "quitting\n");
}

static void assert_begins(const char *text, const char *beginning)
{
	if (strncmp(text, beginning, strlen(beginning)) != 0)
		fail_msg("%s", text);
}

static void nobody(void **state)
{
	(void)state;
	assert_begins(ask("/status", 200, "application/json"),
		      "{\"state\":\"serving\",\"workers\":[],\"totals\":{");
	fixture_http.is_quitting = true;
	assert_begins(ask("/status", 503, "application/json"),
		      "{\"state\":\"quitting\",\"workers\":[],\"totals\":{");
}

/* Slots without a worker are left out, and those that were never used are not
 * looked at. */
static void workers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		board.slots[i].generation = i == 1 ? 0 : 5;
		board.slots[i].connections = 10 + i;
		board.slots[i].counters.requests = 100 + i;
	}
	board.n_used = 3;
	board.master.retired.requests = 1000;
	const char *text = ask("/status", 200, "application/json");

	assert_non_null(strstr(text, "[{\"slot\":0,\"generation\":5,"
				     "\"connections\":10,"));
	assert_non_null(strstr(text, "},{\"slot\":2,\"generation\":5,"
				     "\"connections\":12,"));
	assert_non_null(strstr(text, "\"requests\":102"));
	assert_null(strstr(text, "\"slot\":1,"));
	assert_null(strstr(text, "\"slot\":3,"));
	/* Of all workers that there were. */
	text = strstr(text, "}],\"totals\":{");
	assert_non_null(text);
	assert_non_null(strstr(text, "\"requests\":1303,"));
	assert_non_null(strstr(text, "}}\n"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(ready),
		TEST(nobody),
		TEST(workers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
