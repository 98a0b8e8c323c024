/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a client's point of view: it is accepted (admit()), read (client_hear()),
 * answered (control_answer()) and closed. Then the socket itself: opened under
 * another name or in place, moved by a reload, left to a new master.
 */
#include "master/control.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/safe_path.h"

enum {
	CONTROL_BACKLOG = 16,
	CONTROL_LINE = 512,            /* the longest verb */
	CONTROL_FILE = PATH_MAX + 256, /* a verb and its file */
	CONTROL_CLIENTS = 64,
	CONTROL_PAUSE_MS = 100, /* when descriptors have run out */
};

static void client_close(struct control_client *client)
{
	if (client->watch.fd == -1)
		return;
	loop_close(client->control->loop, &client->watch);
	client->control->n_clients--;
	buf_release(&client->in);
	buf_release(&client->out);
	list_remove(&client->waiting);
	list_remove(&client->link);
	list_append(&client->control->dead, &client->link);
}

static void client_send(struct control_client *client)
{
	while (buf_length(&client->out) > 0) {
		struct str all = buf_str(&client->out);
		ssize_t n = send(client->watch.fd, all.p, all.n, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN) {
			loop_modify(client->control->loop, &client->watch,
				    EPOLLOUT);
			return;
		}
		if (n == -1)
			break;
		buf_consume(&client->out, (size_t)n);
	}
	if (!client->held)
		client_close(client);
}

void control_hold(struct control_client *client)
{
	client->held = true;
}

void control_answer(struct control_client *client, bool ok, struct str text)
{
	if (client->answered || client->watch.fd == -1)
		return;
	client->answered = true;
	list_remove(&client->waiting);
	buf_put(&client->out, ok ? STR("ok\n") : STR("failed\n"));
	buf_put(&client->out, text);
	client_send(client);
}

/* "VERB\n", and "file WHICH\n" if it came along. */
static void client_hear(struct control_client *client)
{
	struct str rest = buf_str(&client->in), line;
	char verb[CONTROL_LINE], file[CONTROL_FILE];

	if (rest.n == 0 || rest.p[rest.n - 1] != '\n') {
		if (rest.n >= CONTROL_FILE)
			control_answer(client, false, STR("unknown command\n"));
		return;
	}
	line = str_cut(&rest, '\n');
	if (line.n >= sizeof(verb)) {
		control_answer(client, false, STR("unknown command\n"));
		return;
	}
	snprintf(verb, sizeof(verb), "%" STR_FMT, STR_ARG(line));
	line = str_cut(&rest, '\n');
	bool has_file = str_starts_with(line, STR("file "));

	if (has_file)
		snprintf(file, sizeof(file), "%.*s", (int)line.n - 5, line.p + 5);
	/* Workers that the verb forks would inherit it. */
	buf_release(&client->in);
	client->control->on_verb(client->control, client, verb,
				 has_file ? file : NULL);
}

static void client_read(struct control_client *client)
{
	char bytes[CONTROL_FILE];
	ssize_t n = recv(client->watch.fd, bytes, sizeof(bytes), 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(client); /* the client does not wait */
		return;
	}
	if (!list_is_empty(&client->waiting))
		return; /* it has asked; the rest means nothing */
	buf_put(&client->in, (struct str){bytes, (size_t)n});
	client_hear(client);
}

static void on_client(struct watch *watch, uint32_t events)
{
	struct control_client *client =
		CONTAINER_OF(watch, struct control_client, watch);

	if (watch->fd == -1)
		return;
	if (client->answered)
		client_send(client);
	else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		client_read(client);
}

/* Whether a client of another user is of the group that may look. */
static bool is_of_group(int fd, gid_t group, gid_t primary)
{
	gid_t groups[NGROUPS_MAX];
	socklen_t size = sizeof(groups);

	if (primary == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == -1)
		return false;
	for (size_t i = 0; i < size / sizeof(*groups); i++)
		if (groups[i] == group)
			return true;
	return false;
}

