/* SPDX-License-Identifier: BSD-2-Clause */
/* Headers of the PROXY protocol, good and bad, whole and in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/codec/proxy_protocol.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4        "\x01\x02\x03\x04\x05\x06\x07\x08\x00\x50\x01\xbb"
#define V6_A      "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define V6_B      "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
#define MAPPED    "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\x01"
#define X16       "xxxxxxxxxxxxxxxx"
#define X108      X16 X16 X16 X16 X16 X16 "xxxxxxxxxxxx"

static const struct good {
	struct str bytes;
	const char *source; /* NULL: it has no addresses */
	const char *destination;
} goods[] = {
#define LINE(text, from, to)                    \
	{                                       \
		STR_INIT(text "\r\n"), from, to \
	}
	LINE("PROXY TCP4 1.2.3.4 5.6.7.8 80 443", "1.2.3.4:80", "5.6.7.8:443"),
	LINE("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535",
	     "255.255.255.255:65535", "255.255.255.255:65535"),
	LINE("PROXY TCP4 0.0.0.0 1.1.1.1 0 1", "0.0.0.0:0", "1.1.1.1:1"),
	LINE("PROXY TCP6 2001:db8::1 2001:DB8:0:0:0:0:0:2 80 443", "2001:db8::1:80",
	     "2001:db8::2:443"),
	LINE("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
	     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:65535",
	     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:65535"),
	LINE("PROXY TCP6 ::ffff:127.0.0.1 ::1 1 2", "127.0.0.1:1", "::1:2"),
	LINE("PROXY UNKNOWN", NULL, NULL),
	LINE("PROXY UNKNOWN anything, as long as it ends", NULL, NULL),
#define V2(bytes, from, to)                         \
	{                                           \
		STR_INIT(SIGNATURE bytes), from, to \
	}
	V2("\x21\x11\x00\x0c" V4, "1.2.3.4:80", "5.6.7.8:443"),
	V2("\x21\x21\x00\x24" V6_A V6_B "\x00\x50\x01\xbb", "2001:db8::1:80",
	   "2001:db8::2:443"),
	V2("\x21\x21\x00\x24" MAPPED MAPPED "\x00\x01\x00\x02", "127.0.0.1:1",
	   "127.0.0.1:2"),
	V2("\x20\x00\x00\x00", NULL, NULL),
	V2("\x20\x99\x00\x03"
	   "abc",
	   NULL, NULL),
	V2("\x20\x11\x00\x0c" V4, NULL, NULL),
	V2("\x21\x00\x00\x00", NULL, NULL),
	V2("\x21\x12\x00\x0c" V4, NULL, NULL),
	V2("\x21\x31\x00\xd8" X108 X108, NULL, NULL),
	/* TLVs. */
	V2("\x21\x11\x00\x17" V4 "\x02\x00\x05"
	   "a.org"
	   "\x05\x00\x00",
	   "1.2.3.4:80", "5.6.7.8:443"),
	V2("\x21\x11\x00\x13" V4 "\x03\x00\x04\x5c\x04\x43\xc9", "1.2.3.4:80",
	   "5.6.7.8:443"),
};

static const struct str bads[] = {
	STR_INIT("G"),
	STR_INIT("PROXX"),
	STR_INIT("proxy TCP4 1.2.3.4 5.6.7.8 80 443\r\n"),
	STR_INIT("PROXY  TCP4 1.2.3.4 5.6.7.8 80 443\r\n"),
	STR_INIT("PROXY TCP5 1.2.3.4 5.6.7.8 80 443\r\n"),
	STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\n"),
	STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8\r 80 443\r\n"),
	STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 80\r\n"),
	STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 80 443 \r\n"),
	STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 80 443 1\r\n"),
	STR_INIT("PROXY TCP4 1.2.3.4  5.6.7.8 80 443\r\n"),
	STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 080 443\r\n"),
	STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 80 65536\r\n"),
	STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 -80 443\r\n"),
	STR_INIT("PROXY TCP4 1.2.3.4 5.6.7.8 80 \r\n"),
	STR_INIT("PROXY TCP4 1.2.3.256 5.6.7.8 80 443\r\n"),
	STR_INIT("PROXY TCP4 1.2.3.04 5.6.7.8 80 443\r\n"),
	STR_INIT("PROXY TCP4 1.2.3 5.6.7.8 80 443\r\n"),
	STR_INIT("PROXY TCP4 ::1 5.6.7.8 80 443\r\n"),
	STR_INIT("PROXY TCP6 1.2.3.4 ::1 80 443\r\n"),
	STR_INIT("PROXY TCP6 ::1%1 ::1 80 443\r\n"),
	STR_INIT("PROXY TCP6 [::1] ::1 80 443\r\n"),
	STR_INIT("PROXY TCP4\r\n"),
	STR_INIT("PROXY \r\n"),
	STR_INIT("PROXY UNKNOWN " X16 X16 X16 X16 X16 X16 "\r\n"),
	STR_INIT("\r\n\r\n\1"),
	STR_INIT(SIGNATURE "\x11\x11\x00\x0c" V4),
	STR_INIT(SIGNATURE "\x22\x11\x00\x0c" V4),
	STR_INIT(SIGNATURE "\x21\x13\x00\x0c" V4),
	STR_INIT(SIGNATURE "\x21\x41\x00\x0c" V4),
	STR_INIT(SIGNATURE "\x21\x11\x00\x0b" V4),
	STR_INIT(SIGNATURE "\x21\x21\x00\x0c" V4),
	STR_INIT(SIGNATURE "\x21\x11\xff\xff"),
	STR_INIT(SIGNATURE "\x20\x00\x10\x00"),
	STR_INIT(SIGNATURE "\x21\x11\x00\x0e" V4 "\x02\x00"),
	STR_INIT(SIGNATURE "\x21\x11\x00\x10" V4 "\x02\x00\x02"
			   "a"),
	STR_INIT(SIGNATURE "\x21\x11\x00\x13" V4 "\x03\x00\x04\x5c\x04\x43\xc8"),
	STR_INIT(SIGNATURE "\x21\x11\x00\x12" V4 "\x03\x00\x03\x5c\x04\x43"),
};

static const char *text_of(const struct endpoint *e, char text_out[160])
{
	char ip[ADDR_TEXT];

	snprintf(text_out, 160, "%s:%u", endpoint_ip(e, ip), e->port);
	return text_out;
}

static enum proxy_protocol_result parse(struct str in, struct proxy_protocol *h)
{
	const char *why = "";

	return proxy_protocol_parse(in, h, &why);
}

static void good(void **state)
{
	struct proxy_protocol h;
	char text[160];

	(void)state;
	for (size_t i = 0; i < sizeof(goods) / sizeof(*goods); i++) {
		const struct good *g = &goods[i];

		for (size_t n = 0; n < g->bytes.n; n++)
			if (parse((struct str){g->bytes.p, n}, &h) !=
			    PROXY_PROTOCOL_MORE)
				fail_msg("header %zu, %zu bytes", i, n);
		if (parse(g->bytes, &h) != PROXY_PROTOCOL_WHOLE)
			fail_msg("header %zu", i);
		assert_int_equal(h.size, g->bytes.n);
		assert_int_equal(h.has_addresses, g->source != NULL);
		if (g->source == NULL)
			continue;
		assert_string_equal(text_of(&h.source, text), g->source);
		assert_string_equal(text_of(&h.destination, text), g->destination);
	}
}

static void goes_on(void **state)
{
	struct proxy_protocol h;

	(void)state;
	assert_int_equal(parse(STR("PROXY UNKNOWN\r\nGET / "), &h),
			 PROXY_PROTOCOL_WHOLE);
	assert_int_equal(h.size, 15);
	assert_int_equal(parse(STR(SIGNATURE "\x20\x00\x00\x01"
					     "ab"),
			       &h),
			 PROXY_PROTOCOL_WHOLE);
	assert_int_equal(h.size, 17);
}

/* Once it is bad, it stays so, however much follows. */
static void bad(void **state)
{
	struct proxy_protocol h;

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++) {
		bool was_bad = false;

		for (size_t n = 0; n <= bads[i].n; n++) {
			enum proxy_protocol_result result =
				parse((struct str){bads[i].p, n}, &h);

			if (result == PROXY_PROTOCOL_WHOLE ||
			    (was_bad && result != PROXY_PROTOCOL_BAD))
				fail_msg("header %zu, %zu bytes", i, n);
			was_bad = result == PROXY_PROTOCOL_BAD;
		}
		if (!was_bad)
			fail_msg("header %zu", i);
	}
}

