/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program to execute; the messages; the old master's side, up to giving
 * everything and abandoning; then the new master's side. Each side reads what
 * the other one says in one function: on_new_master() and on_old_master().
 */
#include "master/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/safe_path.h"
#include "base/shared/channel.h"

enum {
	UPGRADE_VERSION = 1,
	UPGRADE_PATIENCE_MS = 5000, /* for what the old master has sent us */
	UPGRADE_TEXT = 8192,
};

static const char variable[] = "HOLDFAST_UPGRADE"; /* the channel's number */

enum upgrade_type {
	/* From the old master. */
	UPGRADE_HELLO = 1, /* `number`: its generation; fds: the handoff;
			    * `text`: what is understood there */
	UPGRADE_LISTENER,  /* `text`: its address as configured; its fd;
			    * `number` 1: systemd's */
	UPGRADE_END,       /* that was all */
	UPGRADE_COUNTERS,  /* a row of the table of counters: `text` is its name,
			    * a NUL, and `number` numbers of 8 bytes */
	/* From the new master. */
	UPGRADE_READY,
	UPGRADE_FAILED,  /* `text`: why */
	UPGRADE_FORMATS, /* `text`: what its workers will understand */
	/* From the old master. */
	UPGRADE_COUNTED, /* the last UPGRADE_COUNTERS of some */
	/* From the new master. */
	UPGRADE_MADE,     /* `text`: a file to be removed if it fails */
	UPGRADE_UNWANTED, /* `text`: the address of a listener, as it was given */
	/* From the old master. */
	UPGRADE_CHANGE,  /* `text`: of server_change_format() */
	UPGRADE_SERVER,  /* `text`: of known_servers_tell() */
	UPGRADE_TICKETS, /* `text`: of ticket_keys_format() */
	UPGRADE_NAMED,   /* `text`: of `number` of struct named; a release that has
			  * another one says it by another type */
};

enum { NAMED_IN_MESSAGE = UPGRADE_TEXT / sizeof(struct named) };

struct upgrade_message {
	uint32_t version;
	uint32_t type; /* enum upgrade_type */
	uint64_t number;
	char text[UPGRADE_TEXT];
};
_Static_assert(METRIC_NUMBERS * sizeof(uint64_t) < UPGRADE_TEXT / 2,
	       "a row of counters fits a message");

static char program[PATH_MAX];

static bool is_this_program(const char *path)
{
	struct stat st, self;

	return stat(path, &st) == 0 && stat("/proc/self/exe", &self) == 0 &&
	       st.st_dev == self.st_dev && st.st_ino == self.st_ino;
}

/* Where execvp(3) found a name without a slash. */
static bool search_path(const char *name)
{
	const char *path = getenv("PATH");
	struct str all = str_of(path != NULL ? path : "");

	while (all.n > 0) {
		struct str folder = str_cut(&all, ':');

		snprintf(program, sizeof(program), "%" STR_FMT "/%s",
			 STR_ARG(folder), name);
		if (program[0] == '/' && is_this_program(program))
			return true;
	}
	return false;
}

/* A name with a slash is relative to the folder where we are now. */
static bool complete_path(const char *name)
{
	char here[PATH_MAX] = "";

	if (name[0] != '/' && getcwd(here, sizeof(here)) == NULL)
		return false;
	if (snprintf(program, sizeof(program), "%s%s%s", here,
		     name[0] == '/' ? "" : "/", name) >= (int)sizeof(program))
		return false;
	return is_this_program(program);
}

void upgrade_remember_program(const char *name)
{
	ssize_t n;

	if (strchr(name, '/') != NULL ? complete_path(name) : search_path(name))
		return;
	/* Now: when the file is replaced the link will say "(deleted)". */
	n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	program[n > 0 ? n : 0] = '\0';
}

void upgrade_init(struct upgrade *u, struct loop *loop)
{
	*u = (struct upgrade){.loop = loop, .channel.fd = -1};
}

void upgrade_close(struct upgrade *u)
{
	if (u->channel.fd == -1)
		return;
	if (u->channel.on_event != NULL)
		loop_remove(u->loop, &u->channel);
	fd_close(&u->channel.fd);
}