/* The file's mode keeps others out; this does where modes are not heeded. */
static enum control_rights rights_of(const struct control *control, int fd,
				     struct ucred *who_out)
{
	const struct socket_access *access = &control->access;
	socklen_t size = sizeof(*who_out);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, who_out, &size) == -1)
		return CONTROL_NOTHING;
	if (who_out->uid == 0 || who_out->uid == geteuid())
		return CONTROL_ALL;
	if ((access->mode & 0006) != 0)
		return CONTROL_LOOK;
	if ((access->mode & 0060) != 0 &&
	    is_of_group(fd, access->group != (gid_t)-1 ? access->group : getegid(),
			who_out->gid))
		return CONTROL_LOOK;
	return CONTROL_NOTHING;
}

void control_resume(struct control *control)
{
	timer_disarm(&control->resume);
	if (control->path != NULL)
		loop_modify(control->loop, &control->watch, EPOLLIN);
}

static void on_resume(struct timer *timer)
{
	control_resume(CONTAINER_OF(timer, struct control, resume));
}

void control_pause(struct control *control, uint64_t ms)
{
	if (control->path == NULL)
		return; /* there is none */
	loop_modify(control->loop, &control->watch, 0);
	loop_timer(control->loop, &control->resume, ms);
}

static void admit(struct control *control, int fd)
{
	struct control_client *client;
	enum control_rights rights;
	struct ucred who;

	if (control->n_clients >= CONTROL_CLIENTS) {
		log_warn("control: refused a client: more than %d at once",
			 CONTROL_CLIENTS);
		fd_close(&fd);
		return;
	}
	rights = rights_of(control, fd, &who);
	if (rights == CONTROL_NOTHING) {
		log_warn("control: refused a client of another user");
		fd_close(&fd);
		return;
	}
	client = mem_zalloc(1, sizeof(*client));
	client->control = control;
	client->rights = rights;
	client->who = who;
	client->watch = (struct watch){on_client, fd};
	list_init(&client->waiting);
	list_append(&control->clients, &client->link);
	control->n_clients++;
	if (loop_add(control->loop, &client->watch, EPOLLIN) == -1)
		client_close(client);
}

/* The next client of the queue; false if there is none. */
static bool accept_client(struct control *control)
{
	int fd = accept4(control->watch.fd, NULL, NULL,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1)
		return false;
	admit(control, fd);
	return true;
}

static void on_connect(struct watch *watch, uint32_t events)
{
	struct control *control = CONTAINER_OF(watch, struct control, watch);

	(void)events;
	/* Without a descriptor it would be asked for at once again. */
	if (!accept_client(control) && errno != EAGAIN && errno != EINTR)
		control_pause(control, CONTROL_PAUSE_MS);
}

void control_init(struct control *control, struct loop *loop)
{
	*control = (struct control){.loop = loop, .watch = {on_connect, -1}};
	list_init(&control->clients);
	list_init(&control->dead);
	timer_init(&control->resume, on_resume);
}

/* Makes the folder if it is not there. When it cannot be made, the next step
 * says what is wrong. */
static void make_directory_of(const char *path)
{
	char *copy = mem_strdup(path);

	(void)mkdir(dirname(copy), 0755);
	free(copy);
}

/* False, with why, when somebody else could put another socket in its place:
 * a client there would trust a stranger. */
static bool path_is_safe(const char *path, char *why, size_t size)
{
	struct safe_path at;
	bool safe = safe_path_open(&at, path, why, size) == 0;

	if (safe && !safe_path_is_private(&at)) {
		snprintf(why, size, "other users can write its directory");
		safe = false;
	}
	safe_path_close(&at);
	return safe;
}

static int open_at(const struct addr *addr, const struct socket_access *access,
		   struct socket_file *file_out)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd != -1 && socket_file_bind(fd, addr, access, file_out) == 0 &&
	    listen(fd, CONTROL_BACKLOG) == 0)
		return fd;
	fd_close(&fd);
	return -1;
}

/* The listening socket at `path`, or -1 with why_out. */
static int listen_at(const char *path, const struct socket_access *access,
		     struct socket_file *file_out, char why_out[WHY_SIZE])
{
	struct addr addr;
	char text[WHY_SIZE / 2];
	const char *why = addr_of_path(path, &addr);
	int fd = -1;

