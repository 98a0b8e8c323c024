/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/supervise.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "master/lifecycle.h"
#include "master/report/status.h"

static const int taken[] = {SIGCHLD, SIGHUP, SIGUSR2, SIGUSR1, SIGTERM,
			    SIGQUIT, SIGINT, SIGTTIN, SIGTTOU};
enum { TAKEN = sizeof(taken) / sizeof(*taken) };

/* A supervisor may signal the group and the process: the second of two within
 * this time is the same request. */
enum { TERM_APART_MS = 100 };

/* SIGCHLD aside: the event of each. */
static const struct {
	int number;
	enum event event;
} meanings[] = {
	{SIGHUP, EVENT_RELOAD}, {SIGUSR1, EVENT_REOPEN}, {SIGUSR2, EVENT_UPGRADE},
	{SIGTERM, EVENT_TERM},  {SIGQUIT, EVENT_TERM},   {SIGINT, EVENT_STOP},
	{SIGTTIN, EVENT_MORE},  {SIGTTOU, EVENT_FEWER},
};

/* The verbs whose outcome is a verdict. */
static const struct {
	const char *name;
	enum event event;
} verbs[] = {
	{"reload", EVENT_RELOAD},   {"reopen", EVENT_REOPEN},
	{"upgrade", EVENT_UPGRADE}, {"quit", EVENT_QUIT},
	{"stop", EVENT_STOP},
};

void supervise_block_signals(void)
{
	signals_block(taken, TAKEN);
}

static bool is_repeated(struct supervision *s)
{
	uint64_t now = clock_read();
	bool repeated =
		s->term_at != 0 && now - s->term_at < TERM_APART_MS * NS_PER_MS;

	s->term_at = now;
	return repeated;
}

static void on_signal(struct signals *signals, int number)
{
	struct supervision *s = CONTAINER_OF(signals, struct supervision, signals);

	if (number == SIGCHLD) {
		children_reap(&s->master->children);
		return;
	}
	log_info("got %s", strsignal(number));
	if ((number == SIGTERM || number == SIGQUIT) && is_repeated(s))
		return;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (meanings[i].number == number)
			lifecycle_ask(s->master, meanings[i].event, NULL);
}

static void answer_status(struct master *m, struct control_client *client,
			  void (*write)(struct master *m, struct buf *out))
{
	struct buf text = {0};

	write(m, &text);
	control_answer(client, true, buf_str(&text));
	buf_release(&text);
}

static void answer_check(struct master *m, struct control_client *client)
{
	struct buf text = {0};
	bool is_well = status_check(m, &text);

	control_answer(client, is_well, buf_str(&text));
	buf_release(&text);
}

static void ask(struct master *m, struct control_client *client, const char *verb)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (strcmp(verb, verbs[i].name) == 0) {
			lifecycle_ask(m, verbs[i].event, client);
			return;
		}
	control_answer(client, false, STR("unknown command\n"));
}

/* `file` is "DEVICE:INODE PATH" of the file that a client means. It is the one
 * that we run if its name is, or if both names lead to one file now. */
static bool is_our_file(const struct master *m, const char *file)
{
	const char *path = strchr(file, ' ');
	uintmax_t device = 0, inode = 0;
	struct stat st;

	if (path != NULL && m->serving != NULL &&
	    strcmp(path + 1, m->serving->conf->file) == 0)
		return true;
	return sscanf(file, "%ju:%ju", &device, &inode) == 2 &&
	       stat(m->file, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static void refuse_file(const struct master *m, struct control_client *client,
			const char *file)
{
	const char *path = strchr(file, ' ');
	struct buf text = {0};

	buf_printf(&text, "refused: this server runs %s, not %s\n", m->file,
		   path != NULL ? path + 1 : file);
	control_answer(client, false, buf_str(&text));
	buf_release(&text);
}

static bool is_about_upstreams(const char *verb)
{
	return strncmp(verb, "upstream", 8) == 0 &&
	       (verb[8] == ' ' || verb[8] == '\0');
}

static void on_verb(struct control *control, struct control_client *client,
		    const char *verb, const char *file)
{
	struct master *m = CONTAINER_OF(control, struct master, control);

	if (file != NULL && !is_our_file(m, file))
		refuse_file(m, client, file);
	else if (strcmp(verb, "status") == 0)
		answer_status(m, client, status_text);
	else if (strcmp(verb, "status --json") == 0)
		answer_status(m, client, status_json);
	else if (strcmp(verb, "status --lines") == 0)
		answer_status(m, client, status_lines);
	else if (strcmp(verb, "status --check") == 0)
		answer_check(m, client);
	else if (is_about_upstreams(verb) && !servers_are_changed_by(verb + 8))
		servers_show(m, client, verb + 8);
	else if (client->rights != CONTROL_ALL)
		control_answer(client, false,
			       STR("refused: only root and the server's user may "
				   "do more than look: status, top, upstream\n"));
	else if (is_about_upstreams(verb))
		servers_change(m, client, verb + 8);
	else
		ask(m, client, verb);
}

static void on_tick_end(struct loop *loop)
{
	struct master *m = loop->context;

	control_free_closed(&m->control);
}

int supervise_open(struct supervision *s, struct master *master)
{
	*s = (struct supervision){.master = master};
	s->signals.on_signal = on_signal;
	s->signals.watch.fd = -1;
	master->control.on_verb = on_verb;
	master->loop.on_tick_end = on_tick_end;
	master->loop.context = master;
	return signals_open(&s->signals, &master->loop, taken, TAKEN);
}

void supervise_close(struct supervision *s)
{
	signals_close(&s->signals);
}
