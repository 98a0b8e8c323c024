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
#include "t/unit/base/child.h"
#include "t/unit/base/scratch.h"
#include "worker/http/router.h"
#include "worker/report/access_log.h"

static struct loop loop;
static struct access_log access_log;
static struct conf_access_log conf;
static struct counters counters;
static struct arena arena; /* of the template in conf */
static struct exchange_connection connection;
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

static void start_on(int fd, enum conf_log_format format)
{
	assert_true(fd >= 0);
	conf.format = format;
	counters.log_lost = 0;
	access_log_init(&access_log, &loop, fd, "log", &counters);
}

static void start(enum conf_log_format format)
{
	start_on(open_log("access"), format);
}

static void end(void)
{
	assert_true(access_log_fini(&access_log, 20000));
}

/* Until what was given to the thread is written, and what followed it. */
static void settle(void)
{
	assert_true(offload_wait(&access_log.offload, 20000));
}

/* The exchange is filled by hand: what a log reads of it is all public. */
static int set_up(void **state)
{
	(void)state;
	if (loop_init(&loop) == -1)
		return -1;
	unlink(scratch_path("access"));
	exchange_init(&x, NULL, NULL, &connection);
	x.request_id = STR("id-1");
	connection.id = 17;
	x.connection_requests = 3;
	x.request = (struct request){
		.method_text = STR_INIT("GET"),
		.target = STR_INIT("/a?b=c"),
		.path = STR_INIT("/a"),
		.query = STR_INIT("b=c"),
		.host = STR_INIT("example.org"),
		.version = "HTTP/1.1",
		.fields = fields,
		.n_fields = 2,
		.known = 1u << FIELD_REFERER | 1u << FIELD_USER_AGENT,
	};
	x.response.status = 200;
	x.content_sent = 1234;
	x.route = &route;
	x.peer = (struct endpoint){
		.family = AF_INET, .port = 4321, .ip = {192, 0, 2, 1}};
	conf_route.path = STR("/");
	fields[0] = (struct field){STR("Referer"), STR("http://r/"), FIELD_REFERER};
	fields[1] =
		(struct field){STR("User-Agent"), STR("curl/8"), FIELD_USER_AGENT};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	exchange_fini(&x);
	arena_fini(&arena);
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
	access_log_add(&access_log, &conf, &x);
	end();
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
	connection.accepted_at = 1000 * NS_PER_US;
	x.times = (struct exchange_times){
		.first_byte = 1010 * NS_PER_US,
		.head = 1030 * NS_PER_US,
		.answered = 1070 * NS_PER_US,
		.last_byte = 1150 * NS_PER_US,
	};
	expect(CONF_LOG_JSON,
	       "^\\{\"time\":\"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z\","
	       "\"remote_addr\":\"192\\.0\\.2\\.1\",\"remote_port\":4321,"
	       "\"connection\":17,\"request_id\":\"id-1\","
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

static void expect_template(const char *source, const char *wanted)
{
	const char *why = "";

	if (!template_compile_at(TEMPLATE_AT_END, &arena, str_of(source),
				 &conf.line, &why))
		fail_msg("%s", why);
	char *line = line_of(CONF_LOG_TEMPLATE);

	assert_string_equal(line, wanted);
	free(line);
}

static void templates(void **state)
{
	(void)state;
	x.times = (struct exchange_times){
		.first_byte = 1000 * NS_PER_US,
		.head = 1123 * NS_PER_US,
		.answered = 2 * NS_PER_S,
		.last_byte = 12 * NS_PER_S + 5 * NS_PER_US,
	};
	expect_template("${method} ${target} ${protocol}\t${status}",
			"GET /a?b=c HTTP/1.1\t200\n");
	expect_template("${bytes} ${request_id} ${route} ${connection} "
			"${connection_requests}",
			"1234 id-1 / 17 3\n");
	expect_template("${time.head} ${time.answer} ${time.send} ${time.total}",
			"0.000123 1.998877 10.000005 11.999005\n");
	expect_template("\"${header.User-Agent}\" \"${header.referer}\"",
			"\"curl/8\" \"http://r/\"\n");
	x.request.path = STR("/a\"\\\n\r\t\x7f\x80\xff\0b");
	expect_template("\"${path}\"", "\"/a\\x22\\x5c\\x0a\\x0d\\x09\\x7f\\x80"
				       "\\xff\\x00b\"\n");
}

static void templates_without(void **state)
{
	(void)state;
	x.request = (struct request){0};
	x.route = NULL;
	x.response.status = 0;
	x.content_sent = 0;
	x.connection_requests = 0;
	expect_template("${path} ${rest} ${query} ${method} ${host} ${target}",
			"- - - - - -\n");
	expect_template("${status} ${bytes} ${connection_requests} ${time.total} "
			"${header.a} ${cookie.a} ${sent.a} ${query.a} ${route}",
			"499 0 - - - - - - -\n");
	expect_template("${route:-none}|${query:-}|", "none||\n");
	/* A new one, of 32 digits. */
	x.request_id = STR("");
	assert_true(template_compile_at(TEMPLATE_AT_END, &arena,
					STR("${request_id}"), &conf.line,
					&(const char *){NULL}));
	expect(CONF_LOG_TEMPLATE, "^[0-9a-f]{32}\n$");
}

/* As a tick does, `ms` later. */
static void pass(uint64_t ms)
{
	loop.now += ms * NS_PER_MS;
	timers_run(&loop.timers, loop.now);
	settle();
}

static void written_after_a_while(void **state)
{
	(void)state;
	start(CONF_LOG_COMBINED);
	access_log_add(&access_log, &conf, &x);
	access_log_add(&access_log, &conf, &x);
	assert_int_equal(lines_in("access"), 0);
	/* From the first line on, however many come. */
	pass(400);
	assert_int_equal(lines_in("access"), 0);
	access_log_add(&access_log, &conf, &x);
	pass(100);
	assert_int_equal(lines_in("access"), 3);
	/* Nothing waits: nothing is armed. */
	assert_false(timer_is_armed(&access_log.timer));
	pass(1000);
	assert_int_equal(lines_in("access"), 3);
	access_log_add(&access_log, &conf, &x);
	assert_true(timer_is_armed(&access_log.timer));
	end();
	assert_int_equal(lines_in("access"), 4);
	assert_true(timers_next(&loop.timers) == UINT64_MAX);
}

static void written_in_batches(void **state)
{
	size_t writes = 0, last = 0;

	(void)state;
	start(CONF_LOG_JSON);
	for (size_t added = 1; added <= 1000; added++) {
		struct stat st;

		access_log_add(&access_log, &conf, &x);
		settle();
		assert_int_equal(stat(scratch_path("access"), &st), 0);
		if ((size_t)st.st_size == last)
			continue;
		/* All that there is, at once, and not too little of it. */
		assert_true((size_t)st.st_size - last >= 16 * 1024);
		assert_int_equal(buf_length(&access_log.file->lines), 0);
		assert_false(timer_is_armed(&access_log.timer));
		last = (size_t)st.st_size;
		writes++;
		assert_int_equal(lines_in("access"), added);
	}
	assert_true(writes > 2);
	end();
	assert_int_equal(lines_in("access"), 1000);
	assert_int_equal(counters.log_lost, 0);
}

static void reopened(void **state)
{
	(void)state;
	start(CONF_LOG_COMBINED);
	int old = access_log.file->fd;

	access_log_add(&access_log, &conf, &x);
	assert_int_equal(rename(scratch_path("access"), scratch_path("access.1")),
			 0);
	access_log_reopen(&access_log, open_log("access"));
	access_log_add(&access_log, &conf, &x);
	access_log_add(&access_log, &conf, &x);
	settle();
	assert_int_equal(fcntl(old, F_GETFD), -1);
	/* What waited belongs to the old file. */
	assert_int_equal(lines_in("access.1"), 1);
	assert_int_equal(lines_in("access"), 0);
	access_log_flush(&access_log);
	settle();
	assert_int_equal(lines_in("access.1"), 1);
	assert_int_equal(lines_in("access"), 2);
	old = access_log.file->fd;
	end();
	assert_int_equal(fcntl(old, F_GETFD), -1);
	assert_int_equal(counters.log_lost, 0);
}

static void standard_streams_stay_open(void **state)
{
	(void)state;
	start_on(STDERR_FILENO, CONF_LOG_COMBINED);
	access_log_reopen(&access_log, STDOUT_FILENO);
	access_log_reopen(&access_log, STDERR_FILENO);
	settle();
	end();
	assert_int_not_equal(fcntl(STDERR_FILENO, F_GETFD), -1);
	assert_int_not_equal(fcntl(STDOUT_FILENO, F_GETFD), -1);
}

/* A pipe that is full: what is written to it waits. The end to read from. */
static int start_on_a_full_pipe(size_t *in_it_out)
{
	static char block[4096];
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	memset(block, '#', sizeof(block));
	block[sizeof(block) - 1] = '\n';
	for (*in_it_out = 0; write(ends[1], block, sizeof(block)) > 0;)
		*in_it_out += sizeof(block);
	assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
	start_on(ends[1], CONF_LOG_COMBINED);
	return ends[0];
}

/* Reads all that comes, until nothing is under way any more; counts lines. */
static size_t drain(int reader)
{
	char text[65536];
	size_t lines = 0;

	for (;;) {
		bool is_idle = access_log.offload.held == 0;
		ssize_t n = read(reader, text, sizeof(text));

		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n' && (i == 0 || text[i - 1] != '#');
		if (n <= 0 && is_idle)
			return lines;
		(void)!offload_wait(&access_log.offload, 1);
	}
}

static void reopened_while_stuck(void **state)
{
	size_t n;
	int reader = start_on_a_full_pipe(&n);

	(void)state;
	unlink(scratch_path("access.1"));
	access_log_add(&access_log, &conf, &x);
	access_log_flush(&access_log);
	access_log_add(&access_log, &conf, &x);
	access_log_add(&access_log, &conf, &x);
	access_log_reopen(&access_log, open_log("access"));
	access_log_add(&access_log, &conf, &x);
	access_log_reopen(&access_log, open_log("access.1"));
	for (int i = 0; i < 4; i++)
		access_log_add(&access_log, &conf, &x);
	assert_false(offload_wait(&access_log.offload, 20));
	assert_int_equal(drain(reader), 3);
	end();
	assert_int_equal(lines_in("access"), 1);
	assert_int_equal(lines_in("access.1"), 4);
	assert_int_equal(counters.log_lost, 0);
	assert_int_equal(access_log.waiting, 0);
	close(reader);
}

static void log_to(const char *name)
{
	unlink(scratch_path(name));
	log_set_fd(open_log(name));
}

static void assert_logged(const char *name, const char *pattern)
{
	log_set_fd(STDERR_FILENO);
	char *text = scratch_read(name);

	assert_matches(text, pattern);
	free(text);
}

/* A full disk: said once a second, and when it is over. */
static void lost_lines_are_counted(void **state)
{
	(void)state;
	log_to("error");
	start_on(open("/dev/full", O_WRONLY | O_CLOEXEC), CONF_LOG_COMBINED);
	for (int i = 0; i < 5; i++) {
		access_log_add(&access_log, &conf, &x);
		access_log_flush(&access_log);
		settle();
	}
	assert_int_equal(buf_length(&access_log.file->lines), 0);
	assert_int_equal(lines_in("error"), 1);
	assert_int_equal(counters.log_lost, 5);
	pass(1000);
	assert_int_equal(lines_in("error"), 2);
	access_log_reopen(&access_log, open_log("access"));
	access_log_add(&access_log, &conf, &x);
	access_log_flush(&access_log);
	settle();
	assert_int_equal(lines_in("error"), 2);
	pass(1000);
	access_log_add(&access_log, &conf, &x);
	end();
	assert_logged("error",
		      "^[^\n]*warn [^\n]*cannot write the access log \\(log\\), 1 "
		      "lines are lost: No space left on device\n"
		      "[^\n]*warn [^\n]*log\\), 4 lines are lost: No space "
		      "left on device\n"
		      "[^\n]*warn [^\n]*the access log \\(log\\) is written again; "
		      "5 lines "
		      "were lost\n$");
	assert_int_equal(lines_in("access"), 2);
	assert_int_equal(counters.log_lost, 5);
}

/* It does not go on as long as nothing could be written; and all is said. */
static void lost_lines_at_the_end(void **state)
{
	(void)state;
	log_to("error");
	start_on(open("/dev/full", O_WRONLY | O_CLOEXEC), CONF_LOG_COMBINED);
	for (int i = 0; i < 3; i++) {
		access_log_add(&access_log, &conf, &x);
		access_log_flush(&access_log);
		settle();
	}
	end();
	assert_logged("error", "^[^\n]* 1 lines are lost[^\n]*\n[^\n]* 2 lines are "
			       "lost[^\n]*\n$");
}

static void a_reader_that_stops(void **state)
{
	size_t n, added = 0;
	int reader = start_on_a_full_pipe(&n);

	(void)state;
	log_to("error");
	access_log_add(&access_log, &conf, &x);
	access_log_flush(&access_log);
	for (added = 1; counters.log_lost < 1000; added++) {
		access_log_add(&access_log, &conf, &x);
		assert_true(buf_length(&access_log.file->lines) <=
			    ACCESS_LOG_MAX + 1000);
	}
	assert_true(added > ACCESS_LOG_MAX / 200);
	assert_int_equal(lines_in("error"), 0);
	loop.now += NS_PER_S;
	timers_run(&loop.timers, loop.now);
	assert_int_equal(lines_in("error"), 1);
	/* It reads again: what waited is there, and it goes on. */
	assert_int_equal(drain(reader), added - 1000);
	assert_int_equal(access_log.waiting, 0);
	access_log_add(&access_log, &conf, &x);
	pass(1000);
	assert_int_equal(drain(reader), 1);
	assert_int_equal(counters.log_lost, 1000);
	end();
	assert_logged(
		"error",
		"^[^\n]*warn [^\n]*the access log \\(log\\) is not written fast "
		"enough, 1000 lines are lost\n"
		"[^\n]*warn [^\n]*the access log \\(log\\) is written again; 1000 "
		"lines "
		"were lost\n$");
	close(reader);
}

/* Several processes write to the same pipe: what is written at once ends with
 * a line, and is no more than a pipe takes in one piece. */
static void lines_stay_whole_in_a_pipe(void **state)
{
	char text[8192], agent[5000];
	int ends[2];
	size_t lines = 0;

	(void)state;
	/* Each write is one read. */
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_DIRECT), 0);
	start_on(ends[1], CONF_LOG_COMBINED);
	for (int i = 0; i < 100; i++)
		access_log_add(&access_log, &conf, &x);
	access_log_flush(&access_log);
	while (lines < 100) {
		ssize_t n = read(ends[0], text, sizeof(text));

		assert_true(n > 0 && n <= 4096);
		assert_int_equal(text[n - 1], '\n');
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
	}
	settle();
	/* One that is too long is by itself. */
	access_log_add(&access_log, &conf, &x);
	memset(agent, 'a', sizeof(agent));
	fields[1].value = (struct str){agent, sizeof(agent)};
	access_log_add(&access_log, &conf, &x);
	access_log_flush(&access_log);
	assert_true(read(ends[0], text, sizeof(text)) < 200);
	assert_int_equal(read(ends[0], text, sizeof(text)), 4096);
	assert_true(read(ends[0], text, sizeof(text)) > 900);
	end();
	close(ends[0]);
}

