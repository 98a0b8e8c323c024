/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fields of a body, whatever kind of form it is, small or so large that
 * it is read over many ticks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "t/unit/worker/http/fixture.h"
#include "worker/http/form_fields.h"

#define URLENCODED "application/x-www-form-urlencoded"
#define MULTIPART  "multipart/form-data; boundary=b"
#define PART(parameters) \
	"--b\r\nContent-Disposition: form-data" parameters "\r\n\r\n"

static struct exchange x;
static struct field fields[2];
static int ready, answered;

static void on_answer(struct exchange *exchange)
{
	assert_ptr_equal(exchange, &x);
	answered++;
	loop_stop(&fixture_loop);
}

static const struct exchange_protocol protocol = {.on_answer = on_answer};

static void on_ready(struct exchange *exchange)
{
	ready++;
	exchange->response.status = 200;
	exchange_answer(exchange);
}

static int set_up(void **state)
{
	(void)state;
	fixture_make("limits = { form_fields = 5; };\n"
		     "sites = ( { routes = ( { path = \"/\"; "
		     "handler = \"respond\"; } ); } );");
	fixture_exchange(&x, &protocol);
	ready = answered = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	exchange_fini(&x);
	fixture_free();
	buf_free_all();
	return 0;
}

static void body_is(const char *type, struct str body)
{
	if (x.state != EXCHANGE_IDLE)
		exchange_finish(&x);
	(void)fixture_begin(&x, "POST", "a", "/");
	fields[0] =
		(struct field){.name = STR("Content-Type"), .value = str_of(type)};
	x.request.fields = fields;
	x.request.n_fields = 1;
	x.request.body = body;
	x.state = EXCHANGE_HANDLED;
}

static void expect(const char *name, const char *wanted)
{
	const struct form_field *field =
		form_fields_find(form_fields_of(&x), str_of(name));

	if (wanted == NULL)
		assert_null(field);
	else
		assert_true(field != NULL &&
			    str_equal(field->value, str_of(wanted)));
}

static void urlencoded(void **state)
{
	static const char *const types[] = {
		URLENCODED,
		"Application/X-WWW-Form-URLEncoded; charset=utf-8",
		URLENCODED " ;charset=utf-8",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		body_is(types[i], STR("&a=1&b%20c=%41+&&a=2&d&=e"));
		assert_int_equal(form_fields_of(&x)->status, 0);
		assert_true(form_fields_of(&x)->is_encoded);
		assert_int_equal(form_fields_of(&x)->n, 5);
		expect("a", "1");
		expect("b c", "%41+");
		expect("b%20c", NULL);
		expect("d", "");
		expect("", "e");
		expect("x", NULL);
	}
}

static void multipart(void **state)
{
	(void)state;
	body_is(MULTIPART, STR(PART("; name=a") "1\r\n"
						"--b\r\nContent-Disposition: "
						"form-data; name=f; "
						"filename=x\r\nContent-Type: "
						"text/x\r\n\r\n%41\r\n" PART(
							"; name=a") "2\r\n--b--"));
	const struct form_fields *form = form_fields_of(&x);

	assert_int_equal(form->status, 0);
	assert_int_equal(form->n, 3);
	assert_false(form->is_encoded);
	expect("a", "1");
	expect("f", "%41");
	expect("A", NULL);
	assert_null(form->items[0].filename.p);
	assert_null(form->items[0].type.p);
	assert_true(str_equal(form->items[1].filename, STR("x")));
	assert_true(str_equal(form->items[1].type, STR("text/x")));
	/* It is read once. */
	assert_ptr_equal(form, form_fields_of(&x));
}

static void no_form(void **state)
{
	static const char *const types[] = {
		"",
		"text/plain",
		"application/json",
		"multipart/mixed; boundary=b",
		URLENCODED "-not",
		("text/plain; " URLENCODED),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		body_is(types[i], STR("a=1"));
		assert_int_equal(form_fields_of(&x)->status, 0);
		assert_int_equal(form_fields_of(&x)->n, 0);
		expect("a", NULL);
	}
	body_is(MULTIPART, (struct str){NULL, 0});
	assert_int_equal(form_fields_of(&x)->status, 0);
	expect("a", NULL);
	body_is(URLENCODED, (struct str){NULL, 0});
	expect("a", NULL);
}

/* Who asks before the body is there must not spoil it for who asks then. */
static void too_early(void **state)
{
	(void)state;
	body_is(URLENCODED, (struct str){NULL, 0});
	x.state = EXCHANGE_REQUEST;
	expect("a", NULL);
	x.request.body = STR("a=1");
	x.state = EXCHANGE_HANDLED;
	expect("a", "1");
}