static struct endpoint endpoint(const char *ip, uint16_t port)
{
	struct endpoint e = {.family = AF_UNIX};

	if (ip != NULL)
		assert_true(endpoint_parse_ip(str_of(ip), &e));
	e.port = port;
	return e;
}

static void check_put(const char *from, const char *to, struct str v1,
		      struct str v2)
{
	struct endpoint source = endpoint(from, 80),
			destination = endpoint(to, 443);
	char out[PROXY_PROTOCOL_OUT];
	size_t n =
		proxy_protocol_put(out, PROXY_PROTOCOL_V1, &source, &destination);

	assert_int_equal(n, v1.n);
	assert_memory_equal(out, v1.p, n);
	n = proxy_protocol_put(out, PROXY_PROTOCOL_V2, &source, &destination);
	assert_int_equal(n, v2.n);
	assert_memory_equal(out, v2.p, n);
}

static void written(void **state)
{
	char out[PROXY_PROTOCOL_OUT];

	(void)state;
	check_put("1.2.3.4", "5.6.7.8",
		  STR("PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n"),
		  STR(SIGNATURE "\x21\x11\x00\x0c" V4));
	check_put("2001:db8::1", "2001:db8::2",
		  STR("PROXY TCP6 2001:db8::1 2001:db8::2 80 443\r\n"),
		  STR(SIGNATURE "\x21\x21\x00\x24" V6_A V6_B "\x00\x50\x01\xbb"));
	check_put("127.0.0.1", "2001:db8::2",
		  STR("PROXY TCP6 ::ffff:127.0.0.1 2001:db8::2 80 443\r\n"),
		  STR(SIGNATURE "\x21\x21\x00\x24" MAPPED V6_B "\x00\x50\x01\xbb"));
	check_put(NULL, "1.2.3.4", STR("PROXY UNKNOWN\r\n"),
		  STR(SIGNATURE "\x21\x00\x00\x00"));
	assert_int_equal(proxy_protocol_put_local(out, PROXY_PROTOCOL_V1), 15);
	assert_memory_equal(out, "PROXY UNKNOWN\r\n", 15);
	assert_int_equal(proxy_protocol_put_local(out, PROXY_PROTOCOL_V2), 16);
	assert_memory_equal(out, SIGNATURE "\x20\x00\x00\x00", 16);
	/* The longest. */
	check_put("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
		  STR("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe "
		      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 80 443\r\n"),
		  STR(SIGNATURE
		      "\x21\x21\x00\x24\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
		      "\xff\xff\xff\xff\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
		      "\xff\xff\xff\xff\xff\xfe\x00\x50\x01\xbb"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(goes_on),
		cmocka_unit_test(bad),
		cmocka_unit_test(written),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
