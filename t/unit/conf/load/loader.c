/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf_load(): what a configuration becomes, and every class of error with
 * its file, its line and what it says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "conf/conf.h"
#include "conf/schema/conf_redirect.h"
#include "conf/schema/conf_respond.h"
#include "conf/schema/conf_static.h"
#include "t/unit/conf/folder.h"

#define ECHO \
	"listeners = ( { address = \"127.0.0.1:7\"; protocol = \"echo\"; } );\n"
#define HTTP "listeners = ( { address = \"127.0.0.1:8\"; } );\n"

static const char *write_text(const char *name, const char *text)
{
	return write_bytes(name, text, strlen(text));
}

/* What conf_load() says of a file, as one text; "" when it is good. */
static char *errors_of(const char *path)
{
	struct conf_errors errors;
	struct buf out = {0};
	struct conf *conf = conf_load(path, &errors);

	assert_true((conf == NULL) == (errors.n > 0));
	conf_errors_print(&errors, &out);
	buf_put(&out, (struct str){"", 1});
	char *text = strdup(buf_str(&out).p);

	buf_release(&out);
	conf_errors_fini(&errors);
	conf_destroy(&conf);
	assert_null(conf);
	return text;
}

/*
 * `wanted` has one line for each error: "LINE WHERE|WHAT", in which WHAT is a
 * part of what it says. LINE 0 is none; "name:LINE" is another file of the
 * folder.
 */
static void compare(const char *config, char *got, const char *wanted)
{
	char *save, *line = strtok_r(got, "\n", &save);
	struct str rest = str_of(wanted);

	while (rest.n > 0) {
		struct str what = str_cut(&rest, '\n');
		struct str location = str_cut(&what, ' ');
		struct str where = str_cut(&what, '|');
		struct str number = location;
		struct str name = str_cut(&number, ':');
		char begin[PATH_MAX + 100], says[200];

		if (number.p == NULL) {
			number = name;
			name = STR("a.conf");
		}
		int n = snprintf(begin, sizeof(begin), "%s/%.*s", folder,
				 STR_ARG(name));

		if (!str_equal(number, STR("0")))
			n += snprintf(begin + n, sizeof(begin) - (size_t)n, ":%.*s",
				      STR_ARG(number));
		snprintf(begin + n, sizeof(begin) - (size_t)n, ": %.*s",
			 STR_ARG(where));
		snprintf(says, sizeof(says), "%.*s", STR_ARG(what));
		if (line == NULL)
			fail_msg("%s\n-> no error %s", config, begin);
		if (strncmp(line, begin, strlen(begin)) != 0 ||
		    strstr(line, says) == NULL)
			fail_msg("%s\n-> %s\ninstead of %s ... %s", config, line,
				 begin, says);
		line = strtok_r(NULL, "\n", &save);
	}
	if (line != NULL)
		fail_msg("%s\n-> also %s", config, line);
}

static void expect(const char *config, const char *wanted)
{
	char *got = errors_of(write_text("a.conf", config));

	compare(config, got, wanted);
	free(got);
}

struct example {
	const char *config;
	const char *wanted;
};

static void expect_all(const struct example *examples, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect(examples[i].config, examples[i].wanted);
}
#define EXPECT_ALL(examples) \
	expect_all(examples, sizeof(examples) / sizeof(examples[0]))

static struct conf *load(const char *config)
{
	struct conf_errors errors;
	struct conf *conf = conf_load(write_text("a.conf", config), &errors);

	if (conf == NULL)
		fail_msg("%s\n-> %s", config, errors.items[0].text);
	assert_int_equal(errors.n, 0);
	conf_errors_fini(&errors);
	return conf;
}

static void defaults(void **state)
{
	struct conf *conf = load(HTTP "sites = ( { } );");

	(void)state;
	assert_string_equal(conf->file, in_folder("a.conf"));
	assert_string_equal(conf->user, "www-data");
	assert_true(conf->workers_auto);
	assert_in_range(conf->workers, 1, 256);
	assert_true(conf->control.path[0] == '/');
	assert_string_equal(conf->pid_file, "");
	assert_string_equal(conf->mime_types, "");
	assert_string_equal(conf->log.error, "stderr");
	assert_int_equal(conf->log.level, LOG_LEVEL_INFO);
	assert_int_equal(conf->log.access.n, 0);
	assert_int_equal(conf->log.format, CONF_LOG_COMBINED);
	assert_int_equal(conf->limits.connections, 10000);
	assert_int_equal(conf->limits.header, 16384);
	assert_int_equal(conf->limits.headers, 100);
	assert_int_equal(conf->limits.body, 1 << 20);
	assert_int_equal(conf->timeouts.header, 10000);
	assert_int_equal(conf->timeouts.body, 30000);
	assert_int_equal(conf->timeouts.send, 30000);
	assert_int_equal(conf->timeouts.keepalive, 75000);
	assert_int_equal(conf->timeouts.drain, 30000);

	const struct conf_listener *l = conf->listeners;

	assert_int_equal(conf->n_listeners, 1);
	assert_string_equal(l->text, "127.0.0.1:8");
	assert_int_equal(addr_port(&l->addr), 8);
	assert_string_equal(l->protocol, "http");
	assert_int_equal(l->backlog, 4096);
	assert_int_equal(l->mode, 0666);
	assert_int_equal(l->origin.line, 1);
	assert_int_equal(conf->n_sites, 1);
	assert_int_equal(conf->sites[0].hosts.n, 1);
	assert_true(str_equal(conf->sites[0].hosts.items[0], STR("*")));
	assert_int_equal(conf->sites[0].n_routes, 0);
	conf_destroy(&conf);
}

