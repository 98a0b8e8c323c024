/* SPDX-License-Identifier: BSD-2-Clause */
/* Names in ClientHellos, whole, in pieces and in many records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/codec/client_hello.h"

#define RANDOM     "0123456789abcdef0123456789abcdef"
#define HEAD       "\x03\x03" RANDOM "\x00\x00\x02\x13\x01\x01\x00"
#define NAME(list) "\x00\x00" list
#define OTHER      "\x00\x2b\x00\x03\x02\x03\x04"

static void put_number(struct buf *out, size_t n, int octets)
{
	while (octets-- > 0) {
		char octet = (char)(n >> 8 * octets);

		buf_put(out, (struct str){&octet, 1});
	}
}

/* The message in records of `piece` bytes each. */
static void put_records(struct buf *out, struct str body, size_t piece)
{
	struct buf message = {0};
	struct str rest;

	put_number(&message, 1, 1);
	put_number(&message, body.n, 3);
	buf_put(&message, body);
	for (rest = buf_str(&message); rest.n > 0; rest = str_tail(rest, piece)) {
		struct str part = {rest.p, rest.n < piece ? rest.n : piece};

		buf_put(out, STR("\x16\x03\x01"));
		put_number(out, part.n, 2);
		buf_put(out, part);
	}
	buf_release(&message);
}

static enum client_hello_result parse(struct str in, struct client_hello *hello)
{
	const char *why = "";

	return client_hello_parse(in, hello, &why);
}

static void check_body(struct str body, size_t piece,
		       enum client_hello_result expected, const char *name)
{
	struct buf in = {0};
	struct client_hello hello;

	put_records(&in, body, piece);
	struct str all = buf_str(&in);

	for (size_t n = 0; n < all.n; n++)
		assert_int_equal(parse((struct str){all.p, n}, &hello),
				 CLIENT_HELLO_MORE);
	assert_int_equal(parse(all, &hello), expected);
	if (expected == CLIENT_HELLO_WHOLE)
		assert_string_equal(hello.name, name);
	/* What follows is not looked at. */
	buf_put(&in, STR("\x17garbage"));
	assert_int_equal(parse(buf_str(&in), &hello), expected);
	buf_release(&in);
}

static void names(void **state)
{
	static const struct {
		struct str body;
		const char *name; /* NULL: it is bad */
	} samples[] = {
#define BODY(bytes, name) {STR_INIT(bytes), name}
		BODY(HEAD, ""),
		BODY(HEAD "\x00\x00", ""),
		BODY(HEAD "\x00\x07" OTHER, ""),
		BODY(HEAD "\x00\x0e" NAME("\x00\x0a\x00\x08\x00\x00\x05"
					  "a.org"),
		     "a.org"),
		BODY(HEAD "\x00\x15" OTHER NAME("\x00\x0a\x00\x08\x00\x00\x05"
						"A.oRg"),
		     "a.org"),
		BODY(HEAD "\x00\x15" NAME("\x00\x0a\x00\x08\x00\x00\x05"
					  "a.or.") OTHER,
		     "a.or"),
		/* A name of a kind that is not known, first. */
		BODY(HEAD "\x00\x12" NAME("\x00\x0e\x00\x0c\x01\x00\x01"
					  "x"
					  "\x00\x00\x05"
					  "a.org"),
		     "a.org"),
		/* A session ID, and many suites. */
		BODY("\x03\x01" RANDOM "\x20" RANDOM
		     "\x00\x04\x13\x01\x13\x02\x02\x00\x01"
		     "\x00\x0e" NAME("\x00\x0a\x00\x08\x00\x00\x05"
				     "a.org"),
		     "a.org"),
		BODY("\x02\x03" RANDOM "\x00\x00\x02\x13\x01\x01\x00", NULL),
		BODY("\x03\x03" RANDOM "\x21", NULL),
		BODY("\x03\x03" RANDOM, NULL),
		BODY("\x03", NULL),
		BODY("\x03\x03" RANDOM "\x00\x00\x00\x01\x00", NULL),
		BODY("\x03\x03" RANDOM "\x00\x00\x02\x13\x01\x00", NULL),
		BODY(HEAD "\x00", NULL),
		BODY(HEAD "\x00\x01", NULL),
		BODY(HEAD "\x00\x00\x00", NULL),
		BODY(HEAD "\x00\x03\x00\x00\x00", NULL),
		BODY(HEAD "\x00\x04\x00\x00\x00\x01", NULL),
		BODY(HEAD "\x00\x04\x00\x00\x00\x00", NULL),
		BODY(HEAD "\x00\x06\x00\x00\x00\x02\x00\x00", NULL),
		BODY(HEAD "\x00\x0e" NAME("\x00\x0a\x00\x09\x00\x00\x05"
					  "a.org"),
		     NULL),
		BODY(HEAD "\x00\x0e" NAME("\x00\x0a\x00\x08\x00\x00\x06"
					  "a.org"),
		     NULL),
		BODY(HEAD "\x00\x0e" NAME("\x00\x0a\x00\x08\x00\x00\x05"
					  "a\0org"),
		     NULL),
		BODY(HEAD "\x00\x0e" NAME("\x00\x0a\x00\x08\x00\x00\x05"
					  "a org"),
		     NULL),
		BODY(HEAD "\x00\x0a" NAME("\x00\x06\x00\x04\x00\x00\x01"
					  "."),
		     NULL),
		BODY(HEAD "\x00\x09" NAME("\x00\x05\x00\x03\x00\x00\x00"), NULL),
		BODY(HEAD "\x00\x10" NAME("\x00\x0c\x00\x0a\x00\x00\x02"
					  "aa"
					  "\x00\x00\x02"
					  "bb"),
		     NULL),
		BODY(HEAD "\x00\x16" NAME("\x00\x07\x00\x05\x00\x00\x02"
					  "aa") NAME("\x00\x07\x00\x05\x00\x00\x02"
						     "bb"),
		     NULL),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++)
		for (size_t piece = 1; piece < 200; piece += piece < 60 ? 1 : 139)
			check_body(samples[i].body, piece,
				   samples[i].name != NULL ? CLIENT_HELLO_WHOLE
							   : CLIENT_HELLO_BAD,
				   samples[i].name);
}

static void not_tls(void **state)
{
	static const struct str samples[] = {
		STR_INIT("G"),
		STR_INIT("\x80\x2e\x01"),
		STR_INIT("\x16\x02"),
		STR_INIT("\x17\x03\x01"),
		STR_INIT("\x16\x03\x01\x00\x00"),
		STR_INIT("\x16\x03\x01\x40\x01"),
		STR_INIT("\x16\x03\x01\x00\x04\x02"),
		STR_INIT("\x16\x03\x01\x00\x04\x01\x00\x40\x01"),
		STR_INIT("\x16\x03\x01\x00\x01\x01\x15\x03\x01"),
	};
	struct client_hello hello;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct str in = samples[i];

		if (parse(in, &hello) != CLIENT_HELLO_BAD)
			fail_msg("sample %zu", i);
	}
}

static void longest(void **state)
{
	struct buf body = {0};
	size_t n = CLIENT_HELLO_MAX - (sizeof(HEAD) - 1) - 2 - 4;

	(void)state;
	buf_put(&body, STR(HEAD));
	put_number(&body, n + 4, 2);
	buf_put(&body, STR("\x00\x15"));
	put_number(&body, n, 2);
	memset(buf_room(&body, n), 0, n);
	buf_added(&body, n);
	check_body(buf_str(&body), 16384, CLIENT_HELLO_WHOLE, "");
	buf_release(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(not_tls),
		cmocka_unit_test(longest),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
