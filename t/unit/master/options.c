/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line: every verb, every option, and every mistake with what is
 * said of it, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "master/options.h"

enum { MOST_WORDS = 16 };

static char said[4096]; /* on stderr, by the last parse() */

/* `line` is the words after the program's name; "''" is an empty one. */
static struct options parse(const char *line)
{
	/* The options point into it. */
	static char words[1000], name[] = "holdfast", empty[] = "";
	char *argv[MOST_WORDS + 2] = {name}, *save;
	int argc = 1, saved, file = memfd_create("stderr", MFD_CLOEXEC);

	snprintf(words, sizeof(words), "%s", line);
	for (char *w = strtok_r(words, " ", &save); w != NULL;
	     w = strtok_r(NULL, " ", &save)) {
		assert_true(argc <= MOST_WORDS);
		argv[argc++] = strcmp(w, "''") == 0 ? empty : w;
	}
	fflush(stderr);
	saved = dup(STDERR_FILENO);
	assert_true(file >= 0 && saved >= 0);
	dup2(file, STDERR_FILENO);
	struct options options = options_parse(argc, argv);

	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	fd_close(&saved);
	ssize_t n = pread(file, said, sizeof(said) - 1, 0);

	fd_close(&file);
	assert_true(n >= 0);
	said[n] = '\0';
	return options;
}

static void expect(const char *line, struct options wanted)
{
	struct options got = parse(line);

	if (got.verb != wanted.verb)
		fail_msg("%s: verb %d, not %d; %s", line, (int)got.verb,
			 (int)wanted.verb, said);
	assert_string_equal(said, "");
	assert_string_equal(got.file, wanted.file ? wanted.file : HOLDFAST_CONF);
	assert_int_equal(got.json, wanted.json);
	assert_int_equal(got.verbose, wanted.verbose);
	if (wanted.target == NULL)
		assert_null(got.target);
	else
		assert_string_equal(got.target, wanted.target);
}

static void refuse(const char *line, const char *says)
{
	struct options got = parse(line);

	if (got.verb != VERB_USAGE)
		fail_msg("%s: verb %d", line, (int)got.verb);
	if (strstr(said, says) == NULL)
		fail_msg("%s: \"%s\" does not say \"%s\"", line, said, says);
	/* One mistake is one complaint, and where help is. */
	assert_memory_equal(said, "holdfast: ", 10);
	const char *end = strchr(said, '\n');

	assert_non_null(end);
	assert_string_equal(end, "\nTry \"holdfast -h\".\n");
}

