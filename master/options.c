/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A verb may be given as a word, or as the option that people know from
 * other servers: -t, -T, -s reload. Options stand before or after the verb.
 */
#include "master/options.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

const char options_help[] =
	"usage: holdfast [-c FILE] [VERB]\n"
	"\n"
	"  run                     serve in the foreground (the default)\n"
	"  check   (-t)            check the configuration\n"
	"  show    (-T)            print the effective configuration\n"
	"  reload  (-s reload)     load the configuration again; wait for the "
	"outcome\n"
	"  reopen  (-s reopen)     open the log files again\n"
	"  upgrade                 replace the program by the one on disk; wait\n"
	"  quit    (-s quit)       finish what is begun, then end; wait\n"
	"  stop    (-s stop)       end now\n"
	"  status [--json]         what the running server does\n"
	"  status --check          whether it is well, by the exit status\n"
	"  top                     the same, live\n"
	"  upstream [--json] [NAME]\n"
	"                          the servers of upstreams; and, at run time:\n"
	"  upstream NAME SERVER enable|drain|disable|weight N\n"
	"  upstream NAME add ADDRESS [weight N]\n"
	"  upstream NAME remove SERVER\n"
	"  connect [-v] HOST:PORT  talk to a server by lines\n"
	"\n"
	"  -c FILE           the configuration (" HOLDFAST_CONF ")\n"
	"  --control SOCKET  the server to ask, whatever file it runs\n"
	"  -v                version\n"
	"  -h                this help\n";

static const struct {
	const char *name;
	enum verb verb;
	bool by_signal_option; /* -s NAME */
} verbs[] = {
	{"run", VERB_RUN, false},           {"check", VERB_CHECK, false},
	{"show", VERB_SHOW, false},         {"reload", VERB_RELOAD, true},
	{"reopen", VERB_REOPEN, true},      {"upgrade", VERB_UPGRADE, true},
	{"quit", VERB_QUIT, true},          {"stop", VERB_STOP, true},
	{"status", VERB_STATUS, false},     {"top", VERB_TOP, false},
	{"upstream", VERB_UPSTREAM, false}, {"connect", VERB_CONNECT, false},
};

struct parser {
	struct options options;
	bool verb_given;
};

__attribute__((format(printf, 2, 3))) static void complain(struct parser *p,
							   const char *format, ...)
{
	va_list args;

	if (p->options.verb == VERB_USAGE)
		return;
	p->options.verb = VERB_USAGE;
	va_start(args, format);
	fputs("holdfast: ", stderr);
	vfprintf(stderr, format, args);
	fputs("\nTry \"holdfast -h\".\n", stderr);
	va_end(args);
}

static void set_verb(struct parser *p, enum verb verb, const char *text)
{
	if (p->verb_given)
		complain(p, "only one verb is allowed: unexpected \"%s\"", text);
	else if (p->options.verb != VERB_USAGE)
		p->options.verb = verb;
	p->verb_given = true;
}

static void take_verb(struct parser *p, const char *name, bool by_signal)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(verbs[i].name, name) == 0 &&
		    (!by_signal || verbs[i].by_signal_option)) {
			set_verb(p, verbs[i].verb, name);
			return;
		}
	complain(p,
		 by_signal ? "-s takes reload, reopen, upgrade, quit or stop, not "
			     "\"%s\""
			   : "unknown verb \"%s\"",
		 name);
}

/* They go to the master as one line. */
static void take_upstream_word(struct parser *p, const char *word)
{
	char *words = p->options.words;
	size_t n = strlen(words), size = sizeof(p->options.words) - n;

	for (const char *c = word; *c != '\0'; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f) {
			complain(p, "no name of an upstream or a server has "
				    "spaces or control characters");
			return;
		}
	if (word[0] == '\0')
		complain(p, "a name is empty");
	else if ((size_t)snprintf(words + n, size, " %s", word) >= size)
		complain(p, "the names are too long");
}