static int send_message(struct upgrade *u, struct upgrade_message *message,
			const int *fds, size_t n_fds)
{
	/* Only what there is of the text: the socket holds so much, and there
	 * may be many listeners. */
	size_t text = strlen(message->text) + 1;
	size_t size = offsetof(struct upgrade_message, text) + text;

	if (message->type == UPGRADE_COUNTERS)
		size += message->number * sizeof(uint64_t);
	if (message->type == UPGRADE_NAMED)
		size = offsetof(struct upgrade_message, text) +
		       message->number * sizeof(struct named);
	message->version = UPGRADE_VERSION;
	return channel_send(u->channel.fd, message, size, fds, n_fds) == CHANNEL_OK
		       ? 0
		       : -1;
}

static enum channel_result receive_message(struct upgrade *u,
					   struct upgrade_message *message,
					   int fds[CHANNEL_FDS], size_t *n_fds)
{
	size_t n = 0;
	enum channel_result result = channel_receive(
		u->channel.fd, message, sizeof(*message), &n, fds, n_fds);

	if (result == CHANNEL_OK && (n <= offsetof(struct upgrade_message, text) ||
				     message->version != UPGRADE_VERSION)) {
		while (*n_fds > 0)
			close(fds[--*n_fds]);
		errno = EPROTO;
		return CHANNEL_ERROR;
	}
	if (n < sizeof(*message))
		((char *)message)[n] = '\0';
	message->text[sizeof(message->text) - 1] = '\0';
	return result;
}

/* The old master's side. */

static void on_new_master(struct watch *watch, uint32_t events)
{
	struct upgrade *u = CONTAINER_OF(watch, struct upgrade, channel);
	struct upgrade_message *message = mem_alloc(sizeof(*message));
	int fds[CHANNEL_FDS];
	size_t n_fds = 0;

	(void)events;
	switch (receive_message(u, message, fds, &n_fds)) {
	case CHANNEL_OK:
		if (message->type == UPGRADE_FORMATS) {
			frozen_table_parse(&u->theirs, message->text);
			u->on_formats(u);
		} else if (message->type == UPGRADE_MADE) {
			buf_put(&u->made, str_of(message->text));
			buf_put(&u->made, (struct str){"", 1});
		} else if (message->type == UPGRADE_UNWANTED)
			u->on_unwanted(u, message->text);
		else if (message->type == UPGRADE_READY)
			u->on_ready(u);
		else if (message->type == UPGRADE_FAILED)
			u->on_failed(u, message->text);
		break;
	case CHANNEL_AGAIN:
		break;
	case CHANNEL_CLOSED:
		u->on_failed(u, "the new master ended before it was ready");
		break;
	case CHANNEL_ERROR:
		u->on_failed(u, "the new master sent an unknown message");
		break;
	}
	free(message);
}

/* In the new process: becomes the program on disk, or says why not. */
static void become_program(struct upgrade *u, int channel, const char *file)
{
	struct upgrade_message message = {.type = UPGRADE_FAILED};
	char number[16];
	const char *argv[] = {program, "-c", file, "run", NULL};

	fd_close(&u->channel.fd);
	u->channel.fd = channel;
	snprintf(number, sizeof(number), "%d", fcntl(channel, F_DUPFD, 3));
	setenv(variable, number, 1);
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	/* sd_watchdog_enabled(3) asks whether it is us who is watched. */
	snprintf(number, sizeof(number), "%d", (int)getpid());
	if (getenv("WATCHDOG_PID") != NULL)
		setenv("WATCHDOG_PID", number, 1);
	execv(program, (char **)(size_t)argv);
	snprintf(message.text, sizeof(message.text), "cannot execute %s: %s",
		 program, strerror(errno));
	(void)send_message(u, &message, NULL, 0);
	_exit(127);
}

/*
 * The new master is to be nobody's child here: systemd waits for the end of a
 * main process only if that is its own child, and a process whose parent has
 * gone becomes that. Returns its process id, or -1 with errno.
 */
static pid_t spawn_detached(struct upgrade *u, int channel, const char *file)
{
	pid_t pid = -1, between;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == -1)
		return -1;
	between = fork();
	if (between == 0) {
		pid = fork();
		if (pid == 0)
			become_program(u, channel, file);
		_exit(write(ends[1], &pid, sizeof(pid)) == sizeof(pid) ? 0 : 1);
	}
	fd_close(&ends[1]);
	/* It lives for two system calls: this is no wait. */
	if (between == -1 || read(ends[0], &pid, sizeof(pid)) != sizeof(pid))
		pid = -1;
	fd_close(&ends[0]);
	return pid;
}