static void routes(void **state)
{
	struct conf *conf = load(
		HTTP "sites = ( { hosts = [ \"A.b\", \"*.C\" ]; routes = (\n"
		     "{ path = \"/\"; handler = \"static\"; root = \"www/.\"; },\n"
		     "{ path = \"/r\"; handler = \"respond\"; },\n"
		     "{ path = \"/t\"; handler = \"redirect\"; to = \"/${path}\";\n"
		     "  match = \"exact\"; methods = (\"PUT\", \"GET\"); }\n"
		     "); } );");
	const struct conf_site *site = conf->sites;
	const struct conf_route *r = site->routes;
	const struct conf_static *files = r[0].settings;
	const struct conf_respond *respond = r[1].settings;
	const struct conf_redirect *redirect = r[2].settings;

	(void)state;
	assert_int_equal(site->hosts.n, 2);
	assert_true(str_equal(site->hosts.items[0], STR("a.b")));
	assert_true(str_equal(site->hosts.items[1], STR("*.c")));
	assert_string_equal(site->origin.where, "sites[0]");
	assert_int_equal(site->n_routes, 3);

	assert_string_equal(files->root, in_folder("www"));
	assert_int_equal(r[0].methods, 1u << METHOD_GET | 1u << METHOD_HEAD);
	assert_int_equal(files->symlinks, CONF_SYMLINKS_INSIDE);
	assert_int_equal(files->index.n, 1);
	assert_string_equal(r[0].origin.where, "sites[0].routes[0]");
	assert_int_equal(r[0].origin.line, 3);

	assert_string_equal(r[1].handler, "respond");
	assert_int_equal(respond->status, 200);
	assert_string_equal(respond->type, "text/plain; charset=utf-8");
	assert_int_equal(respond->body.n_pieces, 0);
	assert_int_equal(r[1].methods, conf_handler_methods("respond"));
	assert_int_equal(r[1].match, CONF_MATCH_PREFIX);

	assert_int_equal(redirect->status, 302);
	assert_int_equal(r[2].match, CONF_MATCH_EXACT);
	assert_int_equal(r[2].methods, 1u << METHOD_GET | 1u << METHOD_PUT);
	assert_int_equal(redirect->to.n_pieces, 2);
	assert_string_equal(r[2].origin.file, in_folder("a.conf"));
	conf_destroy(&conf);
	assert_int_equal(conf_handler_methods("nobody"), 0);
	assert_int_equal(conf_handler_methods("redirect"),
			 (1u << METHOD_COUNT) - 1);
}

static void numbers(void **state)
{
	struct conf *conf =
		load(ECHO "workers = 4; limits = { body = 50000000;\n"
			  "header = 0x4000; connections = 77L; headers = +5; };\n"
			  "timeouts = { body = 2; send = \"3\"; };");

	(void)state;
	assert_int_equal(conf->workers, 4);
	assert_false(conf->workers_auto);
	assert_int_equal(conf->limits.body, 50000000);
	assert_int_equal(conf->limits.header, 16384);
	assert_int_equal(conf->limits.connections, 77);
	assert_int_equal(conf->limits.headers, 5);
	assert_int_equal(conf->timeouts.body, 2000);
	assert_int_equal(conf->timeouts.send, 3000);
	conf_destroy(&conf);
}

