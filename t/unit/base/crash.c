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
	int frames = 0;

	/* 2026-11-20T16:00:00.123Z error unit test[PID]: */
	assert_true(str_ends_with(line, STR("]: signal 6; the stack is:")));
	while (rest.n > 0) {
		struct str frame = line = str_cut(&rest, '\n');
		struct str time = str_cut(&frame, ' ');

		assert_int_equal(time.n, strlen("2026-11-20T16:00:00.123Z"));
		assert_true(str_starts_with(frame, STR("error unit test[")));
		assert_non_null(memmem(frame.p, frame.n, "]: ", 3));
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

/* By the clock of the stamps: time(2) may be a tick behind it. */
static time_t second(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

/* As JSON: every line of it, with the time. */
static void as_json(void **state)
{
	regex_t regex;
	time_t before = second();
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
	assert_true(timegm(&tm) >= before && timegm(&tm) <= second());
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

/* What is saved. */

static int saved[2]; /* a pipe */

static void say(const char *text)
{
	if (write(saved[1], text, strlen(text)) == -1)
		_exit(1);
}

static void inner(void *context)
{
	say(context);
	abort();
}

static void outer(void *context)
{
	say(crash_guard(inner, context) ? "not guarded " : "2 ");
}

static void save(void)
{
	char one[] = "1 ", four[] = "4 ";

	say(crash_guard(outer, one) ? "3 " : "not nested ");
	say(crash_guard(inner, four) ? "not guarded " : "5 ");
	abort(); /* ends it, and not the handler */
}

static void die_and_save(void)
{
	crash_install("unit test");
	crash_set_saver(save);
	abort();
}

static void die_and_save_nothing(void)
{
	crash_install("unit test");
	crash_set_saver(save);
	crash_set_saver(NULL);
	abort();
}

static const char *saved_by(void (*body)(void))
{
	static char text[100];

	assert_int_equal(pipe(saved), 0);
	char *log = log_of(body);

	assert_stack(log);
	close(saved[1]);
	ssize_t n = read(saved[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	close(saved[0]);
	return text;
}

static void something_is_saved_first(void **state)
{
	(void)state;
	assert_string_equal(saved_by(die_and_save), "1 2 3 4 5 ");
	assert_string_equal(saved_by(die_and_save_nothing), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stack_is_logged),
		cmocka_unit_test(as_json),
		cmocka_unit_test(not_without_being_asked),
		cmocka_unit_test(something_is_saved_first),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
