/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * multipart/form-data: boundaries, names, what parts hold, what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/codec/multipart.h"

#define TYPE "multipart/form-data; boundary=b"
/* A part up to its content, and the end of them all. */
#define FIELD(name) \
	"--b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define PART(parameters) \
	"--b\r\nContent-Disposition: form-data" parameters "\r\n\r\n"
#define END "\r\n--b--\r\n"

static struct multipart m;
static size_t budget = SIZE_MAX; /* of each call */

static void put(char **out, struct str s)
{
	memcpy(*out, s.p, s.n);
	*out += s.n;
}

static void put_part(char **out, const struct multipart_part *part)
{
	put(out, part->name);
	if (part->filename.p != NULL) {
		put(out, STR(" <"));
		put(out, part->filename);
		put(out, STR(">"));
	}
	if (part->type.p != NULL) {
		put(out, STR(" ("));
		put(out, part->type);
		put(out, STR(")"));
	}
	put(out, STR("="));
	put(out, part->content);
	put(out, STR("|"));
}

/* "name <filename> (type)=content|" for each part, and "." at the end or
 * "!why". In memory of its own, to be freed. */
static char *parse(const char *type, struct str body)
{
	char *text = malloc(2 * body.n + 256), *out = text;
	char *copy = malloc(body.n + (body.n == 0));
	struct multipart_part part;
	enum multipart_result result = MULTIPART_BAD;

	assert_true(text != NULL && copy != NULL);
	memcpy(copy, body.p, body.n);
	if (multipart_init(&m, str_of(type), (struct str){copy, body.n})) {
		for (;;) {
			m.budget = budget;
			result = multipart_next(&m, &part);
			if (result == MULTIPART_MORE)
				continue;
			if (result != MULTIPART_PART)
				break;
			assert_true(part.content.p >= copy);
			assert_true(part.content.p + part.content.n <=
				    copy + body.n);
			put_part(&out, &part);
		}
	}
	put(&out, result == MULTIPART_END ? STR(".") : STR("!"));
	if (result == MULTIPART_BAD)
		put(&out, str_of(m.why));
	*out = '\0';
	/* It stays at its end. */
	assert_int_equal(multipart_next(&m, &part), MULTIPART_BAD);
	free(copy);
	return text;
}

static void expect_of(const char *type, struct str body, const char *wanted)
{
	char *got = parse(type, body);

	if (strcmp(got, wanted) != 0)
		fail_msg("%s: %" STR_FMT "\nis %s\nnot %s", type, STR_ARG(body),
			 got, wanted);
	free(got);
}

#define EXPECT(body, wanted) expect_of(TYPE, STR(body), wanted)

static void parts_in_order(void **state)
{
	(void)state;
	EXPECT(FIELD("a") "1" END, "a=1|.");
	EXPECT(FIELD("a") "1\r\n" FIELD("b") "2\r\n" FIELD("a") "3" END,
	       "a=1|b=2|a=3|.");
	EXPECT(FIELD("a") END, "a=|.");
	EXPECT(FIELD("") "1" END, "=1|.");
	EXPECT(FIELD("a") "\r\n" END, "a=\r\n|.");
	EXPECT(FIELD("a") "one\r\ntwo\r\n" END, "a=one\r\ntwo\r\n|.");
	/* What browsers send for a form without fields. */
	EXPECT("--b--\r\n", ".");
	EXPECT("--b--", ".");
}

static void content_is_kept_as_it_is(void **state)
{
	char body[512] = FIELD("a");
	size_t n = strlen(body);

	(void)state;
	for (int c = 0; c < 256; c++)
		body[n++] = (char)c;
	memcpy(body + n, END, sizeof(END));

	struct multipart_part part;

	assert_true(
		multipart_init(&m, STR(TYPE), (struct str){body, n + strlen(END)}));
	assert_int_equal(multipart_next(&m, &part), MULTIPART_PART);
	assert_int_equal(part.content.n, 256);
	for (int c = 0; c < 256; c++)
		assert_int_equal((unsigned char)part.content.p[c], c);
	assert_int_equal(multipart_next(&m, &part), MULTIPART_END);
}

