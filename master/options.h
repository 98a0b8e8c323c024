/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of holdfast(8). */
#ifndef MASTER_OPTIONS_H
#define MASTER_OPTIONS_H

#include <stdbool.h>

enum verb {
	VERB_RUN,
	VERB_CHECK,
	VERB_SHOW,
	VERB_RELOAD,
	VERB_REOPEN,
	VERB_UPGRADE,
	VERB_QUIT,
	VERB_STOP,
	VERB_STATUS,
	VERB_TOP,
	VERB_UPSTREAM,
	VERB_CONNECT,
	VERB_VERSION,
	VERB_HELP,
	VERB_USAGE, /* the command line is wrong; it was said why */
};

struct options {
	enum verb verb;
	const char *file;    /* the configuration */
	const char *control; /* --control: NULL, as the configuration says */
	bool json;           /* status and upstream --json */
	bool check;          /* status --check */
	bool verbose;        /* connect -v */
	const char *target;  /* connect's HOST:PORT */
	char words[480];     /* upstream's, with a space before each */
};

/* Says on stderr what is wrong, if it returns VERB_USAGE in options->verb. */
struct options options_parse(int argc, char **argv);

/* The help text. */
extern const char options_help[];

#endif