static void paths(void **state)
{
	struct conf *conf = load(
		"listeners = ( { address = \"unix:./s//k\"; protocol = \"echo\"; "
		"mode = \"0600\"; }, { address = \"unix:@abstract\"; protocol = "
		"\"echo\"; } );\n"
		"control = \"c.sock\"; pid_file = \"run/../pid\";\n"
		"mime_types = \"www/types\";\n"
		"log = { error = \"./off\"; access = \"/tmp//holdfast-none\"; };");

	(void)state;
	assert_string_equal(conf->control.path, in_folder("c.sock"));
	assert_string_equal(conf->pid_file, in_folder("run/../pid"));
	assert_string_equal(conf->mime_types, in_folder("www/types"));
	assert_string_equal(conf->log.error, in_folder("off"));
	assert_int_equal(conf->log.access.n, 1);
	assert_string_equal(conf->log.access.items[0].to, "/tmp/holdfast-none");
	assert_string_equal(conf->listeners[0].addr.un.sun_path, in_folder("s/k"));
	assert_int_equal(conf->listeners[0].mode, 0600);
	assert_string_equal(conf->listeners[1].text, "unix:@abstract");
	conf_destroy(&conf);
}

static void control_group(void **state)
{
	struct conf *conf = load(ECHO "control = { path = \"c.sock\"; "
				      "mode = \"0660\"; group = \"adm\"; };");
	struct conf *brief = load(ECHO "control = \"c.sock\";");
	struct conf *rest = load(ECHO "control = { mode = \"0660\"; };");

	(void)state;
	assert_string_equal(conf->control.path, in_folder("c.sock"));
	assert_int_equal(conf->control.mode, 0660);
	assert_string_equal(conf->control.group, "adm");
	assert_string_equal(brief->control.path, in_folder("c.sock"));
	assert_int_equal(brief->control.mode, 0600);
	assert_string_equal(brief->control.group, "");
	assert_true(rest->control.path[0] == '/');
	conf_destroy(&conf);
	conf_destroy(&brief);
	conf_destroy(&rest);

	/* Found in a file with other errors, not in one that cannot be parsed:
	 * what stands there may not be meant. */
	struct conf_errors errors = {0};

	write_text("a.conf", "control = { path = \"d.sock\"; };\nwrokers = 1;\n");
	char *found = conf_find_control(in_folder("a.conf"), &errors);

	assert_string_equal(found, in_folder("d.sock"));
	free(found);
	conf_errors_fini(&errors);
	write_text("a.conf", "control = { path = \"d.sock\"; };\nlisteners = (;");
	assert_null(conf_find_control(in_folder("a.conf"), &errors));
	assert_int_equal(errors.n, 1);
	conf_errors_fini(&errors);
	assert_null(conf_find_control(in_folder("missing.conf"), &errors));
	assert_int_equal(errors.n, 1);
	conf_errors_fini(&errors);
}

/* A file named without a directory is beside its relative paths too. */
static void relative_file(void **state)
{
	struct conf_errors errors;
	char here[PATH_MAX];

	(void)state;
	write_text("a.conf", ECHO "pid_file = \"p\";\n@include \"b.conf\"\n");
	write_text("b.conf", "nonsense = 1;\n");
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(folder), 0);
	struct conf *conf = conf_load("a.conf", &errors);

	assert_null(conf);
	assert_int_equal(errors.n, 1);
	assert_string_equal(errors.items[0].file, "b.conf");
	conf_errors_fini(&errors);
	write_text("b.conf", "");
	conf = conf_load("./a.conf", &errors);
	assert_int_equal(chdir(here), 0);
	assert_non_null(conf);
	assert_string_equal(conf->file, in_folder("a.conf"));
	assert_string_equal(conf->pid_file, in_folder("p"));
	conf_destroy(&conf);
	conf_errors_fini(&errors);
}

static void unreadable(void **state)
{
	char *got = errors_of(in_folder("none"));

	(void)state;
	compare("none", got, "none:0 |cannot read: No such file or directory");
	free(got);
	got = errors_of(in_folder("www"));
	compare("www", got, "www:0 |cannot read: Is a directory");
	free(got);
	got = errors_of(in_folder("a.conf/b"));
	compare("a.conf/b", got, "a.conf/b:0 |cannot read: Not a directory");
	free(got);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	got = errors_of(in_folder("fifo"));
	compare("fifo", got, "fifo:0 |cannot read: not a regular file");
	free(got);
	got = errors_of("");
	assert_string_equal(got, ": cannot read: No such file or directory\n");
	free(got);
}

static void syntax(void **state)
{
	static const struct example examples[] = {
		{ECHO "\nworkers = = 3;\n", "3 |syntax error near: workers = = 3"},
		{ECHO "workers = 3;\nworkers = 4;\n", "3 |duplicate"},
		{"sites = ( { routes = ( }\n);", "1 |syntax error"},
		{"a = [ 1, \"x\" ];\n", "1 |mismatched element type"},
		{ECHO "\n\"x\" = 5;\n", "3 |syntax error"},
		{ECHO "a = 3 \"x\";\n", "2 |syntax error near: a = 3 \"x\";"},
		{ECHO "a = ( { \"x\" } );\n", "2 |syntax error"},
		{ECHO "a = 1, \"x\";\n", "2 |syntax error"},
		{"x = @;", "1 |syntax error"},
		{"listeners = (", "1 |syntax error"},
		{ECHO "user = \"x;\n\n", "2 |has no end"},
		{ECHO "/* x\n\n", "2 |has no end"},
		{ECHO "user = \"a\\x00b\";\n", "2 |NUL"},
		{ECHO "workers = 99999999999999999999;\n", "2 |too large"},
		{ECHO "workers = 0xfffffffffffffffff;\n", "2 |too large"},
	};

	(void)state;
	EXPECT_ALL(examples);
}

