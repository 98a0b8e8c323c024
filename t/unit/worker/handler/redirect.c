/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a redirect leads: the rest of a path joined with one slash, the query
 * kept, and no request able to make it name another host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "t/unit/worker/http/fixture.h"
#include "worker/handler/redirect.h"

static const struct handler *const handlers[] = {&redirect_handler, &fake_respond,
						 NULL};

/* Asks for `path` with `query` (NULL: none); the status and the Location. */
static void expect(const char *path, const char *query, unsigned status,
		   const char *location)
{
	struct exchange x;

	fixture_exchange(&x, &fake_protocol);
	if (query != NULL)
		x.request.query = str_of(query);
	assert_int_equal(fixture_begin(&x, "GET", "h", path), 0);
	exchange_handle(&x);
	if (x.response.status != status)
		fail_msg("%s: %u", path, x.response.status);
	char wanted[200];

	snprintf(wanted, sizeof(wanted), "Location: %s\r\n", location);
	struct str all = fields_str(&x.response.fields);

	if (memmem(all.p, all.n, wanted, strlen(wanted)) == NULL)
		fail_msg("%s: \"%" STR_FMT "\", not \"%s\"", path, STR_ARG(all),
			 location);
	exchange_finish(&x);
	exchange_fini(&x);
}

static int set_up(void **state)
{
	(void)state;
	fixture_handlers = handlers;
	fixture_make(
		"sites = ( { routes = (\n"
		"{ path = \"/one\"; match = \"exact\"; handler = \"redirect\";"
		"  to = \"/two\"; },\n"
		"{ path = \"/old/\"; handler = \"redirect\"; to = \"/new/\"; },\n"
		"{ path = \"/bare/\"; handler = \"redirect\"; to = \"/new\";"
		"  status = 308; },\n"
		"{ path = \"/far/\"; handler = \"redirect\";"
		"  to = \"https://far.test\"; status = 301; },\n"
		"{ path = \"/own/\"; handler = \"redirect\";"
		"  to = \"/new?x=1\"; },\n"
		"{ path = \"/any/\"; handler = \"redirect\";"
		"  to = \"${query.to}\"; }\n"
		"); } );\n");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture_free();
	return 0;
}

static void one_page(void **state)
{
	(void)state;
	expect("/one", NULL, 302, "/two");
}

static void a_tree(void **state)
{
	(void)state;
	expect("/old/", NULL, 302, "/new/");
	expect("/old/a/b", NULL, 302, "/new/a/b");
	expect("/old/a", "x=1&y", 302, "/new/a?x=1&y");
	expect("/old/a", "", 302, "/new/a?");
	/* One slash between the two, wherever it comes from. */
	expect("/bare/a", NULL, 308, "/new/a");
	expect("/far/a", "q", 301, "https://far.test/a?q");
}

static void encoded_again(void **state)
{
	(void)state;
	expect("/old/a%3Fb%23c", NULL, 302, "/new/a%3Fb%23c");
	expect("/old/a%20b", NULL, 302, "/new/a%20b");
	expect("/old/a%22%25b", NULL, 302, "/new/a%22%25b");
}

static void a_query_of_its_own(void **state)
{
	(void)state;
	expect("/own/a", "y=2", 302, "/new?x=1");
}

static void no_other_host(void **state)
{
	(void)state;
	expect("/any/", "to=//evil.test/", 302, "/evil.test/");
	expect("/any/", "to=///evil.test/", 302, "/evil.test/");
	expect("/old//evil.test", NULL, 302, "/new/evil.test");
}

#define REDIRECT_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REDIRECT_TEST(one_page),      REDIRECT_TEST(a_tree),
		REDIRECT_TEST(encoded_again), REDIRECT_TEST(a_query_of_its_own),
		REDIRECT_TEST(no_other_host),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
