/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths, escapes and hosts. A normalised path is checked to be one: nothing
 * that leads up or twice, and the same again when encoded and normalised.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/codec/uri.h"

/* Whether `part` occurs in s. */
static bool contains(struct str s, struct str part)
{
	for (size_t i = 0; i + part.n <= s.n; i++)
		if (memcmp(s.p + i, part.p, part.n) == 0)
			return true;
	return false;
}

/* Into memory of the promised size, and in place; both have to agree. */
static bool normalise(struct str path, char *out, size_t *n_out)
{
	char *copy = malloc(path.n + 1), *apart = malloc(path.n + (path.n == 0));
	size_t n_in_place = 0;

	assert_non_null(copy);
	assert_non_null(apart);
	memcpy(copy, path.p, path.n);

	bool right = uri_normalise_path(path, apart, n_out);

	assert_int_equal(
		uri_normalise_path((struct str){copy, path.n}, copy, &n_in_place),
		right);
	if (right) {
		assert_true(*n_out <= path.n);
		assert_int_equal(n_in_place, *n_out);
		assert_memory_equal(copy, apart, *n_out);
		memcpy(out, apart, *n_out);
	}
	free(copy);
	free(apart);
	return right;
}

static void expect_normal(struct str path)
{
	char encoded[3072], again[3072];
	size_t n;

	assert_true(path.n > 0 && path.p[0] == '/');
	assert_false(contains(path, STR("//")));
	assert_false(contains(path, STR("/../")));
	assert_false(contains(path, STR("/./")));
	assert_false(str_ends_with(path, STR("/..")));
	assert_false(str_ends_with(path, STR("/.")));
	assert_false(contains(path, STR("\\")));
	assert_true(3 * path.n <= sizeof(encoded));
	n = uri_encode(path, URI_PATH, encoded);
	assert_true(normalise((struct str){encoded, n}, again, &n));
	assert_int_equal(n, path.n);
	assert_memory_equal(again, path.p, n);
}

static void good_paths(void **state)
{
	static const struct {
		struct str path, wanted;
	} samples[] = {
#define S(path, wanted) {STR_INIT(path), STR_INIT(wanted)}
		S("/", "/"),
		S("/a", "/a"),
		S("/a/", "/a/"),
		S("/a/b.c/d", "/a/b.c/d"),
		S("//", "/"),
		S("///a////b//", "/a/b/"),
		S("/.", "/"),
		S("/./", "/"),
		S("/./a", "/a"),
		S("/a/.", "/a/"),
		S("/a/./b", "/a/b"),
		S("/a/..", "/"),
		S("/a/../", "/"),
		S("/a/b/..", "/a/"),
		S("/a/b/../", "/a/"),
		S("/a/b/../../c", "/c"),
		S("/a/../b", "/b"),
		S("/a//../b", "/b"), /* "//" is one "/" before ".." is seen */
		S("/a/b//..", "/a/"),
		S("/a/./../b/./", "/b/"),
		S("/...", "/..."),
		S("/..a", "/..a"),
		S("/.a/..b/c..", "/.a/..b/c.."),
		S("/a../b", "/a../b"),
		S("/a.", "/a."),
		S("/.../..", "/"),
		S("/%61", "/a"),
		S("/%7e%7E", "/~~"),
		S("/%2e", "/"),
		S("/a/%2e%2e", "/"),
		S("/a/.%2E/b", "/b"),
		S("/a/%2e/b", "/a/b"),
		S("/%2e%2e%2e", "/..."),
		S("/%25", "/%"),
		S("/%252e%252e/", "/%2e%2e/"), /* decoded once */
		S("/%252F", "/%2F"),
		S("/%3f%23", "/?#"),
		S("/%20 +", "/  +"),
		S("/%c3%a4", "/\xc3\xa4"),
		S("/\xc3\xa4", "/\xc3\xa4"),
		S("/%ff\xff", "/\xff\xff"),
		S("/a;b=c,d/@:!$&'()*", "/a;b=c,d/@:!$&'()*"),
		S("/\"<>[]^`{|}", "/\"<>[]^`{|}"),
	};
	char out[256];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		if (!normalise(samples[i].path, out, &n))
			fail_msg("refused: %" STR_FMT, STR_ARG(samples[i].path));

		struct str got = {out, n};

		if (!str_equal(got, samples[i].wanted))
			fail_msg("%" STR_FMT " became %" STR_FMT,
				 STR_ARG(samples[i].path), STR_ARG(got));
		expect_normal(got);
	}
}