static void accepted_syntax(void **state)
{
	(void)state;
	expect(ECHO "# \"\n// /*\n/* \" # @include \"x\"\n */ workers : 3 "
		    "user = \"no\" \"body\"; # the end",
	       "");
	expect("pid_file=\"# no // comment /* */ \\\" \\\\\";" ECHO, "");
	expect("listeners=({address:\"7\",protocol:\"echo\"});\r\n", "");
	expect("user = \"@include\n", "1 |has no end");
}

static void nul_bytes(void **state)
{
	static const char text[] = ECHO "# comment\0\nuser = \"x\";\n";
	const char *path = write_bytes("a.conf", text, sizeof(text) - 1);
	char *got = errors_of(path);

	(void)state;
	compare("NUL", got, "2 |NUL");
	free(got);
}

static void unknown_names(void **state)
{
	static const struct example examples[] = {
		{ECHO "wrokers = 3;\n", "2 wrokers|did you mean \"workers\"?"},
		{ECHO "Workers = 3;\n", "2 Workers|did you mean \"workers\"?"},
		{ECHO "lgo = { };\n", "2 lgo|did you mean \"log\"?"},
		{ECHO "zzzzzz = 3;\n", "2 zzzzzz: unknown setting|"},
		{ECHO "level = \"info\";\n", "2 level|belongs to log"},
		{ECHO "log = { user = \"x\"; };\n", "2 log.user|outside"},
		{ECHO "log = {\nlevle = 3; };\n",
		 "3 log.levle|did you mean \"level\"?"},
		{ECHO "limits = { drain = 1; };", "2 limits.drain|timeouts"},
		{"listeners = ( { adress = \"7\"; } );\n",
		 "1 listeners[0].adress|did you mean \"address\"?\n"
		 "1 listeners[0].address|required\n"
		 "1 listeners[0]|need sites"},
		{HTTP "sites = ( { host = 1; route = (); } );\n",
		 "2 sites[0].host|did you mean \"hosts\"?\n"
		 "2 sites[0].route|did you mean \"routes\"?"},
		{HTTP "sites = ( { routes = (\n"
		      "{ path = \"/\"; handler = \"static\"; root = \".\";\n"
		      "  to = \"/x\"; status = 302; roots = 1; }\n"
		      "); } );\n",
		 "4 sites[0].routes[0].to: \"to\" belongs to handler redirect|\n"
		 "4 sites[0].routes[0].status|belongs to handler respond\n"
		 "4 sites[0].routes[0].roots|did you mean \"root\"?"},
	};

	(void)state;
	EXPECT_ALL(examples);
}

static void wrong_types(void **state)
{
	static const struct example examples[] = {
		{ECHO "log = 5;\n", "2 log|expected a group { }, found a number"},
		{ECHO "log = \"x\";\n", "2 log|found a string"},
		{ECHO "log = ( );\n", "2 log|found a list ( )"},
		{ECHO "user = 5;\n", "2 user|expected a string, found a number"},
		{ECHO "user = [ \"a\" ];\n", "2 user|found an array [ ]"},
		{ECHO "user = true;\n", "2 user|found a boolean"},
		{ECHO "user = { };\n", "2 user|found a group { }"},
		{ECHO "workers = 1.5;\n",
		 "2 workers|expected a number or \"auto\", found a number with "
		 "a fraction"},
		{ECHO "workers = \"two\";\n", "2 workers|\"auto\""},
		{ECHO "workers = \"3\";\n", "2 workers|\"auto\""},
		{ECHO "limits = { header = ( 1 ); headers = \"5\"; };\n",
		 "2 limits.header|expected a size\n"
		 "2 limits.headers|expected a number, found a string"},
		{"listeners = 8080;\n", "1 listeners|list of groups"},
		{"listeners = { address = \"7\"; };\n",
		 "1 listeners|found a group { }"},
		{"listeners = [ \"7\" ];\n", "1 listeners|found an array [ ]"},
		{"listeners = ( \"7\",\n ( ) );\n",
		 "1 listeners[0]|expected a group { }, found a string\n"
		 "2 listeners[1]|found a list ( )"},
		{HTTP "sites = ( { hosts = \"a\"; routes = 5; } );\n",
		 "2 sites[0].hosts|expected a list of hosts\n"
		 "2 sites[0].routes|list of groups"},
		{HTTP "sites = ( { hosts = ( 1,\n\"a b\",\n{ } ); } );\n",
		 "2 sites[0].hosts[0]|expected a string, found a number\n"
		 "3 sites[0].hosts[1]|a host is made of\n"
		 "4 sites[0].hosts[2]|found a group { }"},
		{HTTP "sites = ( { hosts = [ ]; } );", "2 sites[0].hosts|empty"},
	};

	(void)state;
	EXPECT_ALL(examples);
}