static void refused(void **state)
{
	(void)state;
	body_is(MULTIPART, STR(PART("; name=a") "1\r\n"));
	assert_int_equal(form_fields_of(&x)->status, 400);
	assert_non_null(form_fields_of(&x)->why);
	expect("a", NULL);
	body_is("multipart/form-data", STR("--b--"));
	assert_int_equal(form_fields_of(&x)->status, 400);
	body_is(URLENCODED, STR("a=1"));
	fields[1] = (struct field){.name = STR("content-encoding"),
				   .value = STR("gzip")};
	x.request.n_fields = 2;
	assert_int_equal(form_fields_of(&x)->status, 415);
	expect("a", NULL);
	body_is(URLENCODED, STR("a=1"));
	fields[1].value = STR("Identity");
	x.request.n_fields = 2;
	assert_int_equal(form_fields_of(&x)->status, 0);
	expect("a", "1");
}

static void too_many(void **state)
{
	(void)state;
	body_is(URLENCODED, STR("a&b&c&d&e"));
	assert_int_equal(form_fields_of(&x)->status, 0);
	body_is(URLENCODED, STR("a&b&c&d&e&"));
	assert_int_equal(form_fields_of(&x)->status, 0);
	body_is(URLENCODED, STR("a&b&c&d&e&f"));
	assert_int_equal(form_fields_of(&x)->status, 413);
	assert_int_equal(form_fields_of(&x)->n, 0);
#define A PART("; name=a") "\r\n"
	body_is(MULTIPART, STR(A A A A A "--b--"));
	assert_int_equal(form_fields_of(&x)->status, 0);
	body_is(MULTIPART, STR(A A A A A A "--b--"));
	assert_int_equal(form_fields_of(&x)->status, 413);
}

static void small_ones_at_once(void **state)
{
	(void)state;
	body_is(URLENCODED, STR("a=1"));
	form_fields_await(&x, on_ready);
	assert_int_equal(ready, 1);
	assert_int_equal(answered, 1);
	expect("a", "1");

	body_is(MULTIPART, STR("--b"));
	form_fields_await(&x, on_ready);
	assert_int_equal(ready, 1);
	assert_int_equal(answered, 2);
	assert_int_equal(x.response.status, 400);
}

enum { LARGE = 33 * 1024 * 1024 };

/* `begin`, a lot, `end`. */
static struct str large(const char *begin, char fill, const char *end)
{
	char *body = malloc(LARGE);

	assert_non_null(body);
	memset(body, fill, LARGE);
	memcpy(body, begin, strlen(begin));
	memcpy(body + LARGE - strlen(end), end, strlen(end));
	return (struct str){body, LARGE};
}

static void expect_later(const char *type, struct str body)
{
	body_is(type, body);
	form_fields_await(&x, on_ready);
	assert_int_equal(answered, 0);
	assert_non_null(x.on_cancel);
	loop_run(&fixture_loop);
	fixture_loop.stopped = false;
	assert_int_equal(answered, 1);
	answered = 0;
}

static void large_ones_later(void **state)
{
	struct str body = large("a=", 'x', "&b=2");

	(void)state;
	expect_later(URLENCODED, body);
	assert_int_equal(ready, 1);
	expect("b", "2");
	free((char *)body.p);

	body = large("a=1&", '&', "&b=2");
	expect_later(URLENCODED, body);
	assert_int_equal(ready, 2);
	expect("a", "1");
	expect("b", "2");
	free((char *)body.p);

	body = large("", 'x', "=3");
	expect_later(URLENCODED, body);
	assert_int_equal(ready, 3);
	expect("x", NULL);
	free((char *)body.p);

	body = large(PART("; name=a"), '\r', "\r\n" PART("; name=b") "2\r\n--b--");
	expect_later(MULTIPART, body);
	assert_int_equal(ready, 4);
	expect("b", "2");
	free((char *)body.p);

	body = large("", '\r', "\r\n" PART("; name=b") "2\r\n--b--");
	expect_later(MULTIPART, body);
	assert_int_equal(ready, 5);
	expect("b", "2");
	free((char *)body.p);

	body = large(PART("; name=a"), '-', "\r\n--b");
	expect_later(MULTIPART, body);
	assert_int_equal(ready, 5);
	assert_int_equal(x.response.status, 400);
	free((char *)body.p);
}

static void given_up(void **state)
{
	struct str body = large(PART("; name=a"), 'x', "\r\n--b--");

	(void)state;
	body_is(MULTIPART, body);
	form_fields_await(&x, on_ready);
	exchange_finish(&x);
	free((char *)body.p);
	/* Nothing of it is left in the loop. */
	body_is(URLENCODED, STR("a=1"));
	assert_true(list_is_empty(&fixture_loop.ready));
	assert_int_equal(ready, 0);
}

#define FORM_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FORM_TEST(urlencoded),
		FORM_TEST(multipart),
		FORM_TEST(no_form),
		FORM_TEST(too_early),
		FORM_TEST(refused),
		FORM_TEST(too_many),
		FORM_TEST(small_ones_at_once),
		FORM_TEST(large_ones_later),
		FORM_TEST(given_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
