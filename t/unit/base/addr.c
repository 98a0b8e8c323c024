/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses: as people write them, as the kernel takes them, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"

static struct addr parsed(const char *text)
{
	struct addr addr;
	const char *why = addr_parse(str_of(text), &addr);

	if (why != NULL)
		fail_msg("%s: %s", text, why);
	return addr;
}

static void formats(void **state)
{
	static const struct {
		const char *text, *canonical;
		int family;
		uint16_t port;
	} cases[] = {
		{"8080", "*:8080", AF_INET6, 8080},
		{"*:8080", "*:8080", AF_INET6, 8080},
		{"[::]:8080", "*:8080", AF_INET6, 8080},
		{"0", "*:0", AF_INET6, 0},
		{"65535", "*:65535", AF_INET6, 65535},
		{"127.0.0.1:80", "127.0.0.1:80", AF_INET, 80},
		{"0.0.0.0:80", "0.0.0.0:80", AF_INET, 80},
		{"255.255.255.255:1", "255.255.255.255:1", AF_INET, 1},
		{"[::1]:443", "[::1]:443", AF_INET6, 443},
		{"[2001:DB8:0:0::1]:443", "[2001:db8::1]:443", AF_INET6, 443},
		{"[::ffff:1.2.3.4]:5", "[::ffff:1.2.3.4]:5", AF_INET6, 5},
		{"unix:/run/x.sock", "unix:/run/x.sock", AF_UNIX, 0},
		{"unix:relative", "unix:relative", AF_UNIX, 0},
		{"unix:@name", "unix:@name", AF_UNIX, 0},
		{"unix:/a:80", "unix:/a:80", AF_UNIX, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct addr addr = parsed(cases[i].text), again;
		char text[ADDR_TEXT];

		assert_int_equal(addr_family(&addr), cases[i].family);
		assert_int_equal(addr_port(&addr), cases[i].port);
		assert_ptr_equal(addr_format(&addr, text), text);
		assert_string_equal(text, cases[i].canonical);
		again = parsed(text);
		assert_true(addr_equal(&addr, &again));
		assert_int_equal(addr.length, again.length);
	}
}

/* The kernel's form, byte for byte. */
static void for_the_kernel(void **state)
{
	struct addr addr = parsed("1.2.3.4:258");

	(void)state;
	assert_int_equal(addr.length, sizeof(struct sockaddr_in));
	assert_memory_equal(&addr.v4.sin_port, "\1\2", 2);
	assert_memory_equal(&addr.v4.sin_addr, "\1\2\3\4", 4);
	addr = parsed("[102::304]:258");
	assert_int_equal(addr.length, sizeof(struct sockaddr_in6));
	assert_memory_equal(&addr.v6.sin6_port, "\1\2", 2);
	assert_memory_equal(&addr.v6.sin6_addr, "\1\2\0\0\0\0\0\0\0\0\0\0\0\0\3\4",
			    16);
	assert_int_equal(addr.v6.sin6_scope_id, 0);
	addr = parsed("unix:/x");
	assert_int_equal(addr.length, offsetof(struct sockaddr_un, sun_path) + 3);
	assert_string_equal(addr.un.sun_path, "/x");
	addr = parsed("unix:@x");
	assert_int_equal(addr.length, offsetof(struct sockaddr_un, sun_path) + 2);
	assert_memory_equal(addr.un.sun_path, "\0x", 2);
}

static void refuse(struct str text, const char *says)
{
	struct addr addr;
	const char *why = addr_parse(text, &addr);

	if (why == NULL)
		fail_msg("\"%" STR_FMT "\" is an address", STR_ARG(text));
	if (strstr(why, says) == NULL)
		fail_msg("\"%" STR_FMT "\": \"%s\" does not say \"%s\"",
			 STR_ARG(text), why, says);
}

static void wrong(void **state)
{
	static const char *const ports[] = {
		"65536",
		"-1",
		"+80",
		"80 ",
		" 80",
		"http",
		"*:",
		"*:x",
		"[::1]",
		"127.0.0.1",
		"[::1]:",
		"1.2.3.4:",
		"1.2.3.4:99999",
		"*:18446744073709551617",
		"127.0.0.1:80:",
		"localhost",
	};
	static const char *const forms[] = {
		"",
		":80",
		"localhost:80",
		"1.2.3:80",
		"1.2.3.4.5:80",
		"256.1.1.1:80",
		"01.2.3.4:80",
		"::1:80",
		"[::1:80",
		"::1]:80",
		"[]:80",
		"[127.0.0.1]:80",
		"[*]:80",
		"[:::]:80",
		"[::1%lo]:80",
		"**:80",
		" 1.2.3.4:80",
		"1.2.3.4 :80",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa]:80",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++)
		refuse(str_of(ports[i]), "a port is a number");
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		refuse(str_of(forms[i]), "an address is");
	refuse((struct str){NULL, 0}, "an address is");
	refuse(STR("unix:"), "a path must follow");
	refuse(STR("unix:/a\0b"), "NUL");
	refuse(STR("80\0"), "a port is");
}

/* A NUL is no end of a text that says how long it is. */
static void nul_is_no_end(void **state)
{
	(void)state;
	refuse(STR("1.2.3.4\0x:80"), "an address is");
	refuse(STR("[::1\0]:80"), "an address is");
}

static void longest_path(void **state)
{
	char text[5 + 109], back[ADDR_TEXT];
	struct addr addr;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "unix:/", 6);
	assert_null(addr_parse((struct str){text, 5 + 107}, &addr));
	assert_int_equal(addr.length, sizeof(struct sockaddr_un));
	addr_format(&addr, back);
	assert_int_equal(strlen(back), 5 + 107);
	assert_memory_equal(back, text, 5 + 107);
	refuse((struct str){text, 5 + 108}, "at most 107");
	text[5] = '@';
	assert_null(addr_parse((struct str){text, 5 + 107}, &addr));
	addr_format(&addr, back);
	assert_int_equal(strlen(back), 5 + 107);
	assert_memory_equal(back, text, 5 + 107);
}