static void refused_paths(void **state)
{
	static const struct str samples[] = {
		STR_INIT(""),
		STR_INIT("a"),
		STR_INIT("*"),
		STR_INIT("%2f"),
		STR_INIT("../a"),
		STR_INIT("\\"),
		STR_INIT("/.."),
		STR_INIT("/../"),
		STR_INIT("/../a"),
		STR_INIT("//.."),
		STR_INIT("/./.."),
		STR_INIT("/a/../.."),
		STR_INIT("/a/../../a"),
		STR_INIT("/%2e%2e"),
		STR_INIT("/%2e./a"),
		STR_INIT("/.%2E/a"),
		STR_INIT("/a/%2e%2e/%2e%2e/etc/passwd"),
		STR_INIT("/a%2fb"),
		STR_INIT("/a%2Fb"),
		STR_INIT("/..%2f"),
		STR_INIT("/a%5cb"),
		STR_INIT("/a%5Cb"),
		STR_INIT("/a\\b"),
		STR_INIT("/%00"),
		STR_INIT("/a%00.html"),
		STR_INIT("/%0a"),
		STR_INIT("/%1f"),
		STR_INIT("/%7f"),
		STR_INIT("/\0"),
		STR_INIT("/\n"),
		STR_INIT("/\x7f"),
		STR_INIT("/%"),
		STR_INIT("/%4"),
		STR_INIT("/%g0"),
		STR_INIT("/%0g"),
		STR_INIT("/%%41"),
		STR_INIT("/%u002f"),
		STR_INIT("/% 41"),
		STR_INIT("/%+4"),
	};
	char out[256];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++)
		if (normalise(samples[i], out, &n))
			fail_msg("accepted: %" STR_FMT, STR_ARG(samples[i]));
}

/* Every path of seven characters of these: all ways that dots, slashes and
 * escapes can meet. */
static void every_short_path(void **state)
{
	static const char *const alphabet[] = {"/", ".", "a", "%2e", "%2f"};
	enum { LETTERS = 5, LENGTH = 7 };
	size_t accepted = 0;

	(void)state;
	for (unsigned number = 0; number < 78125; number++) {
		char path[1 + 3 * LENGTH + 1] = "/", out[sizeof(path)];
		char *p = path + 1;
		unsigned rest = number;
		size_t n;

		for (unsigned i = 0; i < LENGTH; i++, rest /= LETTERS)
			p = stpcpy(p, alphabet[rest % LETTERS]);

		bool slash = strstr(path, "%2f") != NULL;

		if (normalise(str_of(path), out, &n)) {
			assert_false(slash);
			expect_normal((struct str){out, n});
			accepted++;
		}
	}
	assert_true(accepted > 10000);
}

