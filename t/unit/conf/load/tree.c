/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading, showing and documenting groups in every place where a schema may
 * put them, by a schema of this test's own: lists in lists, a group that may
 * be absent, a value in place of a group (of text, and of true or false), a
 * value or an array in place of a list of groups.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "conf/load/tree.h"
#include "conf/print/reference.h"
#include "conf/print/show.h"
#include "t/unit/conf/folder.h"

struct server {
	const char *address;
	struct addr addr;
	uint64_t weight;
};
struct tls {
	bool on;
	const char *ca;
};
struct health {
	const char *path;
	uint64_t interval;
};
struct pool {
	const char *name;
	struct server *servers;
	size_t n_servers;
	struct tls tls;
	struct health *health;
	struct conf_origin origin;
};
struct whole {
	struct pool *pools;
	size_t n_pools;
	struct server backup;
};

/* clang-format off */
#define SERVER(field) .offset = offsetof(struct server, field)
static const struct schema_setting server_settings[] = {
	{.name = "address", SERVER(address), .also = offsetof(struct server, addr),
	 .type = &type_address, .required = true, .help = "Where it is."},
	{.name = "weight", .old_name = "share", SERVER(weight),
	 .type = &type_count, .fallback = "1", .min = 1, .max = 100,
	 .help = "Its share."},
};
static const struct schema_group server_group = {
	.title = "pools[].servers[]", .size = sizeof(struct server),
	SCHEMA_ROWS(server_settings), .help = "The servers.",
};

#define TLS(field) .offset = offsetof(struct tls, field)
static const struct schema_setting tls_settings[] = {
	{.name = "on", TLS(on), .type = &type_boolean, .fallback = "true",
	 .help = "Whether."},
	{.name = "ca", TLS(ca), .type = &type_path, .fallback = "",
	 .help = "Whom to trust."},
};
static const struct schema_group tls_group = {
	.title = "pools[].tls", .size = sizeof(struct tls),
	SCHEMA_ROWS(tls_settings), .help = "To the servers.",
};

#define HEALTH(field) .offset = offsetof(struct health, field)
static const struct schema_setting health_settings[] = {
	{.name = "path", HEALTH(path), .type = &type_string, .required = true,
	 .help = "What is asked for."},
	{.name = "interval", HEALTH(interval), .type = &type_duration,
	 .fallback = "2s", .min = 1, .max = 60000, .help = "How often."},
};
static const struct schema_group health_group = {
	.title = "pools[].health", .size = sizeof(struct health),
	SCHEMA_ROWS(health_settings), .help = "Health.",
};

#define POOL(field) .offset = offsetof(struct pool, field)
static const struct schema_setting pool_settings[] = {
	{.name = "name", POOL(name), .type = &type_token, .required = true,
	 .help = "Its name."},
	{.name = "servers", POOL(servers), .type = &type_groups,
	 .also = offsetof(struct pool, n_servers), .required = true,
	 .group = &server_group, .brief = "address", .help = "Its servers."},
	{.name = "tls", POOL(tls), .type = &type_group, .fallback = "false",
	 .group = &tls_group, .brief = "on", .help = "Encrypted."},
	{.name = "health", POOL(health), .type = &type_optional_group,
	 .group = &health_group},
};
static const struct schema_group pool_group = {
	.title = "pools[]", .size = sizeof(struct pool),
	.has_origin = true, .origin = offsetof(struct pool, origin),
	SCHEMA_ROWS(pool_settings), .help = "The pools.",
};

#define WHOLE(field) .offset = offsetof(struct whole, field)
static const struct schema_setting whole_settings[] = {
	{.name = "pools", WHOLE(pools), .type = &type_groups,
	 .also = offsetof(struct whole, n_pools), .group = &pool_group},
	{.name = "backup", WHOLE(backup), .type = &type_group,
	 .group = &server_group, .brief = "address", .fallback = "1",
	 .help = "Another server."},
};
static const struct schema_group whole_group = {
	.title = "", .size = sizeof(struct whole), SCHEMA_ROWS(whole_settings),
	.help = "All.",
};
/* clang-format on */

static struct arena arena;
static struct whole whole;