/* The disk was full in the middle of a line, and is not any more. */
static void a_torn_line_ends(void **state)
{
	struct rlimit limit, before;
	char *text;

	(void)state;
	log_to("error");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	start(CONF_LOG_COMBINED);
	access_log_add(&access_log, &conf, &x);
	access_log_add(&access_log, &conf, &x);
	limit.rlim_cur = buf_length(&access_log.file->lines) - 10;
	setrlimit(RLIMIT_FSIZE, &limit);
	access_log_flush(&access_log);
	settle();
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(counters.log_lost, 1);
	access_log_add(&access_log, &conf, &x);
	end();
	log_set_fd(STDERR_FILENO);
	text = scratch_read("access");
	assert_matches(text, "^([^\n]*\"curl/8\"\n)[^\n]*\n([^\n]*\"curl/8\"\n)$");
	free(text);
}

/* In a child, as it has to end. */
static void end_stuck(void)
{
	uint64_t before = clock_read();

	access_log_add(&access_log, &conf, &x);
	access_log_flush(&access_log);
	access_log_add(&access_log, &conf, &x);
	CHILD_CHECK(!access_log_fini(&access_log, 50));
	CHILD_CHECK(counters.log_lost == 2);
	CHILD_CHECK(clock_read() - before >= 50 * NS_PER_MS);
}

static void stuck_at_the_end(void **state)
{
	size_t n;
	int reader = start_on_a_full_pipe(&n);

	(void)state;
	log_to("error");
	assert_int_equal(child_status(end_stuck), 0);
	assert_logged("error",
		      "^[^\n]*the access log \\(log\\) is stuck, up to 2 lines are "
		      "lost\n$");
	end();
	close(reader);
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
		ACCESS_LOG_TEST(templates),
		ACCESS_LOG_TEST(templates_without),
		ACCESS_LOG_TEST(written_after_a_while),
		ACCESS_LOG_TEST(written_in_batches),
		ACCESS_LOG_TEST(reopened),
		ACCESS_LOG_TEST(reopened_while_stuck),
		ACCESS_LOG_TEST(standard_streams_stay_open),
		ACCESS_LOG_TEST(lost_lines_are_counted),
		ACCESS_LOG_TEST(lost_lines_at_the_end),
		ACCESS_LOG_TEST(a_reader_that_stops),
		ACCESS_LOG_TEST(lines_stay_whole_in_a_pipe),
		ACCESS_LOG_TEST(a_torn_line_ends),
		ACCESS_LOG_TEST(stuck_at_the_end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, free_all);
}