static void equal(void **state)
{
	static const char *const different[] = {
		"1.2.3.4:80", "1.2.3.4:81",
		"1.2.3.5:80", "80",
		"81",         "[::1]:80",
		"[::1]:81",   "unix:/a",
		"unix:/ab",   "[::ffff:1.2.3.4]:80",
		"0.0.0.0:80", "unix:@a",
		"unix:@ab",   "unix:a",
	};
	enum { N = sizeof(different) / sizeof(*different) };

	(void)state;
	for (size_t i = 0; i < N; i++) {
		for (size_t k = 0; k < N; k++) {
			struct addr a = parsed(different[i]);
			struct addr b = parsed(different[k]);

			assert_int_equal(addr_equal(&a, &b), i == k);
		}
	}
}

/* What accept4(2) gives for a client of a Unix socket. */
static void unnamed(void **state)
{
	struct addr addr = {.length = sizeof(sa_family_t)};
	char text[ADDR_TEXT];

	(void)state;
	addr.any.sa_family = AF_UNIX;
	assert_string_equal(addr_format(&addr, text), "unix:");
	assert_int_equal(addr_port(&addr), 0);
	addr.any.sa_family = AF_UNSPEC;
	assert_string_equal(addr_format(&addr, text), "(family 0)");
}

static void endpoints(void **state)
{
	static const struct {
		const char *text, *ip;
		int family;
		uint16_t port;
	} cases[] = {
		{"1.2.3.4:80", "1.2.3.4", AF_INET, 80},
		{"[::1]:443", "::1", AF_INET6, 443},
		{"[2001:db8::1]:0", "2001:db8::1", AF_INET6, 0},
		/* As an IPv6 socket sees an IPv4 client. */
		{"[::ffff:1.2.3.4]:80", "1.2.3.4", AF_INET, 80},
		{"[::1.2.3.4]:80", "::1.2.3.4", AF_INET6, 80},
		{"*:80", "::", AF_INET6, 80},
		{"unix:/x", "unix", AF_UNIX, 0},
	};
	static const uint8_t zeros[12];

	(void)state;
	assert_int_equal(sizeof(struct endpoint), 20);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct addr addr = parsed(cases[i].text);
		struct endpoint e = endpoint_of(&addr);
		char text[ADDR_TEXT];

		assert_int_equal(e.family, cases[i].family);
		assert_int_equal(e.port, cases[i].port);
		assert_ptr_equal(endpoint_ip(&e, text), text);
		assert_string_equal(text, cases[i].ip);
		if (e.family == AF_INET)
			assert_memory_equal(e.ip + 4, zeros, 12);
	}
	struct addr v4 = parsed("1.2.3.4:80"),
		    mapped = parsed("[::ffff:1.2.3.4]:80");
	struct endpoint a = endpoint_of(&v4), b = endpoint_of(&mapped);

	assert_memory_equal(&a, &b, sizeof(a));
}

