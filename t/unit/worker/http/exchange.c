/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An exchange from its request to its end: which states follow each other,
 * what answers an error, what is counted and let go of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "t/unit/base/child.h"
#include "t/unit/worker/http/fixture.h"

#define SITES                                                            \
	"sites = ( { routes = (\n"                                       \
	"{ path = \"/a\"; handler = \"respond\"; methods = [ \"GET\" ];" \
	"  body = \"got\"; },\n"                                         \
	"{ path = \"/a\"; handler = \"respond\"; methods = [ \"PUT\" ];" \
	"  body = \"put\"; status = 201; },\n"                           \
	"{ path = \"/any\"; handler = \"redirect\"; to = \"/x\"; },\n"   \
	"{ path = \"/odd\"; handler = \"respond\"; status = 599; } ); } );\n"

static struct exchange x;

static int n_finished, n_released;
static enum exchange_state finished_state;
static unsigned finished_status;

static void on_finished(struct http *http, struct exchange *finished)
{
	assert_ptr_equal(http, &fixture_http);
	assert_ptr_equal(finished, &x);
	n_finished++;
	finished_state = finished->state;
	finished_status = finished->response.status;
	/* Nothing that it held is gone before it was told of. */
	assert_int_equal(n_released, 0);
}

static void on_release(void *owner)
{
	assert_ptr_equal(owner, &n_released);
	n_released++;
}

static int set_up(void **state)
{
	(void)state;
	fixture_make(SITES);
	fixture_http.on_finished = on_finished;
	n_finished = n_released = 0;
	fixture_exchange(&x, &fake_protocol);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	exchange_fini(&x);
	fixture_free();
	return 0;
}

static unsigned begin(const char *method, const char *path)
{
	return fixture_begin(&x, method, "h", path);
}

static bool has_field(const char *line)
{
	struct str all = fields_str(&x.response.fields);

	return all.n > 0 && memmem(all.p, all.n, line, strlen(line)) != NULL;
}

static void assert_idle(void)
{
	assert_int_equal(x.state, EXCHANGE_IDLE);
	assert_null(x.route);
	assert_null(x.request.target.p);
	assert_int_equal(x.request.n_fields, 0);
	assert_int_equal(x.response.status, 0);
	assert_int_equal(x.response.fields.n, 0);
	assert_int_equal(x.response.body.kind, BODY_NONE);
	assert_int_equal(x.content_sent, 0);
	assert_true(x.times.first_byte == 0);
}

static void a_whole_life(void **state)
{
	(void)state;
	for (int i = 1; i <= 2; i++) {
		assert_idle();
		assert_int_equal(begin("GET", "/a/%62"), 0);
		assert_int_equal(x.state, EXCHANGE_REQUEST);
		assert_int_equal(x.request.method, METHOD_GET);
		assert_true(str_equal(x.request.path, STR("/a/b")));
		assert_true(str_equal(x.request.host, STR("h")));
		assert_int_equal(exchange_wants_body(&x), BODY_WANT_NOT);
		assert_int_equal(fake_on_answer, i - 1);

		exchange_handle(&x);
		assert_int_equal(x.state, EXCHANGE_ANSWERED);
		assert_int_equal(fake_answered, i);
		assert_int_equal(fake_on_answer, i);
		assert_int_equal(x.response.status, 200);
		assert_int_equal(x.response.body.kind, BODY_BYTES);
		assert_int_equal(x.response.body.length, 3);
		assert_true(str_equal(x.response.body.bytes, STR("got")));
		assert_true(has_field("Content-Type: text/plain\r\n"));
		assert_true(x.times.answered > 0);

		exchange_finish(&x);
		assert_int_equal(n_finished, i);
		assert_int_equal(finished_state, EXCHANGE_ANSWERED);
		assert_int_equal(finished_status, 200);
	}
	assert_idle();
	assert_int_equal(fixture_counters.requests, 2);
	assert_int_equal(fixture_counters.responses[2], 2);
}

static void body_is_wanted_by_its_handler(void **state)
{
	(void)state;
	assert_int_equal(begin("PUT", "/a"), 0);
	assert_int_equal(exchange_wants_body(&x), BODY_WANT_WHOLE);
	assert_true(str_equal(body_of(x.route->conf)->body.source, STR("put")));
	exchange_handle(&x);
	assert_int_equal(x.response.status, 201);
	exchange_finish(&x);
	/* A handler that does not say is one that does not want it. */
	assert_int_equal(begin("PUT", "/any"), 0);
	assert_int_equal(exchange_wants_body(&x), BODY_WANT_NOT);
}