static void decoding(void **state)
{
	static const struct {
		const char *encoded;
		bool plus;
		struct str wanted;
	} samples[] = {
		{"", true, STR_INIT("")},
		{"a+b", true, STR_INIT("a b")},
		{"a+b", false, STR_INIT("a+b")},
		{"%2B%2b", true, STR_INIT("++")},
		{"%00%ff", false, STR_INIT("\0\xff")},
		{"%", false, STR_INIT("%")},
		{"%4", false, STR_INIT("%4")},
		{"%4%41", false, STR_INIT("%4A")},
		{"%%41", false, STR_INIT("%A")},
		{"%zz%20", true, STR_INIT("%zz ")},
		{"%2541", false, STR_INIT("%41")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct str encoded = str_of(samples[i].encoded);
		char out[64], in_place[64];
		size_t n = uri_decode(encoded, samples[i].plus, out);

		assert_int_equal(n, samples[i].wanted.n);
		assert_memory_equal(out, samples[i].wanted.p, n);
		memcpy(in_place, encoded.p, encoded.n);
		assert_int_equal(uri_decode((struct str){in_place, encoded.n},
					    samples[i].plus, in_place),
				 n);
		assert_memory_equal(in_place, out, n);
	}
}

static void encoding(void **state)
{
	static const struct {
		struct str text;
		const char *whole, *path, *value;
	} samples[] = {
		{STR_INIT("/a-b._~9"), "/a-b._~9", "/a-b._~9", "/a-b._~9"},
		{STR_INIT("/a?b=c#d"), "/a?b=c#d", "/a%3Fb=c%23d",
		 "/a%3Fb%3Dc%23d"},
		{STR_INIT("http://[::1]:80/"), "http://[::1]:80/",
		 "http://%5B::1%5D:80/", "http%3A//%5B%3A%3A1%5D%3A80/"},
		{STR_INIT("%41%zz%"), "%41%25zz%25", "%2541%25zz%25",
		 "%2541%25zz%25"},
		{STR_INIT("a b\r\n"), "a%20b%0D%0A", "a%20b%0D%0A", "a%20b%0D%0A"},
		{STR_INIT("\0\x7f\xff"), "%00%7F%FF", "%00%7F%FF", "%00%7F%FF"},
		{STR_INIT("\"<>\\^`{|}"), "%22%3C%3E%5C%5E%60%7B%7C%7D",
		 "%22%3C%3E%5C%5E%60%7B%7C%7D", "%22%3C%3E%5C%5E%60%7B%7C%7D"},
		{STR_INIT("!$&'()*+,;=:@"), "!$&'()*+,;=:@", "!$&'()*+,;=:@",
		 "%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%40"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		char out[128];
		size_t n = uri_encode(samples[i].text, URI_WHOLE, out);

		out[n] = '\0';
		assert_string_equal(out, samples[i].whole);
		for (enum uri_part part = URI_VALUE; part <= URI_PATH; part++) {
			n = uri_encode(samples[i].text, part, out);
			out[n] = '\0';
			assert_string_equal(out, part == URI_PATH
							 ? samples[i].path
							 : samples[i].value);
			n = uri_decode((struct str){out, n}, false, out);
			assert_int_equal(n, samples[i].text.n);
			assert_memory_equal(out, samples[i].text.p, n);
		}
	}
}

/* RFC 3986 section 3.2.2 */
static void hosts(void **state)
{
	static const struct {
		struct str host;
		const char *name; /* NULL: not valid */
	} samples[] = {
#define H(host, name) {STR_INIT(host), (name)}
		H("", NULL), /* RFC 9110 section 4.2.1 */
		H("a", "a"),
		H("www.Example.org", "www.Example.org"),
		H("a:80", "a"),
		H("a:", "a"),
		H(":80", NULL),
		H("127.0.0.1:8080", "127.0.0.1"),
		H("a_b-c~!$&'()*+,;=", "a_b-c~!$&'()*+,;="),
		H("%C3%A4.org", "%C3%A4.org"),
		H("[::1]", "[::1]"),
		H("[::1]:80", "[::1]"),
		H("[::1]:", "[::1]"),
		H("[fe80::0:1]", "[fe80::0:1]"),
		H("[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]"),
		H("[1111:2222:3333:4444:5555:6666:7777:8888]",
		  "[1111:2222:3333:4444:5555:6666:7777:8888]"),
		H("a b", NULL),
		H("a/b", NULL),
		H("a?b", NULL),
		H("a#b", NULL),
		H("u@a", NULL),
		H("a\\b", NULL),
		H("a:b", NULL),
		H("a:80:80", NULL),
		H("a:-1", NULL),
		H("a: 1", NULL),
		H("::1", NULL),
		H("a\0b", NULL),
		H("\xc3\xa4", NULL),
		H("\"a\"", NULL),
		H("a<b>", NULL),
		H("a%", NULL),
		H("a%4", NULL),
		H("a%zz", NULL),
		H("[", NULL),
		H("]", NULL),
		H("[]", NULL),
		H("[::1", NULL),
		H("::1]", NULL),
		H("[::1]80", NULL),
		H("[::1]a", NULL),
		H("[::1]:a", NULL),
		H("[[::1]]", NULL),
		H("[1.2.3.4]", NULL),
		H("[::g]", NULL),
		H("[::1%eth0]", NULL),
		H("[::1%25eth0]", NULL),
		H("[::1\0]", NULL),
		H("[v1.a]", NULL),
		H("[1:2:3:4:5:6:7:8:9]", NULL),
		H("[11111111111111111111111111111111111111111111111111]", NULL),
		H("a[::1]", NULL),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		struct str host = samples[i].host;
		char *copy = malloc(host.n + (host.n == 0));

		assert_non_null(copy);
		memcpy(copy, host.p, host.n);
		host.p = copy;

		bool valid = uri_host_is_valid(host);
		struct str name = uri_host_name(host);

		if (valid != (samples[i].name != NULL))
			fail_msg("%" STR_FMT, STR_ARG(host));
		if (valid)
			assert_true(str_equal(name, str_of(samples[i].name)));
		free(copy);
	}
}

static void dot_segments(void **state)
{
	/* NULL: it leads above the top. */
	static const char *const samples[][2] = {
		{"/", "/"},
		{"//", "/"},
		{"/a/", "/a/"},
		{"/a//b", "/a/b"},
		{"/./a", "/a"},
		{"/a/.", "/a/"},
		{"/a/..", "/"},
		{"/a/b/../c", "/a/c"},
		{"/a/b/..", "/a/"},
		{"/a/b/../..", "/"},
		{"/...", "/..."},
		{"/.a/..b", "/.a/..b"},
		{"/a%2f..%zz/b c", "/a%2f..%zz/b c"},
		{"/..", NULL},
		{"/a/../../x", NULL},
		{"", NULL},
		{"a", NULL},
	};
	char out[32];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		bool fine = uri_remove_dot_segments(str_of(samples[i][0]), out, &n);

		assert_int_equal(fine, samples[i][1] != NULL);
		if (fine)
			assert_true(str_equal((struct str){out, n},
					      str_of(samples[i][1])));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_paths),   cmocka_unit_test(refused_paths),
		cmocka_unit_test(dot_segments), cmocka_unit_test(every_short_path),
		cmocka_unit_test(decoding),     cmocka_unit_test(encoding),
		cmocka_unit_test(hosts),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