static void networks(void **state)
{
	static const struct {
		const char *text, *canonical;
		int family, bits;
	} cases[] = {
		{"all", "all", AF_UNSPEC, 0},
		{"unix:", "unix:", AF_UNIX, 0},
		{"192.0.2.1", "192.0.2.1", AF_INET, 32},
		{"192.0.2.1/32", "192.0.2.1", AF_INET, 32},
		{"192.0.2.128/25", "192.0.2.128/25", AF_INET, 25},
		{"0.0.0.0/0", "0.0.0.0/0", AF_INET, 0},
		{"::/0", "::/0", AF_INET6, 0},
		{"2001:DB8::/32", "2001:db8::/32", AF_INET6, 32},
		{"2001:db8::1", "2001:db8::1", AF_INET6, 128},
		{"::ffff:192.0.2.0/120", "192.0.2.0/24", AF_INET, 24},
		{"::ffff:192.0.2.1", "192.0.2.1", AF_INET, 32},
		{"::ffff:0.0.0.0/96", "0.0.0.0/0", AF_INET, 0},
	};
	static const char *const bad[] = {
		"",
		"x",
		"192.0.2.1/33",
		"192.0.2.1/",
		"192.0.2",
		"192.0.2.1/24",
		"2001:db8::1/64",
		"::/129",
		"192.0.2.0/-1",
		"/8",
		"::ffff:0.0.0.0/95",
		"all ",
		"[::1]",
		"unix:/x",
		"192.0.2.0/255.255.255.0",
		"2001:db8::%eth0/64",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct network network;
		char text[ADDR_TEXT];

		assert_null(network_parse(str_of(cases[i].text), &network));
		assert_int_equal(network.family, cases[i].family);
		assert_int_equal(network.bits, cases[i].bits);
		assert_string_equal(network_format(&network, text),
				    cases[i].canonical);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct network network;

		if (network_parse(str_of(bad[i]), &network) == NULL)
			fail_msg("\"%s\" was taken", bad[i]);
	}
}

static void not_an_ip(void **state)
{
	struct endpoint e;

	(void)state;
	assert_false(endpoint_parse_ip(STR("192.0.2.1:80"), &e));
	assert_false(endpoint_parse_ip((struct str){"::1\0", 4}, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),      cmocka_unit_test(for_the_kernel),
		cmocka_unit_test(wrong),        cmocka_unit_test(nul_is_no_end),
		cmocka_unit_test(longest_path), cmocka_unit_test(equal),
		cmocka_unit_test(unnamed),      cmocka_unit_test(endpoints),
		cmocka_unit_test(networks),     cmocka_unit_test(not_an_ip),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
