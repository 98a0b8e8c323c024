/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heads and what becomes of them. Every one is read whole, byte by byte, and
 * in two pieces cut at every place; the verdict has to be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/codec/http1_head.h"
#include "base/codec/octet.h"

static const struct http1_limits usual = {
	.line = 8192, .bytes = 16384, .fields = 100};
static struct http1_head head;

/* A copy of its own size, so that a sanitizer sees one byte too many. */
static struct str copy_of(struct str s)
{
	char *p = malloc(s.n + (s.n == 0));

	assert_non_null(p);
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct str){p, s.n};
}

/* The verdict on the first `n` bytes, carrying on from *scanned. `head`
 * points into freed bytes afterwards. */
static struct http1_verdict look(struct str bytes, size_t n,
				 const struct http1_limits *limits, size_t *scanned)
{
	struct str copy = copy_of((struct str){bytes.p, n});
	struct http1_verdict v = http1_head_parse(copy, limits, scanned, &head);

	assert_true(*scanned <= n);
	if (v.result == HTTP1_PARTIAL)
		assert_true(n < limits->bytes);
	else
		assert_int_equal(*scanned, 0);
	if (v.result == HTTP1_COMPLETE) {
		assert_true(head.size <= n);
		assert_true(head.size <= limits->bytes);
	}
	assert_true((v.result == HTTP1_BAD) == (v.status != 0));
	assert_true((v.result == HTTP1_BAD) == (v.why != NULL));
	free((char *)copy.p);
	return v;
}

static struct http1_verdict look_whole(struct str bytes,
				       const struct http1_limits *limits)
{
	size_t scanned = 0;

	return look(bytes, bytes.n, limits, &scanned);
}

static void expect_same(struct str input, struct http1_verdict whole,
			struct http1_verdict cut, const char *how, size_t at)
{
	if (whole.result == cut.result && whole.status == cut.status)
		return;
	fail_msg("%s at %zu: %d %u (%s), whole: %d %u (%s): %" STR_FMT, how, at,
		 cut.result, cut.status, cut.why ? cut.why : "", whole.result,
		 whole.status, whole.why ? whole.why : "", STR_ARG(input));
}

static void expect_same_byte_by_byte(struct str input,
				     const struct http1_limits *limits,
				     struct http1_verdict whole, size_t size)
{
	size_t scanned = 0, n = 0;
	struct http1_verdict v;

	do
		v = look(input, n, limits, &scanned);
	while (v.result == HTTP1_PARTIAL && n++ < input.n);
	expect_same(input, whole, v, "byte by byte", n);
	if (v.result == HTTP1_COMPLETE)
		assert_int_equal(head.size, size);
}

static void expect_same_in_two(struct str input, const struct http1_limits *limits,
			       struct http1_verdict whole)
{
	for (size_t cut = 0; cut <= input.n; cut++) {
		size_t scanned = 0;
		struct http1_verdict v = look(input, cut, limits, &scanned);

		if (v.result == HTTP1_PARTIAL)
			v = look(input, input.n, limits, &scanned);
		expect_same(input, whole, v, "cut", cut);
	}
}

/* In pieces, something wrong may be seen as late as at the end of the head,
 * so one follows what is refused. */
static void expect_same_in_pieces(struct str input,
				  const struct http1_limits *limits)
{
	struct http1_verdict whole = look_whole(input, limits);
	size_t size = head.size;
	char longer[8192];

	if (whole.result == HTTP1_BAD) {
		assert_true(input.n + 4 <= sizeof(longer));
		memcpy(longer, input.p, input.n);
		memcpy(longer + input.n, "\r\n\r\n", 4);
		input = (struct str){longer, input.n + 4};
		expect_same(input, whole, look_whole(input, limits), "longer",
			    input.n);
	}
	expect_same_byte_by_byte(input, limits, whole, size);
	if (input.n <= 512)
		expect_same_in_two(input, limits, whole);
}

static void expect_verdict(struct str input, const struct http1_limits *limits,
			   enum http1_result result, unsigned status,
			   const char *why)
{
	struct http1_verdict v = look_whole(input, limits);

	if (v.result != result || v.status != status)
		fail_msg("got %d %u (%s), wanted %d %u (%s): %" STR_FMT, v.result,
			 v.status, v.why ? v.why : "", result, status, why,
			 STR_ARG(input));
	expect_same_in_pieces(input, limits);
}

struct sample {
	struct str input;
	unsigned status; /* 0: complete */
	const char *reason;
};

#define S(input, status, reason)                    \
	{                                           \
		STR_INIT(input), (status), (reason) \
	}
/* A request line of 1.1 with what has to follow it. */
#define LINE(line) line "\r\nHost: a\r\n\r\n"
/* Field lines of a GET in HTTP/1.1, and in HTTP/1.0. */
#define FIELDS(text) "GET / HTTP/1.1\r\nHost: a\r\n" text "\r\n"
#define OLD(text)    "GET / HTTP/1.0\r\n" text "\r\n"

static void check(const struct sample *samples, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect_verdict(samples[i].input, &usual,
			       samples[i].status ? HTTP1_BAD : HTTP1_COMPLETE,
			       samples[i].status, samples[i].reason);
}

#define CHECK(samples) check(samples, sizeof(samples) / sizeof(*(samples)))

