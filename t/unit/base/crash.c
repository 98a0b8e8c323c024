/* SPDX-License-Identifier: BSD-2-Clause */
/* A process that aborts leaves its stack in the log, and still aborts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/crash.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "t/unit/base/child.h"
#include "t/unit/base/scratch.h"

static void die(void)
{
	char what[] = "unit test";

	crash_install(what);
	memset(what, '?', sizeof(what) - 1);
	abort();
}

/* From within, and from outside: as the watchdog asks. */
static void be_killed(void)
{
	crash_install("unit test");
	kill(getpid(), SIGABRT);
}

static char *log_of(void (*body)(void))
{
	unlink(scratch_path("log"));
	log_set_fd(fd_open_log(scratch_path("log")));
	int status = child_status(body);

	log_set_fd(STDERR_FILENO);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	return scratch_read("log");
}

static void assert_stack(char *text)
{
	struct str rest = str_of(text), line = str_cut(&rest, '\n');
	struct str after = line;
	struct str prefix = str_cut(&after, ':');
	int frames = 0;

	/* error unit test[PID]: */
	assert_true(str_starts_with(prefix, STR("error unit test[")));
	assert_true(str_ends_with(prefix, STR("]")));
	assert_true(str_equal(after, STR(" signal 6; the stack is:")));
	while (rest.n > 0) {
		line = str_cut(&rest, '\n');
		assert_true(str_starts_with(line, prefix));
		assert_true(line.n > prefix.n + 2);
		frames++;
	}
	assert_true(frames > 1);
	/* It ended with a whole line, once. */
	assert_non_null(rest.p);
	free(text);
}

static void stack_is_logged(void **state)
{
	(void)state;
	assert_stack(log_of(die));
	assert_stack(log_of(be_killed));
}

/* As JSON: every line of it, with the time. */
static void as_json(void **state)
{
	regex_t regex;
	time_t before = time(NULL);
	size_t lines = 0;
	struct tm tm = {0};

	(void)state;
	log_set_format(LOG_FORMAT_JSON);
	char *text = log_of(die);
	struct str rest = str_of(text);

	log_set_format(LOG_FORMAT_TEXT);
	assert_int_equal(
		regcomp(&regex,
			"^\\{\"time\":\"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{"
			"2}:"
			"[0-9]{2}\\.[0-9]{3}Z\",\"level\":\"error\","
			"\"process\":\"unit test\",\"pid\":[0-9]+,\"text\":"
			"\"(signal 6; the stack is:|[^\"]*\\[0x[0-9a-f]+\\])\"\\}$",
			REG_EXTENDED | REG_NOSUB),
		0);
	assert_non_null(strptime(text, "{\"time\":\"%Y-%m-%dT%H:%M:%S", &tm));
	assert_true(timegm(&tm) >= before && timegm(&tm) <= time(NULL));
	while (rest.n > 0) {
		struct str line = str_cut(&rest, '\n');

		((char *)line.p)[line.n] = '\0';
		if (regexec(&regex, line.p, 0, NULL, 0) != 0)
			fail_msg("%s", line.p);
		lines++;
	}
	assert_true(lines > 2);
	regfree(&regex);
	free(text);
}

static void not_without_being_asked(void **state)
{
	char *text = log_of(abort);

	(void)state;
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stack_is_logged),
		cmocka_unit_test(as_json),
		cmocka_unit_test(not_without_being_asked),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