/* RFC 2046 section 5.1.1: a delimiter begins a line, and a line ends in CRLF. */
static void boundary_inside_data(void **state)
{
	(void)state;
	EXPECT(FIELD("a") "x--b" END, "a=x--b|.");
	EXPECT(FIELD("a") "x--b--\r\ny" END, "a=x--b--\r\ny|.");
	EXPECT(FIELD("a") "x\n--b\r\ny" END, "a=x\n--b\r\ny|.");
	EXPECT(FIELD("a") "x\r--b\r\ny" END, "a=x\r--b\r\ny|.");
	EXPECT(FIELD("a") "\r\n-b\r\n- -b" END, "a=\r\n-b\r\n- -b|.");
	EXPECT(FIELD("a") "\r\n\r\n-\r\n--" END, "a=\r\n\r\n-\r\n--|.");
	EXPECT(FIELD("a") "\r\r\n\n" END, "a=\r\r\n\n|.");
	EXPECT(FIELD("a") "\r\n--B\r\n" END, "a=\r\n--B\r\n|.");
	/* A line that only begins with the boundary. */
	EXPECT(FIELD("a") "\r\n--bc\r\n" END, "a=\r\n--bc\r\n|.");
	EXPECT(FIELD("a") "\r\n--b-\r\n" END, "a=\r\n--b-\r\n|.");
	EXPECT(FIELD("a") "\r\n--b--c\r\n" END, "a=\r\n--b--c\r\n|.");
	EXPECT(FIELD("a") "\r\n--b\r--b\r\n--b\nx" END,
	       "a=\r\n--b\r--b\r\n--b\nx|.");
	EXPECT("--bc\r\n" FIELD("a") "1" END, "a=1|.");
}

static void last_boundary_missing(void **state)
{
	(void)state;
	EXPECT("", "!the boundary is not in the body");
	EXPECT("--", "!the boundary is not in the body");
	EXPECT("--b", "!the boundary is not in the body");
	EXPECT("--b\r", "!the boundary is not in the body");
	EXPECT("--b-", "!the boundary is not in the body");
	EXPECT("--b\r\n", "!the last boundary is missing");
	EXPECT("--b\r\nContent-Disposition: form-data; name=a",
	       "!the last boundary is missing");
	EXPECT("--b\r\nContent-Disposition: form-data; name=a\r\n",
	       "!the last boundary is missing");
	EXPECT("--b\r\nContent-Disposition: form-data; name=a\r\n\r",
	       "!the last boundary is missing");
	EXPECT(FIELD("a"), "!the last boundary is missing");
	EXPECT(FIELD("a") "1", "!the last boundary is missing");
	EXPECT(FIELD("a") "1\r\n", "!the last boundary is missing");
	EXPECT(FIELD("a") "1\r\n--", "!the last boundary is missing");
	EXPECT(FIELD("a") "1--b--\r\n", "!the last boundary is missing");
	EXPECT(FIELD("a") "1\n--b--\r\n", "!the last boundary is missing");
	EXPECT(FIELD("a") "1\r\n--b", "!the last boundary is missing");
	EXPECT(FIELD("a") "1\r\n" FIELD("b") "2",
	       "a=1|!the last boundary is missing");
}

/* What ends a line, and what may stand behind a boundary. */
static void line_ends(void **state)
{
	(void)state;
	EXPECT(FIELD("a") "1\r\n--b--", "a=1|.");
	EXPECT(FIELD("a") "1\r\n--b-- \t", "a=1|.");
	EXPECT(FIELD("a") "1\r\n--b-- \t\r\n", "a=1|.");
	EXPECT("--b \t\r\nContent-Disposition: form-data; name=a\r\n\r\n1" END,
	       "a=1|.");
	/* Nothing else ends one. */
	EXPECT("--b\nContent-Disposition: form-data; name=a\r\n\r\n1" END, ".");
	EXPECT("--b\r\nContent-Disposition: form-data; name=a\r\n\n1" END, ".");
	EXPECT("--b\r\nContent-Disposition: form-data; name=a\r\n\r1" END, ".");
	EXPECT(FIELD("a") "1\r\n--b--\n", "!the last boundary is missing");
	EXPECT(FIELD("a") "1\r\n--b--x", "!the last boundary is missing");
}