static int n_cancelled;

static void on_cancel(struct exchange *cancelled)
{
	assert_ptr_equal(cancelled->holder, &n_cancelled);
	n_cancelled++;
}

static void who_holds_it_is_told_of_its_end(void **state)
{
	(void)state;
	n_cancelled = 0;
	/* Ended while it was held: told once. */
	assert_int_equal(begin("GET", "/a"), 0);
	exchange_hold(&x, on_cancel, &n_cancelled);
	exchange_finish(&x);
	assert_int_equal(n_cancelled, 1);
	assert_null(x.on_cancel);
	assert_null(x.holder);
	/* Taken back. */
	assert_int_equal(begin("GET", "/a"), 0);
	exchange_hold(&x, on_cancel, &n_cancelled);
	exchange_cancel(&x);
	assert_int_equal(n_cancelled, 2);
	exchange_answer_error(&x, 408);
	exchange_finish(&x);
	/* Answered by the holder: not told. */
	assert_int_equal(begin("GET", "/a"), 0);
	exchange_hold(&x, on_cancel, &n_cancelled);
	exchange_answer_error(&x, 500);
	exchange_finish(&x);
	/* Admitted: not told, and it can be held again. */
	assert_int_equal(begin("GET", "/a"), 0);
	exchange_hold(&x, on_cancel, &n_cancelled);
	exchange_admitted(&x, 401);
	assert_int_equal(fake_admitted, 401);
	exchange_hold(&x, on_cancel, &n_cancelled);
	exchange_admitted(&x, 0);
	exchange_handle(&x);
	exchange_finish(&x);
	assert_int_equal(n_cancelled, 2);
}

static int n_over, n_broken;

static void on_over(struct exchange *over, void *watcher)
{
	assert_ptr_equal(watcher, &n_over);
	assert_int_not_equal(over->state, EXCHANGE_IDLE);
	n_over++;
	n_broken += over->broke_off;
}

static void who_watches_it_is_told_how_it_ended(void **state)
{
	(void)state;
	n_over = n_broken = n_cancelled = 0;
	/* Sent. */
	assert_int_equal(begin("GET", "/a"), 0);
	exchange_watch(&x, on_over, &n_over);
	exchange_handle(&x);
	assert_int_equal(n_over, 0);
	exchange_finish(&x);
	assert_int_equal(n_over, 1);
	assert_int_equal(n_broken, 0);
	/* Broken off while it was held, and after who held it was told. */
	assert_int_equal(begin("GET", "/a"), 0);
	exchange_watch(&x, on_over, &n_over);
	exchange_hold(&x, on_cancel, &n_cancelled);
	x.ends_with_peer = true;
	exchange_break_off(&x);
	assert_int_equal(n_cancelled, 1);
	assert_int_equal(n_over, 2);
	assert_int_equal(n_broken, 1);
	/* Of the next one nothing is left of that. */
	assert_int_equal(begin("GET", "/a"), 0);
	assert_false(x.ends_with_peer);
	assert_false(x.broke_off);
	exchange_handle(&x);
	exchange_finish(&x);
	assert_int_equal(n_over, 2);
}

static void errors_of_the_request(void **state)
{
	static const struct {
		const char *method, *path;
		unsigned status;
	} cases[] = {
		{"GET", "/b", 404},      {"GET", "/", 404},
		{"GET", "/ab", 404},     {"BREW", "/a", 501},
		{"get", "/a", 501},      {"GET", "/%00", 400},
		{"GET", "/../a", 400},   {"GET", "/a%2fb", 400},
		{"GET", "a", 400},       {"BREW", "/%00", 501},
		{"POST", "/a", 405},     {"DELETE", "/a", 405},
		{"HEAD", "/a", 0},       {"OPTIONS", "/a", 204},
		{"OPTIONS", "*", 204},   {"OPTIONS", "/any", 0},
		{"DELETE", "/any/x", 0}, {"GET", "/x/../a", 0},
		{"GET", "//a", 0},       {"OPTIONS", "/b", 404},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unsigned status = begin(cases[i].method, cases[i].path);

		if (status != cases[i].status)
			fail_msg("%s %s: %u, not %u", cases[i].method,
				 cases[i].path, status, cases[i].status);
		assert_int_equal(x.state, EXCHANGE_REQUEST);
		assert_int_equal(x.route == NULL, status != 0);
		exchange_finish(&x);
	}
}