static void ranges(void **state)
{
	static const struct example examples[] = {
		{ECHO "workers = 0;\n", "2 workers|0 is below the minimum, 1"},
		{ECHO "workers = -1;\n", "2 workers|-1 is below the minimum, 1"},
		{ECHO "workers = 257;\n", "2 workers|above the maximum, 256"},
		{ECHO "workers = 4294967297;\n", "2 workers|above the maximum"},
		{ECHO "limits = { header = \"255\"; };\n",
		 "2 limits.header|255 is below the minimum, 256"},
		{ECHO "limits = { header = \"2m\"; };\n",
		 "2 limits.header|2m is above the maximum, 1m"},
		{ECHO "limits = { header = 16q; };\n", "2 |syntax error"},
		{ECHO "limits = { header = \"16q\"; };\n", "2 limits.header|units"},
		{ECHO "limits = { body = -1; };\n", "2 limits.body|negative"},
		{ECHO "limits = { body = \"1025g\"; };\n",
		 "2 limits.body|above the maximum, 1t"},
		{ECHO "limits = { headers = 257; connections = 0; };\n",
		 "2 limits.connections|minimum\n2 limits.headers|maximum"},
		{ECHO
		 "timeouts = { header = 0; drain = \"25h\"; send = \"s\"; };\n",
		 "2 timeouts.header|0 is below the minimum, 1ms\n"
		 "2 timeouts.send|a duration is\n"
		 "2 timeouts.drain|25h is above the maximum, 24h"},
		{ECHO "log = { level = \"inof\"; format = \"xml\"; };\n",
		 "2 log.level|did you mean \"info\"?\n"
		 "2 log.format|must be \"combined\", \"json\" or a line with "
		 "variables such as \"${path}\", not \"xml\""},
		{ECHO "user = \"\";\n", "2 user|must not be empty"},
		{ECHO "user = \"a\\nb\";\n", "2 user|control characters"},
		{ECHO "pid_file = \"a\\x1fb\";\n", "2 pid_file|control"},
		{ECHO "control = \"\";\n", "2 control|must not be empty"},
		{ECHO "control = \"/" /* 108 bytes */
		      "1234567890123456789012345678901234567890123456789012345"
		      "1234567890123456789012345678901234567890123456789012\";",
		 "2 control|107"},
	};

	(void)state;
	EXPECT_ALL(examples);
}

#define ROUTE(settings) HTTP "sites = ( { routes = ( {\n" settings "\n} ); } );"