static void take_word(struct parser *p, const char *word)
{
	if (!p->verb_given)
		take_verb(p, word, false);
	else if (p->options.verb == VERB_UPSTREAM)
		take_upstream_word(p, word);
	else if (p->options.verb == VERB_CONNECT && p->options.target == NULL)
		p->options.target = word;
	else
		complain(p, "unexpected argument \"%s\"", word);
}

static const char *argument(struct parser *p, int argc, char **argv, int *i)
{
	if (*i + 1 < argc)
		return argv[++*i];
	complain(p, "%s needs an argument", argv[*i]);
	return "";
}

static void take_option(struct parser *p, int argc, char **argv, int *i)
{
	const char *option = argv[*i];

	if (strcmp(option, "-c") == 0)
		p->options.file = argument(p, argc, argv, i);
	else if (strcmp(option, "-t") == 0)
		set_verb(p, VERB_CHECK, option);
	else if (strcmp(option, "-T") == 0)
		set_verb(p, VERB_SHOW, option);
	else if (strcmp(option, "-s") == 0)
		take_verb(p, argument(p, argc, argv, i), true);
	else if (strcmp(option, "-h") == 0 || strcmp(option, "--help") == 0)
		set_verb(p, VERB_HELP, option);
	else if (strcmp(option, "--version") == 0)
		set_verb(p, VERB_VERSION, option);
	else if (strcmp(option, "--control") == 0)
		p->options.control = argument(p, argc, argv, i);
	else if (strcmp(option, "--json") == 0)
		p->options.json = true;
	else if (strcmp(option, "--check") == 0)
		p->options.check = true;
	else if (strcmp(option, "-v") == 0)
		p->options.verbose = true;
	else
		complain(p, "unknown option \"%s\"", option);
}

static bool asks_a_master(enum verb verb)
{
	return verb == VERB_RELOAD || verb == VERB_REOPEN || verb == VERB_UPGRADE ||
	       verb == VERB_QUIT || verb == VERB_STOP || verb == VERB_STATUS ||
	       verb == VERB_TOP || verb == VERB_UPSTREAM;
}

/* Mistakes that show when all words were read. */
static void check(struct parser *p)
{
	struct options *o = &p->options;

	if (o->verbose && !p->verb_given)
		o->verb = VERB_VERSION;
	else if (o->verbose && o->verb != VERB_CONNECT)
		complain(p, "-v belongs to connect, or stands alone");
	if (o->json && o->verb != VERB_STATUS && o->verb != VERB_UPSTREAM)
		complain(p, "--json belongs to status and upstream");
	if (o->check && o->verb != VERB_STATUS)
		complain(p, "--check belongs to status");
	else if (o->check && o->json)
		complain(p, "--check has no JSON");
	if (o->verb == VERB_CONNECT && o->target == NULL)
		complain(p, "connect needs HOST:PORT");
	else if (o->verb == VERB_CONNECT && strchr(o->target, ':') == NULL)
		complain(p, "connect needs HOST:PORT, and \"%s\" has no port",
			 o->target);
	if (o->control != NULL && !asks_a_master(o->verb))
		complain(p, "--control belongs to verbs that ask a server");
	else if (o->control != NULL && o->control[0] == '\0')
		complain(p, "--control needs the name of a socket");
	if (o->file[0] == '\0')
		complain(p, "-c needs the name of a file");
}

struct options options_parse(int argc, char **argv)
{
	struct parser p = {.options = {.file = HOLDFAST_CONF}};

	for (int i = 1; i < argc && p.options.verb != VERB_USAGE; i++)
		if (argv[i][0] == '-' && argv[i][1] != '\0')
			take_option(&p, argc, argv, &i);
		else
			take_word(&p, argv[i]);
	if (p.options.verb != VERB_USAGE)
		check(&p);
	return p.options;
}