/* RFC 9110 section 7.4: a request for https has to come by a connection that
 * is secured; one for http may come by either. */
static void https_is_for_secured_connections(void **state)
{
	static const struct exchange_connection secured = {.is_secured = true};

	(void)state;
	x.request.is_https = true;
	assert_int_equal(begin("GET", "/a"), 421);
	exchange_finish(&x);
	x.connection = &secured;
	x.request.is_https = true;
	assert_int_equal(begin("GET", "/a"), 0);
	exchange_finish(&x);
	assert_int_equal(begin("GET", "/a"), 0);
	exchange_finish(&x);
}

static void says_what_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(begin("POST", "/a"), 405);
	assert_true(has_field("Allow: GET, HEAD, PUT, OPTIONS\r\n"));
	exchange_finish(&x);
	assert_int_equal(begin("OPTIONS", "/a/b"), 204);
	assert_true(has_field("Allow: GET, HEAD, PUT, OPTIONS\r\n"));
	exchange_answer_error(&x, 204);
	assert_int_equal(x.response.status, 204);
	assert_int_equal(x.response.body.kind, BODY_NONE);
	assert_false(has_field("Content-Type"));
	exchange_finish(&x);
	assert_int_equal(begin("OPTIONS", "*"), 204);
	assert_true(has_field("Allow: GET, HEAD, POST, OPTIONS\r\n"));
	exchange_finish(&x);
	/* And not in the next. */
	assert_int_equal(begin("GET", "/none"), 404);
	assert_false(has_field("Allow"));
}

static void error_pages(void **state)
{
	(void)state;
	assert_int_equal(begin("GET", "/none"), 404);
	exchange_answer_error(&x, 404);
	assert_int_equal(x.state, EXCHANGE_ANSWERED);
	assert_int_equal(fake_on_answer, 1);
	assert_int_equal(x.response.status, 404);
	assert_true(has_field("Content-Type: text/html; charset=utf-8\r\n"));
	struct str page = x.response.body.bytes;

	assert_int_equal(x.response.body.length, page.n);
	assert_non_null(memmem(page.p, page.n, "<title>404 Not Found</title>", 28));
	exchange_finish(&x);
	assert_int_equal(fixture_counters.responses[4], 1);
}

static void refused(void **state)
{
	char method[] = "HEAD";

	(void)state;
	exchange_refuse(&x, 431, str_of(method));
	/* The bytes it came in may move. */
	memset(method, '?', 4);
	assert_int_equal(x.state, EXCHANGE_ANSWERED);
	assert_int_equal(x.request.method, METHOD_HEAD);
	assert_true(str_equal(x.request.method_text, STR("HEAD")));
	assert_int_equal(x.response.status, 431);
	assert_int_equal(fake_on_answer, 1);
	exchange_finish(&x);
	assert_int_equal(n_finished, 1);
	assert_int_equal(fixture_counters.requests, 1);
	assert_int_equal(fixture_counters.responses[4], 1);
	/* What is no method that we know, or nothing yet. */
	exchange_refuse(&x, 400, STR("\x16\x03"));
	assert_int_equal(x.request.method, METHOD_COUNT);
	exchange_finish(&x);
	exchange_refuse(&x, 408, (struct str){NULL, 0});
	assert_int_equal(x.request.method, METHOD_COUNT);
	exchange_finish(&x);
	assert_int_equal(fixture_counters.responses[4], 3);
}

/* It goes on in another process: nobody here is told. */
static void forgotten(void **state)
{
	(void)state;
	exchange_forget(&x);
	assert_idle();
	assert_int_equal(begin("GET", "/a"), 0);
	exchange_forget(&x);
	assert_idle();
	assert_int_equal(n_finished, 0);
	assert_int_equal(fixture_counters.requests, 0);
	assert_int_equal(begin("GET", "/a"), 0);
	exchange_handle(&x);
	exchange_finish(&x);
	assert_int_equal(n_finished, 1);
}

static void redirected(void **state)
{
	(void)state;
	assert_int_equal(begin("GET", "/a"), 0);
	exchange_answer_redirect(&x, 301, STR("/\xc3\xb6 b\r\nX: y?q=%41#%f"));
	assert_int_equal(x.response.status, 301);
	assert_true(has_field("Location: /%C3%B6%20b%0D%0AX:%20y?q=%41#%25f\r\n"));
	assert_false(has_field("\nX: y"));
	assert_true(x.response.body.length > 0);
}