static void request_lines(void **state)
{
	static const struct sample samples[] = {
		S(LINE("GET / HTTP/1.1"), 0, "9112 3"),
		S(LINE("GET /a/b?c=d HTTP/1.1"), 0, "9112 3.2.1"),
		S(LINE("M-SEARCH / HTTP/1.1"), 0, "9110 9.1 any token"),
		S(LINE("!#$%&'*+-.^_`|~09azAZ / HTTP/1.1"), 0, "9110 5.6.2"),
		S(LINE("get / HTTP/1.1"), 0, "9110 9.1 case counts later"),
		S(LINE("PRIZE / HTTP/1.1"), 0, "begins as PRI"),
		S(LINE("CONNECTED / HTTP/1.1"), 0, "begins as CONNECT"),
		S("\r\n" LINE("GET / HTTP/1.1"), 0, "9112 2.2 one CRLF"),
		S("\r\n\r\n" LINE("GET / HTTP/1.1"), 400, "9112 2.2 two"),
		S("\n" LINE("GET / HTTP/1.1"), 400, "9112 2.2 bare LF"),
		S("\r" LINE("GET / HTTP/1.1"), 400, "9112 2.2 bare CR"),
		S(" " LINE("GET / HTTP/1.1"), 400, "9112 3 leading SP"),
		S(LINE("GET  / HTTP/1.1"), 400, "9112 3 two SP"),
		S(LINE("GET /  HTTP/1.1"), 400, "9112 3 two SP"),
		S(LINE("GET\t/ HTTP/1.1"), 400, "9112 3 HTAB"),
		S(LINE("GET /\tHTTP/1.1"), 400, "9112 3 HTAB"),
		S(LINE("GET / HTTP/1.1 "), 400, "9112 3 trailing SP"),
		S(LINE("GET /"), 400, "HTTP/0.9"),
		S(LINE("GET"), 400, "9112 3 method alone"),
		S(LINE("GET / "), 400, "9112 3 no version"),
		S(LINE("G(T / HTTP/1.1"), 400, "9110 5.6.2"),
		S(LINE("G@T / HTTP/1.1"), 400, "9110 5.6.2"),
		S(LINE("G\x80T / HTTP/1.1"), 400, "9110 5.6.2"),
		S(LINE("G\0T / HTTP/1.1"), 400, "9110 5.6.2"),
		S("GET / HTTP/1.1\nHost: a\n\n", 400, "9112 2.2 bare LF"),
		S("GET / HTTP/1.1\rHost: a\r\r", 400, "9112 2.2 bare CR"),
		S("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400, "9112 2.2"),
		S("GET /\n HTTP/1.1\r\nHost: a\r\n\r\n", 400, "9112 2.2"),
		S("\x16\x03\x01\x02\0\x01", 400, "TLS"),
		S("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "9113 3.4"),
		S(LINE("CONNECT a:443 HTTP/1.1"), 501, "9110 9.3.6"),
		S("CONNECT a:443 HTTP/1.1\n", 501, "the first wrong thing"),
	};

	(void)state;
	CHECK(samples);
}

static void versions(void **state)
{
	static const struct sample samples[] = {
		S(LINE("GET / HTTP/1.0"), 0, "9112 2.3"),
		S(LINE("GET / HTTP/1.2"), 0, "9110 2.5"),
		S(LINE("GET / HTTP/1.9"), 0, "9110 2.5"),
		S(LINE("GET / HTTP/2.0"), 505, "9110 15.6.6"),
		S(LINE("GET / HTTP/0.9"), 505, "9110 15.6.6"),
		S(LINE("GET / HTTP/3.1"), 505, "9110 15.6.6"),
		S(LINE("GET / HTTP/2"), 400, "9112 2.3"),
		S(LINE("GET / HTTP/1"), 400, "9112 2.3"),
		S(LINE("GET / HTTP/1."), 400, "9112 2.3"),
		S(LINE("GET / HTTP/1.10"), 400, "9112 2.3"),
		S(LINE("GET / HTTP/11.1"), 400, "9112 2.3"),
		S(LINE("GET / HTTP/01.1"), 400, "9112 2.3"),
		S(LINE("GET / HTTP/1,1"), 400, "9112 2.3"),
		S(LINE("GET / http/1.1"), 400, "9112 2.3 case counts"),
		S(LINE("GET / Http/1.1"), 400, "9112 2.3 case counts"),
		S(LINE("GET / HTTPS/1.1"), 400, "9112 2.3"),
		S(LINE("GET / HTTP/ 1.1"), 400, "9112 2.3"),
		S(LINE("GET / HTTP /1.1"), 400, "9112 2.3"),
		S(LINE("GET / HTTP/-1.1"), 400, "9112 2.3"),
		S(LINE("GET / HTTP/x.1"), 400, "9112 2.3"),
		S(LINE("GET / HTTP/1.x"), 400, "9112 2.3"),
		S(LINE("GET / HTTP/\xb2.0"), 400, "9112 2.3"),
		S(LINE("GET / FTP/1.1"), 400, "9112 2.3"),
	};

	(void)state;
	CHECK(samples);
}

static void targets(void **state)
{
	static const struct sample samples[] = {
		S(LINE("GET //a HTTP/1.1"), 0, "9112 3.2.1"),
		S(LINE("GET /?a?b HTTP/1.1"), 0, "3986 3.4"),
		S(LINE("GET /%zz HTTP/1.1"), 0, "left to uri"),
		S(LINE("GET /\"<>\\^`{|} HTTP/1.1"), 0, "visible ASCII"),
		S(LINE("GET /#a HTTP/1.1"), 400, "9112 3.2 fragment"),
		S(LINE("GET /?#a HTTP/1.1"), 400, "9112 3.2 fragment"),
		S(LINE("GET /\x7f HTTP/1.1"), 400, "3986 2"),
		S(LINE("GET /\x80 HTTP/1.1"), 0, "as other servers"),
		S(LINE("GET /\xc3\xa4?\xff HTTP/1.1"), 0, "likewise"),
		S(LINE("GET /\0 HTTP/1.1"), 400, "3986 2"),
		S(LINE("GET /\x01 HTTP/1.1"), 400, "3986 2"),
		S(LINE("GET a HTTP/1.1"), 400, "9112 3.2"),
		S(LINE("GET ?a HTTP/1.1"), 400, "9112 3.2"),
		S(LINE("GET a:80 HTTP/1.1"), 400, "9112 3.2.3 authority"),
		S(LINE("OPTIONS * HTTP/1.1"), 0, "9112 3.2.4"),
		S(LINE("GET * HTTP/1.1"), 400, "9112 3.2.4"),
		S(LINE("options * HTTP/1.1"), 400, "9112 3.2.4"),
		S(LINE("OPTIONS ** HTTP/1.1"), 400, "9112 3.2.4"),
		S(LINE("OPTIONS *?a HTTP/1.1"), 400, "9112 3.2.4"),
		S(LINE("GET http://b/ HTTP/1.1"), 0, "9112 3.2.2"),
		S(LINE("GET HTTP://b/ HTTP/1.1"), 0, "3986 3.1"),
		S(LINE("GET hTTpS://b/ HTTP/1.1"), 0, "9112 3.2.2"),
		S(LINE("GET http://b HTTP/1.1"), 0, "9110 4.2.3"),
		S(LINE("GET http://b?c HTTP/1.1"), 0, "9110 4.2.3"),
		S(LINE("GET http://b:80/ HTTP/1.1"), 0, "3986 3.2.3"),
		S(LINE("GET http://b:/ HTTP/1.1"), 0, "3986 3.2.3"),
		S(LINE("GET http://[::1]:80/ HTTP/1.1"), 0, "3986 3.2.2"),
		S(LINE("GET http:/// HTTP/1.1"), 400, "9110 4.2.1 no host"),
		S(LINE("GET http:// HTTP/1.1"), 400, "9110 4.2.1"),
		S(LINE("GET http://:80/ HTTP/1.1"), 400, "9110 4.2.1"),
		S(LINE("GET http://?a HTTP/1.1"), 400, "9110 4.2.1"),
		S(LINE("GET http:/b/ HTTP/1.1"), 400, "9112 3.2.2"),
		S(LINE("GET http:b HTTP/1.1"), 400, "9112 3.2.2"),
		S(LINE("GET http://u@b/ HTTP/1.1"), 400, "9110 4.2.4"),
		S(LINE("GET http://u:p@b/ HTTP/1.1"), 400, "9110 4.2.4"),
		S(LINE("GET http://b:x/ HTTP/1.1"), 400, "3986 3.2.3"),
		S(LINE("GET http://[b/ HTTP/1.1"), 400, "3986 3.2.2"),
		S(LINE("GET http://b\\c/ HTTP/1.1"), 400, "3986 3.2.2"),
		S(LINE("GET ftp://b/ HTTP/1.1"), 400, "9110 4.2"),
		S("GET http://b/ HTTP/1.1\r\n\r\n", 400, "9112 3.2 no Host"),
		S("GET http://b/ HTTP/1.0\r\n\r\n", 0, "1.0 needs no Host"),
		S("GET http://b/ HTTP/1.1\r\nHost: @\r\n\r\n", 400, "9112 3.2"),
	};

	(void)state;
	CHECK(samples);
}

static void field_lines(void **state)
{
	static const struct sample samples[] = {
		S(FIELDS("A:b\r\n"), 0, "9112 5"),
		S(FIELDS("A: \t b \t \r\n"), 0, "9112 5.1 OWS"),
		S(FIELDS("A:\r\n"), 0, "9110 5.5 empty"),
		S(FIELDS("A: \t\r\n"), 0, "9110 5.5 empty"),
		S(FIELDS("A: b\tc d\r\n"), 0, "9110 5.5"),
		S(FIELDS("A: 0123456789abcdef\t0123456789abcdef\r\n"), 0,
		  "9110 5.5 HTAB in a long value"),
		S(FIELDS("A: \x80\xff\r\n"), 0, "9110 5.5 obs-text"),
		S(FIELDS("!#$%&'*+-.^_`|~0: b\r\n"), 0, "9110 5.6.2"),
		S(FIELDS("A: b:c\r\n"), 0, "colon in a value"),
		S(FIELDS("A b: c\r\n"), 400, "9112 5.1"),
		S(FIELDS("A : b\r\n"), 400, "9112 5.1 SP before colon"),
		S(FIELDS("A\t: b\r\n"), 400, "9112 5.1"),
		S(FIELDS("A: b\r\n c\r\n"), 400, "9112 5.2 obs-fold"),
		S(FIELDS("A: b\r\n\tc\r\n"), 400, "9112 5.2 obs-fold"),
		S("GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "9112 2.2"),
		S(FIELDS(": b\r\n"), 400, "9112 5 no name"),
		S(FIELDS("A\r\n"), 400, "9112 5 no colon"),
		S(FIELDS("A(: b\r\n"), 400, "9110 5.6.2"),
		S(FIELDS("A\x80: b\r\n"), 400, "9110 5.6.2"),
		S(FIELDS("A\0: b\r\n"), 400, "9110 5.6.2"),
		S(FIELDS("\"A\": b\r\n"), 400, "9110 5.6.2"),
		S(FIELDS("A: b\0c\r\n"), 400, "9110 5.5 NUL"),
		S(FIELDS("A: b\x01\r\n"), 400, "9110 5.5 CTL"),
		S(FIELDS("A: 0123456789abcdef\x1f\r\n"), 400, "9110 5.5"),
		S(FIELDS("A: 0123456789abcdef\x7f\r\n"), 400, "9110 5.5"),
		S(FIELDS("A: b\nC: d\r\n"), 400, "9112 2.2 bare LF"),
		S(FIELDS("A: b\rC: d\r\n"), 400, "9112 2.2 bare CR"),
		S(FIELDS("A: b\r\r\n"), 400, "9112 2.2"),
		S(FIELDS("A: b\r\n\n"), 400, "9112 2.2 bare LF at the end"),
		S(FIELDS("A: b\n\r\n"), 400, "9112 2.2"),
		S(FIELDS("A: b\r\n\rX"), 400, "9112 2.2"),
		S(FIELDS("\nA: b\r\n"), 400, "9112 2.2"),
		S(FIELDS("A\n: b\r\n"), 400, "9112 2.2"),
		S(FIELDS("A:\n b\r\n"), 400, "9112 2.2"),
	};

	(void)state;
	CHECK(samples);
}

static void hosts(void **state)
{
	static const struct sample samples[] = {
		S("GET / HTTP/1.1\r\n\r\n", 400, "9112 3.2 no Host"),
		S("GET / HTTP/1.2\r\n\r\n", 400, "9112 3.2"),
		S("GET / HTTP/1.0\r\n\r\n", 0, "9112 3.2"),
		S("GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "9110 4.2.1 empty"),
		S("GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400, "9110 4.2.1"),
		S("GET / HTTP/1.1\r\nhOST: a\r\n\r\n", 0, "9110 5.1"),
		S("GET / HTTP/1.1\r\nHost: a:80\r\n\r\n", 0, "9110 7.2"),
		S("GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", 0, "3986 3.2.2"),
		S("GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n", 0, ""),
		S(FIELDS("Host: b\r\n"), 400, "9112 3.2 two"),
		S(FIELDS("Host: a\r\n"), 400, "9112 3.2 two, equal"),
		S(FIELDS("hosT: a\r\n"), 400, "9112 3.2 two, by case"),
		S(OLD("Host: a\r\nHost: a\r\n"), 400, "9112 3.2 two in 1.0"),
		S(OLD("Host: a b\r\n"), 400, "9112 3.2"),
		S("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "9112 3.2"),
		S("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "9112 3.2"),
		S("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "9112 3.2"),
		S("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400, "9112 3.2"),
		S("GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n", 400, "9112 3.2"),
		S("GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", 400, "3986 3.2.2"),
		S("GET / HTTP/1.1\r\nHost: \x80\r\n\r\n", 400, "9112 3.2"),
	};

	(void)state;
	CHECK(samples);
}

static void framing(void **state)
{
	static const struct sample samples[] = {
		S(FIELDS("Content-Length: 0\r\n"), 0, "9110 8.6"),
		S(FIELDS("Content-Length: 00012\r\n"), 0, "1*DIGIT"),
		S(FIELDS("Content-Length: 9223372036854775807\r\n"), 0, ""),
		S(FIELDS("Content-Length: 9223372036854775808\r\n"), 400,
		  "9110 8.6 overflow"),
		S(FIELDS("Content-Length: 18446744073709551617\r\n"), 400, ""),
		S(FIELDS("Content-Length: 99999999999999999999999\r\n"), 400,
		  "9110 8.6 overflow"),
		S(FIELDS("Content-Length:\r\n"), 400, "9112 6.3"),
		S(FIELDS("Content-Length: +1\r\n"), 400, "9112 6.3"),
		S(FIELDS("Content-Length: -1\r\n"), 400, "9112 6.3"),
		S(FIELDS("Content-Length: 0x1\r\n"), 400, "9112 6.3"),
		S(FIELDS("Content-Length: 1 2\r\n"), 400, "9112 6.3"),
		S(FIELDS("Content-Length: 1.\r\n"), 400, "9112 6.3"),
		S(FIELDS("Content-Length: \xb2\r\n"), 400, "9112 6.3"),
		S(FIELDS("Content-Length: 5, 5\r\n"), 400, "9112 6.3"),
		S(FIELDS("Content-Length: 5,\r\n"), 400, "9112 6.3"),
		S(FIELDS("Content-Length: 5\r\nContent-Length: 5\r\n"), 400,
		  "9112 6.3 twice"),
		S(FIELDS("Content-Length: 5\r\ncontent-length: 6\r\n"), 400,
		  "9112 6.3 twice"),
		S(FIELDS("Content-Length: 0\r\nContent-Length: 0\r\n"), 400,
		  "9112 6.3 twice"),
		S(OLD("Content-Length: 5\r\nContent-Length: 5\r\n"), 400, ""),

		S(FIELDS("Transfer-Encoding: chunked\r\n"), 0, "9112 6.1"),
		S(FIELDS("transfer-encoding:\tCHUNKED \r\n"), 0, "9112 7"),
		S(OLD("Transfer-Encoding: chunked\r\n"), 400, "9112 6.1"),
		S(FIELDS("Transfer-Encoding: chunked\r\n"
			 "Content-Length: 5\r\n"),
		  400, "9112 6.3"),
		S(FIELDS("Content-Length: 5\r\n"
			 "Transfer-Encoding: chunked\r\n"),
		  400, "9112 6.3"),
		S(FIELDS("Content-Length: 0\r\n"
			 "Transfer-Encoding: chunked\r\n"),
		  400, "9112 6.3"),
		S(FIELDS("Transfer-Encoding: chunked, chunked\r\n"), 400,
		  "9112 6.1 twice"),
		S(FIELDS("Transfer-Encoding: chunked\r\n"
			 "Transfer-Encoding: chunked\r\n"),
		  400, "9112 6.1 twice"),
		S(FIELDS("Transfer-Encoding: chunked, gzip\r\n"), 400,
		  "9112 6.1 not last"),
		S(FIELDS("Transfer-Encoding: chunked\r\n"
			 "Transfer-Encoding: gzip\r\n"),
		  400, "9112 6.1 not last"),
		S(FIELDS("Transfer-Encoding: chunked;a=b\r\n"), 400,
		  "9112 7 no parameters"),
		S(FIELDS("Transfer-Encoding: chunked;\r\n"), 400, "9112 7"),
		S(FIELDS("Transfer-Encoding: gzip, chunked\r\n"), 501, "9112 6.1"),
		S(FIELDS("Transfer-Encoding: gzip\r\n"
			 "Transfer-Encoding: chunked\r\n"),
		  501, "9112 6.1"),
		S(FIELDS("Transfer-Encoding: x;a=b , chunked\r\n"), 501, ""),
		S(FIELDS("Transfer-Encoding: gzip\r\n"), 400, "9112 6.3"),
		S(FIELDS("Transfer-Encoding: Deflate\r\n"), 400, "9112 6.3"),
		S(FIELDS("Transfer-Encoding: xchunked\r\n"), 501, "9112 6.1"),
		S(FIELDS("Transfer-Encoding: identity\r\n"), 501, "9112 6.1"),
		S(FIELDS("Transfer-Encoding:\r\n"), 400, "9112 6.1 empty"),
		S(FIELDS("Transfer-Encoding: ,chunked\r\n"), 400, ""),
		S(FIELDS("Transfer-Encoding: chunked,\r\n"), 400, ""),
		S(FIELDS("Transfer-Encoding: gzip,,chunked\r\n"), 400, ""),
		S(FIELDS("Transfer-Encoding: chun ked\r\n"), 400, ""),
		S(FIELDS("Transfer-Encoding: \"chunked\"\r\n"), 400, ""),
		S(FIELDS("Transfer-Encoding: chunked\x0b\r\n"), 400, ""),
		S(FIELDS("Transfer-Encoding : chunked\r\n"), 400, ""),
	};

	(void)state;
	CHECK(samples);
}

static void connection_and_expect(void **state)
{
	static const struct sample samples[] = {
		S(FIELDS("Connection: close\r\n"), 0, "9112 9.6"),
		S(FIELDS("Connection:\r\n"), 0, "9110 5.6.1"),
		S(FIELDS("Connection: ,close, ,\r\n"), 0, "9110 5.6.1.2"),
		S(FIELDS("Connection: Upgrade, HTTP2-Settings\r\n"), 0, ""),
		S(FIELDS("Connection: a b\r\n"), 400, "9110 7.6.1"),
		S(FIELDS("Connection: \"close\"\r\n"), 400, "9110 7.6.1"),
		S(FIELDS("Connection: a;b\r\n"), 400, "9110 7.6.1"),
		S(FIELDS("Expect: 100-continue\r\n"), 0, "9110 10.1.1"),
		S(FIELDS("Expect: 100-Continue\r\n"), 0, "9110 10.1.1"),
		S(FIELDS("Expect: 200-ok\r\n"), 417, "9110 10.1.1"),
		S(FIELDS("Expect:\r\n"), 417, "9110 10.1.1"),
		S(FIELDS("Expect: 100-continue, a\r\n"), 417, "9110 10.1.1"),
		S(OLD("Expect: 200-ok\r\n"), 0, "9110 10.1.1 not in 1.0"),
	};

	(void)state;
	CHECK(samples);
}

/* Every prefix of a good head is right so far, and none is complete. */
static void partial_heads(void **state)
{
	static const char *const inputs[] = {
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nA:\r\nB: \tc \r\n\r\n",
		FIELDS("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(inputs) / sizeof(*inputs); i++) {
		struct str input = str_of(inputs[i]);

		for (size_t n = 0; n < input.n; n++)
			expect_verdict((struct str){input.p, n}, &usual,
				       HTTP1_PARTIAL, 0, "prefix");
		expect_verdict(input, &usual, HTTP1_COMPLETE, 0, "whole");
	}
}

/* What cannot become a head is not waited for. */
static void refused_at_once(void **state)
{
	static const struct sample samples[] = {
		S("\x16", 400, "TLS"),
		S("\x80", 400, "SSL 2"),
		S("{", 400, "JSON"),
		S("\n", 400, "bare LF"),
		S("\r\n\r", 400, "second empty line"),
		S("PRI ", 505, "HTTP/2"),
		S("CONNECT ", 501, "no need to see the target"),
		S("GET  ", 400, "two SP"),
		S("GET /\n", 400, "bare LF"),
		S("GET /\rX", 400, "bare CR"),
		S("GET / X", 400, "no version"),
		S("GET / HTTP/2.0\r\n", 505, "version"),
		S("GET / HTTP/1.1\r\n ", 400, "obs-fold"),
		S("GET / HTTP/1.1\r\nA: b\n", 400, "bare LF"),
		S("GET / HTTP/1.1\r\nA: b\rc", 400, "bare CR"),
		S("GET / HTTP/1.1\r\nA: b\0", 400, "NUL"),
		S("GET / HTTP/1.1\r\nA b", 400, "no colon"),
		S("GET / HTTP/1.1\r\nExpect: x\r\n", 417, "expectation"),
	};

	(void)state;
	CHECK(samples);
}

/* Refused with the byte that is wrong, though it comes alone. */
static void refused_byte_by_byte(void **state)
{
	static const struct str samples[] = {
		STR_INIT("GET /a\n"),
		STR_INIT("GET /a\rb"),
		STR_INIT("GET / HTTP/1.1\n"),
		STR_INIT("GET / HTTP/1.1\rX"),
		STR_INIT("GET / HTTP/1.1\r\nA: b\n"),
		STR_INIT("GET / HTTP/1.1\r\nA: b\rC"),
		STR_INIT("GET / HTTP/1.1\r\nA: b\x01"),
		STR_INIT("GET / HTTP/1.1\r\nA: b\r\nC\r\n"),
		STR_INIT("GET / HTTP/7.1\r\n"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct str input = samples[i];
		size_t scanned = 0;

		for (size_t n = 1; n < input.n; n++)
			assert_int_equal(look(input, n, &usual, &scanned).result,
					 HTTP1_PARTIAL);
		assert_int_equal(look(input, input.n, &usual, &scanned).result,
				 HTTP1_BAD);
	}
}

/* "A: b" lines until the head has `size` bytes. */
static struct str head_of_size(char *out, size_t size)
{
	static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nA: ";
	size_t n = sizeof(start) - 1;

	memcpy(out, start, n);
	memset(out + n, 'x', size - 4 - n);
	memcpy(out + size - 4, "\r\n\r\n", 4);
	return (struct str){out, size};
}

static void limit_of_bytes(void **state)
{
	static char bytes[1024];
	struct http1_limits limits = {.line = 200, .bytes = 200, .fields = 100};

	(void)state;
	expect_verdict(head_of_size(bytes, 199), &limits, HTTP1_COMPLETE, 0,
		       "under");
	expect_verdict(head_of_size(bytes, 200), &limits, HTTP1_COMPLETE, 0,
		       "exact");
	expect_verdict(head_of_size(bytes, 201), &limits, HTTP1_BAD, 431, "over");
	expect_verdict(head_of_size(bytes, 800), &limits, HTTP1_BAD, 431,
		       "far over");

	/* What is wrong beyond the limit has no say. */
	head_of_size(bytes, 800);
	bytes[300] = '\0';
	expect_verdict((struct str){bytes, 800}, &limits, HTTP1_BAD, 431,
		       "NUL beyond");
	bytes[150] = '\0';
	expect_verdict((struct str){bytes, 800}, &limits, HTTP1_BAD, 400,
		       "NUL before");

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes, "GET /", 5);
	expect_verdict((struct str){bytes, 199}, &limits, HTTP1_PARTIAL, 0,
		       "line right so far");
	expect_verdict((struct str){bytes, 200}, &limits, HTTP1_BAD, 414,
		       "line too long");
	expect_verdict((struct str){bytes, 900}, &limits, HTTP1_BAD, 414,
		       "line far too long");
	memset(bytes, 'X', sizeof(bytes));
	expect_verdict((struct str){bytes, 900}, &limits, HTTP1_BAD, 501,
		       "method too long");
}

/* A head whose request line has so many bytes. */
static struct str head_of_line(char *out, size_t line)
{
	memcpy(out, "GET /", 5);
	memset(out + 5, 'x', line - 16);
	char *end = stpcpy(out + line - 11, " HTTP/1.1\r\nHost: a\r\n\r\n");

	return (struct str){out, (size_t)(end - out)};
}

static void limit_of_line(void **state)
{
	static char bytes[1024];
	struct http1_limits limits = {.line = 100, .bytes = 400, .fields = 100};

	(void)state;
	expect_verdict(head_of_line(bytes, 99), &limits, HTTP1_COMPLETE, 0,
		       "under");
	expect_verdict(head_of_line(bytes, 100), &limits, HTTP1_COMPLETE, 0,
		       "exact");
	expect_verdict(head_of_line(bytes, 101), &limits, HTTP1_BAD, 414, "over");
	expect_verdict(head_of_line(bytes, 900), &limits, HTTP1_BAD, 414,
		       "far over");
	memcpy(bytes, "\r\n", 2);
	expect_verdict((struct str){bytes, head_of_line(bytes + 2, 100).n + 2},
		       &limits, HTTP1_COMPLETE, 0, "after an empty line");
	expect_verdict((struct str){bytes, head_of_line(bytes + 2, 101).n + 2},
		       &limits, HTTP1_BAD, 414, "over, after an empty line");

	/* What is wrong beyond the limit has no say. */
	head_of_line(bytes, 300);
	bytes[200] = '\0';
	expect_verdict((struct str){bytes, 300}, &limits, HTTP1_BAD, 414,
		       "NUL beyond");
	bytes[50] = '\0';
	expect_verdict((struct str){bytes, 300}, &limits, HTTP1_BAD, 400,
		       "NUL before");
}

static struct str head_of_fields(char *out, size_t n, const char *last)
{
	char *p = stpcpy(out, "GET / HTTP/1.1\r\nHost: a\r\n");

	for (size_t i = 1; i < n; i++)
		p = stpcpy(p, "A: b\r\n");
	p = stpcpy(p, last);
	return (struct str){out, (size_t)(p - out)};
}

static void limit_of_fields(void **state)
{
	static char bytes[4096];
	struct http1_limits limits = {.line = 4096, .bytes = 4096, .fields = 10};
	struct http1_limits loose = {.line = 4096, .bytes = 4096, .fields = 1000};

	(void)state;
	expect_verdict(head_of_fields(bytes, 10, "\r\n"), &limits, HTTP1_COMPLETE,
		       0, "exact");
	expect_verdict(head_of_fields(bytes, 11, "\r\n"), &limits, HTTP1_BAD, 431,
		       "over");
	expect_verdict(head_of_fields(bytes, 11, "A\n"), &limits, HTTP1_BAD, 431,
		       "over, and wrong after that");
	expect_verdict(head_of_fields(bytes, 10, "A\n"), &limits, HTTP1_BAD, 431,
		       "over and wrong");
	expect_verdict(head_of_fields(bytes, 9, "A\n"), &limits, HTTP1_BAD, 400,
		       "wrong");
	expect_verdict(head_of_fields(bytes, 256, "\r\n"), &loose, HTTP1_COMPLETE,
		       0, "the array full");
	expect_verdict(head_of_fields(bytes, 257, "\r\n"), &loose, HTTP1_BAD, 431,
		       "the array too small");
}

static void assert_str(struct str got, const char *wanted)
{
	if (wanted == NULL) {
		assert_null(got.p);
		return;
	}
	assert_non_null(got.p);
	if (!str_equal(got, str_of(wanted)))
		fail_msg("got \"%" STR_FMT "\", wanted \"%s\"", STR_ARG(got),
			 wanted);
}

static void parse(const char *cstr)
{
	size_t scanned = 0;
	struct http1_verdict v =
		http1_head_parse(str_of(cstr), &usual, &scanned, &head);

	if (v.result != HTTP1_COMPLETE)
		fail_msg("%d %u (%s): %s", v.result, v.status, v.why, cstr);
}

static void parts_of_the_target(void **state)
{
	static const struct {
		const char *line, *path, *query, *host;
		enum http1_target form;
	} samples[] = {
		{"GET /", "/", NULL, "a", HTTP1_TARGET_ORIGIN},
		{"GET /b?", "/b", "", "a", HTTP1_TARGET_ORIGIN},
		{"GET /b?c?d=/", "/b", "c?d=/", "a", HTTP1_TARGET_ORIGIN},
		{"GET //h/b", "//h/b", NULL, "a", HTTP1_TARGET_ORIGIN},
		{"OPTIONS *", "*", NULL, "a", HTTP1_TARGET_ASTERISK},
		{"GET http://h:1/b?c", "/b", "c", "h:1", HTTP1_TARGET_ABSOLUTE},
		{"GET http://h", "/", NULL, "h", HTTP1_TARGET_ABSOLUTE},
		{"GET https://h?", "/", "", "h", HTTP1_TARGET_ABSOLUTE},
		{"GET http://h?b/c", "/", "b/c", "h", HTTP1_TARGET_ABSOLUTE},
		{"GET http://[::1]/?b", "/", "b", "[::1]", HTTP1_TARGET_ABSOLUTE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		char text[256];

		snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: a\r\n\r\n",
			 samples[i].line);
		parse(text);
		assert_str(head.path, samples[i].path);
		assert_str(head.query, samples[i].query);
		assert_str(head.host, samples[i].host);
		assert_int_equal(head.form, samples[i].form);
		assert_str(head.target, strtok(strchr(text, ' ') + 1, " "));
	}
}

static void fields_are_found(void **state)
{
	static const struct {
		const char *name;
		enum field_id id;
	} names[] = {
		{"hOst", FIELD_HOST},
		{"Connection", FIELD_CONNECTION},
		{"user-agent", FIELD_USER_AGENT},
		{"Content-Type", FIELD_CONTENT_TYPE},
		{"CONTENT-LENGTH", FIELD_CONTENT_LENGTH},
		{"Expect", FIELD_EXPECT},
		{"Referer", FIELD_REFERER},
		{"uPgrade", FIELD_UPGRADE},
		{"Accept", FIELD_OTHER},
		{"Hosts", FIELD_OTHER},
		{"Hos", FIELD_OTHER},
		{"Hose", FIELD_OTHER},
		{"Expec7", FIELD_OTHER},
		{"Upgrad_", FIELD_OTHER},
		{"User_Agent", FIELD_OTHER},
		{"Content-Typ~", FIELD_OTHER},
	};

	(void)state;
	parse("PUT /x HTTP/1.1\r\n"
	      "hOst: a:1\r\nConnection: x\r\nuser-agent:\t me \r\n"
	      "Content-Type: text/plain; a=b\r\nCONTENT-LENGTH: 5\r\n"
	      "Expect: 100-continue\r\nReferer: r\r\nuPgrade: u\r\n"
	      "Accept:\r\nHosts: b\r\nHos: c\r\nHose: d\r\nExpec7: e\r\n"
	      "Upgrad_: f\r\nUser_Agent: g\r\nContent-Typ~: h\r\n\r\nhello");
	assert_int_equal(head.n_fields, sizeof(names) / sizeof(*names));
	for (size_t i = 0; i < head.n_fields; i++) {
		assert_str(head.fields[i].name, names[i].name);
		assert_int_equal(head.fields[i].id, names[i].id);
	}
	assert_str(head.method, "PUT");
	assert_true(head.expects_continue);
	assert_int_equal(head.body, HTTP1_BODY_LENGTH);
	assert_int_equal(head.content_length, 5);
}

static void bodies(void **state)
{
	(void)state;
	parse(FIELDS(""));
	assert_int_equal(head.body, HTTP1_BODY_NONE);
	parse(FIELDS("Content-Length: 0\r\n"));
	assert_int_equal(head.body, HTTP1_BODY_NONE);
	assert_int_equal(head.content_length, 0);
	parse(FIELDS("Content-Length: 9223372036854775807\r\n"));
	assert_int_equal(head.body, HTTP1_BODY_LENGTH);
	assert_true(head.content_length == INT64_MAX);
	parse(FIELDS("Transfer-Encoding: chunked\r\n"));
	assert_int_equal(head.body, HTTP1_BODY_CHUNKED);
	parse(FIELDS("Trailer: a\r\n"));
	assert_int_equal(head.body, HTTP1_BODY_NONE);
}

/* RFC 9112 section 9.3 */
static void persistence(void **state)
{
	static const struct {
		const char *text;
		bool keep_alive;
	} samples[] = {
		{FIELDS(""), true},
		{FIELDS("Connection: keep-alive\r\n"), true},
		{FIELDS("Connection: upgrade\r\n"), true},
		{FIELDS("Connection: CLOSE\r\n"), false},
		{FIELDS("Connection: keep-alive, close\r\n"), false},
		{FIELDS("Connection: close, keep-alive\r\n"), false},
		{FIELDS("Connection: a\r\nConnection: ,close\r\n"), false},
		{FIELDS("Connection: closed\r\n"), true},
		{OLD(""), false},
		{OLD("Connection: Keep-Alive\r\n"), true},
		{OLD("Connection: a , keep-alive\r\n"), true},
		{OLD("Connection: keep-alive\r\nConnection: close\r\n"), false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		parse(samples[i].text);
		if (head.keep_alive != samples[i].keep_alive)
			fail_msg("%s", samples[i].text);
	}
	assert_int_equal(head.minor, 0);
	assert_null(head.host.p);
	parse(LINE("GET / HTTP/1.7"));
	assert_int_equal(head.minor, 1);
	parse(OLD("Expect: 100-continue\r\n"));
	assert_false(head.expects_continue);
}

/* What is left after the head is the next request's, or the body. */
static void pipelined_heads(void **state)
{
	struct str bytes = STR("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
			       "\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
			       "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
	static const char *const paths[] = {"/1", "/2", "/3"};
	size_t scanned = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct http1_verdict v =
			http1_head_parse(bytes, &usual, &scanned, &head);

		assert_int_equal(v.result, HTTP1_COMPLETE);
		assert_str(head.path, paths[i]);
		bytes = str_tail(bytes, head.size);
	}
	assert_int_equal(bytes.n, 0);
}

/* For the answer to a refused request, and its log line. */
static void what_a_refused_head_tells(void **state)
{
	size_t scanned = 0;

	(void)state;
	memset(&head, 0xff, sizeof(head));
	http1_head_parse(STR("\x16"), &usual, &scanned, &head);
	assert_null(head.method.p);
	assert_int_equal(head.minor, 1);
	http1_head_parse(STR("HEAD / HTTP/1.0\r\nA\r\n"), &usual, &scanned, &head);
	assert_str(head.method, "HEAD");
	assert_int_equal(head.minor, 0);
}

static void rebasing(void **state)
{
	static const char text[] = "GET http://h?q HTTP/1.1\r\n"
				   "Host: a\r\nEmpty:\r\nB: c\r\n\r\n";
	char *first = strdup(text), *second = strdup(text);

	(void)state;
	parse(first);
	http1_head_rebase(&head, first, second);
	memset(first, 'x', sizeof(text));
	free(first);
	assert_str(head.method, "GET");
	assert_str(head.target, "http://h?q");
	assert_str(head.path, "/");
	assert_str(head.query, "q");
	assert_str(head.host, "h");
	assert_str(head.fields[0].name, "Host");
	assert_str(head.fields[0].value, "a");
	assert_str(head.fields[1].value, "");
	assert_str(head.fields[2].name, "B");
	assert_str(head.fields[2].value, "c");
	parse(OLD(""));
	http1_head_rebase(&head, head.method.p, second);
	assert_null(head.query.p);
	assert_null(head.host.p);
	free(second);
}

/* Every octet in every place: the byte-wise classes, once and for all. */
static void every_octet(void **state)
{
	char text[] = "GET /x HTTP/1.1\r\nHost: a\r\nN: value\r\n\r\n";
	char *const method = text + 1, *const target = strchr(text, 'x');
	char *const name = strchr(text, 'N'), *const value = strchr(text, 'v');

	(void)state;
	for (int c = 0; c < 256; c++) {
		bool token = octet_is((char)c, OCTET_TOKEN);
		bool visible = c > 0x20 && c < 0x7f;
		const struct {
			char *at, usual;
			bool good;
		} places[] = {
			{method, 'E', token},
			{target, 'x', (visible && c != '#') || c >= 0x80},
			{name, 'N', token},
			{value, 'v', visible || c == ' ' || c == '\t' || c >= 0x80},
		};

		for (size_t i = 0; i < 4; i++) {
			struct str input = {text, sizeof(text) - 1};

			*places[i].at = (char)c;
			expect_verdict(input, &usual,
				       places[i].good ? HTTP1_COMPLETE : HTTP1_BAD,
				       places[i].good ? 0 : 400, "octet");
			*places[i].at = places[i].usual;
		}
	}
}

static uint64_t nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Microseconds of CPU that a head takes when it comes byte by byte. */
static uint64_t cost_of_trickle(struct str input)
{
	struct http1_limits limits = {
		.line = 1u << 20, .bytes = 1u << 20, .fields = 256};
	uint64_t begin = nanoseconds();

	for (size_t n = 1, scanned = 0; n <= input.n; n++)
		http1_head_parse((struct str){input.p, n}, &limits, &scanned,
				 &head);
	return (nanoseconds() - begin) / 1000;
}

/* 512 KiB byte by byte: quadratic work would take half a minute at least. */
static void trickling_is_linear(void **state)
{
	enum { SIZE = 512 * 1024, LINE = 4096 };
	char *bytes = malloc(SIZE);
	uint64_t one_line, lines, target;

	(void)state;
	assert_non_null(bytes);
	one_line = cost_of_trickle(head_of_size(bytes, SIZE));
	for (size_t i = LINE; i + LINE < SIZE; i += LINE)
		memcpy(bytes + i, "\r\nA: ", 5);
	lines = cost_of_trickle((struct str){bytes, SIZE});
	memset(bytes, '/', SIZE);
	memcpy(bytes, "GET ", 4);
	target = cost_of_trickle((struct str){bytes, SIZE});
	print_message("# %lu us one line, %lu us lines, %lu us target\n",
		      (unsigned long)one_line, (unsigned long)lines,
		      (unsigned long)target);
	assert_true(one_line < 5000000);
	assert_true(lines < 5000000);
	assert_true(target < 5000000);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_lines),
		cmocka_unit_test(versions),
		cmocka_unit_test(targets),
		cmocka_unit_test(field_lines),
		cmocka_unit_test(hosts),
		cmocka_unit_test(framing),
		cmocka_unit_test(connection_and_expect),
		cmocka_unit_test(partial_heads),
		cmocka_unit_test(refused_at_once),
		cmocka_unit_test(refused_byte_by_byte),
		cmocka_unit_test(limit_of_bytes),
		cmocka_unit_test(limit_of_line),
		cmocka_unit_test(limit_of_fields),
		cmocka_unit_test(parts_of_the_target),
		cmocka_unit_test(fields_are_found),
		cmocka_unit_test(bodies),
		cmocka_unit_test(persistence),
		cmocka_unit_test(pipelined_heads),
		cmocka_unit_test(what_a_refused_head_tells),
		cmocka_unit_test(rebasing),
		cmocka_unit_test(every_octet),
		cmocka_unit_test(trickling_is_linear),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
