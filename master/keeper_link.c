/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the process: how it starts, what it says, and that it is started again;
 * then keys; then the keys of tickets.
 */
#include "master/keeper_link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/safe_path.h"
#include "base/shared/channel.h"
#include "base/shared/keeper_wire.h"
#include "keeper/keeper.h"
#include "master/children.h"

enum {
	YOUNG_MS = 1000,   /* one that dies so soon would die again */
	RESPAWN_MS = 1000, /* and is started so much later */
};

static int spawn(struct keeper_link *link);

/* The process. */

static void reconnect_workers(struct keeper_link *link)
{
	for (struct child *c = NULL;
	     (c = children_next(link->children, NULL, c)) != NULL;) {
		int fd = c->has_keeper ? keeper_link_connect(link) : -1;

		if (fd == -1)
			continue;
		child_keeper(c, fd);
		close(fd);
	}
}

/* An order that waits, with a descriptor of its own. */
struct waiting {
	struct list link;
	struct keeper_order order;
	int fd;
};

static void drop(struct waiting *w)
{
	list_remove(&w->link);
	close(w->fd);
	free(w);
}

static void drop_all(struct keeper_link *link)
{
	LIST_EACH_SAFE (l, &link->waiting)
		drop(CONTAINER_OF(l, struct waiting, link));
}

/* A socket's buffer takes some hundred messages, and there may be more keys. */
static int put_off(struct keeper_link *link, const struct keeper_order *order,
		   int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct waiting *w;

	if (copy == -1)
		return -1;
	w = mem_zalloc(1, sizeof(*w));
	w->order = *order;
	w->fd = copy;
	if (list_is_empty(&link->waiting))
		loop_modify(link->loop, &link->channel, EPOLLIN | EPOLLOUT);
	list_append(&link->waiting, &w->link);
	return 0;
}

static void send_waiting(struct keeper_link *link)
{
	LIST_EACH_SAFE (l, &link->waiting) {
		struct waiting *w = CONTAINER_OF(l, struct waiting, link);
		enum channel_result result = channel_send(
			link->channel.fd, &w->order, sizeof(w->order), &w->fd, 1);

		if (result == CHANNEL_AGAIN)
			return;
		if (result != CHANNEL_OK) /* its end is read as such */
			break;
		drop(w);
	}
	if (list_is_empty(&link->waiting))
		loop_modify(link->loop, &link->channel, EPOLLIN);
}

/* In their order: a worker's channel comes after the keys that it needs. */
static int send_order(struct keeper_link *link, enum keeper_order_type type,
		      const char *path, int fd)
{
	struct keeper_order order = {.type = type};

	if (link->channel.fd == -1) {
		errno = EPIPE;
		return -1;
	}
	snprintf(order.path, sizeof(order.path), "%s", path);
	if (!list_is_empty(&link->waiting))
		return put_off(link, &order, fd);
	switch (channel_send(link->channel.fd, &order, sizeof(order), &fd, 1)) {
	case CHANNEL_OK:
		return 0;
	case CHANNEL_AGAIN:
		return put_off(link, &order, fd);
	default:
		return -1;
	}
}

static void start_again(struct keeper_link *link)
{
	if (spawn(link) == -1) {
		log_errno(LOG_LEVEL_ERROR, "cannot start the keeper");
		loop_timer(link->loop, &link->respawn, RESPAWN_MS);
		return;
	}
	if (link->memory != -1 &&
	    send_order(link, KEEPER_RESTORE, "", link->memory) == -1)
		log_errno(LOG_LEVEL_ERROR, "cannot give the keeper its keys");
	reconnect_workers(link);
}

static void on_respawn(struct timer *timer)
{
	start_again(CONTAINER_OF(timer, struct keeper_link, respawn));
}

static void lose_keeper(struct keeper_link *link)
{
	uint64_t age = link->loop->now - link->started_at;

	loop_close(link->loop, &link->channel);
	drop_all(link);
	log_warn("the keeper has died: starting another");
	if (age < YOUNG_MS * NS_PER_MS)
		loop_timer(link->loop, &link->respawn, RESPAWN_MS);
	else
		start_again(link);
}

static void on_event(struct watch *watch, uint32_t events)
{
	struct keeper_link *link = CONTAINER_OF(watch, struct keeper_link, channel);
	struct keeper_order order;
	int fds[CHANNEL_FDS];
	size_t n, n_fds;

	(void)events;
	send_waiting(link);
	while (watch->fd != -1) {
		switch (channel_receive(watch->fd, &order, sizeof(order), &n, fds,
					&n_fds)) {
		case CHANNEL_OK:
			if (n == sizeof(order) && order.type == KEEPER_MEMORY &&
			    n_fds == 1) {
				fd_close(&link->memory);
				link->memory = fds[--n_fds];
			}
			while (n_fds > 0)
				close(fds[--n_fds]);
			break;
		case CHANNEL_AGAIN:
			return;
		default:
			lose_keeper(link);
			return;
		}
	}
}