/* RFC 2046 section 5.1.1: ignored. */
static void before_and_after(void **state)
{
	(void)state;
	EXPECT("\r\n" FIELD("a") "1" END, "a=1|.");
	EXPECT("preamble --b\r\n" FIELD("a") "1" END, "a=1|.");
	EXPECT("preamble\n" FIELD("a") "1\r\n" FIELD("b") "2" END, "b=2|.");
	EXPECT("--b--\r\n" FIELD("a") "1" END, ".");
	EXPECT(FIELD("a") "1" END "epilogue\r\n" FIELD("b") "2" END, "a=1|.");
	EXPECT("preamble\r\n--bc\r\n" FIELD("a") "1" END, "a=1|.");
}

static void no_content(void **state)
{
	(void)state;
	/* The line end before a delimiter is the delimiter's: the one that
	 * ends the header can be it. */
	EXPECT("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--",
	       "a=|.");
	EXPECT("--b\r\nContent-Disposition: form-data; name=a\r\n"
	       "\r\n" FIELD("b") "2" END,
	       "a=|b=2|.");
	EXPECT("--b\r\nContent-Disposition: form-data; name=a\r\n--b--\r\n", ".");
	EXPECT("--b\r\n" FIELD("b") "2" END, "b=2|.");
}

static void boundaries(void **state)
{
	static const struct {
		const char *parameters, *boundary;
	} right[] = {
		{"; boundary=b", "b"},
		{";boundary=b", "b"},
		{" ; BOUNDARY=b", "b"},
		{"; boundary=\"b\"", "b"},
		{"; charset=utf-8; boundary=b; x=y", "b"},
		{"; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
		 "----WebKitFormBoundary7MA4YWxkTrZu0gW"},
		{"; boundary=\"a b'()+_,-./:=?\"", "a b'()+_,-./:=?"},
		{"; boundary=----=_Part_0_1.2", "----=_Part_0_1.2"},
		{"; boundary=1234567890123456789012345678901234567890"
		 "123456789012345678901234567890",
		 "1234567890123456789012345678901234567890"
		 "123456789012345678901234567890"},
		{"; boundary=--", "--"},
		{"; boundary=a:b", "a:b"},
		/* Of programs, and of no RFC. */
		{"; boundary=*****", "*****"},
		{"; boundary=a*b", "a*b"},
		{"; boundary=<a|b>{c}[d]@e#f$g%h&i!j~k`l^m",
		 "<a|b>{c}[d]@e#f$g%h&i!j~k`l^m"},
		{"; boundary=\"a;b*\"", "a;b*"},
		{"; boundary=b; charset", "b"},
		{"; charset; boundary=b", "b"},
		{"; =x; boundary=b; \"y", "b"},
		{", charset; boundary=b", "b"},
	};
	static const char *const wrong[] = {
		"",
		";",
		"; boundary",
		"; boundary=",
		"; boundary=\"\"",
		"; boundary=\"b ",
		"; boundary=\"b \"",
		"; boundary=\"b\\\"c\"",
		"; boundary=a;boundary=a",
		"; boundary=\xc3\xa9",
		"; boundary=\"\xc3\xa9\"",
		"; boundary=\"a\tb\"",
		"; boundaryx=b",
		" boundary=b",
		", boundary=b",
		("; boundary=1234567890123456789012345678901234567890"
		 "1234567890123456789012345678901"),
	};
	char type[256], body[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		const char *b = right[i].boundary;

		snprintf(type, sizeof(type), "multipart/form-data%s",
			 right[i].parameters);
		snprintf(body, sizeof(body),
			 "--%s\r\nContent-Disposition: form-data; name=a\r\n"
			 "\r\n1\r\n--%s\r\nContent-Disposition: form-data; "
			 "name=b\r\n\r\n2\r\n--%s--\r\n",
			 b, b, b);
		expect_of(type, str_of(body), "a=1|b=2|.");
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		snprintf(type, sizeof(type), "multipart/form-data%s", wrong[i]);
		if (multipart_init(&m, str_of(type), STR(FIELD("a") "1" END)))
			fail_msg("%s", type);
		assert_non_null(m.why);
	}
}