static void wrong_routes(void **state)
{
	static const struct example examples[] = {
		{ROUTE("path = \"/\";"), "2 sites[0].routes[0].handler|required"},
		{ROUTE("handler = \"respond\";"),
		 "2 sites[0].routes[0].path|required"},
		{ROUTE("path = \"/\"; handler = \"statc\"; root = 5; to = 6;"),
		 "3 sites[0].routes[0].handler|did you mean \"static\"?"},
		{ROUTE("path = \"/\"; handler = 5;"),
		 "3 sites[0].routes[0].handler|found a number"},
		{ROUTE("path = \"\"; handler = \"respond\";"),
		 "3 sites[0].routes[0].path|empty"},
		{ROUTE("path = \"a\"; handler = \"respond\";"),
		 "3 sites[0].routes[0].path|did you mean \"/a\"?"},
		{ROUTE("path = \"/a//b/./../c\"; handler = \"respond\";"),
		 "3 sites[0].routes[0].path|did you mean \"/a/c\"?"},
		{ROUTE("path = \"/a?b\"; handler = \"respond\";"),
		 "3 sites[0].routes[0].path|query"},
		{ROUTE("path = \"/\\n\"; handler = \"respond\";"),
		 "3 sites[0].routes[0].path|control"},
		{ROUTE("path = \"/\"; handler = \"respond\"; match = \"exakt\";"),
		 "3 sites[0].routes[0].match|did you mean \"exact\"?"},
		{ROUTE("path = \"/\"; handler = \"respond\";\n"
		       "methods = [ \"GTE\",\n\"get\", \"BREW\" ];"),
		 "4 sites[0].routes[0].methods[0]|did you mean \"GET\"?\n"
		 "5 sites[0].routes[0].methods[1]|did you mean \"GET\"?\n"
		 "5 sites[0].routes[0].methods[2]|unknown method \"BREW\""},
		{ROUTE("path = \"/\"; handler = \"respond\"; methods = [ ];"),
		 "3 sites[0].routes[0].methods|empty"},
		{ROUTE("path = \"/\"; handler = \"respond\"; status = 199;"),
		 "3 sites[0].routes[0].status|below the minimum, 200"},
		{ROUTE("path = \"/\"; handler = \"respond\"; status = 600;"),
		 "3 sites[0].routes[0].status|above the maximum, 599"},
		{ROUTE("path = \"/\"; handler = \"respond\"; status = 304;\n"
		       "body = \"x\";"),
		 "4 sites[0].routes[0].body|304"},
		{ROUTE("path = \"/\"; handler = \"respond\"; status = 204;"), ""},
		{ROUTE("path = \"/\"; handler = \"respond\"; type = \"text\";"),
		 "3 sites[0].routes[0].type|text/html"},
		{ROUTE("path = \"/\"; handler = \"respond\";\n"
		       "type = \"a/b\\r\\nx: y\";"),
		 "4 sites[0].routes[0].type|control"},
		{ROUTE("path = \"/\"; handler = \"respond\"; body = \"${pth}\";"),
		 "3 sites[0].routes[0].body|did you mean \"${path}\"?"},
		{ROUTE("path = \"/\"; handler = \"redirect\";"),
		 "2 sites[0].routes[0].to|required"},
		{ROUTE("path = \"/\"; handler = \"redirect\"; to = \"\";"),
		 "3 sites[0].routes[0].to|empty"},
		{ROUTE("path = \"/\"; handler = \"redirect\"; to = \"/\\n\";"),
		 "3 sites[0].routes[0].to|control"},
		{ROUTE("path = \"/\"; handler = \"redirect\"; to = \"/\";\n"
		       "status = 200;"),
		 "4 sites[0].routes[0].status|301, 302, 303, 307 or 308, not 200"},
		{ROUTE("path = \"/\"; handler = \"static\";"),
		 "2 sites[0].routes[0].root|required"},
		{ROUTE("path = \"/\"; handler = \"static\"; root = \"none\";"),
		 "3 sites[0].routes[0].root|none: No such file or directory"},
		{ROUTE("path = \"/\"; handler = \"static\"; root = \"a.conf\";"),
		 "3 sites[0].routes[0].root|a.conf: Not a directory"},
		{ROUTE("path = \"/\"; handler = \"static\"; root = \".\";\n"
		       "index = [ \"a/b\", \"..\", \"\", \"ok\" ];"),
		 "4 sites[0].routes[0].index[0]|without a directory\n"
		 "4 sites[0].routes[0].index[1]|without a directory\n"
		 "4 sites[0].routes[0].index[2]|empty"},
		{ROUTE("path = \"/\"; handler = \"static\"; root = \".\";\n"
		       "index = [ ];"),
		 ""},
	};

	(void)state;
	EXPECT_ALL(examples);
}

#define ECHOES(first, second)                                                \
	"listeners = ( { protocol = \"echo\"; address = \"" first "\"; },\n" \
	"{ protocol = \"echo\"; address = \"" second "\"; } );"

static void listeners(void **state)
{
	static const struct example examples[] = {
		{"", "0 listeners|at least one"},
		{"\nlisteners = ( );", "2 listeners|empty"},
		{"listeners = ( { } );\nsites = ( { } );",
		 "1 listeners[0].address|required"},
		{"\n" HTTP, "2 listeners[0]|http listeners need sites"},
		{HTTP "sites = ( );", "1 listeners[0]|http listeners need sites"},
		{HTTP "sites = 5;", "2 sites|list of groups"},
		{ECHOES("x", "127.0.0.1:65536"),
		 "1 listeners[0].address|port\n2 listeners[1].address|port"},
		{ECHOES("localhost:80", "[::1]"),
		 "1 listeners[0].address|127.0.0.1:PORT\n"
		 "2 listeners[1].address|port"},
		{ECHOES("127.0.0.1:80", "127.0.0.1:0080"),
		 "2 listeners[1].address|duplicate address"},
		{ECHOES("80", "*:80"), "2 listeners[1].address|duplicate"},
		{ECHOES("80", "127.0.0.1:80"), "2 listeners[1].address|overlaps"},
		{ECHOES("[::1]:80", "*:80"), "2 listeners[1].address|overlaps"},
		{ECHOES("0.0.0.0:80", "127.0.0.1:80"),
		 "2 listeners[1].address|overlaps"},
		{ECHOES("[::ffff:127.0.0.1]:80", "127.0.0.1:80"),
		 "2 listeners[1].address|overlaps"},
		{ECHOES("0.0.0.0:80", "[::1]:80"), ""},
		{ECHOES("127.0.0.2:80", "127.0.0.1:80"), ""},
		{ECHOES("*:0", "127.0.0.1:0"), ""},
		{ECHOES("unix:k", "unix:./k"), "2 listeners[1].address|duplicate"},
		{ECHOES("unix:none/s", "unix:@none/s"),
		 "1 listeners[0].address|none: No such file"},
		{ECHOES("unix:", "unix:a\\nb"),
		 "1 listeners[0].address|path\n2 listeners[1].address|control"},
		{"control = \"k\";\n" ECHOES("unix:k", "unix:t"),
		 "2 listeners[0].address|control socket"},
		{"listeners = ( { address = \"7\"; protocol = \"htp\";\n"
		 "backlog = 0; mode = \"0600\"; } );",
		 "1 listeners[0].protocol|did you mean \"http\"?\n"
		 "2 listeners[0].backlog|minimum, 1\n"
		 "2 listeners[0].mode|unix:"},
		{"listeners = ( { address = \"unix:k\"; protocol = \"echo\";\n"
		 "mode = \"0999\"; } );",
		 "2 listeners[0].mode|octal"},
		{"listeners = ( { address = \"unix:k\"; protocol = \"echo\";\n"
		 "mode = 0600; } );",
		 "2 listeners[0].mode|in quotes"},
	};

	(void)state;
	EXPECT_ALL(examples);
}