static int spawn(struct keeper_link *link)
{
	struct keeper_env env = {
		.identity = link->has_identity ? &link->identity : NULL,
	};
	int ends[2];
	pid_t pid;

	if (channel_open(ends) == -1)
		return -1;
	pid = fork();
	if (pid == 0) {
		env.channel = ends[1];
		exit(keeper_run(&env));
	}
	fd_close(&ends[1]);
	link->channel = (struct watch){on_event, ends[0]};
	if (pid == -1 || loop_add(link->loop, &link->channel, EPOLLIN) == -1) {
		fd_close(&link->channel.fd);
		return -1;
	}
	link->started_at = link->loop->now;
	log_debug("keeper (pid %d) started", (int)pid);
	return 0;
}

int keeper_link_connect(struct keeper_link *link)
{
	int ends[2];

	if (channel_open(ends) == -1)
		return -1;
	int failed = send_order(link, KEEPER_CLIENT, "", ends[0]);

	fd_close(&ends[0]);
	if (failed)
		fd_close(&ends[1]);
	return ends[1];
}

/* Keys. */

bool keeper_link_is_needed(const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_listeners; i++)
		if (conf->listeners[i].tls != NULL)
			return true;
	return false;
}

/* -1 with `why`. */
static int open_key(const char *path, char *why, size_t why_size)
{
	struct safe_path place;
	struct stat st;
	int fd = -1;

	if (safe_path_open(&place, path, why, why_size) == 0) {
		fd = openat(place.folder, place.name,
			    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
				    safe_path_flags(&place));
		snprintf(why, why_size, "%s", strerror(errno));
	}
	safe_path_close(&place);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		snprintf(why, why_size, "it is not a regular file");
		fd_close(&fd);
	} else if (st.st_mode & S_IRWXO) {
		log_warn("%s: everybody can use this key: its mode is %04o", path,
			 (unsigned)(st.st_mode & 07777));
	}
	return fd;
}

static int load_key(struct keeper_link *link, const struct conf_certificate *c,
		    char why_out[WHY_SIZE])
{
	char why[WHY_SIZE / 2];
	int fd = open_key(c->key, why, sizeof(why)), failed;

	if (fd == -1) {
		snprintf(why_out, WHY_SIZE, "%.150s:%d: %.50s: %.150s: %.120s",
			 c->origin.file, c->origin.line, c->origin.where, c->key,
			 why);
		return -1;
	}
	failed = send_order(link, KEEPER_LOAD, c->key, fd);
	close(fd);
	if (failed)
		snprintf(why_out, WHY_SIZE, "cannot give the keeper its keys: %s",
			 strerror(errno));
	return failed;
}

static int load_tls(struct keeper_link *link, const struct conf_tls *tls,
		    char why_out[WHY_SIZE])
{
	for (size_t i = 0; i < tls->n_certificates; i++)
		if (load_key(link, &tls->certificates[i], why_out) == -1)
			return -1;
	return 0;
}

/* Whether an earlier listener has the same certificates. */
static bool is_loaded(const struct conf *conf, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (conf->listeners[k].tls != NULL &&
		    conf->listeners[k].tls->certificates ==
			    conf->listeners[i].tls->certificates)
			return true;
	return false;
}

static void begin_tickets(struct keeper_link *link)
{
	if (timer_is_armed(&link->rotate))
		return;
	if (link->children->tickets.n == 0 &&
	    !ticket_keys_rotate(&link->children->tickets))
		log_errno(LOG_LEVEL_WARN, "there are no keys for tickets");
	loop_timer(link->loop, &link->rotate, TICKET_KEY_MS);
}

int keeper_link_load(struct keeper_link *link, const struct conf *conf,
		     const struct identity *identity, char why_out[WHY_SIZE])
{
	if (!keeper_link_is_needed(conf))
		return 0;
	link->has_identity = identity != NULL;
	if (identity != NULL)
		link->identity = *identity;
	if (link->channel.fd == -1) {
		timer_disarm(&link->respawn);
		start_again(link);
	}
	begin_tickets(link);
	for (size_t i = 0; i < conf->n_listeners; i++)
		if (conf->listeners[i].tls != NULL && !is_loaded(conf, i) &&
		    load_tls(link, conf->listeners[i].tls, why_out) == -1)
			return -1;
	return 0;
}

/* Tickets. */

static void on_rotate(struct timer *timer)
{
	struct keeper_link *link = CONTAINER_OF(timer, struct keeper_link, rotate);

	loop_timer(link->loop, &link->rotate, TICKET_KEY_MS);
	if (!ticket_keys_rotate(&link->children->tickets)) {
		log_errno(LOG_LEVEL_WARN, "there is no new key for tickets");
		return;
	}
	for (struct child *c = NULL;
	     (c = children_next(link->children, NULL, c)) != NULL;)
		if (c->has_keeper)
			child_tickets(c, &link->children->tickets);
}

void keeper_link_init(struct keeper_link *link, struct children *children)
{
	*link = (struct keeper_link){.loop = children->loop,
				     .children = children,
				     .channel = {on_event, -1},
				     .memory = -1};
	list_init(&link->waiting);
	timer_init(&link->respawn, on_respawn);
	timer_init(&link->rotate, on_rotate);
	children->keeper = link;
}

void keeper_link_fini(struct keeper_link *link)
{
	if (link->channel.fd != -1)
		loop_close(link->loop, &link->channel);
	drop_all(link);
	fd_close(&link->memory);
	timer_detach(&link->loop->timers, &link->respawn);
	timer_detach(&link->loop->timers, &link->rotate);
	explicit_bzero(&link->children->tickets, sizeof(link->children->tickets));
}