/* Reads `text` into `whole`; returns its errors, "" when there are none. */
static const char *errors_of(const char *text)
{
	struct conf_errors errors = {0};
	struct source source = {.arena = &arena};
	struct tree tree = {
		.context = {&arena, folder}, .errors = &errors, .source = &source};
	const char *path = write_bytes("a.conf", text, strlen(text));
	struct str all = {"", 0};
	config_t config;

	memset(&whole, 0, sizeof(whole));
	assert_true(source_read(&source, path, &errors));
	config_init(&config);
	if (config_read_string(&config, buf_str(&source.text).p) != CONFIG_TRUE)
		fail_msg("%s\n%s", text, config_error_text(&config));
	tree_read(&tree, &whole_group, config_root_setting(&config), &whole);
	for (size_t i = 0; i < errors.n; i++)
		all = arena_printf(&arena, "%.*s%d %s\n", STR_ARG(all),
				   errors.items[i].line, errors.items[i].text);
	config_destroy(&config);
	conf_errors_fini(&errors);
	locations_fini(&tree.locations);
	source_fini(&source);
	return arena_cstr(&arena, all);
}

static void read_well(const char *text)
{
	assert_string_equal(errors_of(text), "");
}

/* What is shown of `text`, which then shows as itself. */
static const char *shown(const char *text)
{
	struct buf out = {0};

	read_well(text);
	show_group(&out, &whole_group, &whole, 0);
	const char *once = arena_cstr(&arena, buf_str(&out));

	buf_release(&out);
	read_well(once);
	show_group(&out, &whole_group, &whole, 0);
	assert_string_equal(arena_cstr(&arena, buf_str(&out)), once);
	buf_release(&out);
	return once;
}

static void expect(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no \"%s\" in\n%s", part, text);
}

static void lists_in_lists(void **state)
{
	(void)state;
	read_well("pools = ( { name = \"a\"; servers = ( { address = \"1\"; },\n"
		  "{ address = \"2\"; weight = 7; } ); },\n"
		  "{ name = \"b\"; servers = ( { address = \"3\"; } ); } );");
	assert_int_equal(whole.n_pools, 2);
	assert_int_equal(whole.pools[0].n_servers, 2);
	assert_int_equal(whole.pools[1].n_servers, 1);
	assert_int_equal(addr_port(&whole.pools[0].servers[1].addr), 2);
	assert_int_equal(whole.pools[0].servers[1].weight, 7);
	assert_int_equal(whole.pools[0].servers[0].weight, 1);
	assert_int_equal(addr_port(&whole.pools[1].servers[0].addr), 3);
	assert_string_equal(whole.pools[1].origin.where, "pools[1]");
	assert_int_equal(whole.pools[1].origin.line, 3);
}

