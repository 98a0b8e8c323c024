/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: one write(2) a line, in its form, and no way to forge one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "t/unit/base/child.h"

enum { LINE = 2048 }; /* LOG_TEXT of log.c */

/* Packets, so that two writes are never taken for one. */
static int reader;

static int set_up(void **state)
{
	int ends[2];

	(void)state;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK | O_DIRECT) == -1)
		return -1;
	reader = ends[0];
	log_set_process("test");
	log_set_level(LOG_LEVEL_INFO);
	log_set_format(LOG_FORMAT_TEXT);
	log_set_fd(ends[1]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_set_fd(STDERR_FILENO);
	fd_close(&reader);
	return 0;
}

/* The next line, without what comes before the message; "" for none. */
static const char *whole_line(void)
{
	static char line[2 * LINE + 1];
	ssize_t n = read(reader, line, sizeof(line) - 1);

	line[n > 0 ? n : 0] = '\0';
	return line;
}

static const char *message(void)
{
	const char *line = whole_line(), *at = strstr(line, "]: ");

	return at != NULL ? at + 3 : line;
}

static void assert_matches(const char *text, const char *pattern)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	int result = regexec(&regex, text, 0, NULL, 0);

	regfree(&regex);
	if (result != 0)
		fail_msg("\"%s\" does not match %s", text, pattern);
}

static void form(void **state)
{
	char pattern[200];

	(void)state;
	log_info("generation %d serves", 2);
	snprintf(pattern, sizeof(pattern),
		 "^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]"
		 "\\.[0-9]{3}Z info test\\[%d\\]: generation 2 serves\n$",
		 (int)getpid());
	assert_matches(whole_line(), pattern);
	log_set_process("worker 3");
	log_warn("x");
	assert_matches(whole_line(), "Z warn worker 3\\[[0-9]+\\]: x\n$");
	log_error("%s", "");
	assert_matches(whole_line(), "Z error worker 3\\[[0-9]+\\]: \n$");
	assert_string_equal(whole_line(), "");
}

static void levels(void **state)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};

	(void)state;
	for (int wanted = LOG_LEVEL_ERROR; wanted <= LOG_LEVEL_DEBUG; wanted++) {
		log_set_level((enum log_level)wanted);
		for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG;
		     level++) {
			assert_int_equal(log_wants((enum log_level)level),
					 level <= wanted);
			log_line((enum log_level)level, "m");
			const char *line = whole_line();

			assert_int_equal(line[0] != '\0', level <= wanted);
			if (level <= wanted)
				assert_non_null(strstr(line, names[level]));
			log_errno((enum log_level)level, "m");
			assert_int_equal(whole_line()[0] != '\0', level <= wanted);
		}
	}
}

static int n_evaluated;

static int evaluated(void)
{
	return ++n_evaluated;
}

static void debug_costs_nothing(void **state)
{
	(void)state;
	log_debug("%d", evaluated());
	assert_int_equal(n_evaluated, 0);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("%d", evaluated());
	assert_string_equal(message(), "1\n");
}

static void tells_errno(void **state)
{
	(void)state;
	errno = ENOENT;
	log_errno(LOG_LEVEL_WARN, "cannot open %s", "/x");
	/* And leaves it as it was, as the others do. */
	assert_int_equal(errno, ENOENT);
	assert_string_equal(message(),
			    "cannot open /x: No such file or directory\n");
	log_line(LOG_LEVEL_WARN, "x");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(message(), "x\n");
}

static void errno_survives_a_broken_log(void **state)
{
	(void)state;
	log_set_fd(open("/dev/full", O_WRONLY | O_CLOEXEC));
	errno = ENOENT;
	log_warn("x");
	assert_int_equal(errno, ENOENT);
	log_warn("y");
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	log_warn("and that is told");
}

static void control_characters_are_defused(void **state)
{
	char text[300], wanted[300];
	size_t n = 0;

	(void)state;
	for (int c = 1; c < 256; c++, n++) {
		text[n] = (char)c;
		wanted[n] = c < ' ' || c == 0x7f ? '?' : (char)c;
	}
	text[n] = wanted[n + 1] = '\0';
	wanted[n] = '\n';
	log_warn("%s", text);
	assert_string_equal(message(), wanted);
	log_warn("GET /\r\n2026-11-20T16:00:00.123Z error master[1]: forged");
	assert_string_equal(
		message(),
		"GET /??2026-11-20T16:00:00.123Z error master[1]: forged\n");
	assert_string_equal(whole_line(), "");
}