static void verbs(void **state)
{
	static const struct {
		const char *name;
		enum verb verb;
	} all[] = {
		{"run", VERB_RUN},       {"check", VERB_CHECK},
		{"show", VERB_SHOW},     {"reload", VERB_RELOAD},
		{"reopen", VERB_REOPEN}, {"upgrade", VERB_UPGRADE},
		{"quit", VERB_QUIT},     {"stop", VERB_STOP},
		{"status", VERB_STATUS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		char line[100];

		expect(all[i].name, (struct options){.verb = all[i].verb});
		snprintf(line, sizeof(line), "-c /f %s", all[i].name);
		expect(line, (struct options){.verb = all[i].verb, .file = "/f"});
		snprintf(line, sizeof(line), "%s -c /f", all[i].name);
		expect(line, (struct options){.verb = all[i].verb, .file = "/f"});
		snprintf(line, sizeof(line), "  %s", all[i].name);
		assert_non_null(strstr(options_help, line));
	}
}

/* What it means is for the server to say. */
static void upstream(void **state)
{
	(void)state;
	expect("upstream", (struct options){.verb = VERB_UPSTREAM});
	assert_string_equal(parse("upstream").words, "");
	assert_string_equal(parse("upstream app a:1 weight 5 -c f").words,
			    " app a:1 weight 5");
	assert_true(parse("upstream app --json").json);
	assert_string_equal(parse("--control s upstream app").control, "s");
}

static void too_long(void **state)
{
	char line[sizeof(((struct options *)0)->words) + 32] = "upstream ";

	(void)state;
	memset(line + 9, 'x', sizeof(((struct options *)0)->words) - 1);
	assert_int_equal(parse(line).verb, VERB_USAGE);
	assert_non_null(strstr(said, "the names are too long"));
	line[sizeof(((struct options *)0)->words) + 6] = '\0';
	assert_int_equal(parse(line).verb, VERB_UPSTREAM);
}

static void options(void **state)
{
	(void)state;
	expect("", (struct options){.verb = VERB_RUN});
	expect("-c a.conf", (struct options){.verb = VERB_RUN, .file = "a.conf"});
	expect("-c a -c b", (struct options){.verb = VERB_RUN, .file = "b"});
	expect("-c -x", (struct options){.verb = VERB_RUN, .file = "-x"});
	expect("-t", (struct options){.verb = VERB_CHECK});
	expect("-T", (struct options){.verb = VERB_SHOW});
	expect("-t -c f", (struct options){.verb = VERB_CHECK, .file = "f"});
	expect("-h", (struct options){.verb = VERB_HELP});
	expect("--help", (struct options){.verb = VERB_HELP});
	expect("-v", (struct options){.verb = VERB_VERSION, .verbose = true});
	expect("--version", (struct options){.verb = VERB_VERSION});
	expect("-s reload", (struct options){.verb = VERB_RELOAD});
	expect("-s reopen", (struct options){.verb = VERB_REOPEN});
	expect("-s upgrade", (struct options){.verb = VERB_UPGRADE});
	expect("-s quit -c f", (struct options){.verb = VERB_QUIT, .file = "f"});
	expect("-c f -s stop", (struct options){.verb = VERB_STOP, .file = "f"});
	expect("status --json",
	       (struct options){.verb = VERB_STATUS, .json = true});
	expect("--json status",
	       (struct options){.verb = VERB_STATUS, .json = true});
}

static void control_names_a_server(void **state)
{
	struct options options = parse("--control a.sock stop");

	(void)state;
	assert_int_equal(options.verb, VERB_STOP);
	assert_string_equal(options.control, "a.sock");
	options = parse("top --control b.sock");
	assert_int_equal(options.verb, VERB_TOP);
	assert_string_equal(options.control, "b.sock");
	assert_null(parse("stop").control);
}

static void connect_has_a_target(void **state)
{
	const struct options quiet = {.verb = VERB_CONNECT, .target = "h:80"};
	const struct options verbose = {
		.verb = VERB_CONNECT, .target = "h:80", .verbose = true};

	(void)state;
	expect("connect h:80", quiet);
	expect("connect -v h:80", verbose);
	expect("connect h:80 -v", verbose);
	expect("-v connect h:80", verbose);
	refuse("connect", "connect needs HOST:PORT");
	refuse("connect -v", "connect needs HOST:PORT");
	refuse("connect a:1 b:2", "unexpected argument \"b:2\"");
	refuse("h:80 connect", "unknown verb \"h:80\"");
}

static void mistakes(void **state)
{
	static const struct {
		const char *line, *says;
	} cases[] = {
		{"start", "unknown verb \"start\""},
		{"Run", "unknown verb \"Run\""},
		{"''", "unknown verb \"\""},
		{"-", "unknown verb \"-\""},
		{"-x", "unknown option \"-x\""},
		{"--", "unknown option \"--\""},
		{"--verbose", "unknown option \"--verbose\""},
		{"-cfile", "unknown option \"-cfile\""},
		{"-c", "-c needs an argument"},
		{"run -c", "-c needs an argument"},
		{"-c ''", "-c needs the name of a file"},
		{"--control", "--control needs an argument"},
		{"--control '' stop", "--control needs the name of a socket"},
		{"--control a.sock run", "--control belongs to verbs that ask"},
		{"check --control a.sock", "--control belongs to verbs that ask"},
		{"-s", "-s needs an argument"},
		{"-s status", "not \"status\""},
		{"-s run", "not \"run\""},
		{"-s ''", "not \"\""},
		{"-s kill", "-s takes reload, reopen, upgrade, quit or stop"},
		{"run check", "unexpected argument \"check\""},
		{"run run", "unexpected argument \"run\""},
		{"-t run", "unexpected argument \"run\""},
		{"run -t", "only one verb is allowed: unexpected \"-t\""},
		{"-t -T", "only one verb is allowed: unexpected \"-T\""},
		{"-s stop -s quit",
		 "only one verb is allowed: unexpected \"quit\""},
		{"reload -h", "only one verb is allowed: unexpected \"-h\""},
		{"-h --version",
		 "only one verb is allowed: unexpected \"--version\""},
		{"-v run", "-v belongs to connect"},
		{"status -v", "-v belongs to connect"},
		{"--json", "--json belongs to status"},
		{"run --json", "--json belongs to status"},
		{"connect h:80 --json", "--json belongs to status"},
		{"-v --json", "--json belongs to status"},
		{"status h:80", "unexpected argument \"h:80\""},
		{"upstream app a\tb drain",
		 "no name of an upstream or a server has"},
		{"upstream ''", "a name is empty"},
		{"upstream -v", "-v belongs to connect"},
		/* The first of several. */
		{"-x -y start", "unknown option \"-x\""},
		{"start --json -v", "unknown verb \"start\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		refuse(cases[i].line, cases[i].says);
}

static void no_arguments_at_all(void **state)
{
	char *argv[] = {NULL};

	(void)state;
	assert_int_equal(options_parse(0, argv).verb, VERB_RUN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verbs),
		cmocka_unit_test(options),
		cmocka_unit_test(upstream),
		cmocka_unit_test(too_long),
		cmocka_unit_test(control_names_a_server),
		cmocka_unit_test(connect_has_a_target),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(no_arguments_at_all),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
