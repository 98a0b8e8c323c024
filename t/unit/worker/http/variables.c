/* SPDX-License-Identifier: BSD-2-Clause */
/* What the variables of a template are worth, and how values are escaped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/shared/scoreboard.h"
#include "worker/http/exchange.h"
#include "worker/http/http.h"
#include "worker/http/router.h"
#include "worker/http/variables.h"

static struct conf conf = {.limits.form_fields = 100};
static struct http http = {.conf = &conf};
static struct exchange_connection connection;
static struct exchange x;
static struct conf_route conf_route;
static struct route route = {.conf = &conf_route};
static struct field fields[4];

static void set_field(size_t i, const char *name, const char *value)
{
	fields[i] = (struct field){.name = str_of(name), .value = str_of(value)};
	x.request.fields = fields;
	x.request.n_fields = i + 1;
}

static int set_up(void **state)
{
	(void)state;
	exchange_init(&x, &http, NULL, &connection);
	x.route = &route;
	conf_route.path = STR("/doc");
	x.request.method_text = STR("GET");
	x.request.path = STR("/doc/a b");
	x.request.raw_path = STR("/doc/a%20b");
	x.request.host = STR("example.org");
	x.peer = (struct endpoint){.family = AF_INET, .port = 54321};
	memcpy(x.peer.ip, "\300\0\2\1", 4);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	exchange_fini(&x);
	return 0;
}

static void expect_escaped(enum escape escape, const char *source,
			   struct str wanted)
{
	struct arena arena = {0};
	struct template t;
	const char *why = "";

	if (!template_compile(&arena, str_of(source), &t, &why))
		fail_msg("%s", why);
	struct str got;

	assert_true(template_evaluate(&t, &x, escape, &got));
	if (!str_equal(got, wanted))
		fail_msg("%s is \"%" STR_FMT "\", not \"%" STR_FMT "\"", source,
			 STR_ARG(got), STR_ARG(wanted));
	arena_fini(&arena);
}

static void expect(const char *source, const char *wanted)
{
	expect_escaped(ESCAPE_NONE, source, str_of(wanted));
}

static void literals(void **state)
{
	(void)state;
	for (int escape = ESCAPE_NONE; escape <= ESCAPE_URI; escape++) {
		/* What the template itself says is as it should be. */
		expect_escaped((enum escape)escape, "", STR(""));
		expect_escaped((enum escape)escape, "<b>\"$$\" & ?#</b>",
			       STR("<b>\"$\" & ?#</b>"));
	}
}

static void variables_of_the_request(void **state)
{
	(void)state;
	expect("${path}", "/doc/a b");
	expect("${rest}", "/a b");
	expect("${method}", "GET");
	expect("${host}", "example.org");
	expect("${scheme}", "http");
	connection.is_secured = true;
	expect("${scheme}", "https");
	connection.is_secured = false;
	expect("${remote_addr}", "192.0.2.1");
	expect("${remote_port}", "54321");
	expect("[${query}]", "[]");
	x.request.query = STR("a=%41&b");
	expect("[${query}]", "[a=%41&b]");
	expect("${method} ${scheme}://${host}${path}!",
	       "GET http://example.org/doc/a b!");
	x.request.path = STR("/doc");
	expect("[${rest}]", "[]");
}

static void variables_of_the_peer(void **state)
{
	struct addr addr;

	(void)state;
	assert_null(addr_parse(STR("[2001:db8::1]:0"), &addr));
	x.peer = endpoint_of(&addr);
	expect("${remote_addr} ${remote_port}", "2001:db8::1 0");
	x.peer = (struct endpoint){.family = AF_UNIX};
	expect("${remote_addr} ${remote_port}", "unix 0");
}

static void fields_of_the_query(void **state)
{
	(void)state;
	x.request.query = STR("name=J%C3%B6rg+M&empty=&flag&a%2Bb=1&bad=%zz"
			      "&twice=1&twice=2");
	expect("${query.name}", "J\xc3\xb6rg M");
	expect("[${query.empty}${query.flag}${query.missing}]", "[]");
	expect("${query.a+b}", "1");
	expect("${query.bad}", "%zz");
	expect("${query.twice}", "1");
	expect("[${query.NAME}]", "[]");
	expect("${query.name}, ${query.a+b}", "J\xc3\xb6rg M, 1");
}

