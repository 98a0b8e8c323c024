/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/supervise.h"

#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "master/report/status.h"

static const int taken[] = {SIGCHLD, SIGHUP, SIGUSR2, SIGUSR1, SIGTERM,
			    SIGQUIT, SIGINT, SIGTTIN, SIGTTOU};
enum { TAKEN = sizeof(taken) / sizeof(*taken) };

/* SIGCHLD aside: what each means. */
static const struct {
	int number;
	enum event event;
} meanings[] = {
	{SIGHUP, EVENT_RELOAD}, {SIGUSR1, EVENT_REOPEN}, {SIGUSR2, EVENT_UPGRADE},
	{SIGTERM, EVENT_QUIT},  {SIGQUIT, EVENT_QUIT},   {SIGINT, EVENT_STOP},
	{SIGTTIN, EVENT_MORE},  {SIGTTOU, EVENT_FEWER},
};

void supervise_block_signals(void)
{
	signals_block(taken, TAKEN);
}

static void on_signal(struct signals *signals, int number)
{
	struct supervision *s = CONTAINER_OF(signals, struct supervision, signals);

	if (number == SIGCHLD) {
		children_reap(&s->master->children);
		return;
	}
	log_info("got %s", strsignal(number));
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (meanings[i].number == number)
			lifecycle_event(s->master, meanings[i].event);
	/* A reason that nobody asked for was logged, and is not kept. */
	buf_release(&s->master->errors);
}

static void answer_status(struct master *m, struct control_client *client,
			  void (*write)(struct master *m, struct buf *out))
{
	struct buf text = {0};

	write(m, &text);
	control_answer(client, true, buf_str(&text));
	buf_release(&text);
}

static void answer_reopen(struct master *m, struct control_client *client)
{
	lifecycle_event(m, EVENT_REOPEN);
	control_answer(client, buf_length(&m->errors) == 0, buf_str(&m->errors));
	buf_release(&m->errors);
}

static void on_verb(struct control *control, struct control_client *client,
		    const char *verb)
{
	struct master *m = CONTAINER_OF(control, struct master, control);

	if (strcmp(verb, "status") == 0) {
		answer_status(m, client, status_text);
	} else if (strcmp(verb, "status --json") == 0) {
		answer_status(m, client, status_json);
	} else if (strcmp(verb, "status --lines") == 0) {
		answer_status(m, client, status_lines);
	} else if (strcmp(verb, "reload") == 0) {
		list_append(&m->queued, &client->waiting);
		lifecycle_event(m, EVENT_RELOAD);
	} else if (strcmp(verb, "upgrade") == 0) {
		list_append(&m->upgrading, &client->waiting);
		lifecycle_event(m, EVENT_UPGRADE);
		lifecycle_answer_idle_upgrade(m);
	} else if (strcmp(verb, "quit") == 0) {
		control_hold(client);
		list_append(&m->quitting, &client->waiting);
		/* A second quit waits with the first, it does not hurry. */
		if (m->state != LIFE_QUITTING && m->state != LIFE_LINGERING)
			lifecycle_event(m, EVENT_QUIT);
	} else if (strcmp(verb, "stop") == 0) {
		control_hold(client);
		list_append(&m->quitting, &client->waiting);
		lifecycle_event(m, EVENT_STOP);
	} else if (strcmp(verb, "reopen") == 0) {
		answer_reopen(m, client);
	} else {
		control_answer(client, false, STR("that is not a verb\n"));
	}
}

static void on_tick_end(struct loop *loop)
{
	struct master *m = loop->context;

	control_bury(&m->control);
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
