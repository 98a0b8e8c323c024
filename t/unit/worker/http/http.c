/* SPDX-License-Identifier: BSD-2-Clause */
/* The HTTP side of a worker: made and unmade, whichever part of it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "t/unit/worker/http/fixture.h"

#define SITES                                                                 \
	"sites = (\n"                                                         \
	" { hosts = [ \"a\" ]; routes = (\n"                                  \
	"  { path = \"/one\"; handler = \"respond\"; },\n"                    \
	"  { path = \"/two\"; handler = \"redirect\"; to = \"/x\"; } ); },\n" \
	" { routes = (\n"                                                     \
	"  { path = \"/three\"; handler = \"respond\"; },\n"                  \
	"  { path = \"/four\"; handler = \"respond\"; } ); } );\n"

static int set_up(void **state)
{
	(void)state;
	fake_refuses = fake_check_refuses = NULL;
	return 0;
}

static void made_and_unmade(void **state)
{
	const char *why = NULL;

	(void)state;
	fixture_make(SITES);
	assert_int_equal(fake_created, 4);
	assert_int_equal(fake_checked, 0);
	assert_int_equal(http_check(&fixture_http, &why), 0);
	/* One of them has nothing to check. */
	assert_int_equal(fake_checked, 3);
	fixture_free();
	assert_int_equal(fake_destroyed, 4);
}

static void assert_ends(const char *text, const char *end)
{
	assert_non_null(text);
	if (!str_ends_with(str_of(text), str_of(end)))
		fail_msg("\"%s\" does not end in \"%s\"", text, end);
}

static void handler_fails(void **state)
{
	const char *why = NULL;

	(void)state;
	fake_refuses = "/three";
	assert_int_equal(fixture_try(SITES, &why), -1);
	assert_ends(why, "/a.conf:7: sites[1].routes[0]: refused 1");
	/* What was made before is unmade, and nothing else. */
	assert_int_equal(fake_created, 2);
	fixture_free();
	fake_refuses = "/one";
	assert_int_equal(fixture_try(SITES, &why), -1);
	assert_ends(why, "/a.conf:4: sites[0].routes[0]: refused 1");
	assert_int_equal(fake_created, 0);
	fixture_free();
}

static void check_fails(void **state)
{
	const char *why = NULL;

	(void)state;
	fake_check_refuses = "/four";
	fixture_make(SITES);
	assert_int_equal(http_check(&fixture_http, &why), -1);
	assert_ends(why, "/a.conf:8: sites[1].routes[1]: may not");
	fixture_free();
}

static void mime_types(void **state)
{
	char text[PATH_MAX + 1000];
	const char *path = scratch_write("types", "text/x-unit unit\n");
	const char *why = NULL;

	(void)state;
	snprintf(text, sizeof(text), "mime_types = \"%s\";\n" SITES, path);
	fixture_make(text);
	assert_true(str_equal(mime_type_of(fixture_http.mime_types, STR("a.unit")),
			      STR("text/x-unit")));
	fixture_free();

	/* It was good when the configuration was loaded. */
	fixture_make(text);
	path = fixture_conf->mime_types;
	http_fini(&fixture_http);
	scratch_write("types", "text/plain txt\nnonsense\n");
	assert_int_equal(http_init(&fixture_http, &fixture_loop, fixture_conf,
				   &fixture_counters, fake_handlers, &why),
			 -1);
	assert_non_null(why);
	assert_memory_equal(why, path, strlen(path));
	assert_memory_equal(why + strlen(path), ":2: ", 4);
	fixture_free();
}

static void date(void **state)
{
	char wanted[HTTP_DATE_SIZE], later[HTTP_DATE_SIZE];
	time_t before, after;
	struct str got;

	(void)state;
	fixture_make(SITES);
	before = time(NULL);
	got = http_date(&fixture_http);
	after = time(NULL);
	http_date_format(before, wanted);
	http_date_format(after, later);
	assert_int_equal(got.n, HTTP_DATE_SIZE);
	if (memcmp(got.p, wanted, HTTP_DATE_SIZE) != 0)
		assert_memory_equal(got.p, later, HTTP_DATE_SIZE);
	/* One that is of another second is made anew. */
	fixture_http.date_second = 0;
	memset(fixture_http.date, 'x', HTTP_DATE_SIZE);
	assert_memory_equal(http_date(&fixture_http).p + 25, " GMT", 4);
	/* One of this second is not; unless the second ends meanwhile. */
	do {
		before = time(NULL);
		fixture_http.date_second = before;
		fixture_http.date[0] = '?';
		got = http_date(&fixture_http);
	} while (time(NULL) != before);
	assert_int_equal(got.p[0], '?');
	fixture_free();
}

#define HTTP_TEST(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HTTP_TEST(made_and_unmade),
		HTTP_TEST(handler_fails),
		HTTP_TEST(check_fails),
		HTTP_TEST(mime_types),
		HTTP_TEST(date),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	int failed = cmocka_run_group_tests(tests, scratch_make, scratch_remove);

	buf_free_all();
	return failed;
}