static void set_body(const char *type, struct str body)
{
	if (type != NULL)
		set_field(0, "Content-Type", type);
	x.request.body = body;
	x.form = NULL;
}

static void fields_of_the_form(void **state)
{
	static const char *const forms[] = {
		"application/x-www-form-urlencoded",
		"Application/X-WWW-Form-Urlencoded; charset=utf-8",
		"application/x-www-form-urlencoded ;charset=utf-8",
	};
	static const char *const others[] = {
		"",
		"text/plain",
		"multipart/form-data",
		"application/x-www-form-urlencoded-not",
		"text/plain; application/x-www-form-urlencoded",
	};

	(void)state;
	set_body(NULL, STR("name=a+b%21&other=2"));
	expect("[${form.name}]", "[]");
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		set_body(forms[i], STR("name=a+b%21&other=2"));
		expect("${form.name} ${form.other}", "a b! 2");
		expect("[${form.missing}]", "[]");
		/* The query is not the form. */
		expect("[${query.name}]", "[]");
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		set_body(others[i], STR("name=a+b%21&other=2"));
		expect("[${form.name}]", "[]");
	}
	set_body(forms[0], (struct str){NULL, 0});
	expect("[${form.name}]", "[]");
	set_body(forms[0], STR("a=%C3%A9%zz%&size=%41+b&a=2"));
	expect("${form.a} ${form_size.size} ${form_size.a}", "\xc3\xa9%zz% 3 6");
	expect("[${form_filename.a}${form_type.a}${form_size.x}]", "[]");
}

static void fields_of_parts(void **state)
{
	(void)state;
	set_body("multipart/form-data; boundary=b",
		 STR("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n"
		     "1%41+\r\n"
		     "--b\r\nContent-Disposition: form-data; name=file; "
		     "filename=\"<x>.txt\"\r\nContent-Type: text/x\r\n\r\n"
		     "12345\r\n"
		     "--b\r\nContent-Disposition: form-data; name=none; "
		     "filename=\"\"\r\n\r\n\r\n"
		     "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n"
		     "2\r\n--b--\r\n"));
	expect("${form.a}|${form_size.a}", "1%41+|5");
	expect("[${form_filename.a}${form_type.a}]", "[]");
	expect("${form.file}|${form_filename.file}|${form_type.file}|"
	       "${form_size.file}",
	       "12345|<x>.txt|text/x|5");
	expect("${form_filename.none:-no file} ${form_size.none}", "no file 0");
	expect("[${form.x}${form_filename.x}${form_type.x}${form_size.x}]", "[]");
	expect_escaped(ESCAPE_HTML, "${form_filename.file}", STR("&lt;x&gt;.txt"));
	/* A body that is refused has no fields. */
	set_body("multipart/form-data; boundary=b",
		 STR("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1"));
	expect("[${form.a}]", "[]");
}

static void fields_of_the_header(void **state)
{
	(void)state;
	set_field(0, "User-Agent", "curl/8");
	set_field(1, "X-Twice", "first");
	set_field(2, "x-TWICE", "second");
	set_field(3, "X-Empty", "");
	expect("${header.User-Agent}", "curl/8");
	expect("${header.user-agent}", "curl/8");
	expect("${header.x-twice}", "first, second");
	expect("[${header.x-empty}${header.x-missing}]", "[]");
}

static void defaults(void **state)
{
	(void)state;
	x.request.query = STR("empty=&name=x");
	set_field(0, "X-Empty", "");
	expect("${query.name:-world}", "x");
	expect("${query.empty:-world} ${query.missing:-world}", "world world");
	expect("${form.a:-b} ${header.a:-c} ${header.x-empty:-d}", "b c d");
	x.request.host = STR("");
	expect("${host:-nobody}", "nobody");
	x.request.query = (struct str){NULL, 0};
	expect("${query:-none}", "none");
	x.request.path = STR("/doc");
	expect("${rest:-/}", "/");
	/* A default is the template's own: it is not escaped. */
	expect_escaped(ESCAPE_HTML, "${query.a:-<b>}", STR("<b>"));
	expect_escaped(ESCAPE_JSON, "${query.a:-\"}", STR("\""));
	expect_escaped(ESCAPE_URI, "${query.a:-?x=y}", STR("?x=y"));
}

