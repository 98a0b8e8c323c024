/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For `holdfast check`: finds the errors of a configuration that only a worker
 * meets, those of certificates and of modules. Each route that has a module is
 * created in a child of its own, so that one that crashes or hangs is reported
 * like other errors.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "worker/http/http.h"
#include "worker/parts.h"
#include "worker/tls/certificate_check.h"
#include "worker/worker.h"

enum { TRIAL_SECONDS = 10 };

static const struct handler *handler_of(const struct conf_route *route)
{
	const struct handler *handler = parts_handler(route->handler);

	ASSERT(handler != NULL); /* t/unit/worker/parts.c */
	return handler;
}

/* Runs in the child. Reports an empty text, or the reason of a failure; a
 * module that ends the process reports nothing. */
static void make_route(const struct conf *conf, const struct conf_route *route,
		       int to)
{
	struct http http = {.conf = conf};
	const char *why = "";
	void *instance = handler_of(route)->create(&http, route, &why);

	if (instance != NULL) {
		handler_of(route)->destroy(instance);
		why = "";
	}
	/* With its NUL. The parent waits for this process. */
	_exit(write(to, why, strlen(why) + 1) == -1);
}

static void put_death(struct buf *out, int status)
{
	if (!WIFSIGNALED(status))
		buf_put_cstr(out, "it ends the process when it is loaded");
	else if (WTERMSIG(status) == SIGALRM)
		buf_printf(out, "it is not loaded after %d seconds", TRIAL_SECONDS);
	else
		buf_printf(out, "it crashes when it is loaded: %s",
			   strsignal(WTERMSIG(status)));
}

static pid_t start_trial(const struct conf *conf, const struct conf_route *route,
			 int to)
{
	pid_t pid = fork();

	if (pid == -1)
		log_fatal("fork: errno %d", errno);
	if (pid == 0) {
		log_set_process("check");
		alarm(TRIAL_SECONDS);
		make_route(conf, route, to);
	}
	return pid;
}

/* False if the route cannot be created; the error is added to `said`. */
static bool try_route(const struct conf *conf, const struct conf_route *route,
		      struct buf *said)
{
	char why[4096]; /* PIPE_BUF: it is written at once */
	int ends[2], status = 0;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
		log_fatal("pipe: errno %d", errno);
	pid_t pid = start_trial(conf, route, ends[1]);

	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		;
	ssize_t n = read(ends[0], why, sizeof(why));

	fd_close(&ends[0]);
	fd_close(&ends[1]);
	if (n > 0 && why[0] == '\0')
		return true;
	buf_printf(said, "%s:%d: %s: ", route->origin.file, route->origin.line,
		   route->origin.where);
	if (n > 0)
		buf_put(said, (struct str){why, strnlen(why, (size_t)n)});
	else
		put_death(said, status);
	buf_put_cstr(said, "\n");
	return false;
}

unsigned worker_check(const struct conf *conf, struct buf *said)
{
	unsigned errors = certificate_check(conf, said);

	for (size_t i = 0; i < conf->n_sites; i++) {
		const struct conf_site *site = &conf->sites[i];

		for (size_t k = 0; k < site->n_routes; k++)
			if (handler_of(&site->routes[k])->runs_foreign_code &&
			    !try_route(conf, &site->routes[k], said))
				errors++;
	}
	return errors;
}