/* One that was never answered: the client went. */
static void given_up(void **state)
{
	(void)state;
	assert_int_equal(begin("GET", "/a"), 0);
	exchange_finish(&x);
	assert_int_equal(finished_state, EXCHANGE_REQUEST);
	assert_int_equal(n_finished, 1);
	assert_idle();
	assert_int_equal(fixture_counters.requests, 1);
	assert_int_equal(fixture_counters.responses[0], 1);
	assert_int_equal(fake_on_answer, 0);
	/* With the exchange, too. */
	assert_int_equal(begin("GET", "/a"), 0);
	exchange_fini(&x);
	assert_int_equal(n_finished, 2);
	exchange_fini(&x);
	assert_int_equal(n_finished, 2);
}

static void answer_with_owner(void)
{
	x.response.status = 200;
	x.response.body = (struct body){.kind = BODY_BYTES,
					.bytes = STR("x"),
					.length = 1,
					.owner = &n_released,
					.release = on_release};
}

static void content_is_released_once(void **state)
{
	(void)state;
	assert_int_equal(begin("GET", "/a"), 0);
	answer_with_owner();
	exchange_answer(&x);
	assert_int_equal(n_released, 0);
	exchange_finish(&x);
	assert_int_equal(n_released, 1);
	n_released = 0;
	assert_int_equal(begin("GET", "/a"), 0);
	exchange_finish(&x);
	assert_int_equal(n_released, 0);

	assert_int_equal(begin("GET", "/a"), 0);
	answer_with_owner();
	exchange_answer(&x);
	exchange_fini(&x);
	assert_int_equal(n_released, 1);
}

/* exchange.h: release(owner) is called, once, whether it is sent or not; the
 * page of an error stands in the place of what was there. */
static void content_that_is_replaced_is_released(void **state)
{
	(void)state;
	fixture_http.on_finished = NULL;
	assert_int_equal(begin("GET", "/a"), 0);
	answer_with_owner();
	exchange_answer_error(&x, 500);
	exchange_finish(&x);
	assert_int_equal(n_released, 1);
}

static void phases_are_counted(void **state)
{
	(void)state;
	assert_int_equal(begin("GET", "/a"), 0);
	uint64_t now = clock_read(), tick = fixture_loop.now;

	x.times.first_byte = now - 30 * NS_PER_MS;
	x.times.head = now - 10 * NS_PER_MS;
	exchange_handle(&x);
	exchange_finish(&x);
	assert_true(fixture_loop.now == tick);
	assert_true(fixture_loop.latest >= now);
	assert_int_equal(fixture_counters.to_head.count, 1);
	assert_int_equal(fixture_counters.to_head.sum_us, 20000);
	assert_int_equal(fixture_counters.to_answer.count, 1);
	assert_true(fixture_counters.to_answer.sum_us >= 10000);
	assert_int_equal(fixture_counters.to_end.count, 1);
	assert_int_equal(fixture_counters.total.count, 1);
	assert_true(fixture_counters.total.sum_us >= 30000);
	/* What did not happen is not counted as taking no time. */
	exchange_refuse(&x, 400, STR("GET"));
	exchange_finish(&x);
	assert_int_equal(fixture_counters.to_head.count, 1);
	assert_int_equal(fixture_counters.to_answer.count, 1);
	assert_int_equal(fixture_counters.total.count, 1);
	assert_int_equal(fixture_counters.to_end.count, 2);
}

static void fields_are_found(void **state)
{
	static const struct field fields[] = {
		{.name = STR_INIT("Host"), .value = STR_INIT("h")},
		{.name = STR_INIT("ACCEPT"), .value = STR_INIT("a")},
		{.name = STR_INIT("Accept"), .value = STR_INIT("b")},
		{.name = STR_INIT("X-Empty"), .value = STR_INIT("")},
	};

	(void)state;
	assert_null(exchange_field(&x, STR("host")).p);
	x.request.fields = fields;
	x.request.n_fields = 4;
	assert_true(str_equal(exchange_field(&x, STR("host")), STR("h")));
	assert_true(str_equal(exchange_field(&x, STR("accept")), STR("a")));
	assert_non_null(exchange_field(&x, STR("x-empty")).p);
	assert_int_equal(exchange_field(&x, STR("x-empty")).n, 0);
	assert_null(exchange_field(&x, STR("accept-encoding")).p);
	assert_null(exchange_field(&x, STR("hos")).p);
}

