/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which route answers: host, then path, then method, with routes as they come
 * from a configuration file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "t/unit/worker/http/fixture.h"

/* A route that is known by its body. */
#define ROUTE(path, body) \
	"{ path = \"" path "\"; handler = \"respond\"; body = \"" body "\"; }"
#define EXACT(path, body)                                                   \
	"{ path = \"" path "\"; match = \"exact\"; handler = \"respond\"; " \
	"body = \"" body "\"; }"
#define METHOD(path, methods, body)                   \
	"{ path = \"" path "\"; methods = [ " methods \
	" ]; handler = \"respond\"; body = \"" body "\"; }"
#define SITE(hosts, routes) "{ hosts = [ " hosts " ]; routes = ( " routes " ); }"

static void expect(const char *host, const char *path, const char *body)
{
	const struct route *route =
		router_find(&fixture_http.router, str_of(host), str_of(path)).route;

	if (body == NULL) {
		if (route != NULL)
			fail_msg("%s%s is at %s", host, path,
				 body_of(route->conf)->body.source.p);
		return;
	}
	if (route == NULL)
		fail_msg("%s%s is nowhere", host, path);
	if (!str_equal(body_of(route->conf)->body.source, str_of(body)))
		fail_msg("%s%s is at %s, not %s", host, path,
			 body_of(route->conf)->body.source.p, body);
	assert_ptr_equal(*(void **)route->instance, route->conf);
	assert_ptr_equal(route->handler, &fake_respond);
}

static void hosts(void **state)
{
	(void)state;
	fixture_make("sites = (" SITE("\"example.org\", \"www.Example.org\"", ROUTE("/", "a")) "," SITE(
		"\"*.example.org\"",
		ROUTE("/",
		      "wild")) "," SITE("\"*.deep.example.org\"",
					ROUTE("/",
					      "deep")) "," SITE("\"*\"",
								ROUTE("/",
								      "all")) "," SITE("\"b.deep.example.org\"",
										       ROUTE("/",
											     "b")) ");");
	expect("example.org", "/", "a");
	expect("www.example.org", "/", "a");
	expect("other.example.org", "/", "wild");
	expect("x.y.example.org", "/", "wild");
	/* The longer suffix first; the exact name before both. */
	expect("deep.example.org", "/", "wild");
	expect("a.deep.example.org", "/", "deep");
	expect("b.deep.example.org", "/", "b");
	expect("x.b.deep.example.org", "/", "deep");
	/* A suffix is whole labels, and not the name itself. */
	expect("notexample.org", "/", "all");
	expect("org", "/", "all");
	expect("example.org.evil.test", "/", "all");
	expect("", "/", "all");
	expect("[::1]", "/", "all");
	fixture_free();
}

static void first_site_is_the_default(void **state)
{
	(void)state;
	fixture_make("sites = (" SITE("\"a.test\"", ROUTE("/", "a")) "," SITE(
		"\"b.test\"", ROUTE("/", "b")) ");");
	expect("a.test", "/", "a");
	expect("b.test", "/", "b");
	expect("c.test", "/", "a");
	expect("", "/", "a");
	fixture_free();
}

static void many_hosts(void **state)
{
	struct buf text = {0};

	(void)state;
	buf_put_cstr(&text, "sites = (");
	for (int i = 0; i < 100; i++)
		buf_printf(&text,
			   "%s{ hosts = [ \"h%d.test\" ]; routes = ("
			   "{ path = \"/\"; handler = \"respond\"; "
			   "body = \"%d\"; }); }",
			   i ? "," : "", i, i);
	buf_put(&text, STR(");\0"));
	fixture_make(buf_str(&text).p);
	buf_release(&text);
	for (int i = 0; i < 100; i++) {
		char host[32], body[16];

		snprintf(host, sizeof(host), "h%d.test", i);
		snprintf(body, sizeof(body), "%d", i);
		expect(host, "/x", body);
	}
	fixture_free();
}

static void no_sites_no_routes(void **state)
{
	(void)state;
	fixture_make("sites = ( { } );");
	expect("a", "/", NULL);
	fixture_free();
}

static void prefixes_by_segment(void **state)
{
	(void)state;
	fixture_make("sites = (" SITE(
		"\"*\"",
		ROUTE("/doc", "doc") "," ROUTE("/tree/", "tree") "," ROUTE(
			"/doc/api/v1", "v1") "," ROUTE("/doc/api", "api")) ");");
	expect("", "/doc", "doc");
	expect("", "/doc/", "doc");
	expect("", "/doc/x", "doc");
	expect("", "/documents", NULL);
	expect("", "/do", NULL);
	expect("", "/", NULL);
	expect("", "/Doc", NULL);
	/* One that ends in a slash is only what is below it. */
	expect("", "/tree", NULL);
	expect("", "/tree/", "tree");
	expect("", "/tree/a/b", "tree");
	expect("", "/trees/", NULL);
	/* The longest, wherever it stands in the file. */
	expect("", "/doc/api", "api");
	expect("", "/doc/api/v2", "api");
	expect("", "/doc/api/v1", "v1");
	expect("", "/doc/api/v1/x", "v1");
	expect("", "/doc/api/v10", "api");
	expect("", "/doc/apis", "doc");
	fixture_free();
}

