/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of the access log: their form, what cannot be forged, and when they
 * are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <regex.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "t/unit/base/scratch.h"
#include "worker/http/router.h"
#include "worker/report/access_log.h"

static struct loop loop;
static struct access_log access_log;
static struct exchange x;
static struct field fields[2];
static struct conf_route conf_route;
static struct route route = {.conf = &conf_route};

static int open_log(const char *name)
{
	int fd = fd_open_log(scratch_path(name));

	assert_true(fd >= 0);
	return fd;
}

static void start(enum conf_log_format format)
{
	access_log_init(&access_log, &loop, open_log("access"), format);
}

/* The exchange is filled by hand: what a log reads of it is all public. */
static int set_up(void **state)
{
	(void)state;
	if (loop_init(&loop) == -1)
		return -1;
	unlink(scratch_path("access"));
	x = (struct exchange){
		.request = {.method_text = STR_INIT("GET"),
			    .target = STR_INIT("/a?b=c"),
			    .host = STR_INIT("example.org"),
			    .version = "HTTP/1.1",
			    .fields = fields,
			    .n_fields = 2},
		.response = {.status = 200},
		.content_sent = 1234,
		.route = &route,
		.peer = {.family = AF_INET, .port = 4321, .ip = {192, 0, 2, 1}},
	};
	conf_route.path = STR("/");
	fields[0] = (struct field){STR("Referer"), STR("http://r/"), FIELD_REFERER};
	fields[1] =
		(struct field){STR("User-Agent"), STR("curl/8"), FIELD_USER_AGENT};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	loop_fini(&loop);
	return 0;
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

/* The one line that the exchange makes; to be freed. */
static char *line_of(enum conf_log_format format)
{
	unlink(scratch_path("access"));
	start(format);
	access_log_add(&access_log, &x);
	access_log_fini(&access_log);
	char *text = scratch_read("access");

	/* One line, whatever is in it. */
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	return text;
}

static void expect(enum conf_log_format format, const char *pattern)
{
	char *line = line_of(format);

	assert_matches(line, pattern);
	free(line);
}

#define STAMP                                                                \
	"\\[[0-3][0-9]/[A-Z][a-z][a-z]/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} " \
	"[+-][0-9]{4}\\]"

static void combined(void **state)
{
	(void)state;
	expect(CONF_LOG_COMBINED, "^192\\.0\\.2\\.1 - - " STAMP
				  " \"GET /a\\?b=c HTTP/1\\.1\" 200 1234 "
				  "\"http://r/\" \"curl/8\"\n$");
}

static void combined_without(void **state)
{
	(void)state;
	x.request.n_fields = 0;
	x.content_sent = 0;
	x.peer = (struct endpoint){.family = AF_UNIX};
	expect(CONF_LOG_COMBINED,
	       "^unix - - " STAMP " \"GET /a\\?b=c HTTP/1\\.1\" 200 0 \"-\" "
	       "\"-\"\n$");
	/* What was no request, refused; and what was never answered. */
	x.request = (struct request){0};
	x.route = NULL;
	x.response.status = 400;
	expect(CONF_LOG_COMBINED, "\\] \"-\" 400 0 \"-\" \"-\"\n$");
	x.response.status = 0;
	expect(CONF_LOG_COMBINED, "\\] \"-\" 499 0 \"-\" \"-\"\n$");
}

static void json(void **state)
{
	(void)state;
	x.times = (struct exchange_times){
		.accepted = 1000 * NS_PER_US,
		.first_byte = 1010 * NS_PER_US,
		.head = 1030 * NS_PER_US,
		.answered = 1070 * NS_PER_US,
		.last_byte = 1150 * NS_PER_US,
	};
	expect(CONF_LOG_JSON,
	       "^\\{\"time\":\"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z\","
	       "\"remote_addr\":\"192\\.0\\.2\\.1\",\"remote_port\":4321,"
	       "\"method\":\"GET\",\"target\":\"/a\\?b=c\","
	       "\"protocol\":\"HTTP/1\\.1\",\"host\":\"example\\.org\","
	       "\"route\":\"/\",\"status\":200,\"bytes\":1234,"
	       "\"referer\":\"http://r/\",\"user_agent\":\"curl/8\","
	       "\"times_us\":\\{\"accepted_to_first_byte\":10,"
	       "\"first_byte_to_head\":20,\"head_to_answer\":40,"
	       "\"answer_to_last_byte\":80,\"total\":140\\}\\}\n$");
}

static void json_without(void **state)
{
	(void)state;
	x.request = (struct request){0};
	x.route = NULL;
	x.response.status = 0;
	x.content_sent = 0;
	/* Nothing but the end has a time. */
	x.times.last_byte = 5 * NS_PER_S;
	expect(CONF_LOG_JSON,
	       "\"method\":\"\",\"target\":\"\",\"protocol\":\"\",\"host\":\"\","
	       "\"route\":\"\",\"status\":499,\"bytes\":0,\"referer\":\"\","
	       "\"user_agent\":\"\",\"times_us\":\\{"
	       "\"accepted_to_first_byte\":0,\"first_byte_to_head\":0,"
	       "\"head_to_answer\":0,\"answer_to_last_byte\":0,"
	       "\"total\":0\\}\\}\n$");
}

/* What stands in the line between the two texts. */
static struct str between(const char *line, const char *begin, const char *end)
{
	const char *from = strstr(line, begin);

	assert_non_null(from);
	from += strlen(begin);
	const char *to = strstr(from, end);

	assert_non_null(to);
	return (struct str){from, (size_t)(to - from)};
}

/* Every octet, in a field that a client sends. */
static void octets(enum conf_log_format format, const char *begin, const char *end,
		   const char *escape)
{
	char value[256];
	struct buf wanted = {0};

	for (int c = 0; c < 256; c++) {
		value[c] = (char)c;
		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\')
			buf_put(&wanted, (struct str){&value[c], 1});
		else
			buf_printf(&wanted, "%s%02x", escape, c);
	}
	fields[1].value = (struct str){value, sizeof(value)};
	char *line = line_of(format);
	struct str got = between(line, begin, end);

	if (!str_equal(got, buf_str(&wanted)))
		fail_msg("%" STR_FMT "\nis not\n%" STR_FMT, STR_ARG(got),
			 STR_ARG(buf_str(&wanted)));
	free(line);
	buf_release(&wanted);
}

static void every_octet(void **state)
{
	(void)state;
	octets(CONF_LOG_COMBINED, "\"http://r/\" \"", "\"\n", "\\x");
	octets(CONF_LOG_JSON, "\"user_agent\":\"", "\",\"times_us\"", "\\u00");
}

static void nothing_forges_a_line(void **state)
{
	static const char evil[] = "/\"\r\n1.2.3.4 - - \"\\";
	static const char in_combined[] = "/\\x22\\x0d\\x0a1.2.3.4 - - \\x22\\x5c";
	static const char in_json[] =
		"/\\u0022\\u000d\\u000a1.2.3.4 - - \\u0022\\u005c";
	char *line;

	(void)state;
	x.request.method_text = x.request.target = x.request.host = STR(evil);
	fields[0].value = fields[1].value = STR(evil);
	line = line_of(CONF_LOG_COMBINED);
	assert_true(str_equal(between(line, "] \"", " HTTP/1.1\" 200"),
			      str_of("/\\x22\\x0d\\x0a1.2.3.4 - - \\x22\\x5c "
				     "/\\x22\\x0d\\x0a1.2.3.4 - - \\x22\\x5c")));
	assert_true(
		str_equal(between(line, "1234 \"", "\" \""), str_of(in_combined)));
	assert_true(str_equal(between(line, "\\x5c\" \"", "\"\n"),
			      str_of(in_combined)));
	free(line);
	line = line_of(CONF_LOG_JSON);
	assert_true(str_equal(between(line, "\"method\":\"", "\",\"target\":\""),
			      str_of(in_json)));
	assert_true(str_equal(between(line, "\"target\":\"", "\",\"protocol\""),
			      str_of(in_json)));
	assert_true(str_equal(between(line, "\"host\":\"", "\",\"route\""),
			      str_of(in_json)));
	assert_true(str_equal(between(line, "\"referer\":\"", "\",\"user_agent\""),
			      str_of(in_json)));
	free(line);
}

static size_t lines_in(const char *name)
{
	char *text = scratch_read(name);
	size_t n = 0;

	for (const char *p = text; *p != '\0'; p++)
		n += *p == '\n';
	free(text);
	return n;
}

static void written_after_a_while(void **state)
{
	(void)state;
	start(CONF_LOG_COMBINED);
	access_log_add(&access_log, &x);
	access_log_add(&access_log, &x);
	assert_int_equal(lines_in("access"), 0);
	/* From the first line on, however many come. */
	timers_run(&loop.timers, loop.now + 400 * NS_PER_MS);
	loop.now += 400 * NS_PER_MS;
	assert_int_equal(lines_in("access"), 0);
	access_log_add(&access_log, &x);
	timers_run(&loop.timers, loop.now + 100 * NS_PER_MS);
	assert_int_equal(lines_in("access"), 3);
	/* Nothing waits: nothing is armed. */
	assert_false(timer_is_armed(&access_log.timer));
	timers_run(&loop.timers, loop.now + NS_PER_S);
	assert_int_equal(lines_in("access"), 3);
	access_log_add(&access_log, &x);
	assert_true(timer_is_armed(&access_log.timer));
	access_log_fini(&access_log);
	assert_int_equal(lines_in("access"), 4);
	assert_true(timers_next(&loop.timers) == UINT64_MAX);
}

static void written_in_batches(void **state)
{
	size_t added = 0, writes = 0, last = 0;

	(void)state;
	start(CONF_LOG_JSON);
	while (added < 1000) {
		struct stat st;

		access_log_add(&access_log, &x);
		added++;
		assert_int_equal(stat(scratch_path("access"), &st), 0);
		if ((size_t)st.st_size == last)
			continue;
		/* All that there is, at once, and not too little of it. */
		assert_true((size_t)st.st_size - last >= 16 * 1024);
		assert_int_equal(buf_length(&access_log.lines), 0);
		assert_false(timer_is_armed(&access_log.timer));
		last = (size_t)st.st_size;
		writes++;
		assert_int_equal(lines_in("access"), added);
	}
	assert_true(writes > 2);
	access_log_fini(&access_log);
	assert_int_equal(lines_in("access"), 1000);
}

static void reopened(void **state)
{
	(void)state;
	start(CONF_LOG_COMBINED);
	int old = access_log.fd;

	access_log_add(&access_log, &x);
	assert_int_equal(rename(scratch_path("access"), scratch_path("access.1")),
			 0);
	access_log_reopen(&access_log, open_log("access"));
	assert_int_equal(fcntl(old, F_GETFD), -1);
	/* What waited belongs to the old file. */
	assert_int_equal(lines_in("access.1"), 1);
	assert_int_equal(lines_in("access"), 0);
	access_log_add(&access_log, &x);
	access_log_add(&access_log, &x);
	access_log_flush(&access_log);
	assert_int_equal(lines_in("access.1"), 1);
	assert_int_equal(lines_in("access"), 2);
	access_log_fini(&access_log);
	assert_int_equal(access_log.fd, -1);
}

static void standard_streams_stay_open(void **state)
{
	(void)state;
	access_log_init(&access_log, &loop, STDERR_FILENO, CONF_LOG_COMBINED);
	access_log_reopen(&access_log, STDOUT_FILENO);
	access_log_reopen(&access_log, STDERR_FILENO);
	access_log_fini(&access_log);
	assert_int_not_equal(fcntl(STDERR_FILENO, F_GETFD), -1);
	assert_int_not_equal(fcntl(STDOUT_FILENO, F_GETFD), -1);
}

/* A full disk: said once, with the number of lines when it is over. */
static void lost_lines_are_counted(void **state)
{
	(void)state;
	unlink(scratch_path("error"));
	log_set_fd(open_log("error"));
	access_log_init(&access_log, &loop, open("/dev/full", O_WRONLY | O_CLOEXEC),
			CONF_LOG_COMBINED);
	for (int i = 0; i < 5; i++) {
		access_log_add(&access_log, &x);
		if (i % 2)
			access_log_flush(&access_log);
	}
	access_log_flush(&access_log);
	assert_int_equal(buf_length(&access_log.lines), 0);
	assert_int_equal(lines_in("error"), 1);
	access_log_reopen(&access_log, open_log("access"));
	access_log_add(&access_log, &x);
	access_log_fini(&access_log);
	log_set_fd(STDERR_FILENO);
	char *text = scratch_read("error");

	assert_matches(text, "^[^\n]*error [^\n]*cannot write the access log: "
			     "No space left on device\n"
			     "[^\n]*warn [^\n]* 5 lines were lost\n$");
	free(text);
	assert_int_equal(lines_in("access"), 1);
}

/* It does not go on as long as nothing could be written. */
static void lost_lines_at_the_end(void **state)
{
	(void)state;
	unlink(scratch_path("error"));
	log_set_fd(open_log("error"));
	access_log_init(&access_log, &loop, open("/dev/full", O_WRONLY | O_CLOEXEC),
			CONF_LOG_COMBINED);
	access_log_add(&access_log, &x);
	access_log_flush(&access_log);
	access_log_flush(&access_log);
	access_log_fini(&access_log);
	log_set_fd(STDERR_FILENO);
	char *text = scratch_read("error");

	bool claims = strstr(text, "goes on") != NULL;

	free(text);
	assert_false(claims);
}

static int free_all(void **state)
{
	buf_free_all();
	return scratch_remove(state);
}

#define ACCESS_LOG_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ACCESS_LOG_TEST(combined),
		ACCESS_LOG_TEST(combined_without),
		ACCESS_LOG_TEST(json),
		ACCESS_LOG_TEST(json_without),
		ACCESS_LOG_TEST(every_octet),
		ACCESS_LOG_TEST(nothing_forges_a_line),
		ACCESS_LOG_TEST(written_after_a_while),
		ACCESS_LOG_TEST(written_in_batches),
		ACCESS_LOG_TEST(reopened),
		ACCESS_LOG_TEST(standard_streams_stay_open),
		ACCESS_LOG_TEST(lost_lines_are_counted),
		ACCESS_LOG_TEST(lost_lines_at_the_end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, free_all);
}