static void long_lines_are_cut(void **state)
{
	char text[3 * LINE];
	size_t prefix, n;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_warn("%s", "");
	prefix = strlen(whole_line()) - 1;
	for (n = LINE - prefix - 20; n < LINE - prefix + 20; n++) {
		log_warn("%.*s", (int)n, text);
		const char *line = whole_line(), *end = strchr(line, '\n');
		size_t length = strlen(line);

		assert_true(length <= LINE);
		assert_ptr_equal(end, line + length - 1);
		if (end[-1] == '.') {
			assert_memory_equal(end - 4, "x...", 4);
			assert_true(length > LINE - 10);
		} else {
			assert_int_equal(length, prefix + n + 1);
			assert_int_equal(end[-1], 'x');
		}
		/* Cut or not, what errno says does not go beyond either. */
		errno = ENOENT;
		log_errno(LOG_LEVEL_WARN, "%.*s", (int)n - 15, text);
		line = whole_line();
		length = strlen(line);
		assert_true(length <= LINE);
		assert_int_equal(line[length - 1], '\n');
	}
	log_warn("%s", text);
	const char *line = message();

	assert_string_equal(line + strlen(line) - 5, "x...\n");
	log_set_process(text);
	log_warn("after a long name");
	assert_string_equal(message(), "after a long name\n");
}

