/* SPDX-License-Identifier: BSD-2-Clause */
/* Heads of responses: what is read of them, what is refused, and that it does
 * not matter how the bytes are cut up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/codec/response_head.h"

static const struct response_limits limits = {.bytes = 1024, .fields = 8};
static struct response_head head;

static enum http1_result parse(struct str bytes, bool is_head, const char **why)
{
	size_t scanned = 0;

	return response_head_parse(bytes, is_head, &limits, &scanned, &head, why);
}

static void frames(void **state)
{
	static const struct {
		const char *head;
		bool is_head;
		enum response_framing framing;
		uint64_t length;
		bool keep_alive;
	} samples[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false,
		 RESPONSE_LENGTH, 5, true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true,
		 RESPONSE_NO_CONTENT, 5, true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false,
		 RESPONSE_NO_CONTENT, 0, true},
		{"HTTP/1.1 200\r\ncontent-length: 5\r\n\r\n", false,
		 RESPONSE_LENGTH, 5, true},
		{"HTTP/1.1 200 \r\nTransfer-Encoding: Chunked\r\n\r\n", false,
		 RESPONSE_CHUNKED, 0, true},
		{"HTTP/1.1 200 OK\r\n\r\n", false, RESPONSE_UNTIL_CLOSE, 0, false},
		{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", false,
		 RESPONSE_LENGTH, 5, false},
		{"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n"
		 "Connection: Keep-Alive\r\n\r\n",
		 false, RESPONSE_LENGTH, 5, true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
		 "Connection: x, Close\r\n\r\n",
		 false, RESPONSE_LENGTH, 5, false},
		{"HTTP/1.1 204 No Content\r\n\r\n", false, RESPONSE_NO_CONTENT, 0,
		 true},
		{"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false,
		 RESPONSE_NO_CONTENT, 9, true},
		{"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", false,
		 RESPONSE_NO_CONTENT, 0, true},
		{"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\n"
		 "Upgrade: websocket\r\n\r\n",
		 false, RESPONSE_TUNNEL, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct str bytes = str_of(samples[i].head);
		const char *why = NULL;

		assert_int_equal(parse(bytes, samples[i].is_head, &why),
				 HTTP1_COMPLETE);
		assert_int_equal(head.framing, samples[i].framing);
		assert_int_equal(head.content_length, samples[i].length);
		assert_int_equal(head.keep_alive, samples[i].keep_alive);
		assert_int_equal(head.size, bytes.n);
	}
}

static void refuses(void **state)
{
	static const char *const samples[] = {
		"HTTP/2 200 OK\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1 600 OK\r\n\r\n",
		"HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/1.1 200 O\001K\r\n\r\n",
		"HTTP/1.1 200 OK\nA: b\r\n\r\n",
		"SSH-2.0-OpenSSH\r\n",
		"<html>",
		" HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
		"Content-Length: 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
		"Transfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
		"Transfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\n\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n\rX: c\r\n\r\n",
		"HTTP/1.1 200 OK\r\n: b\r\n\r\n",
		"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n",
		"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\n\r\n",
		"HTTP/1.1 200 OK\r\na:1\r\nb:1\r\nc:1\r\nd:1\r\ne:1\r\nf:1\r\n"
		"g:1\r\nh:1\r\ni:1\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		const char *why = NULL;

		assert_int_equal(parse(str_of(samples[i]), false, &why), HTTP1_BAD);
		assert_non_null(why);
	}
}

/* Byte by byte there is one verdict, at the last byte. */
static void trickles(void **state)
{
	struct str bytes = STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
			       "X: y\r\n\r\n");
	size_t scanned = 0;
	const char *why;

	(void)state;
	for (size_t n = 0; n < bytes.n; n++)
		assert_int_equal(response_head_parse((struct str){bytes.p, n},
						     false, &limits, &scanned,
						     &head, &why),
				 HTTP1_PARTIAL);
	assert_int_equal(
		response_head_parse(bytes, false, &limits, &scanned, &head, &why),
		HTTP1_COMPLETE);
	assert_int_equal(head.n_fields, 2);
}

/* One without an end is refused at the limit, and so is one that has it
 * beyond. */
static void is_bounded(void **state)
{
	static char bytes[2048];
	const char *why;

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	memcpy(bytes, "HTTP/1.1 200 ", 13);
	assert_int_equal(parse((struct str){bytes, 1024}, false, &why),
			 HTTP1_PARTIAL);
	assert_int_equal(parse((struct str){bytes, 1025}, false, &why), HTTP1_BAD);
	memcpy(bytes + 1020, "\r\n\r\n", 4);
	assert_int_equal(parse((struct str){bytes, 1024}, false, &why),
			 HTTP1_COMPLETE);
}

static void marks_hop_fields(void **state)
{
	struct str bytes = STR("HTTP/1.1 200 OK\r\nConnection: X-Mine, close\r\n"
			       "x-mine: 1\r\nKeep-Alive: 2\r\nDate: now\r\n"
			       "Other: 3\r\n\r\n");
	static const enum response_field kinds[] = {
		RESPONSE_FIELD_CONNECTION, RESPONSE_FIELD_HOP, RESPONSE_FIELD_HOP,
		RESPONSE_FIELD_DATE, RESPONSE_FIELD_OTHER};
	const char *why;

	(void)state;
	assert_int_equal(parse(bytes, false, &why), HTTP1_COMPLETE);
	assert_int_equal(head.n_fields, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(head.kinds[i], kinds[i]);
}

/* Names in any case, and those that are one octet off. */
static void knows_fields(void **state)
{
	static const struct {
		const char *line;
		enum response_field kind;
	} cases[] = {
		{"TE: a", RESPONSE_FIELD_HOP},
		{"tf: a", RESPONSE_FIELD_OTHER},
		{"DATE: a", RESPONSE_FIELD_DATE},
		{"Data: a", RESPONSE_FIELD_OTHER},
		{"sErver: a", RESPONSE_FIELD_SERVER},
		{"Trailer: a", RESPONSE_FIELD_TRAILER},
		{"Upgrade: a", RESPONSE_FIELD_UPGRADE},
		{"Location: a", RESPONSE_FIELD_LOCATION},
		{"Connection: a", RESPONSE_FIELD_CONNECTION},
		{"Set-Cookie: a", RESPONSE_FIELD_SET_COOKIE},
		{"Set_Cookie: a", RESPONSE_FIELD_OTHER},
		{"Keep-Alive: a", RESPONSE_FIELD_HOP},
		{"Content-Type: a", RESPONSE_FIELD_CONTENT_TYPE},
		{"Content-length: 1", RESPONSE_FIELD_CONTENT_LENGTH},
		{"Content-Encoding: a", RESPONSE_FIELD_CONTENT_ENCODING},
		{"Content-Encodinh: a", RESPONSE_FIELD_OTHER},
		{"Proxy-Connection: a", RESPONSE_FIELD_HOP},
		{"Transfer-Encoding: chunked", RESPONSE_FIELD_TRANSFER_ENCODING},
		{"X: a", RESPONSE_FIELD_OTHER},
	};
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[128];

		snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
			 cases[i].line);
		assert_int_equal(parse(str_of(text), false, &why), HTTP1_COMPLETE);
		if (head.kinds[0] != cases[i].kind)
			fail_msg("%s: kind %d", cases[i].line, (int)head.kinds[0]);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames),           cmocka_unit_test(refuses),
		cmocka_unit_test(trickles),         cmocka_unit_test(is_bounded),
		cmocka_unit_test(marks_hop_fields), cmocka_unit_test(knows_fields),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