/* A boundary that has a colon makes a line that looks like a field. */
static void boundary_like_a_field(void **state)
{
	(void)state;
	expect_of("multipart/form-data; boundary=a:b",
		  STR("--a:b\r\nContent-Disposition: form-data; name=x\r\n"
		      "--a:b\r\nX: y\r\n\r\n1\r\n--a:b--\r\n"),
		  ".");
}

static void names(void **state)
{
	(void)state;
	EXPECT(PART("; name=a") "1" END, "a=1|.");
	EXPECT(PART(";name=\"a\"") "1" END, "a=1|.");
	EXPECT(PART(" ;  NAME=\"a\" ; x=y") "1" END, "a=1|.");
	EXPECT(PART("; name=\"a b;c=d\"") "1" END, "a b;c=d=1|.");
	EXPECT(PART("; name=\"\xc3\xa9\xff\"") "1" END, "\xc3\xa9\xff=1|.");
	/* Browsers: only these three. */
	EXPECT(PART("; name=\"a%22b%0D%0Ac%0d%0a\"") "1" END, "a\"b\r\nc\r\n=1|.");
	EXPECT(PART("; name=\"100%25 %41 %2 %\"") "1" END, "100%25 %41 %2 %=1|.");
	/* Old browsers and curl: quoted pairs. */
	EXPECT(PART("; name=\"a\\\"b\\\\c\"") "1" END, "a\"b\\c=1|.");
	EXPECT(PART("; name=\"a\\b\"") "1" END, "a\\b=1|.");
	EXPECT(PART("; name=\"a\\\\\"") "1" END, "a\\=1|.");
	EXPECT(PART("; name=\"a\\\"; b\"") "1" END, "a\"; b=1|.");
	EXPECT(PART("; name=\"a\\\"\"") "1" END, "a\"=1|.");
	/* Browsers: a backslash is nothing else, not even before the end. */
	EXPECT(PART("; name=\"test\\\"") "1" END, "test\\=1|.");
	EXPECT(PART("; name=\"\\\"") "1" END, "\\=1|.");
	EXPECT(PART("; name=\"a\\\"; filename=\"b.txt\"") "1" END,
	       "a\\ <b.txt>=1|.");
	EXPECT(PART("; name=\"a\\\" ;filename=\"b\\c\"; x=y") "1" END,
	       "a\\ <c>=1|.");
	EXPECT(PART("; name=\"a\"; filename=\"b\\\"") "1" END, "a <>=1|.");
	/* Nor is a control character anything else. */
	EXPECT(PART("; name=\"a\x01\tb\x7f\"") "1" END, "a\x01\tb\x7f=1|.");
	EXPECT("--b\r\nContent-Disposition: form-data; name=\"a\nb\"\r\n\r\n1" END,
	       "a\nb=1|.");
	EXPECT("--b\r\ncontent-disposition:FORM-DATA;name=a\r\n\r\n1" END, "a=1|.");
}