/* A value with every octet but NUL, by way of a header field. */
static void set_octets(char octets[256])
{
	for (int c = 1; c < 256; c++)
		octets[c - 1] = (char)c;
	octets[255] = '\0';
	set_field(0, "X", octets);
}

static void not_escaped(void **state)
{
	char octets[256];

	(void)state;
	set_octets(octets);
	expect("${header.x}", octets);
}

static void escaped_for_html(void **state)
{
	char octets[256];
	struct buf wanted = {0};

	(void)state;
	x.request.path = STR("/<script>alert('a' & \"b\")</script>");
	conf_route.path = STR("/");
	expect_escaped(ESCAPE_HTML, "<p>${path}</p>",
		       STR("<p>/&lt;script&gt;alert(&#39;a&#39; &amp; "
			   "&quot;b&quot;)&lt;/script&gt;</p>"));
	/* What looks like a reference is a text, too. */
	x.request.path = STR("/&lt;");
	expect_escaped(ESCAPE_HTML, "${path}", STR("/&amp;lt;"));
	set_octets(octets);
	for (const char *p = octets; *p != '\0'; p++) {
		if (*p == '&')
			buf_put_cstr(&wanted, "&amp;");
		else if (*p == '<')
			buf_put_cstr(&wanted, "&lt;");
		else if (*p == '>')
			buf_put_cstr(&wanted, "&gt;");
		else if (*p == '"')
			buf_put_cstr(&wanted, "&quot;");
		else if (*p == '\'')
			buf_put_cstr(&wanted, "&#39;");
		else if (*p == '\033')
			buf_put_cstr(&wanted, "&#xfffd;");
		else
			buf_put(&wanted, (struct str){p, 1});
	}
	expect_escaped(ESCAPE_HTML, "${header.x}", buf_str(&wanted));
	buf_release(&wanted);
}

static void escaped_for_json(void **state)
{
	char octets[256];
	struct buf wanted = {0};

	(void)state;
	x.request.query = STR("a=%22,%5C%22%00%0A");
	expect_escaped(ESCAPE_JSON, "{\"a\":\"${query.a}\"}",
		       STR("{\"a\":\"\\u0022,\\u005c\\u0022\\u0000\\u000a\"}"));
	set_octets(octets);
	for (const char *p = octets; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < ' ' || strchr("\"\\<>&'`$\x7f", *p) != NULL)
			buf_printf(&wanted, "\\u%04x", c);
		else if (c >= 0x80)
			buf_put_cstr(&wanted, "\xef\xbf\xbd");
		else
			buf_put(&wanted, (struct str){p, 1});
	}
	expect_escaped(ESCAPE_JSON, "${header.x}", buf_str(&wanted));
	buf_release(&wanted);
}