	if (why == NULL) {
		fd = addr_connect(&addr, SOCK_NONBLOCK);
		if (fd != -1 || errno == EAGAIN) {
			fd_close(&fd);
			snprintf(why_out, WHY_SIZE,
				 "another holdfast answers at the control "
				 "socket %.200s",
				 path);
			return -1;
		}
		make_directory_of(path);
		if (!path_is_safe(path, text, sizeof(text)))
			why = text;
	}
	if (why == NULL) {
		socket_file_remove_stale(&addr);
		fd = open_at(&addr, access, file_out);
		why = strerror(errno);
	}
	if (fd == -1)
		snprintf(why_out, WHY_SIZE,
			 "cannot open the control socket %.200s: %s", path, why);
	return fd;
}

/* Takes over the socket and the path. */
static void watch_at(struct control *control, int fd, char *path)
{
	control->watch.fd = fd;
	control->path = path;
	control->file = control->next_file;
	if (loop_add(control->loop, &control->watch, EPOLLIN) == -1)
		log_errno(LOG_LEVEL_ERROR, "cannot watch the control socket");
}

int control_prepare(struct control *control, const char *path,
		    const struct socket_access *access, bool is_successor,
		    char why_out[WHY_SIZE])
{
	char name[PATH_MAX + 16];

	control->next_access = *access;
	if (strcmp(path, "off") == 0) {
		control->next_path = mem_strdup(path);
		control->next_name = mem_strdup(path);
		control->next_fd = -1;
		return 0;
	}
	/* A file that was deleted comes back. */
	if (control->path != NULL && strcmp(control->path, path) == 0 &&
	    socket_file_is_at(&control->file, path))
		return 0;
	snprintf(name, sizeof(name), is_successor ? "%s.%d" : "%s", path,
		 (int)getpid());
	control->next_fd = listen_at(name, access, &control->next_file, why_out);
	if (control->next_fd == -1)
		return -1;
	control->next_path = mem_strdup(path);
	control->next_name = mem_strdup(name);
	return 0;
}

/* A client that has not been heard yet asks the new master. */
static void send_away(struct control_client *client)
{
	if (client->answered || !list_is_empty(&client->waiting) ||
	    client->watch.fd == -1)
		return;
	client->answered = true;
	buf_put(&client->out, STR("moved\n"));
	client_send(client);
}

void control_hand_over(struct control *control)
{
	if (control->path == NULL)
		return;
	while (accept_client(control))
		;
	LIST_EACH_SAFE (link, &control->clients)
		send_away(CONTAINER_OF(link, struct control_client, link));
	control_close(control);
}

/* The same socket, with other permissions perhaps. */
static void keep(struct control *control)
{
	if (control->path == NULL)
		return;
	control->access = control->next_access;
	if (socket_file_set(&control->file, control->path, &control->access) == -1)
		log_errno(LOG_LEVEL_ERROR,
			  "cannot change who may use the control socket %s",
			  control->path);
}

void control_finish(struct control *control, bool commit)
{
	char *path = control->next_path, *name = control->next_name;

	control->next_path = control->next_name = NULL;
	if (path == NULL) {
		if (commit)
			keep(control);
		return;
	}
	if (control->next_fd == -1) {
		if (commit)
			control_close(control);
		free(path);
	} else if (commit) {
		if (strcmp(name, path) != 0 && rename(name, path) == -1)
			log_errno(LOG_LEVEL_ERROR, "cannot take over %s", path);
		control_close(control);
		control->access = control->next_access;
		watch_at(control, control->next_fd, path);
	} else {
		socket_file_remove(&control->next_file, name);
		free(path);
		fd_close(&control->next_fd);
	}
	free(name);
}

void control_close(struct control *control)
{
	if (control->path == NULL)
		return;
	/* Unless it is another server's by now. */
	socket_file_remove(&control->file, control->path);
	free(control->path);
	control->path = NULL;
	loop_close(control->loop, &control->watch);
}

void control_free_closed(struct control *control)
{
	LIST_EACH_SAFE (link, &control->dead) {
		list_remove(link);
		free(CONTAINER_OF(link, struct control_client, link));
	}
}

void control_fini(struct control *control)
{
	control_close(control);
	LIST_EACH_SAFE (link, &control->clients) {
		struct control_client *client =
			CONTAINER_OF(link, struct control_client, link);

		if (client->held) /* exit(3) closes the descriptor */
			loop_remove(control->loop, &client->watch);
		else
			loop_close(control->loop, &client->watch);
		buf_release(&client->in);
		buf_release(&client->out);
		list_remove(&client->waiting);
		list_remove(&client->link);
		free(client);
	}
	control_free_closed(control);
}