#define TWO(first, second)                                            \
	HTTP "sites = ( { routes = (\n"                               \
	     "{ path = \"/a\"; handler = \"respond\"; " first " },\n" \
	     "{ path = \"/a\"; handler = \"respond\"; " second " } ); } );"

static void overlaps(void **state)
{
	static const struct example examples[] = {
		{TWO("", ""), "4 sites[0].routes[1].path|same path and match as "
			      "sites[0].routes[0]"},
		{TWO("", "methods = [ \"POST\" ];"),
		 "4 sites[0].routes[1].path|both name their methods"},
		{TWO("methods = [ \"GET\", \"PUT\" ];",
		     "methods = [ \"POST\", \"PUT\" ];"),
		 "4 sites[0].routes[1].path|method PUT"},
		{TWO("methods = [ \"GET\" ];", "methods = [ \"POST\" ];"), ""},
		{TWO("match = \"exact\";", "match = \"prefix\";"), ""},
		{TWO("match = \"exact\";", "match = \"exact\";"),
		 "4 sites[0].routes[1].path|same path"},
		{HTTP "sites = ( { hosts = [ \"a\", \"b\" ]; },\n"
		      "{ hosts = [ \"c\", \"B\" ]; } );",
		 "3 sites[1].hosts|host \"b\" is already in sites[0]"},
		{HTTP "sites = ( { hosts = [ \"a\", \"A\" ]; } );",
		 "2 sites[0].hosts|duplicate host \"a\""},
		{HTTP "sites = ( { },\n{ hosts = [ \"*\" ]; },\n{ } );",
		 "3 sites[1].hosts|already in sites[0]\n"
		 "4 sites[2]|already in sites[1]"},
	};

	(void)state;
	EXPECT_ALL(examples);
}

static void files(void **state)
{
	static const struct example examples[] = {
		{ECHO "log = { error = \"none/e\";\naccess = \"none/a\"; };",
		 "2 log.error|none: No such file\n3 log.access|none: No such"},
		{ECHO "log = { error = \"a.conf/e\"; };",
		 "2 log.error|a.conf: Not a directory"},
		{ECHO "log = { error = \"www\"; };",
		 "2 log.error|www: Is a directory"},
		{ECHO "mime_types = \"none\";", "2 mime_types|none: No such file"},
		{ECHO "mime_types = \"www/bad.types\";",
		 "www/bad.types:2 |type/subtype"},
	};

	(void)state;
	write_text("www/bad.types", "a/b c\nx\n");
	EXPECT_ALL(examples);
}

static void all_at_once(void **state)
{
	(void)state;
	write_text("b.conf", "limits = { header = 1;\n headres = 5; };\n");
	expect("sites = ( { routes = ( { path = \"x\"; } ); } );\n"
	       "@include \"b.conf\"\n"
	       "zzz = 1;\n" HTTP "workers = 0;\n" HTTP,
	       "6 |duplicate");
	expect("sites = ( { routes = ( { path = \"x\"; } ); } );\n"
	       "@include \"b.conf\"\n"
	       "zzz = 1;\n" HTTP "workers = 0;\n",
	       "1 sites[0].routes[0].handler|required\n"
	       "1 sites[0].routes[0].path|did you mean\n"
	       "3 zzz|unknown\n"
	       "5 workers|minimum\n"
	       "b.conf:1 limits.header|minimum\n"
	       "b.conf:2 limits.headres|did you mean \"headers\"?");
}