static void exact_before_prefix(void **state)
{
	(void)state;
	fixture_make("sites = (" SITE(
		"\"*\"",
		ROUTE("/a/b/", "long") "," EXACT("/a/b/c", "c") "," ROUTE(
			"/a", "a") "," EXACT("/a",
					     "only a") "," EXACT("/", "top")) ");");
	expect("", "/a/b/c", "c");
	expect("", "/a/b/c/", "long");
	expect("", "/a/b/cd", "long");
	expect("", "/a", "only a");
	expect("", "/a/", "a");
	expect("", "/", "top");
	expect("", "/b", NULL);
	fixture_free();
}

static void sites_are_apart(void **state)
{
	(void)state;
	fixture_make("sites = (" SITE("\"a\"", ROUTE("/x", "ax")) "," SITE(
		"\"b\"", ROUTE("/x/y", "bxy") "," EXACT(
				 "/z", "bz")) "," SITE("\"*\"",
						       ROUTE("/", "all")) ");");
	expect("a", "/x/y", "ax");
	expect("b", "/x/y", "bxy");
	/* A path that its site has not is not looked for elsewhere. */
	expect("b", "/x", NULL);
	expect("a", "/z", NULL);
	expect("c", "/z", "all");
	fixture_free();
}

static unsigned methods_at(const char *path)
{
	const struct route *route =
		router_find(&fixture_http.router, STR("h"), str_of(path)).route;
	unsigned all = 0;

	for (; route != NULL; route = route->other) {
		assert_true(str_equal(route->conf->path, str_of(path)));
		assert_int_equal(all & route->conf->methods, 0);
		all |= route->conf->methods;
	}
	return all;
}

static void routes_of_one_place(void **state)
{
	(void)state;
	fixture_make("sites = (" SITE(
		"\"*\"",
		METHOD("/a", "\"GET\"", "get") "," METHOD(
			"/a", "\"POST\", \"PUT\"",
			"post") "," METHOD("/a", "\"DELETE\"",
					   "delete") "," ROUTE("/a/b", "b")) ");");
	assert_int_equal(methods_at("/a"), 1 << METHOD_GET | 1 << METHOD_POST |
						   1 << METHOD_PUT |
						   1 << METHOD_DELETE);
	assert_int_equal(methods_at("/a/b"),
			 1 << METHOD_GET | 1 << METHOD_HEAD | 1 << METHOD_POST);
	fixture_free();
}

/* Exact and prefix of one path are two places. */
static void places_of_one_path(void **state)
{
	(void)state;
	fixture_make("sites = (" SITE(
		"\"*\"",
		METHOD("/a", "\"GET\"",
		       "get") ","
			      "{ path = \"/a\"; match = \"exact\"; methods = [ "
			      "\"PUT\" ]; "
			      "handler = \"respond\"; body = \"put\"; }") ");");
	assert_int_equal(methods_at("/a"), 1 << METHOD_PUT);
	expect("h", "/a", "put");
	expect("h", "/a/x", "get");
	fixture_free();
}

static void rest_of_the_path(void **state)
{
	static const struct {
		const char *path, *rest;
	} cases[] = {
		{"/doc", ""},
		{"/doc/", "/"},
		{"/doc/a/b", "/a/b"},
		{"/tree/x", "x"},
	};

	(void)state;
	fixture_make("sites = (" SITE(
		"\"*\"", ROUTE("/doc", "doc") "," ROUTE("/tree/", "tree")) ");");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct str path = str_of(cases[i].path);
		const struct route *route =
			router_find(&fixture_http.router, STR(""), path).route;

		assert_non_null(route);
		assert_true(
			str_equal(route_rest(route, path), str_of(cases[i].rest)));
	}
	fixture_free();
}

/* The host as it comes in a request: its case, port and last dot. */
static void hosts_of_requests(void **state)
{
	static const struct {
		const char *host, *name, *body;
	} cases[] = {
		{"example.org", "example.org", "a"},
		{"EXAMPLE.Org", "example.org", "a"},
		{"example.org:8080", "example.org", "a"},
		{"example.org:", "example.org", "a"},
		{"example.org.", "example.org", "a"},
		{"Example.Org.:80", "example.org", "a"},
		{"sub.example.org.", "sub.example.org", "wild"},
		{"[::1]:80", "[::1]", "six"},
		{"[::1]", "[::1]", "six"},
		{".", ".", "all"},
		{"", "", "all"},
		{"example.org..", "example.org.", "all"},
	};

	(void)state;
	fixture_make("sites = (" SITE("\"example.org\"", ROUTE("/", "a")) "," SITE(
		"\"*.example.org\"",
		ROUTE("/",
		      "wild")) "," SITE("\"[::1]\"",
					ROUTE("/",
					      "six")) "," SITE("\"*\"",
							       ROUTE("/",
								     "all")) ");");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct exchange x;

		fixture_exchange(&x, &fake_protocol);
		assert_int_equal(fixture_begin(&x, "GET", cases[i].host, "/"), 0);
		assert_true(str_equal(x.request.host, str_of(cases[i].name)));
		assert_true(str_equal(body_of(x.route->conf)->body.source,
				      str_of(cases[i].body)));
		exchange_fini(&x);
	}
	fixture_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts),
		cmocka_unit_test(first_site_is_the_default),
		cmocka_unit_test(many_hosts),
		cmocka_unit_test(no_sites_no_routes),
		cmocka_unit_test(prefixes_by_segment),
		cmocka_unit_test(exact_before_prefix),
		cmocka_unit_test(sites_are_apart),
		cmocka_unit_test(routes_of_one_place),
		cmocka_unit_test(places_of_one_path),
		cmocka_unit_test(rest_of_the_path),
		cmocka_unit_test(hosts_of_requests),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, scratch_make, scratch_remove);

	buf_free_all();
	return failed;
}