static void owns_its_descriptor(void **state)
{
	int ends[2], file = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	log_set_fd(file);
	assert_int_equal(log_fd(), file);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	log_set_fd(ends[1]);
	assert_true(fcntl(file, F_GETFD) == -1 || log_fd() == file);
	/* A pipe that is not to make us wait is opened anew. */
	int own = log_fd();

	assert_int_not_equal(own, ends[1]);
	assert_true(fcntl(own, F_GETFL) & O_NONBLOCK);
	assert_false(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
	assert_int_equal(fcntl(own, F_GETFD), FD_CLOEXEC);
	/* The one that is in use stays. */
	log_set_fd(ends[1]);
	assert_int_not_equal(fcntl(ends[1], F_GETFD), -1);
	log_set_fd(STDERR_FILENO);
	/* And then there is no writer left. */
	assert_int_equal(read(ends[0], &(char){0}, 1), 0);
	/* stderr is nobody's to close. */
	log_set_fd(ends[0]);
	assert_int_not_equal(fcntl(STDERR_FILENO, F_GETFD), -1);
}

static void fatal(void)
{
	log_set_level(LOG_LEVEL_ERROR);
	log_fatal("the end of %s", "it");
}

static void assertion(void)
{
	ASSERT(1 + 1 == 2);
	log_error("goes on");
	ASSERT(1 + 1 == 3);
}

static void fatal_aborts(void **state)
{
	int status = child_status(fatal);

	(void)state;
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_string_equal(message(), "the end of it\n");
	status = child_status(assertion);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_string_equal(message(), "goes on\n");
	assert_matches(message(), "^t/unit/base/log\\.c:[0-9]+: assertion failed: "
				  "1 \\+ 1 == 3\n$|/t/unit/base/log\\.c:[0-9]+: "
				  "assertion failed: 1 \\+ 1 == 3\n$");
}

/* stderr is a pipe that JOURNAL_STREAM names; in a child. */
static void log_to_journal(void)
{
	struct stat st;
	char stream[64];

	CHILD_CHECK(dup2(log_fd(), STDERR_FILENO) == STDERR_FILENO);
	CHILD_CHECK(fstat(STDERR_FILENO, &st) == 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_set_level(LOG_LEVEL_DEBUG);
	log_set_fd(STDERR_FILENO);
	log_error("a");
	log_warn("b");
	log_info("c");
	log_debug("d");
	/* Inherited from a parent whose stderr was the journal. */
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_set_process("test");
	log_info("e");
}

static void journal(void **state)
{
	(void)state;
	assert_int_equal(child_status(log_to_journal), 0);
	assert_matches(whole_line(), "^<3>test\\[[0-9]+\\]: a\n$");
	assert_matches(whole_line(), "^<4>test\\[[0-9]+\\]: b\n$");
	assert_matches(whole_line(), "^<6>test\\[[0-9]+\\]: c\n$");
	assert_matches(whole_line(), "^<7>test\\[[0-9]+\\]: d\n$");
	assert_matches(whole_line(), "^2.*Z info test\\[[0-9]+\\]: e\n$");
}

static void json(void **state)
{
	char pattern[300];

	(void)state;
	log_set_format(LOG_FORMAT_JSON);
	assert_int_equal(log_format(), LOG_FORMAT_JSON);
	log_info("generation %d serves", 2);
	snprintf(pattern, sizeof(pattern),
		 "^\\{\"time\":\"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-"
		 "9]:"
		 "[0-6][0-9]\\.[0-9]{3}Z\",\"level\":\"info\",\"process\":\"test\","
		 "\"pid\":%d,\"text\":\"generation 2 serves\"\\}\n$",
		 (int)getpid());
	assert_matches(whole_line(), pattern);
	errno = ENOENT;
	log_errno(LOG_LEVEL_WARN, "a\"b\\c\n\t\x80\xff");
	assert_matches(whole_line(),
		       "\"level\":\"warn\",.*,\"text\":\"a\\\\u0022b\\\\u005cc"
		       "\\\\u000a\\\\u0009\\\\u0080\\\\u00ff: No such file or "
		       "directory\"\\}\n$");
}

/* What is cut is still JSON, and what a pipe takes in one piece. */
static void long_json(void **state)
{
	char text[3 * LINE];

	(void)state;
	log_set_format(LOG_FORMAT_JSON);
	for (size_t n = 500; n < 3 * LINE - 1; n += 7) {
		memset(text, n % 2 ? '\n' : 'x', sizeof(text));
		log_warn("%.*s", (int)n, text);
		const char *line = whole_line();
		size_t length = strlen(line);

		assert_true(length <= 4096);
		assert_ptr_equal(strchr(line, '\n'), line + length - 1);
		if (n % 2 == 0)
			assert_matches(line, n < LINE ? "[^.]\"\\}\n$"
						      : "x\\.\\.\\.\"\\}\n$");
		else
			assert_matches(line,
				       n < 600 ? "[{](.u000a)*\"\\}\n$|a\"\\}\n$"
					       : "(u000a|\\.\\.\\.)\"\\}\n$");
	}
}

/* A reader that has stopped costs lines, but no time; and it is told. */
static void never_waits(void **state)
{
	char line[200], wanted[100];
	size_t lost = 0, n;
	int ends[2];

	(void)state;
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	log_set_fd(ends[1]);
	for (n = 0; n < 1000; n++)
		log_warn("%s", line);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	FILE *in = fdopen(ends[0], "r");

	for (n = 0; fgets(line, sizeof(line), in) != NULL;)
		n += strchr(line, '\n') != NULL;
	assert_true(n > 100 && n < 900);
	lost = 1000 - n;
	log_warn("again");
	clearerr(in);
	snprintf(wanted, sizeof(wanted), "]: %zu lines of this log were lost\n",
		 lost);
	assert_non_null(fgets(line, sizeof(line), in));
	assert_non_null(strstr(line, wanted));
	assert_non_null(fgets(line, sizeof(line), in));
	assert_non_null(strstr(line, "]: again\n"));
	log_warn("once");
	clearerr(in);
	assert_non_null(fgets(line, sizeof(line), in));
	assert_non_null(strstr(line, "]: once\n"));
	fclose(in);
}

/* A socket that is full, likewise. */
static void never_waits_for_a_socket(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
			 0);
	log_set_fd(ends[1]);
	for (int i = 0; i < 5000; i++)
		log_warn("%0200d", i);
	close(ends[0]);
	log_warn("and when nobody is there");
	log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	log_warn("told");
}

/* How many of `n` such lines are logged. */
static int log_clients(int n)
{
	int logged = 0;

	for (int i = 0; i < n; i++) {
		errno = ENOENT;
		if (i % 2)
			log_client(LOG_LEVEL_INFO, "client");
		else
			log_client_errno(LOG_LEVEL_WARN, "client");
		assert_int_equal(errno, ENOENT);
		const char *text = message();

		if (text[0] == '\0')
			continue;
		assert_string_equal(text,
				    i % 2 ? "client\n"
					  : "client: No such file or directory\n");
		logged++;
	}
	return logged;
}

static void clients_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(log_clients(100), 20);
	/* Nobody else suffers. */
	log_info("the server");
	assert_string_equal(message(), "the server\n");
	log_client_flush();
	assert_string_equal(message(), "");
	usleep(1010 * 1000);
	log_client_flush();
	assert_string_equal(message(),
			    "80 more lines about clients were not logged\n");
	assert_int_equal(log_clients(21), 20);
	/* Whoever comes next says it, too. */
	usleep(1010 * 1000);
	log_client(LOG_LEVEL_INFO, "again");
	assert_string_equal(message(),
			    "1 more lines about clients were not logged\n");
	assert_string_equal(message(), "again\n");
	assert_int_equal(log_clients(21), 19);
	log_client_end();
	assert_string_equal(message(),
			    "2 more lines about clients were not logged\n");
	log_client_end();
	log_client(LOG_LEVEL_DEBUG, "not even counted");
	assert_string_equal(message(), "");
}