static void files(void **state)
{
	(void)state;
	EXPECT(PART("; name=a; filename=x.txt") "1" END, "a <x.txt>=1|.");
	EXPECT(PART("; name=a; filename=\"\"") END, "a <>=|.");
	EXPECT(PART("; name=a; filename=\"\xe2\x82\xac.txt\"") "1" END,
	       "a <\xe2\x82\xac.txt>=1|.");
	EXPECT(PART("; name=a; filename=\"a%22b\\\"c\"") "1" END,
	       "a <a\"b\"c>=1|.");
	/* RFC 7578 section 4.2: no directories. */
	EXPECT(PART("; name=a; filename=\"../../etc/passwd\"") "1" END,
	       "a <passwd>=1|.");
	EXPECT(PART("; name=a; filename=\"C:\\Users\\me\\x.txt\"") "1" END,
	       "a <x.txt>=1|.");
	EXPECT(PART("; name=a; filename=\"dir/\"") "1" END, "a <>=1|.");
	EXPECT("--b\r\nContent-Type: image/png; x=\"y\"\r\nX-Other: z\r\n"
	       "Content-Disposition: form-data; name=a; filename=x\r\n\r\n1" END,
	       "a <x> (image/png; x=\"y\")=1|.");
	EXPECT("--b\r\nContent-Disposition: form-data; name=a\r\n"
	       "Content-Type:text/plain;charset=utf-8\r\n\r\n1" END,
	       "a (text/plain;charset=utf-8)=1|.");
}

/* RFC 8187. */
static void extended_filenames(void **state)
{
	(void)state;
	EXPECT(PART("; name=a; filename=x; filename*=UTF-8''%e2%82%ac%20y") END,
	       "a <\xe2\x82\xac y>=|.");
	EXPECT(PART("; name=a; filename*=utf-8'en'y; filename=x") END, "a <y>=|.");
	EXPECT(PART("; name=a; filename*=UTF-8''a%2Fb%5cc") END, "a <c>=|.");
	EXPECT(PART("; name=a; filename*=UTF-8''") END, "a <>=|.");
	/* Another charset than the one that must be known. */
	EXPECT(PART("; name=a; filename*=iso-8859-1''%a3; filename=x") END,
	       "a <x>=|.");
	EXPECT(PART("; name=a; filename*=iso-8859-1''%a3") END, "a=|.");

	static const char *const wrong[] = {
		"x",          "UTF-8'x",      "UTF-8''%",   "UTF-8''%4",
		"UTF-8''%zz", "UTF-8''a'b",   "UTF-8''a*b", "UTF-8''a%00b",
		"UTF-8''%0a", "\"UTF-8''x\"", "UTF-8''a/b",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char body[256];

		snprintf(body, sizeof(body),
			 PART("; name=a; filename=x; filename*=%s") "1" END,
			 wrong[i]);
		expect_of(TYPE, str_of(body), "a <x>=1|.");
	}
}

/* A part that has no name, between two that have. */
static void expect_odd(const char *part)
{
	char body[512];

	snprintf(body, sizeof(body), FIELD("x") "1\r\n%s\r\n" FIELD("y") "2" END,
		 part);
	expect_of(TYPE, str_of(body), "x=1|y=2|.");
	assert_int_equal(m.n_odd, 1);
}

/* They are no reason to refuse the others. */
static void odd_parts_are_passed_over(void **state)
{
	static const char *const nameless[] = {
		"",           "; name",       "; name=",          "; name=\"a",
		"; name = a", "; filename=x", "; name*=UTF-8''a", " name=a",
		", name=a",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(nameless) / sizeof(*nameless); i++) {
		char part[256];

		snprintf(part, sizeof(part), PART("%s") "odd", nameless[i]);
		expect_odd(part);
	}
	expect_odd("--b\r\n\r\nodd");
	expect_odd("--b\r\nX: y\r\n\r\nodd");
	expect_odd("--b\r\nX: y");
	expect_odd("--b\r\nX");
	expect_odd("--b");
	expect_odd("--b\r\nContent-Disposition:\r\n\r\nodd");
	expect_odd("--b\r\nContent-Disposition: attachment; name=a\r\n\r\nodd");
	expect_odd("--b\r\nContent-Disposition: form-datas; name=a\r\n\r\nodd");
	expect_odd("--b\r\nContent-Disposition: form-data; name=a\r\nX: y");
}

