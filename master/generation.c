/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First what a generation opens, its logs and its listeners; then its workers;
 * then how it lets go of its listeners, and how its workers end.
 */
#include "master/generation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defer_accept.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/safe_path.h"
#include "master/keeper_link.h"
#include "worker/worker.h"

#define SYSLOG "syslog:"

/* -1 with why_out. */
static int open_file(const char *what, const char *target, char why_out[WHY_SIZE])
{
	char why[WHY_SIZE / 2];
	struct safe_path path;
	int fd = -1;

	if (safe_path_open(&path, target, why, sizeof(why)) == 0) {
		fd = fd_open_log_at(path.folder, path.name, safe_path_flags(&path));
		snprintf(why, sizeof(why), "%s", strerror(errno));
	}
	safe_path_close(&path);
	if (fd == -1)
		snprintf(why_out, WHY_SIZE, "cannot open %s \"%s\": %s", what,
			 target, why);
	return fd;
}

/* "unix:/dev/log" or "udp:HOST:PORT": a socket that is connected to it. */
static int open_syslog(const char *what, const char *target, char why_out[WHY_SIZE])
{
	struct str text = str_of(target + strlen(SYSLOG));
	struct addr addr;
	int fd = -1;

	if (str_starts_with(text, STR("udp:")))
		text = str_tail(text, strlen("udp:"));
	errno = EINVAL;
	if (addr_parse(text, &addr) == NULL)
		fd = socket(addr_family(&addr),
			    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd != -1 && connect(fd, &addr.any, addr.length) == 0)
		return fd;
	snprintf(why_out, WHY_SIZE, "cannot open %s \"%s\": %s", what, target,
		 strerror(errno));
	fd_close(&fd);
	return -1;
}

/* The descriptor, or -1. */
static int open_log(const char *what, const char *target, char why_out[WHY_SIZE])
{
	if (strcmp(target, "stderr") == 0)
		return STDERR_FILENO;
	if (strcmp(target, "stdout") == 0)
		return STDOUT_FILENO;
	if (strncmp(target, SYSLOG, strlen(SYSLOG)) == 0)
		return open_syslog(what, target, why_out);
	return open_file(what, target, why_out);
}

static void close_log(int *fd)
{
	if (*fd > STDERR_FILENO)
		fd_close(fd);
	*fd = -1;
}

static void close_logs(const struct conf *conf, int *error_log, int **access_logs)
{
	close_log(error_log);
	for (size_t i = 0; *access_logs != NULL && i < conf->log_targets.n; i++)
		close_log(&(*access_logs)[i]);
	free(*access_logs);
	*access_logs = NULL;
}

static int open_logs(const struct conf *conf, int *error_out, int **access_out,
		     char why_out[WHY_SIZE])
{
	size_t n = conf->log_targets.n;
	int *access = mem_zalloc(n, sizeof(*access));
	bool is_open;

	for (size_t i = 0; i < n; i++)
		access[i] = -1;
	*error_out = open_log("log.error", conf->log.error, why_out);
	is_open = *error_out != -1;
	for (size_t i = 0; i < n && is_open; i++) {
		access[i] = open_log("log.access", conf->log_targets.items[i].p,
				     why_out);
		is_open = access[i] != -1;
	}
	*access_out = access;
	if (!is_open)
		close_logs(conf, error_out, access_out);
	return is_open ? 0 : -1;
}

static int open_listeners(struct generation *g, struct listeners *listeners,
			  char why_out[WHY_SIZE])
{
	const struct conf *conf = g->conf;

	g->bound = mem_zalloc(conf->n_listeners, sizeof(*g->bound));
	g->fds = mem_zalloc(conf->n_listeners, sizeof(*g->fds));
	for (size_t i = 0; i < conf->n_listeners; i++) {
		g->bound[i] = listeners_use(listeners, &conf->listeners[i],
					    &g->names->listeners[i], why_out);
		if (g->bound[i] == NULL)
			return -1;
		g->fds[i] = g->bound[i]->fd;
	}
	return 0;
}

static void warn_of_root(const struct names *names)
{
	if (names->has_user && names->user.uid == 0)
		log_warn("user is \"root\": workers may use every file that is "
			 "root's");
}

static void tell_all(const struct generation *g, struct children *children,
		     void (*what)(struct child *child, size_t listener),
		     size_t listener)
{
	for (struct child *c = NULL; (c = children_next(children, g, c)) != NULL;)
		what(c, listener);
}

/* Ours first: whoever closes last has just seen an empty queue, so no
 * connection is left in it to be reset. */
static void close_listener(struct generation *g, size_t i,
			   struct children *children)
{
	if (listeners_release(&g->bound[i]))
		log_info("closing %s", g->conf->listeners[i].text);
	g->fds[i] = -1;
	tell_all(g, children, child_serve_out, i);
}

static void on_let_in(struct timer *timer)
{
	struct generation *g = CONTAINER_OF(timer, struct generation, let_in);

	for (size_t i = 0; i < g->conf->n_listeners; i++)
		if (g->bound[i] != NULL)
			close_listener(g, i, g->children);
}

struct generation *generation_create(struct conf **conf, struct names *names,
				     unsigned number, struct listeners *listeners,
				     char why_out[WHY_SIZE])
{
	struct generation *g = mem_zalloc(1, sizeof(*g));

	list_init(&g->link);
	timer_init(&g->let_in, on_let_in);
	g->number = number;
	g->conf = *conf;
	*conf = NULL;
	g->names = names;
	g->error_log = -1;
	g->wanted = (unsigned)g->conf->workers;
	if (open_logs(g->conf, &g->error_log, &g->access_logs, why_out) == -1 ||
	    open_listeners(g, listeners, why_out) == -1)
		generation_destroy(&g);
	else
		warn_of_root(g->names);
	return g;
}

