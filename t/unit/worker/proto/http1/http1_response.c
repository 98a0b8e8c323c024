/* SPDX-License-Identifier: BSD-2-Clause */
/* The head of a response, byte for byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "worker/http/http.h"
#include "worker/proto/http1/http1_response.h"

static struct http http;
static struct exchange x;
static struct arena arena;
static struct buf out;

static int set_up(void **state)
{
	(void)state;
	http = (struct http){.date_second = -1};
	x = (struct exchange){.http = &http, .response = {.status = 200}};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_release(&out);
	arena_fini(&arena);
	return 0;
}

/* `wanted` has DATE where the date is. */
static void expect_length(enum http1_connection connection,
			  enum http1_length length, const char *before,
			  const char *after)
{
	size_t room = strlen(before) + strlen(after) + HTTP_DATE_SIZE;

	buf_consume(&out, buf_length(&out));
	http1_put_head(&out, &x, connection, length);
	struct str got = buf_str(&out);

	assert_int_equal(got.n, room);
	assert_memory_equal(got.p, before, strlen(before));
	/* The date's own test is that of http_date(). */
	assert_memory_equal(got.p + strlen(before), http.date, HTTP_DATE_SIZE);
	assert_memory_equal(got.p + strlen(before) + HTTP_DATE_SIZE, after,
			    strlen(after));
}

/* As a response of that status and a known length says it. */
static void expect(enum http1_connection connection, const char *before,
		   const char *after)
{
	expect_length(connection,
		      http1_has_no_content(x.response.status) ? HTTP1_LENGTH_SILENT
							      : HTTP1_LENGTH_KNOWN,
		      before, after);
}

#define OK "HTTP/1.1 200 OK\r\nServer: holdfast\r\nDate: "

static void plain(void **state)
{
	(void)state;
	expect(HTTP1_CONNECTION_SILENT, OK, "\r\nContent-Length: 0\r\n\r\n");
	expect(HTTP1_CONNECTION_KEEP, OK,
	       "\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
	expect(HTTP1_CONNECTION_CLOSE, OK,
	       "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

static void lengths(void **state)
{
	static const uint64_t lengths[] = {1,    9,          10,        99,
					   4096, UINT32_MAX, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		char after[100];

		x.response.body.length = lengths[i];
		snprintf(after, sizeof(after), "\r\nContent-Length: %ju\r\n\r\n",
			 (uintmax_t)lengths[i]);
		expect(HTTP1_CONNECTION_SILENT, OK, after);
	}
}

static void length_that_nobody_knows(void **state)
{
	(void)state;
	x.response.body.length = BODY_LENGTH_UNKNOWN;
	expect_length(HTTP1_CONNECTION_SILENT, HTTP1_LENGTH_CHUNKED, OK,
		      "\r\nTransfer-Encoding: chunked\r\n\r\n");
	expect_length(HTTP1_CONNECTION_CLOSE, HTTP1_LENGTH_SILENT, OK,
		      "\r\nConnection: close\r\n\r\n");
}

static void with_fields(void **state)
{
	struct fields prepared = {0};

	(void)state;
	x.response.body.length = 5;
	fields_add(&prepared, &arena, STR("ETag"), STR("\"1\""));
	x.response.prepared = &prepared;
	expect(HTTP1_CONNECTION_SILENT, OK,
	       "\r\nETag: \"1\"\r\nContent-Length: 5\r\n\r\n");
	fields_add(&x.response.fields, &arena, STR("X"), STR("y"));
	expect(HTTP1_CONNECTION_SILENT, OK,
	       "\r\nETag: \"1\"\r\nX: y\r\nContent-Length: 5\r\n\r\n");
	x.response.prepared = NULL;
	expect(HTTP1_CONNECTION_CLOSE, OK,
	       "\r\nX: y\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
}

/* Every status: its own line, and no length where it has no content. */
static void statuses(void **state)
{
	(void)state;
	for (unsigned status = 200; status < 600; status++) {
		struct str reason = http_reason(status);
		bool none = status == 204 || status == 304;
		char before[200];

		x.response.status = status;
		snprintf(before, sizeof(before),
			 "HTTP/1.1 %u %" STR_FMT "\r\nServer: holdfast\r\nDate: ",
			 status, STR_ARG(reason));
		assert_int_equal(http1_has_no_content(status), none);
		expect(HTTP1_CONNECTION_CLOSE, before,
		       none ? "\r\nConnection: close\r\n\r\n"
			    : "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	}
}

/* Larger than a chunk, and behind what is there already. */
static void large_and_behind_others(void **state)
{
	static char value[3 * BUF_CHUNK];

	(void)state;
	memset(value, 'v', sizeof(value));
	fields_add(&x.response.fields, &arena, STR("X"),
		   (struct str){value, sizeof(value)});
	buf_put_cstr(&out, "before");
	http1_put_head(&out, &x, HTTP1_CONNECTION_SILENT, HTTP1_LENGTH_KNOWN);
	size_t one = buf_length(&out) - 6;

	http1_put_head(&out, &x, HTTP1_CONNECTION_SILENT, HTTP1_LENGTH_KNOWN);
	struct str got = buf_str(&out);

	assert_int_equal(got.n, 6 + 2 * one);
	assert_true(one > sizeof(value));
	assert_true(str_starts_with(got, STR("beforeHTTP/1.1 200 OK\r\n")));
	assert_true(str_ends_with(got, STR("Content-Length: 0\r\n\r\n")));
	assert_true(str_starts_with(str_tail(got, 6 + one),
				    STR("HTTP/1.1 200 OK\r\n")));
}

static int free_all(void **state)
{
	(void)state;
	buf_free_all();
	return 0;
}

#define RESPONSE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RESPONSE_TEST(plain),
		RESPONSE_TEST(lengths),
		RESPONSE_TEST(length_that_nobody_knows),
		RESPONSE_TEST(with_fields),
		RESPONSE_TEST(statuses),
		RESPONSE_TEST(large_and_behind_others),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, free_all);
}