static int give_changes(struct upgrade *u, const struct server_changes *changes,
			struct upgrade_message *message)
{
	int failed = 0;

	message->type = UPGRADE_CHANGE;
	message->number = 0;
	for (size_t i = 0; i < changes->n; i++)
		if (server_change_format(&changes->items[i], message->text))
			failed |= send_message(u, message, NULL, 0);
	return failed;
}

static int give_all(struct upgrade *u, const struct upgrade_gifts *gifts)
{
	struct upgrade_message *message = mem_zalloc(1, sizeof(*message));
	int failed;

	message->type = UPGRADE_HELLO;
	message->number = gifts->generation;
	frozen_table_format(gifts->formats, message->text);
	failed = send_message(u, message, gifts->handoff, 2);
	failed |= upgrade_send_counters(u, gifts->counters);
	LIST_EACH (link, &gifts->listeners->all) {
		const struct bound *bound = CONTAINER_OF(link, struct bound, link);

		message->type = UPGRADE_LISTENER;
		message->number = bound->inherited;
		snprintf(message->text, sizeof(message->text), "%s", bound->key);
		failed |= send_message(u, message, &bound->fd, 1);
	}
	failed |= give_changes(u, gifts->changes, message);
	gifts->send_servers(u);
	if (gifts->tickets->n > 0) {
		message->type = UPGRADE_TICKETS;
		ticket_keys_format(gifts->tickets, message->text);
		failed |= send_message(u, message, NULL, 0);
	}
	message->type = UPGRADE_END;
	message->text[0] = '\0';
	failed |= send_message(u, message, NULL, 0);
	free(message);
	return failed;
}

/* We may be root: what we execute is not to be chosen by somebody else, who put a
 * link into its path. */
static bool program_is_safe(char why_out[WHY_SIZE])
{
	char why[WHY_SIZE / 2];
	struct safe_path path;
	bool safe = safe_path_open(&path, program, why, sizeof(why)) == 0;

	safe_path_close(&path);
	if (!safe)
		snprintf(why_out, WHY_SIZE, "cannot execute %.200s: %s", program,
			 why);
	return safe;
}

int upgrade_begin(struct upgrade *u, const char *file,
		  const struct upgrade_gifts *gifts, char why_out[WHY_SIZE])
{
	int ends[2];

	if (!program_is_safe(why_out))
		return -1;
	/* To the one before us, which is about to end: its last counters are
	 * the price for a second upgrade while it does. */
	upgrade_close(u);
	if (channel_open(ends) == -1)
		goto fail;
	channel_grow(ends[0]);
	u->is_new = false;
	u->theirs = frozen_nothing;
	u->channel = (struct watch){on_new_master, ends[0]};
	u->pid = spawn_detached(u, ends[1], file);
	fd_close(&ends[1]);
	if (u->pid == -1 || loop_add(u->loop, &u->channel, EPOLLIN) == -1) {
		fd_close(&u->channel.fd);
		goto fail;
	}
	/* When it is gone already, the channel says so, and why. */
	(void)give_all(u, gifts);
	return 0;
fail:
	snprintf(why_out, WHY_SIZE, "cannot start a new master: %s",
		 strerror(errno));
	return -1;
}

/* While it holds its end of the channel its process id is its own; afterwards it
 * may be anybody's, for it is not our child. */