void generation_destroy(struct generation **generation)
{
	struct generation *g = *generation;

	*generation = NULL;
	if (g == NULL)
		return;
	if (g->children != NULL)
		timer_detach(&g->children->loop->timers, &g->let_in);
	for (size_t i = 0; g->bound != NULL && i < g->conf->n_listeners; i++)
		listeners_release(&g->bound[i]);
	close_logs(g->conf, &g->error_log, &g->access_logs);
	list_remove(&g->link);
	free(g->names);
	free(g->bound);
	free(g->fds);
	conf_destroy(&g->conf);
	free(g);
}

int generation_spawn(struct generation *g, struct children *children)
{
	struct child_spec spec = {
		.generation = g,
		.conf = g->conf,
		.generation_number = g->number,
		.identity = g->names->has_user ? &g->names->user : NULL,
		.listeners = g->fds,
		.error_log = g->error_log,
		.access_logs = g->access_logs,
		.keeper = -1,
		.is_first = children_next(children, g, NULL) == NULL,
	};
	struct child *child = NULL;

	if (keeper_link_is_needed(g->conf)) {
		spec.keeper = keeper_link_connect(children->keeper);
		if (spec.keeper == -1)
			return -1;
	}
	child = children_spawn(children, &spec);
	fd_close(&spec.keeper);
	return child != NULL ? 0 : -1;
}

void generation_fail(struct generation *g, const char *why)
{
	if (!g->failed)
		snprintf(g->failure, sizeof(g->failure), "%s", why);
	g->failed = true;
}

bool generation_is_ready(const struct generation *g, struct children *children)
{
	unsigned ready = 0;

	for (struct child *c = NULL; (c = children_next(children, g, c)) != NULL;)
		ready += c->state == CHILD_READY;
	return ready >= g->wanted;
}

static bool has_bound(const struct generation *g, const struct bound *bound)
{
	for (size_t i = 0; g != NULL && i < g->conf->n_listeners; i++)
		if (g->bound[i] == bound)
			return true;
	return false;
}

void generation_abandon_listeners(struct generation *g)
{
	for (size_t i = 0; i < g->conf->n_listeners; i++) {
		listeners_abandon(&g->bound[i]);
		g->fds[i] = -1;
	}
}

static void keep_open(struct generation *g, size_t i, struct children *children)
{
	log_debug("%s lets in clients that were held back",
		  g->conf->listeners[i].text);
	tell_all(g, children, child_keep_open, i);
	g->children = children;
	loop_timer(children->loop, &g->let_in, DEFER_ACCEPT_LET_IN_MS);
}

void generation_release_listeners(struct generation *g, struct children *children)
{
	for (size_t i = 0; i < g->conf->n_listeners; i++) {
		if (g->bound[i] == NULL)
			continue;
		if (g->bound[i]->is_unwanted && listeners_let_in(g->bound[i])) {
			keep_open(g, i, children);
			continue;
		}
		listeners_release(&g->bound[i]);
		g->fds[i] = -1;
	}
}

void generation_retire_listeners(struct generation *g,
				 const struct generation *next,
				 struct children *children)
{
	for (size_t i = 0; i < g->conf->n_listeners; i++) {
		if (g->bound[i] == NULL) {
			continue;
		} else if (has_bound(next, g->bound[i])) {
			listeners_release(&g->bound[i]);
			g->fds[i] = -1;
		} else if (next != NULL && listeners_let_in(g->bound[i])) {
			keep_open(g, i, children);
		} else {
			close_listener(g, i, children);
		}
	}
}

bool generation_let_in(struct generation *g)
{
	bool comes = timer_is_armed(&g->let_in);

	for (size_t i = 0; i < g->conf->n_listeners; i++)
		if (g->bound[i] != NULL && listeners_let_in(g->bound[i]))
			comes = true;
	return comes;
}

void generation_move(const struct generation *g, struct children *children,
		     bool to_successor)
{
	uint64_t patience = g->conf->timeouts.drain + GENERATION_PATIENCE_MS;

	for (struct child *c = NULL; (c = children_next(children, g, c)) != NULL;)
		child_move(c, patience, to_successor);
}

void generation_drain(const struct generation *g, struct children *children,
		      uint64_t idle_grace_ms)
{
	uint64_t patience = g->conf->timeouts.drain + GENERATION_PATIENCE_MS;

	for (struct child *c = NULL; (c = children_next(children, g, c)) != NULL;)
		child_drain(c, idle_grace_ms, patience);
}

bool generation_is_busy(const struct generation *g, struct children *children)
{
	for (struct child *c = NULL; (c = children_next(children, g, c)) != NULL;)
		if (!c->is_done && c->state != CHILD_DYING)
			return true;
	return false;
}

static void hand_over_logs(const struct generation *g, struct child *c,
			   int error_log, const int *access_logs)
{
	if (error_log > STDERR_FILENO)
		child_reopen(c, REOPEN_ERROR_LOG, error_log);
	for (size_t i = 0; i < g->conf->log_targets.n; i++)
		if (access_logs[i] > STDERR_FILENO)
			child_reopen(c, REOPEN_ACCESS_LOG + i, access_logs[i]);
}

int generation_reopen(struct generation *g, struct children *children,
		      char why_out[WHY_SIZE])
{
	int error_log, *access_logs;

	if (open_logs(g->conf, &error_log, &access_logs, why_out) == -1)
		return -1;
	for (struct child *c = NULL; (c = children_next(children, g, c)) != NULL;)
		hand_over_logs(g, c, error_log, access_logs);
	close_logs(g->conf, &g->error_log, &g->access_logs);
	g->error_log = error_log;
	g->access_logs = access_logs;
	return 0;
}