static void fields_are_joined(void **state)
{
	static const struct field fields[] = {
		{.name = STR_INIT("cookie"), .value = STR_INIT("a=1; b=2")},
		{.name = STR_INIT("Accept"), .value = STR_INIT("a")},
		{.name = STR_INIT("X-Empty"), .value = STR_INIT("")},
		{.name = STR_INIT("ACCEPT"), .value = STR_INIT("b, c")},
		{.name = STR_INIT("Cookie"), .value = STR_INIT("c=3")},
		{.name = STR_INIT("accept"), .value = STR_INIT("d")},
	};

	(void)state;
	x.request.fields = fields;
	x.request.n_fields = 6;
	assert_true(str_equal(exchange_joined_field(&x, STR("accept")),
			      STR("a, b, c, d")));
	assert_true(str_equal(exchange_joined_field(&x, STR("cookie")),
			      STR("a=1; b=2; c=3")));
	assert_non_null(exchange_joined_field(&x, STR("x-empty")).p);
	assert_int_equal(exchange_joined_field(&x, STR("x-empty")).n, 0);
	assert_null(exchange_joined_field(&x, STR("host")).p);
}

static void reasons(void **state)
{
	(void)state;
	assert_true(str_equal(http_reason(200), STR("OK")));
	assert_true(str_equal(http_reason(404), STR("Not Found")));
	assert_true(str_equal(http_reason(505), STR("HTTP Version Not Supported")));
	assert_true(str_equal(http_reason(599), STR("")));
	assert_true(str_equal(http_reason(0), STR("")));
	assert_non_null(http_reason(0).p);
}

static void answer_idle(void)
{
	exchange_answer(&x);
}

static void answer_twice(void)
{
	CHILD_CHECK(begin("GET", "/a") == 0);
	exchange_answer(&x);
	exchange_answer(&x);
}

static void handle_twice(void)
{
	CHILD_CHECK(begin("GET", "/a") == 0);
	exchange_handle(&x);
	exchange_handle(&x);
}

static void begin_twice(void)
{
	CHILD_CHECK(begin("GET", "/a") == 0);
	CHILD_CHECK(begin("GET", "/a") == 0);
}

static void refuse_what_is_begun(void)
{
	CHILD_CHECK(begin("GET", "/a") == 0);
	exchange_refuse(&x, 400, STR("GET"));
}

static void finish_idle(void)
{
	fixture_http.on_finished = NULL;
	exchange_finish(&x);
}

static void no_exchange(void)
{
	x.magic = 0;
	exchange_answer(&x);
}

static void states_that_do_not_follow(void **state)
{
	(void)state;
	child_aborts(answer_idle);
	child_aborts(answer_twice);
	child_aborts(handle_twice);
	child_aborts(begin_twice);
	child_aborts(refuse_what_is_begun);
	child_aborts(no_exchange);
}

/* It would be counted and logged twice. */
static void finished_twice(void **state)
{
	(void)state;
	child_aborts(finish_idle);
}

#define EXCHANGE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EXCHANGE_TEST(a_whole_life),
		EXCHANGE_TEST(body_is_wanted_by_its_handler),
		EXCHANGE_TEST(who_holds_it_is_told_of_its_end),
		EXCHANGE_TEST(who_watches_it_is_told_how_it_ended),
		EXCHANGE_TEST(errors_of_the_request),
		EXCHANGE_TEST(https_is_for_secured_connections),
		EXCHANGE_TEST(says_what_is_allowed),
		EXCHANGE_TEST(error_pages),
		EXCHANGE_TEST(refused),
		EXCHANGE_TEST(forgotten),
		EXCHANGE_TEST(redirected),
		EXCHANGE_TEST(given_up),
		EXCHANGE_TEST(content_is_released_once),
		EXCHANGE_TEST(content_that_is_replaced_is_released),
		EXCHANGE_TEST(phases_are_counted),
		EXCHANGE_TEST(fields_are_found),
		EXCHANGE_TEST(fields_are_joined),
		EXCHANGE_TEST(reasons),
		EXCHANGE_TEST(states_that_do_not_follow),
		EXCHANGE_TEST(finished_twice),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, scratch_make, scratch_remove);

	buf_free_all();
	return failed;
}
