/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf_show(): what it writes loads again, as the same configuration and as
 * the same text, whatever the strings hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/schema/conf_respond.h"
#include "t/unit/conf/folder.h"

static struct conf *load(const char *path)
{
	struct conf_errors errors;
	struct conf *conf = conf_load(path, &errors);

	if (conf == NULL)
		fail_msg("%s:%d: %s", path, errors.items[0].line,
			 errors.items[0].text);
	conf_errors_fini(&errors);
	return conf;
}

static struct str show(const struct conf *conf, struct buf *out)
{
	conf_show(conf, out);
	return buf_str(out);
}

/* Shows `config`, and what that shows from another directory; to be released
 * by the caller, and ending in a NUL. */
static struct buf shown(const char *config)
{
	struct buf first = {0}, second = {0};
	struct conf *conf = load(write_bytes("a.conf", config, strlen(config)));
	struct str a = show(conf, &first);

	conf_destroy(&conf);
	conf = load(write_bytes("www/b.conf", a.p, a.n));
	struct str b = show(conf, &second);

	conf_destroy(&conf);
	if (!str_equal(a, b))
		fail_msg("%.*s\nbecame\n%.*s", STR_ARG(a), STR_ARG(b));
	buf_release(&second);
	buf_put(&first, (struct str){"", 1});
	return first;
}

static void expect(struct buf *out, const char *line)
{
	if (strstr(buf_str(out).p, line) == NULL)
		fail_msg("no \"%s\" in\n%s", line, buf_str(out).p);
}

static void refuse(struct buf *out, const char *line)
{
	if (strstr(buf_str(out).p, line) != NULL)
		fail_msg("\"%s\" in\n%s", line, buf_str(out).p);
}

static void defaults(void **state)
{
	struct buf out =
		shown("listeners = ( { address = \"7\"; protocol = \"echo\"; } );");

	(void)state;
	expect(&out, "user = \"www-data\";\nworkers = \"auto\";\n");
	expect(&out, "\nlog = {\n\terror = \"stderr\";\n\tlevel = \"info\";\n");
	expect(&out, "\tconnections = 10000;\n");
	expect(&out, "\theader = \"16k\";\n");
	expect(&out, "\tkeepalive = \"75s\";\n");
	expect(&out, "\t{\n\t\taddress = \"*:7\";\n\t\tname = "
		     "\"*:7\";\n\t\tprotocol = \"echo\";\n"
		     "\t\tbacklog = 4096;\n\t\tproxy_protocol = [ ];\n\t}\n);\n");
	expect(&out, "\nsites = ();\n");
	buf_release(&out);
}

static void units(void **state)
{
	struct buf out = shown(
		"listeners = ( { address = \"unix:s\"; protocol = \"echo\";\n"
		"mode = \"600\"; } ); workers = 3;\n"
		"limits = { header = 2048; body = \"1025k\"; };\n"
		"timeouts = { header = \"1500ms\"; body = 120; send = \"60m\";\n"
		"keepalive = \"90s\"; drain = \"1ms\"; };");

	(void)state;
	expect(&out, "workers = 3;\n");
	expect(&out, "header = \"2k\";\n");
	expect(&out, "body = \"1025k\";\n");
	expect(&out, "header = \"1500ms\";\n\tbody = \"2m\";\n\tsend = \"1h\";\n"
		     "\tkeepalive = \"90s\";\n\tdrain = \"1ms\";\n");
	expect(&out, "mode = \"0600\";\n");
	buf_release(&out);
}

static void by_handler(void **state)
{
	struct buf out =
		shown("listeners = ( { address = \"7\"; } );\n"
		      "sites = ( { hosts = [ \"A.b\" ]; routes = (\n"
		      "{ path = \"/s\"; handler = \"static\"; root = \"www\";\n"
		      "  index = [ ]; symlinks = \"none\"; },\n"
		      "{ path = \"/r\"; handler = \"redirect\"; to = \"/$$\";\n"
		      "  match = \"exact\"; } ); }, { } );");

	(void)state;
	expect(&out, "hosts = [ \"a.b\" ];\n");
	expect(&out, "methods = [ \"GET\", \"HEAD\" ];\n");
	expect(&out,
	       "index = [ ];\n\t\t\t\tsymlinks = \"none\";\n\t\t\t\ttry = [ ];\n");
	expect(&out, "match = \"exact\";\n");
	expect(&out, "\"TRACE\", \"CONNECT\" ];\n");
	expect(&out, "to = \"/$$\";\n\t\t\t\tstatus = 302;\n\t\t\t}\n");
	expect(&out, "hosts = [ \"*\" ];\n\t\tname = \"*\";\n\t\tallow = [ ];\n");
	expect(&out, "\t\troutes = ();\n");
	refuse(&out, "mode");
	refuse(&out, "type = ");
	refuse(&out, "status = 200");
	buf_release(&out);
}

/* Every byte that a string can hold comes back. */
static void strings(void **state)
{
	static const char begin[] =
		"listeners = ( { address = \"7\"; } );\n"
		"sites = ( { routes = ( { path = \"/\"; handler = \"respond\";\n"
		"body = \"";
	struct buf text = {0}, out = {0};
	char want[256];

	(void)state;
	buf_put_cstr(&text, begin);
	for (int i = 1; i < 256; i++) {
		want[i - 1] = (char)i;
		buf_printf(&text, "\\x%02X", (unsigned)i);
	}
	buf_put_cstr(&text, "\"; } ); } );");
	struct conf *conf =
		load(write_bytes("a.conf", buf_str(&text).p, buf_length(&text)));

	for (int again = 0; again < 2; again++) {
		struct str body = ((const struct conf_respond *)conf->sites[0]
					   .routes[0]
					   .settings)
					  ->body.source;

		assert_int_equal(body.n, 255);
		assert_memory_equal(body.p, want, 255);
		struct str s = show(conf, &out);

		conf_destroy(&conf);
		conf = load(write_bytes("a.conf", s.p, s.n));
		buf_release(&out);
	}
	conf_destroy(&conf);
	buf_release(&text);
}

static void escapes(void **state)
{
	struct buf out = shown(
		"listeners = ( { address = \"7\"; } ); sites = ( { routes = (\n"
		"{ path = \"/a \\\"b\\\\\"; handler = \"respond\";\n"
		"body = \"a\\n\\t\\r\\d # // /* \\x01\" \"\xc3\xa9\\\\x41\"; } );"
		"} );");

	(void)state;
	expect(&out, "path = \"/a \\\"b\\\\\";\n");
	expect(&out,
	       "body = \"a\\n\\t\\x0d\\\\d # // /* \\x01\xc3\xa9\\\\x41\";\n");
	buf_release(&out);
}

static int prepare(void **state)
{
	return make_folder(state) != 0 ? -1 : mkdir(in_folder("www"), 0700);
}

static int finish(void **state)
{
	buf_free_all();
	return remove_folder(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),   cmocka_unit_test(units),
		cmocka_unit_test(by_handler), cmocka_unit_test(strings),
		cmocka_unit_test(escapes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, prepare, finish);
}