/* What is odd about a part that has a name. */
static void oddities_are_passed_over(void **state)
{
	static const char *const parameters[] = {
		"; name=a b",          "; name=\"a\"x", "; name=a; name=b",
		"; name=\"a\";=b",     ";;; name=a;;",  "; x; name=a",
		"; x=\"y; z; name=a ", "; name=a; \"",  "; x=; name=a",
	};
	static const char *const lines[] = {
		": x",
		"X",
		"X : y",
		"X y: z",
		"\xc3: y",
		"X: a\rb",
		"X: \x01",
		"Content-Disposition: form-data; name=b",
		"Content-Disposition: attachment",
		"Content-Type: \x01",
	};
	char body[512];

	(void)state;
	for (size_t i = 0; i < sizeof(parameters) / sizeof(*parameters); i++) {
		snprintf(body, sizeof(body), PART("%s") "1" END, parameters[i]);
		expect_of(TYPE, str_of(body), "a=1|.");
	}
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		snprintf(body, sizeof(body),
			 "--b\r\nContent-Disposition: form-data; name=a\r\n"
			 "%s\r\n\r\n1" END,
			 lines[i]);
		expect_of(TYPE, str_of(body), "a=1|.");
	}
	EXPECT("--b\r\nX: \0\r\nContent-Disposition: form-data; "
	       "name=a\r\n\r\n1" END,
	       "a=1|.");
	EXPECT(PART("; name=a; filename=x; filename=y") "1" END, "a <x>=1|.");
	EXPECT(PART("; name=a; filename*=UTF-8''x; filename*=UTF-8''y") "1" END,
	       "a <x>=1|.");
	EXPECT("--b\r\nContent-Disposition: form-data; name=a\r\n"
	       "Content-Type: a/b\r\ncontent-type: c/d\r\n\r\n1" END,
	       "a (a/b)=1|.");
	/* RFC 5322 section 2.2.3. */
	EXPECT("--b\r\nContent-Disposition: form-data;\r\n name=a;\r\n"
	       "\tfilename=x\r\nX: y\r\n z\r\n\r\n1" END,
	       "a <x>=1|.");
}

/* RFC 7578 section 4.7: they are of the past, and nobody undoes them. */
static void transfer_encodings(void **state)
{
	(void)state;
#define ENCODED(encoding)                                   \
	"--b\r\nContent-Disposition: form-data; name=a\r\n" \
	"Content-Transfer-Encoding: " encoding "\r\n\r\nMQ==" END
	EXPECT(ENCODED("binary"), "a=MQ==|.");
	EXPECT(ENCODED("8BIT"), "a=MQ==|.");
	EXPECT(ENCODED("7bit"), "a=MQ==|.");
	EXPECT(ENCODED("base64"), "a=MQ==|.");
	EXPECT(ENCODED("quoted-printable"), "a=MQ==|.");
	EXPECT(ENCODED(""), "a=MQ==|.");
}

/* A header of `n` bytes, its empty line included. */
static enum multipart_result with_header_of(size_t n)
{
	static const char begin[] =
		"--b\r\nContent-Disposition: form-data; name=a\r\nX: ";
	char *body = malloc(n + 64);
	size_t used = sizeof(begin) - 1, delimiter = 5;
	struct multipart_part part;

	assert_non_null(body);
	memcpy(body, begin, used);
	memset(body + used, 'x', delimiter + n - 4 - used);
	used = delimiter + n - 4;
	memcpy(body + used, "\r\n\r\n1" END, sizeof("\r\n\r\n1" END));
	used += strlen("\r\n\r\n1" END);
	assert_true(multipart_init(&m, STR(TYPE), (struct str){body, used}));

	enum multipart_result result = multipart_next(&m, &part);

	free(body);
	return result;
}