static void includes(void **state)
{
	char text[PATH_MAX + 100];

	(void)state;
	write_text("www/one.conf", "user = \"nobody\";\nworkers = 0;");
	expect("\n  @include\t\"www/one.conf\" " ECHO "pid_file = 5;",
	       "3 pid_file|path\nwww/one.conf:2 workers|minimum");
	/* Names are relative to the main file, from wherever they stand. */
	write_text("www/two.conf", "@include \"www/one.conf\"\nzzz = 1;\n");
	expect(ECHO "@include \"www/two.conf\"\n",
	       "www/two.conf:2 zzz|unknown\nwww/one.conf:2 workers|minimum");
	snprintf(text, sizeof(text), ECHO "@include \"%s/www/one.conf\"\n", folder);
	expect(text, "www/one.conf:2 workers|minimum");
	write_text("www/three.conf", "a = ;\n");
	expect(ECHO "\n@include \"www/three.conf\"\n",
	       "www/three.conf:1 |syntax error near: a = ;");
	write_text("www/list.conf", "{ address = \"9\"; protocol = \"echo\"; }");
	expect("listeners = (\n@include \"www/list.conf\"\n);\nzzz = 1;",
	       "4 zzz|unknown");
	expect("@include \"www/empty.conf\"\n" ECHO "zzz = 1;", "3 zzz|unknown");
}

static void wrong_includes(void **state)
{
	static const struct example examples[] = {
		{"\n@include \"none.conf\"\n", "2 @include|none.conf: No such"},
		{"\n@include \"www\"\n", "2 @include|www: Is a directory"},
		{"\n@include \"\"\n", "2 @include|missing"},
		{"\n@include \"x\n", "2 @include|quote"},
		{"\n@include \"a.conf\\\"\n", "2 @include|quote"},
		{"\n@include x\n", "2 |syntax error"},
		{"\n@include\"x\"\n", "2 |syntax error"},
		{"user = @include \"x\"\n", "1 |syntax error"},
		{"\n@include \"a.conf\"\n", "2 @include|include itself"},
		{"@include \"www/open.conf\"\n\";", "www/open.conf:2 |no end"},
	};

	(void)state;
	write_text("www/open.conf", "a = 1;\nb = \"\n");
	EXPECT_ALL(examples);
}

/* What a file can do to the one who loads it. */
static void hostile(void **state)
{
	struct buf text = {0};
	char *got;

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_put_cstr(&text, "a = (");
	got = errors_of(write_bytes("a.conf", buf_str(&text).p, buf_length(&text)));
	compare("brackets", got, "1 |64 brackets");
	free(got);

	buf_release(&text);
	for (int i = 0; i < 1200; i++)
		buf_put_cstr(&text, "@include \"www/empty.conf\"\n");
	got = errors_of(write_bytes("a.conf", buf_str(&text).p, buf_length(&text)));
	compare("many files", got, "1001 @include|more than 1000 files");
	free(got);

	buf_release(&text);
	memset(buf_room(&text, 17 << 20), ' ', 17 << 20);
	buf_added(&text, 17 << 20);
	got = errors_of(write_bytes("a.conf", buf_str(&text).p, buf_length(&text)));
	compare("large", got, "0 |larger than 16m");
	free(got);
	buf_release(&text);
	expect("user\x1b[31m = 5;\n", "1 |syntax error near: user?[31m");
	expect(ECHO "log = { level = \"a\\nb\\x1b\"; };\n", "2 log.level|a?b?");
}

static int prepare(void **state)
{
	if (make_folder(state) != 0 || mkdir(in_folder("www"), 0700) != 0 ||
	    mkdir(in_folder("s"), 0700) != 0)
		return -1;
	write_text("www/types", "a/b c\n");
	write_text("www/empty.conf", "");
	return 0;
}

static int finish(void **state)
{
	buf_free_all();
	return remove_folder(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),        cmocka_unit_test(routes),
		cmocka_unit_test(numbers),         cmocka_unit_test(paths),
		cmocka_unit_test(control_group),   cmocka_unit_test(relative_file),
		cmocka_unit_test(unreadable),      cmocka_unit_test(syntax),
		cmocka_unit_test(accepted_syntax), cmocka_unit_test(nul_bytes),
		cmocka_unit_test(unknown_names),   cmocka_unit_test(wrong_types),
		cmocka_unit_test(ranges),          cmocka_unit_test(wrong_routes),
		cmocka_unit_test(listeners),       cmocka_unit_test(overlaps),
		cmocka_unit_test(files),           cmocka_unit_test(all_at_once),
		cmocka_unit_test(includes),        cmocka_unit_test(wrong_includes),
		cmocka_unit_test(hostile),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, prepare, finish);
}
