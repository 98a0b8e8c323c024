/* SPDX-License-Identifier: BSD-2-Clause */
/* Text in HTML and in JSON: html_put() and json_put(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/codec/html.h"
#include "base/codec/json.h"

static void check(void (*put)(struct buf *, struct str), struct str text,
		  struct str want)
{
	struct buf out = {0};

	buf_put_cstr(&out, "=");
	put(&out, text);
	struct str got = str_tail(buf_str(&out), 1);

	if (!str_equal(got, want))
		fail_msg("%.*s became %.*s, not %.*s", STR_ARG(text), STR_ARG(got),
			 STR_ARG(want));
	buf_release(&out);
}

static void html(void **state)
{
	(void)state;
	check(html_put, STR(""), STR(""));
	check(html_put, STR("plain \xc3\xa9 \xff"), STR("plain \xc3\xa9 \xff"));
	check(html_put, STR("<a href=\"x\">&'</a>"),
	      STR("&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;"));
	check(html_put, STR("\033$B"), STR("&#xfffd;$B"));
}

static void json(void **state)
{
	(void)state;
	check(json_put, STR(""), STR(""));
	check(json_put, STR("plain \xc3\xa9"), STR("plain \xc3\xa9"));
	check(json_put, STR("\"\\\n\x7f"), STR("\\u0022\\u005c\\u000a\\u007f"));
	check(json_put, STR("</script>"), STR("\\u003c/script\\u003e"));
	check(json_put, STR("\xe2\x80\xa8x"), STR("\\u2028x"));
	check(json_put, STR("a\xe2\x80 b\xff"), STR("a\xef\xbf\xbd b\xef\xbf\xbd"));
	check(json_put, (struct str){"a\0b", 3}, STR("a\\u0000b"));
}

static int finish(void **state)
{
	(void)state;
	buf_free_all();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(html),
		cmocka_unit_test(json),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, finish);
}