static void header_sizes(void **state)
{
	(void)state;
	assert_int_equal(with_header_of(100), MULTIPART_PART);
	assert_int_equal(with_header_of(MULTIPART_HEAD_MAX), MULTIPART_PART);
	assert_int_equal(with_header_of(MULTIPART_HEAD_MAX + 1), MULTIPART_END);
	assert_int_equal(with_header_of(10 * MULTIPART_HEAD_MAX), MULTIPART_END);
}

/* A little at a time, from one call to the next. */
static void in_steps(void **state)
{
	for (budget = 1; budget < 12; budget++) {
		parts_in_order(state);
		boundary_inside_data(state);
		last_boundary_missing(state);
		line_ends(state);
		before_and_after(state);
		no_content(state);
	}
	budget = SIZE_MAX;
}

static void steps_are_bounded(void **state)
{
	struct multipart_part part;
	char body[1024] = FIELD("a");
	size_t n = strlen(body), steps = 0;

	(void)state;
	memset(body + n, 'x', sizeof(body) - n);
	memcpy(body + sizeof(body) - strlen(END), END, strlen(END));
	assert_true(
		multipart_init(&m, STR(TYPE), (struct str){body, sizeof(body)}));
	do {
		assert_true(steps++ < 20);
		m.budget = 100;
	} while (multipart_next(&m, &part) == MULTIPART_MORE);
	assert_int_equal(part.content.n, sizeof(body) - n - strlen(END));
	assert_in_range(steps, 10, 11);
}

/* Headers are work as well as contents are. */
static void headers_are_steps(void **state)
{
	struct multipart_part part;
	struct str body = STR(PART("; name=a") "\r\n" PART("; name=a") "\r\n" PART(
		"; name=a") "\r\n" PART("; name=a") "\r\n--b--");
	size_t steps = 0;
	enum multipart_result result;

	(void)state;
	assert_true(multipart_init(&m, STR(TYPE), body));
	m.budget = 40;
	do {
		result = multipart_next(&m, &part);
		if (result == MULTIPART_MORE) {
			m.budget = 40;
			steps++;
		}
	} while (result != MULTIPART_END && result != MULTIPART_BAD);
	assert_int_equal(result, MULTIPART_END);
	assert_true(steps >= 3);
}

static void blanks_are_bounded(void **state)
{
	static char body[1024];
	struct multipart_part part;
	static const size_t samples[] = {MULTIPART_BLANKS_MAX,
					 MULTIPART_BLANKS_MAX + 1};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t n = samples[i];

		memcpy(body, "--b--", 5);
		memset(body + 5, ' ', n);
		memcpy(body + 5 + n, "\r\n", 2);
		assert_true(
			multipart_init(&m, STR(TYPE), (struct str){body, 7 + n}));
		assert_int_equal(multipart_next(&m, &part),
				 i == 0 ? MULTIPART_END : MULTIPART_BAD);
	}
}

static void no_body(void **state)
{
	struct multipart_part part;

	(void)state;
	assert_true(multipart_init(&m, STR(TYPE), (struct str){NULL, 0}));
	assert_int_equal(multipart_next(&m, &part), MULTIPART_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_in_order),
		cmocka_unit_test(content_is_kept_as_it_is),
		cmocka_unit_test(boundary_inside_data),
		cmocka_unit_test(last_boundary_missing),
		cmocka_unit_test(line_ends),
		cmocka_unit_test(before_and_after),
		cmocka_unit_test(no_content),
		cmocka_unit_test(boundaries),
		cmocka_unit_test(boundary_like_a_field),
		cmocka_unit_test(names),
		cmocka_unit_test(files),
		cmocka_unit_test(extended_filenames),
		cmocka_unit_test(odd_parts_are_passed_over),
		cmocka_unit_test(oddities_are_passed_over),
		cmocka_unit_test(transfer_encodings),
		cmocka_unit_test(header_sizes),
		cmocka_unit_test(in_steps),
		cmocka_unit_test(steps_are_bounded),
		cmocka_unit_test(headers_are_steps),
		cmocka_unit_test(blanks_are_bounded),
		cmocka_unit_test(no_body),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