static bool new_master_lives(const struct upgrade *u)
{
	struct pollfd end = {.fd = u->channel.fd};

	return u->pid > 0 && u->channel.fd != -1 && poll(&end, 1, 0) >= 0 &&
	       (end.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}

void upgrade_signal(const struct upgrade *u, int number)
{
	if (new_master_lives(u))
		kill(u->pid, number);
}

/* What a new master that was killed could not remove. */
static void remove_made(struct upgrade *u)
{
	struct str all = buf_str(&u->made);

	while (all.n > 0)
		(void)unlink(str_cut(&all, '\0').p);
	buf_release(&u->made);
}

void upgrade_abandon(struct upgrade *u)
{
	/* Its workers die with it, or end when they see that it is gone. */
	upgrade_signal(u, SIGKILL);
	upgrade_close(u);
	remove_made(u);
	u->pid = 0;
}

int upgrade_send_counters(struct upgrade *u, const struct counters *counters)
{
	struct upgrade_message *message = mem_zalloc(1, sizeof(*message));
	uint64_t numbers[METRIC_NUMBERS];
	int failed = 0;

	message->type = UPGRADE_COUNTERS;
	for (size_t i = 0; i < counters_table.n; i++) {
		const struct metric *row = &counters_table.rows[i];
		size_t n = metric_pack(row, counters, numbers);

		snprintf(message->text, sizeof(message->text), "%s", row->name);
		message->number = n;
		memcpy(message->text + strlen(row->name) + 1, numbers,
		       n * sizeof(*numbers));
		failed |= send_message(u, message, NULL, 0);
	}
	message->type = UPGRADE_COUNTED;
	message->text[0] = '\0';
	failed |= send_message(u, message, NULL, 0);
	free(message);
	return failed;
}

int upgrade_send_server(struct upgrade *u, const char *line)
{
	struct upgrade_message *message = mem_zalloc(1, sizeof(*message));
	int failed;

	message->type = UPGRADE_SERVER;
	snprintf(message->text, sizeof(message->text), "%s", line);
	failed = send_message(u, message, NULL, 0);
	free(message);
	return failed;
}

/* The new master's side. */

bool upgrade_is_wanted(void)
{
	return getenv(variable) != NULL;
}

int upgrade_send_named(struct upgrade *u, const struct named cells[NAMED_ROOM])
{
	struct upgrade_message *message = mem_zalloc(1, sizeof(*message));
	int failed = 0;

	message->type = UPGRADE_NAMED;
	for (size_t i = 0; i < NAMED_ROOM; i++) {
		if (cells[i].key != 0)
			memcpy(message->text + message->number++ * sizeof(*cells),
			       &cells[i], sizeof(*cells));
		if (message->number < NAMED_IN_MESSAGE && i < NAMED_ROOM - 1)
			continue;
		if (message->number > 0)
			failed |= send_message(u, message, NULL, 0);
		message->number = 0;
	}
	free(message);
	return failed;
}

static void take_named(struct upgrade *u, const struct upgrade_message *message)
{
	for (size_t i = 0; i < message->number && i < NAMED_IN_MESSAGE; i++) {
		struct named cell;

		memcpy(&cell, message->text + i * sizeof(cell), sizeof(cell));
		u->on_named(u, &cell);
	}
}

/* Another release may have other rows, or more numbers in one. */
static void take_counters(struct upgrade *u, const struct upgrade_message *message)
{
	struct counters counters = {0};
	const struct metric *row = metric_find(&counters_table, message->text);
	uint64_t numbers[METRIC_NUMBERS];
	size_t n =
		message->number < METRIC_NUMBERS ? message->number : METRIC_NUMBERS;

	if (row == NULL)
		return;
	memcpy(numbers, message->text + strlen(row->name) + 1,
	       n * sizeof(*numbers));
	metric_unpack(row, &counters, numbers, n);
	u->on_counters(u, &counters);
}

static void on_old_master(struct watch *watch, uint32_t events)
{
	struct upgrade *u = CONTAINER_OF(watch, struct upgrade, channel);
	struct upgrade_message *message = mem_alloc(sizeof(*message));
	int fds[CHANNEL_FDS];
	size_t n_fds = 0;

	(void)events;
	switch (receive_message(u, message, fds, &n_fds)) {
	case CHANNEL_OK:
		if (message->type == UPGRADE_COUNTERS)
			take_counters(u, message);
		else if (message->type == UPGRADE_SERVER)
			u->on_server(u, message->text);
		else if (message->type == UPGRADE_NAMED)
			take_named(u, message);
		else if (message->type == UPGRADE_COUNTED)
			u->on_counted(u);
		break;
	case CHANNEL_AGAIN:
		break;
	default: /* it has ended, as it should */
		upgrade_close(u);
		u->on_alone(u);
	}
	free(message);
}

/* Waits for the next message; the old master has sent all of them before we
 * began. */
static int next_message(struct upgrade *u, struct upgrade_message *message,
			int fds[CHANNEL_FDS], size_t *n_fds)
{
	struct pollfd ready = {.fd = u->channel.fd, .events = POLLIN};

	if (poll(&ready, 1, UPGRADE_PATIENCE_MS) <= 0)
		return -1;
	return receive_message(u, message, fds, n_fds) == CHANNEL_OK ? 0 : -1;
}

/* What another release has more to say about a server is lost. */
static void take_change(struct upgrade *u, const char *text)
{
	struct server_change change;

	if (server_change_parse(text, &change))
		u->on_change(u, &change);
	else
		log_warn("a change of a server cannot be read, and is lost: %s",
			 text);
}

static bool take(struct upgrade *u, struct upgrade_message *message, const int *fds,
		 size_t n_fds, struct listeners *listeners, int handoff_out[2],
		 unsigned *generation_out)
{
	if (message->type == UPGRADE_HELLO && n_fds == 2) {
		handoff_out[0] = fds[0];
		handoff_out[1] = fds[1];
		*generation_out = (unsigned)message->number;
		frozen_table_parse(&u->theirs, message->text);
		return true;
	}
	if (message->type == UPGRADE_LISTENER && n_fds == 1) {
		listeners_take_over(listeners, message->text, fds[0],
				    message->number == 1);
		return true;
	}
	if (message->type == UPGRADE_COUNTERS)
		take_counters(u, message);
	if (message->type == UPGRADE_CHANGE)
		take_change(u, message->text);
	if (message->type == UPGRADE_SERVER)
		u->on_server(u, message->text);
	if (message->type == UPGRADE_TICKETS)
		(void)ticket_keys_parse(&u->tickets, message->text);
	return message->type == UPGRADE_COUNTERS ||
	       message->type == UPGRADE_CHANGE || message->type == UPGRADE_SERVER ||
	       message->type == UPGRADE_TICKETS ||
	       message->type == UPGRADE_COUNTED || message->type == UPGRADE_END;
}

/* Before our workers take anything, the old ones write so that they can. */
static void say_formats(struct upgrade *u)
{
	struct upgrade_message *message = mem_zalloc(1, sizeof(*message));

	message->type = UPGRADE_FORMATS;
	frozen_table_format(&frozen_ours, message->text);
	(void)send_message(u, message, NULL, 0);
	free(message);
}

int upgrade_receive(struct upgrade *u, struct listeners *listeners,
		    int handoff_out[2], unsigned *generation_out,
		    char why_out[WHY_SIZE])
{
	struct upgrade_message *message = mem_zalloc(1, sizeof(*message));
	int fds[CHANNEL_FDS];
	size_t n_fds;
	bool fine;

	u->is_new = true;
	u->channel.fd = atoi(getenv(variable));
	unsetenv(variable);
	fine = fd_set_cloexec(u->channel.fd) == 0;
	while (fine && message->type != UPGRADE_END)
		fine = next_message(u, message, fds, &n_fds) == 0 &&
		       take(u, message, fds, n_fds, listeners, handoff_out,
			    generation_out);
	free(message);
	if (fine)
		say_formats(u);
	u->channel.on_event = on_old_master;
	if (fine && loop_add(u->loop, &u->channel, EPOLLIN) == 0)
		return 0;
	u->channel.on_event = NULL;
	snprintf(why_out, WHY_SIZE, "the state of the old master cannot be read");
	return -1;
}

static void say_text(struct upgrade *u, enum upgrade_type type, const char *text)
{
	struct upgrade_message *message;

	if (!u->is_new || u->channel.fd == -1)
		return;
	message = mem_zalloc(1, sizeof(*message));
	message->type = type;
	snprintf(message->text, sizeof(message->text), "%s", text);
	(void)send_message(u, message, NULL, 0);
	free(message);
}

void upgrade_say_made(struct upgrade *u, const char *path)
{
	say_text(u, UPGRADE_MADE, path);
}

void upgrade_say_unwanted(struct upgrade *u, const char *key)
{
	say_text(u, UPGRADE_UNWANTED, key);
}

void upgrade_say_ready(struct upgrade *u)
{
	if (!u->is_new || u->channel.fd == -1)
		return;
	struct upgrade_message *message = mem_zalloc(1, sizeof(*message));

	message->type = UPGRADE_READY;
	/* If it is gone, the server is ours anyway. */
	if (send_message(u, message, NULL, 0) == -1)
		log_warn("the old master is gone");
	free(message);
}

void upgrade_say_failed(struct upgrade *u, struct str why)
{
	if (!u->is_new || u->channel.fd == -1)
		return;
	struct upgrade_message *message = mem_zalloc(1, sizeof(*message));

	message->type = UPGRADE_FAILED;
	snprintf(message->text, sizeof(message->text), "%" STR_FMT, STR_ARG(why));
	(void)send_message(u, message, NULL, 0);
	free(message);
}