/* RFC 8259 section 8.1: JSON is UTF-8, whatever came. */
static void json_is_utf8(void **state)
{
	static const char *const samples[][2] = {
		{"J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x98\x80",
		 "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x98\x80"},
		{"a\xff"
		 "b",
		 "a\xef\xbf\xbd"
		 "b"},
		{"\xc3", "\xef\xbf\xbd"},
		{"\xe2\x82\"", "\xef\xbf\xbd\\u0022"},
		{"\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		/* U+2028 and U+2029, and what is next to them. */
		{"\xe2\x80\xa7|\xe2\x80\xa8|\xe2\x80\xa9|\xe2\x80\xaa",
		 "\xe2\x80\xa7|\\u2028|\\u2029|\xe2\x80\xaa"},
		{"</script><!--", "\\u003c/script\\u003e\\u003c!--"},
		{"'`${x}", "\\u0027\\u0060\\u0024{x}"},
		{"]]>&amp;", "]]\\u003e\\u0026amp;"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		set_field(0, "X", samples[i][0]);
		expect_escaped(ESCAPE_JSON, "${header.x}", str_of(samples[i][1]));
	}
}

static void escaped_for_uris(void **state)
{
	char octets[256];
	struct buf wanted = {0};

	(void)state;
	x.request.path = STR("/a b?c#d%e");
	expect_escaped(ESCAPE_URI, "http://h${path}",
		       STR("http://h/a%20b%3Fc%23d%25e"));
	set_octets(octets);
	for (const char *p = octets; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		char lower = ascii_lower(*p);

		if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') ||
		    strchr("-._~/", *p) != NULL)
			buf_put(&wanted, (struct str){p, 1});
		else
			buf_printf(&wanted, "%%%02X", c);
	}
	expect_escaped(ESCAPE_URI, "${header.x}", buf_str(&wanted));
	buf_release(&wanted);
}

/* What is sent encoded is not encoded again, and what may stand in a path stays
 * there, but not where it would name a scheme, a host or a field of a query. */
static void urls_of_requests(void **state)
{
	struct str captures[] = {STR_INIT("a:b;c@d"), STR_INIT("/a:b;c")};

	(void)state;
	x.request.path = STR("/doc/a;b:c@d=e&f g");
	x.request.target = STR("/doc/a;b:c@d=e&f%20g?h=%20i&j");
	x.request.raw_path = STR("/doc/a;b:c@d=e&f%20g");
	x.request.query = STR("h=%20i&j");
	x.captures = captures;
	expect_escaped(ESCAPE_URI, "https://h${target}",
		       STR("https://h/doc/a;b:c@d=e&f%20g?h=%20i&j"));
	expect_escaped(ESCAPE_URI, "${target}",
		       STR("/doc/a;b:c@d=e&f%20g?h=%20i&j"));
	expect_escaped(ESCAPE_URI, "/?to=${target}",
		       STR("/?to=/doc/a%3Bb%3Ac%40d%3De%26f%2520g"
			   "%3Fh%3D%2520i%26j"));
	expect_escaped(ESCAPE_URI, "${path}", STR("/doc/a;b:c@d=e&f%20g"));
	expect_escaped(ESCAPE_URI, "/?to=${path}",
		       STR("/?to=/doc/a%3Bb%3Ac%40d%3De%26f%20g"));
	expect_escaped(ESCAPE_URI, "/#${path}",
		       STR("/#/doc/a%3Bb%3Ac%40d%3De%26f%20g"));
	expect_escaped(ESCAPE_URI, "https://h/x${rest}",
		       STR("https://h/x/a;b:c@d=e&f%20g"));
	x.request.path = STR("/doc@evil");
	expect_escaped(ESCAPE_URI, "https://h${rest}", STR("https://h%40evil"));
	expect_escaped(ESCAPE_URI, "//h${rest}", STR("//h%40evil"));
	expect_escaped(ESCAPE_URI, "//h/${rest}", STR("//h/@evil"));
	expect_escaped(ESCAPE_URI, "${match.0}", STR("a%3Ab%3Bc%40d"));
	expect_escaped(ESCAPE_URI, "x${match.0}", STR("xa%3Ab%3Bc%40d"));
	expect_escaped(ESCAPE_URI, "/${match.0}", STR("/a:b;c@d"));
	x.request.host = STR("[::1]");
	expect_escaped(ESCAPE_URI, "https://${host}/", STR("https://[::1]/"));
	expect_escaped(ESCAPE_URI, "/?q=${query.h}", STR("/?q=%20i"));
	/* The query, if there is one. */
	expect("${?query}", "?h=%20i&j");
	expect_escaped(ESCAPE_URI, "/x${?query}", STR("/x?h=%20i&j"));
	expect_escaped(ESCAPE_URI, "/x?y${?query}", STR("/x?y&h=%20i&j"));
	expect_escaped(ESCAPE_HTML, "${?query}", STR("?h=%20i&amp;j"));
	x.request.query = STR("");
	expect_escaped(ESCAPE_URI, "/x${?query}", STR("/x?"));
	x.request.query = (struct str){NULL, 0};
	expect_escaped(ESCAPE_URI, "/x${?query}", STR("/x"));
	expect_escaped(ESCAPE_URI, "/x${?query:-?z}", STR("/x?z"));
	/* The absolute form names a host: it is not taken over. */
	x.request.target = STR("http://evil/doc");
	x.request.raw_path = STR("/doc");
	expect_escaped(ESCAPE_URI, "https://h${target}", STR("https://h/doc"));
	x.captures = NULL;
}

/* variables.h: 64 MiB. */
static void too_long(void **state)
{
	enum { SIZE = 33 * 1024 * 1024 };
	char *value = calloc(1, SIZE);
	struct arena arena = {0};
	struct template t;
	const char *why;
	struct str got;

	(void)state;
	assert_non_null(value);
	x.request.path = (struct str){value, SIZE};
	assert_true(template_compile(&arena, STR("${path}${path}"), &t, &why));
	for (int escape = ESCAPE_NONE; escape <= ESCAPE_URI; escape++)
		assert_false(template_evaluate(&t, &x, (enum escape)escape, &got));
	x.request.path.n = 1024 * 1024;
	assert_true(template_evaluate(&t, &x, ESCAPE_NONE, &got));
	assert_int_equal(got.n, 2 * 1024 * 1024);
	/* Encoded, it is over that; decoded it is not, or is. */
	set_body("application/x-www-form-urlencoded", (struct str){value, SIZE});
	memset(value, 'x', SIZE);
	memcpy(value, "a=", 2);
	for (size_t i = 2; i + 3 <= SIZE; i += 3)
		memcpy(value + i, "%41", 3);
	arena_fini(&arena);
	assert_true(template_compile(&arena, STR("${form.a}"), &t, &why));
	assert_true(template_evaluate(&t, &x, ESCAPE_NONE, &got));
	assert_int_equal(got.n, (SIZE - 2 + 2) / 3);
	arena_fini(&arena);
	assert_true(template_compile(&arena,
				     STR("${form.a}${form.a}${form.a}${form.a}"
					 "${form.a}${form.a}"),
				     &t, &why));
	assert_false(template_evaluate(&t, &x, ESCAPE_NONE, &got));
	arena_fini(&arena);
	free(value);
}

/* The text is the exchange's: it outlives what it was made from. */
static void text_is_kept(void **state)
{
	char query[] = "a=1";
	struct arena arena = {0};
	struct template t;
	const char *why;

	(void)state;
	x.request.query = str_of(query);
	assert_true(template_compile(&arena, STR("${query.a}-"), &t, &why));
	struct str first, second;

	assert_true(template_evaluate(&t, &x, ESCAPE_NONE, &first));
	query[2] = '2';
	assert_true(template_evaluate(&t, &x, ESCAPE_NONE, &second));
	arena_fini(&arena);
	memset(query, '?', sizeof(query));
	buf_free_all();
	assert_true(str_equal(first, STR("1-")));
	assert_true(str_equal(second, STR("2-")));
}

static void variables_of_the_exchange(void **state)
{
	(void)state;
	x.request.target = STR("/doc/a%20b?c");
	x.request.version = "HTTP/1.1";
	connection.id = 18446744073709551615u;
	x.connection_requests = 2;
	x.request_id = STR("me");
	x.times.first_byte = 5 * NS_PER_S;
	expect("${target} ${protocol} ${route}", "/doc/a%20b?c HTTP/1.1 /doc");
	expect("${connection}/${connection_requests}", "18446744073709551615/2");
	expect("${request_id}", "me");
	expect("${time.head:-none}", "none");
	x.times.head = 5 * NS_PER_S;
	expect("${time.head}", "0.000000");
	x.times.head += 61 * NS_PER_S + 999999999;
	expect("${time.head}", "61.999999");
	x.route = NULL;
	x.request.version = NULL;
	expect("${route}${protocol}${rest}", "");
}

static void times_of_day(void **state)
{
	struct arena arena = {0};
	struct template t;
	const char *why;
	struct str got;
	int ms, end = 0;

	(void)state;
	assert_true(
		template_compile(&arena, STR("${time} ${time.local}"), &t, &why));
	for (int i = 0; i < 2; i++) {
		assert_true(template_evaluate(&t, &x, ESCAPE_NONE, &got));
		assert_int_equal(got.n, 24 + 1 + 26);
		sscanf(got.p, "%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%3dZ %*2d/%*3s%n", &ms,
		       &end);
		assert_int_equal(end, 24 + 1 + 6);
	}
	arena_fini(&arena);
}

static void cookies(void **state)
{
	(void)state;
	set_field(0, "Accept", "a=0");
	set_field(1, "Cookie", "a=1; bc=two; b=3;empty=;  d = x=y ; flag");
	set_field(2, "cookie", "e=5; a=6");
	expect("${cookie.a}${cookie.b}${cookie.bc}${cookie.e}", "13two5");
	expect("${cookie.d}", "x=y");
	expect("${cookie.A:-no}${cookie.empty:-no}${cookie.flag:-no}", "nonono");
	set_field(1, "Cookie", ";;=;=x;a");
	set_field(2, "cookie", "e=5; a=6");
	expect("${cookie.a}", "6");
}

static void expect_at(enum template_moment moment, const char *source,
		      const char *wanted)
{
	struct arena arena = {0};
	struct template t;
	const char *why = "";
	struct buf got = {0};

	if (!template_compile_at(moment, &arena, str_of(source), &t, &why))
		fail_msg("%s", why);
	template_put(&t, &x, ESCAPE_LOG, &got);
	if (!str_equal(buf_str(&got), str_of(wanted)))
		fail_msg("%s is \"%" STR_FMT "\", not \"%s\"", source,
			 STR_ARG(buf_str(&got)), wanted);
	buf_release(&got);
	arena_fini(&arena);
}

static void fields_of_the_response(void **state)
{
	struct fields prepared = {0};

	(void)state;
	fields_add(&prepared, &x.arena, STR("ETag"), STR("\"x\""));
	fields_add(&prepared, &x.arena, STR("Vary"), STR("shared"));
	fields_add(&x.response.fields, &x.arena, STR("vary"), STR(" own "));
	x.response.prepared = &prepared;
	x.response.status = 200;
	x.response.body.length = 1200;
	expect_at(TEMPLATE_AT_RESPONSE, "${sent.etag} ${sent.Vary}|${sent.x}|",
		  "\\x22x\\x22 shared, own||");
	fields_add(&prepared, &x.arena, STR("Set-Cookie"), STR("a=1"));
	fields_add(&x.response.fields, &x.arena, STR("Set-Cookie"), STR("b=2"));
	expect_at(TEMPLATE_AT_RESPONSE, "${sent.set-cookie}", "a=1");
	expect_at(TEMPLATE_AT_END, "${sent.content-length} ${sent.x}", "1200 -");
	x.response.body.length = BODY_LENGTH_UNKNOWN;
	expect_at(TEMPLATE_AT_END, "${sent.content-length}", "-");
	x.response.body.length = 0;
	expect_at(TEMPLATE_AT_END, "${sent.content-length}", "0");
	x.response.status = 304;
	expect_at(TEMPLATE_AT_END, "${sent.content-length} ${status}", "- 304");
}

static void escaped_for_logs(void **state)
{
	(void)state;
	x.request.path = STR("/a \"\\\n\x80<");
	expect_at(TEMPLATE_AT_REQUEST, "\"${path}\"\n",
		  "\"/a \\x22\\x5c\\x0a\\x80<\"\n");
}

static int free_all(void **state)
{
	(void)state;
	buf_free_all();
	return 0;
}

#define VARIABLES_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		VARIABLES_TEST(literals),
		VARIABLES_TEST(variables_of_the_request),
		VARIABLES_TEST(variables_of_the_peer),
		VARIABLES_TEST(fields_of_the_query),
		VARIABLES_TEST(fields_of_the_form),
		VARIABLES_TEST(fields_of_parts),
		VARIABLES_TEST(fields_of_the_header),
		VARIABLES_TEST(defaults),
		VARIABLES_TEST(not_escaped),
		VARIABLES_TEST(escaped_for_html),
		VARIABLES_TEST(escaped_for_json),
		VARIABLES_TEST(json_is_utf8),
		VARIABLES_TEST(escaped_for_uris),
		VARIABLES_TEST(urls_of_requests),
		VARIABLES_TEST(too_long),
		VARIABLES_TEST(text_is_kept),
		VARIABLES_TEST(variables_of_the_exchange),
		VARIABLES_TEST(times_of_day),
		VARIABLES_TEST(cookies),
		VARIABLES_TEST(fields_of_the_response),
		VARIABLES_TEST(escaped_for_logs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, free_all);
}