static struct log_kind some = {.about = "some", .level = LOG_LEVEL_INFO};
static struct log_kind others = {.about = "others", .level = LOG_LEVEL_WARN};

static void log_some(struct log_kind *kind)
{
	const struct log_member members[] = {
		{"n", STR_INIT("7"), LOG_MEMBER_NUMBER, LOG_MEMBER_JSON},
		{"word", STR_INIT("a-b"), LOG_MEMBER_WORD, LOG_MEMBER_BOTH},
		{"none", STR_INIT(""), LOG_MEMBER_WORD, LOG_MEMBER_BOTH},
		{"said", STR_INIT("a\"\n\xff"), LOG_MEMBER_QUOTED, LOG_MEMBER_BOTH},
		{"text_only", STR_INIT("t"), LOG_MEMBER_WORD, LOG_MEMBER_TEXT},
	};

	if (log_kind_may(kind))
		log_event(kind, STR("what \"it\" is"), members,
			  sizeof(members) / sizeof(*members));
}

static void events_have_members(void **state)
{
	(void)state;
	log_some(&some);
	assert_string_equal(message(), "what \"it\" is, word: a-b, said: "
				       "\"a\\x22\\x0a\\xff\", text_only: t\n");
	log_set_format(LOG_FORMAT_JSON);
	log_some(&some);
	assert_non_null(strstr(whole_line(),
			       "\"text\":\"what \\u0022it\\u0022 is\",\"n\":7,"
			       "\"word\":\"a-b\",\"said\":"
			       "\"a\\u0022\\u000a\\u00ff\"}\n"));
	log_set_format(LOG_FORMAT_TEXT);
	log_set_level(LOG_LEVEL_WARN);
	assert_false(log_kind_may(&some));
	log_set_level(LOG_LEVEL_INFO);
	log_client_end();
}

/* Members that do not fit are cut or left out; the line stays one. */
static void long_events_are_cut(void **state)
{
	char bytes[3000];
	struct log_member members[4];

	(void)state;
	memset(bytes, '"', sizeof(bytes));
	for (int i = 0; i < 4; i++)
		members[i] = (struct log_member){"name",
						 {bytes, sizeof(bytes)},
						 LOG_MEMBER_QUOTED,
						 LOG_MEMBER_BOTH};
	for (int json = 0; json < 2; json++) {
		log_set_format(json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT);
		log_event(&some, STR("long"), members, 4);
		const char *line = whole_line();
		size_t n = strlen(line);

		assert_true(n > 3800 && n <= 4096);
		assert_string_equal(line + n - (json ? 6 : 5),
				    json ? "...\"}\n" : "...\"\n");
	}
	log_set_format(LOG_FORMAT_TEXT);
}

static void kinds_are_bounded_apart(void **state)
{
	int n = 0;

	(void)state;
	for (int i = 0; i < 30; i++)
		n += log_kind_may(&some);
	assert_int_equal(n, 20);
	assert_true(log_kind_may(&others));
	assert_true(log_client_due() > 0);
	log_client_end();
	assert_string_equal(message(),
			    "10 more lines about some were not logged\n");
	assert_int_equal(log_client_due(), 0);
}

#define LOG_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(form),
		LOG_TEST(levels),
		LOG_TEST(debug_costs_nothing),
		LOG_TEST(tells_errno),
		LOG_TEST(errno_survives_a_broken_log),
		LOG_TEST(control_characters_are_defused),
		LOG_TEST(long_lines_are_cut),
		LOG_TEST(owns_its_descriptor),
		LOG_TEST(fatal_aborts),
		LOG_TEST(journal),
		LOG_TEST(json),
		LOG_TEST(long_json),
		LOG_TEST(never_waits),
		LOG_TEST(never_waits_for_a_socket),
		LOG_TEST(clients_are_bounded),
		LOG_TEST(events_have_members),
		LOG_TEST(long_events_are_cut),
		LOG_TEST(kinds_are_bounded_apart),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
