/* SPDX-License-Identifier: BSD-2-Clause */
/* holdfast(8): the command line, and what each verb of it does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/title.h"
#include "conf/conf.h"
#include "master/client/ask.h"
#include "master/client/connect.h"
#include "master/client/top.h"
#include "master/load.h"
#include "master/master.h"
#include "master/lookup.h"
#include "master/options.h"
#include "master/supervise.h"
#include "master/upgrade.h"
#include "worker/worker.h"

enum { EXIT_USAGE = 2 };

static void print(FILE *to, struct buf *text)
{
	fwrite(text->storage + text->start, 1, buf_length(text), to);
	buf_release(text);
}

/* Standard output may be a full disk: then the verb has failed. */
static int printed(void)
{
	buf_free_all();
	return fflush(stdout) == EOF || ferror(stdout) ? EXIT_FAILURE
						       : EXIT_SUCCESS;
}

/* Returns NULL if the file is invalid; all its errors have been printed. */
static struct conf *load(const char *file)
{
	struct buf said;
	struct conf *conf = load_aloud(file, &said);

	buf_release(&said);
	return conf;
}

static int run(const struct options *options)
{
	static struct master master;

	log_set_process("master");
	return master_run(&master, options->file);
}

/* Users and groups that the file names, but that there are not. */
static unsigned check_names(const struct conf *conf, struct buf *said)
{
	char why[WHY_SIZE];
	struct names *names = names_find(conf, why);

	if (names == NULL)
		buf_printf(said, "%s\n", why);
	else
		free(names);
	return names == NULL;
}

static int check(const struct options *options)
{
	struct conf *conf = load(options->file);

	if (conf == NULL)
		return EXIT_FAILURE;
	struct buf said = {0};
	unsigned errors = check_names(conf, &said);

	errors += worker_check(conf, &said);
	conf_destroy(&conf);
	if (errors > 0) {
		buf_printf(&said, "%s: %u error%s\n", options->file, errors,
			   errors == 1 ? "" : "s");
		print(stderr, &said);
		return EXIT_FAILURE;
	}
	printf("%s: ok\n", options->file);
	return printed();
}

static int show(const struct options *options)
{
	struct conf *conf = load(options->file);
	struct buf text = {0};

	if (conf == NULL)
		return EXIT_FAILURE;
	conf_show(conf, &text);
	print(stdout, &text);
	conf_destroy(&conf);
	return printed();
}

/* The control socket to ask at, to be freed; NULL, with the reasons on standard
 * error, if the file does not tell. */
static char *find_control(const struct options *options)
{
	struct conf_errors errors = {0};
	struct buf said = {0};
	char *control;

	if (options->control != NULL)
		return mem_strdup(options->control);
	control = conf_find_control(options->file, &errors);
	if (control == NULL) {
		conf_errors_print(&errors, &said);
		buf_printf(
			&said,
			"refused: %s cannot be parsed, so it does not tell which "
			"server to ask; --control SOCKET names one\n",
			options->file);
		print(stderr, &said);
	}
	conf_errors_fini(&errors);
	if (control != NULL && strcmp(control, "off") == 0) {
		buf_printf(&said,
			   "refused: the server of %s has no control socket\n",
			   options->file);
		print(stderr, &said);
		free(control);
		control = NULL;
	}
	return control;
}

/* Asks the running master of the same configuration file. */
static int ask(const struct options *options, const char *verb)
{
	struct buf answer = {0};
	char *control = find_control(options);
	const struct question question = {
		control, verb, options->control != NULL ? NULL : options->file};
	enum ask_result status;

	if (control == NULL)
		return EXIT_FAILURE;
	status = ask_master(&question, &answer);
	free(control);
	if (status == ASK_NOBODY && options->control == NULL) {
		/* The errors of the file may be the reason. */
		struct conf *conf = load(options->file);

		conf_destroy(&conf);
	}
	print(status == ASK_OK ? stdout : stderr, &answer);
	return status == ASK_OK ? printed() : EXIT_FAILURE;
}

static int upstream(const struct options *options)
{
	char verb[sizeof(options->words) + 32];

	snprintf(verb, sizeof(verb), "upstream%s%s", options->json ? " --json" : "",
		 options->words);
	return ask(options, verb);
}

static int top(const struct options *options)
{
	char *control = find_control(options);
	int status = EXIT_FAILURE;

	if (control != NULL)
		status = top_run(control,
				 options->control != NULL ? NULL : options->file);
	free(control);
	return status;
}

static int act(const struct options *options)
{
	switch (options->verb) {
	case VERB_RUN:
		return run(options);
	case VERB_CHECK:
		return check(options);
	case VERB_SHOW:
		return show(options);
	case VERB_RELOAD:
		return ask(options, "reload");
	case VERB_REOPEN:
		return ask(options, "reopen");
	case VERB_UPGRADE:
		return ask(options, "upgrade");
	case VERB_QUIT:
		return ask(options, "quit");
	case VERB_STOP:
		return ask(options, "stop");
	case VERB_STATUS:
		return ask(options, options->check  ? "status --check"
				    : options->json ? "status --json"
						    : "status");
	case VERB_UPSTREAM:
		return upstream(options);
	case VERB_TOP:
		return top(options);
	case VERB_CONNECT:
		return connect_run(options->target, options->verbose);
	case VERB_VERSION:
		printf("holdfast " PACKAGE_VERSION "\n");
		return printed();
	case VERB_HELP:
		fputs(options_help, stdout);
		return printed();
	case VERB_USAGE:
		return EXIT_USAGE;
	}
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	fd_fill_standard();
	argv = title_init(argc, argv);
	upgrade_remember_program(argv[0]);
	struct options options = options_parse(argc, argv);

	if (options.verb == VERB_RUN)
		supervise_block_signals();
	int status = act(&options);

	title_fini();
	return status;
}