static void values_for_lists(void **state)
{
	static const struct {
		const char *servers;
		size_t n;
	} cases[] = {
		{"\"7\"", 1},
		{"[ \"7\", \"8\" ]", 2},
		{"( \"7\", { address = \"8\"; weight = 2; }, \"9\" )", 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[200];

		snprintf(text, sizeof(text),
			 "pools = ( { name = \"a\"; servers = %s; } );",
			 cases[i].servers);
		read_well(text);
		assert_int_equal(whole.pools[0].n_servers, cases[i].n);
		for (size_t k = 0; k < cases[i].n; k++) {
			const struct server *s = &whole.pools[0].servers[k];

			assert_int_equal(addr_port(&s->addr), 7 + k);
			assert_int_equal(s->weight, k == 1 && i == 2 ? 2 : 1);
		}
	}
}

static void boolean_or_group(void **state)
{
	static const struct {
		const char *tls;
		bool on;
		const char *ca, *shows;
	} cases[] = {
		{"", false, "", "tls = false;"},
		{"tls = false;", false, "", "tls = false;"},
		{"tls = true;", true, "", "tls = true;"},
		{"tls = { };", true, "", "tls = true;"},
		{"tls = { ca = \"/c\"; };", true, "/c",
		 "tls = {\n\t\t\ton = true;\n\t\t\tca = \"/c\";\n\t\t};"},
		{"tls = { on = false; ca = \"/c\"; };", false, "/c", "on = false;"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[200];

		snprintf(text, sizeof(text),
			 "pools = ( { name = \"a\"; servers = \"1\"; %s } );",
			 cases[i].tls);
		expect(shown(text), cases[i].shows);
		assert_int_equal(whole.pools[0].tls.on, cases[i].on);
		assert_string_equal(whole.pools[0].tls.ca, cases[i].ca);
	}
}

static void group_that_may_be_absent(void **state)
{
	(void)state;
	read_well("pools = ( { name = \"a\"; servers = \"1\"; } );");
	assert_null(whole.pools[0].health);
	read_well("pools = ( { name = \"a\"; servers = \"1\";\n"
		  "health = { path = \"/h\"; }; } );");
	assert_string_equal(whole.pools[0].health->path, "/h");
	assert_int_equal(whole.pools[0].health->interval, 2000);
	assert_string_equal(errors_of("pools = ( { name = \"a\"; servers = \"1\";\n"
				      "health = { }; } );"),
			    "2 pools[0].health.path: is required\n");
}

static void shows_the_shortest(void **state)
{
	(void)state;
	assert_string_equal(
		shown("pools = ( { name = \"a\"; servers = ( { address = \"1\"; } "
		      ");"
		      "health = { path = \"/\"; interval = 3; }; } );\n"
		      "backup = { address = \"9\"; };"),
		"\npools = (\n\t{\n\t\tname = \"a\";\n\t\tservers = \"*:1\";\n"
		"\t\ttls = false;\n\t\thealth = {\n\t\t\tpath = \"/\";\n"
		"\t\t\tinterval = \"3s\";\n\t\t};\n\t}\n);\n"
		"backup = \"*:9\";\n");
	expect(shown("pools = ( { name = \"a\"; servers = ( \"1\",\n"
		     "{ address = \"2\"; weight = 3; } ); } );"),
	       "\t\tservers = (\n\t\t\t\"*:1\",\n\t\t\t{\n"
	       "\t\t\t\taddress = \"*:2\";\n\t\t\t\tweight = "
	       "3;\n\t\t\t}\n\t\t);\n");
}

static void old_names(void **state)
{
	(void)state;
	expect(shown("backup = { address = \"9\"; share = 5; };"), "weight = 5;");
	assert_string_equal(errors_of("backup = { address = \"9\";\n"
				      "share = 5; weight = 6; };"),
			    "2 backup.share: this is the old name of weight, "
			    "which is given, too\n");
	assert_string_equal(errors_of("backup = { address = \"9\"; share = 0; };"),
			    "1 backup.share: 0 is below the minimum, 1\n");
}

static void errors(void **state)
{
	static const struct {
		const char *text, *errors;
	} cases[] = {
		{"pools = { };",
		 "1 pools: expected a list of groups ( { }, { } ), found a group "
		 "{ }\n"},
		{"pools = ( 1 );",
		 "1 pools[0]: expected a group { }, found a number\n"},
		{"pools = ( { name = \"a\"; } );",
		 "1 pools[0].servers: is required\n"},
		{"pools = ( { name = \"a\"; servers = ( ); } );",
		 "1 pools[0].servers: must not be empty\n"},
		{"pools = ( { name = \"a\"; servers = 7; } );",
		 "1 pools[0].servers: expected an address in quotes such as "
		 "\"127.0.0.1:8080\" or a list of groups ( { }, { } ), found a "
		 "number\n"},
		{"pools = ( { name = \"a\";\nservers = ( \"1\",\n\"x:y:z\", 5 ); } "
		 ");",
		 "3 pools[0].servers[1]: "},
		{"pools = ( { name = \"a\"; servers = \"1\"; tls = \"yes\"; } );",
		 "1 pools[0].tls: expected true or false or a group { }, found a "
		 "string\n"},
		{"pools = ( { name = \"a\"; servers = ( { weight = 2; } ); } );",
		 "1 pools[0].servers[0].address: is required\n"},
		{"pools = ( { name = \"a\"; servers = ( { adress = \"1\"; } ); } "
		 ");",
		 "1 pools[0].servers[0].adress: unknown setting; did you mean "
		 "\"address\"?\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *got = errors_of(cases[i].text);

		expect(got, cases[i].errors);
	}
}

static void reference(void **state)
{
	struct buf out = {0};

	(void)state;
	reference_put(&out, &whole_group, "Top");
	const char *text = arena_cstr(&arena, buf_str(&out));

	buf_release(&out);
	expect(text, ".SS \"List pools[]\"\nThe pools.\n.TP\n\\fBname\\fR (name, "
		     "required)\nIts name.\n.TP\n\\fBservers\\fR (address, or a "
		     "list of groups)\nIts servers.\nSee list "
		     "\\fBpools[].servers[]\\fR below.\n");
	expect(text, "\\fBtls\\fR (true or false, or a group)\nEncrypted.\n"
		     "Default: \\fBfalse\\fR.\n");
	expect(text, ".SS \"Group pools[].health\"\n");
	expect(text, "It was \\fBshare\\fR, which is still accepted.\n");
}

static int finish(void **state)
{
	arena_fini(&arena);
	buf_free_all();
	return remove_folder(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_in_lists),
		cmocka_unit_test(values_for_lists),
		cmocka_unit_test(boolean_or_group),
		cmocka_unit_test(group_that_may_be_absent),
		cmocka_unit_test(shows_the_shortest),
		cmocka_unit_test(old_names),
		cmocka_unit_test(errors),
		cmocka_unit_test(reference),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_folder, finish);
}
