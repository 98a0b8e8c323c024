/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The child calls getpwnam(3), getgrouplist(3) and getgrnam(3) and writes the
 * numbers into memory that it shares with the master; the end of a pipe says
 * that it is done. Nothing of it is believed but numbers: it has read no
 * client's bytes, but what a name service library does is not ours.
 */
#include "master/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"

struct answers {
	bool is_done;
	char why[WHY_SIZE]; /* when it is not empty, the rest is not there */
	struct names names; /* the last: it ends in an array */
};

static size_t size_of_names(const struct conf *conf)
{
	return sizeof(struct names) +
	       conf->n_listeners * sizeof(struct socket_access);
}

static size_t size_of_answers(const struct conf *conf)
{
	return offsetof(struct answers, names) + size_of_names(conf);
}

/* In the child. */

/* `at`: where in the configuration, for the message. */
static bool missing(struct answers *a, const struct conf_origin *at,
		    const char *setting, const char *kind, const char *name)
{
	/* An errno of these is "not found", getpwnam(3). */
	bool broken = errno != 0 && errno != ENOENT && errno != ESRCH &&
		      errno != EBADF && errno != EPERM;

	snprintf(a->why, sizeof(a->why), "%s:%d: %s: there is no %s \"%s\"%s%s",
		 at->file, at->line, setting, kind, name, broken ? ": " : "",
		 broken ? strerror(errno) : "");
	return false;
}

static bool find_user(struct answers *a, const struct conf *conf)
{
	struct identity *user = &a->names.user;
	int n = IDENTITY_GROUPS;
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(conf->user);
	if (pw == NULL)
		return missing(a, &conf->user_origin, "user", "user", conf->user);
	user->uid = pw->pw_uid;
	user->gid = pw->pw_gid;
	/* With more than there is room for, the first ones count. */
	if (getgrouplist(conf->user, pw->pw_gid, user->groups, &n) == -1)
		n = IDENTITY_GROUPS;
	user->n_groups = (unsigned)n;
	a->names.has_user = true;
	return true;
}

/* 0, or -1 with errno, which is 0 when there is none. */
static int id_of_group(const char *name, unsigned *id_out)
{
	const struct group *group = getgrnam(name);

	*id_out = group != NULL ? group->gr_gid : 0;
	return group != NULL ? 0 : -1;
}

static int id_of_user(const char *name, unsigned *id_out)
{
	const struct passwd *pw = getpwnam(name);

	*id_out = pw != NULL ? pw->pw_uid : 0;
	return pw != NULL ? 0 : -1;
}

/* An id by its number. The highest is none: chown(2) takes it for "as it is". */
static bool is_number(const char *name, unsigned *id_out)
{
	size_t n = strlen(name);
	unsigned long number = strtoul(name, NULL, 10);
	bool is = n < sizeof("4294967295") && strspn(name, "0123456789") == n &&
		  number < UINT_MAX;

	if (is)
		*id_out = (unsigned)number;
	return is;
}

/* What is an owner or a group, in the words of messages. */
struct id_kind {
	const char *setting, *name;
	int (*id_of)(const char *name, unsigned *id_out);
};
static const struct id_kind a_group = {"group", "group", id_of_group};
static const struct id_kind an_owner = {"owner", "user", id_of_user};

/* By its name, or as a number; *id_out stays as it is without either. */
static bool find_id(struct answers *a, const struct conf_origin *at,
		    const struct id_kind *kind, const char *name, unsigned *id_out)
{
	if (name[0] == '\0' || is_number(name, id_out))
		return true;
	errno = 0;
	if (kind->id_of(name, id_out) == 0)
		return true;
	return missing(a, at, kind->setting, kind->name, name);
}

static void find_all(struct answers *a, const struct conf *conf)
{
	bool fine = geteuid() != 0 || find_user(a, conf);

	fine = fine && find_id(a, &conf->user_origin, &a_group, conf->control.group,
			       &a->names.control.group);
	for (size_t i = 0; fine && i < conf->n_listeners; i++) {
		const struct conf_listener *l = &conf->listeners[i];
		struct socket_access *access = &a->names.listeners[i];

		fine = find_id(a, &l->origin, &an_owner, l->owner,
			       &access->owner) &&
		       find_id(a, &l->origin, &a_group, l->group, &access->group);
	}
	a->is_done = true;
}

/* What needs no lookup. */
static void set_defaults(struct answers *a, const struct conf *conf)
{
	a->names.control = (struct socket_access){(mode_t)conf->control.mode,
						  (uid_t)-1, (gid_t)-1};
	a->names.n_listeners = conf->n_listeners;
	for (size_t i = 0; i < conf->n_listeners; i++)
		a->names.listeners[i] = (struct socket_access){
			(mode_t)conf->listeners[i].mode, (uid_t)-1, (gid_t)-1};
}

static bool needs_lookup(const struct conf *conf)
{
	bool needs = geteuid() == 0 || conf->control.group[0] != '\0';

	for (size_t i = 0; i < conf->n_listeners; i++)
		needs |= conf->listeners[i].owner[0] != '\0' ||
			 conf->listeners[i].group[0] != '\0';
	return needs;
}

/* In the master. */

static struct answers *create_answers(const struct conf *conf)
{
	struct answers *a =
		mmap(NULL, size_of_answers(conf), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (a == MAP_FAILED)
		return NULL;
	set_defaults(a, conf);
	return a;
}

/* A user namespace may know no user but ours: then there is nobody to become,
 * and nothing to give up. user_namespaces(7) */
static bool is_only_user(void)
{
	FILE *map = fopen("/proc/self/uid_map", "re");
	unsigned long inside = 1, outside, count = 0;
	char more[2];
	bool only = map != NULL &&
		    fscanf(map, "%lu %lu %lu %1s", &inside, &outside, &count,
			   more) == 3 &&
		    inside == 0 && count == 1;

	if (map != NULL)
		fclose(map);
	return only;
}

/* The numbers, or NULL with why_out. */
static struct names *take_names(const struct answers *a, const struct conf *conf,
				char why_out[WHY_SIZE])
{
	struct names *names;

	if (!a->is_done || a->why[0] != '\0') {
		snprintf(why_out, WHY_SIZE, "%.*s", WHY_SIZE - 1,
			 a->why[0] != '\0' ? a->why
					   : "the lookup of users and groups "
					     "failed");
		return NULL;
	}
	names = mem_alloc(size_of_names(conf));
	memcpy(names, &a->names, size_of_names(conf));
	names->n_listeners = conf->n_listeners;
	if (names->user.n_groups > IDENTITY_GROUPS)
		names->user.n_groups = IDENTITY_GROUPS;
	if (names->has_user && names->user.uid != 0 && is_only_user()) {
		log_warn("this user namespace has no user \"%s\": workers stay "
			 "the master's user",
			 conf->user);
		names->has_user = false;
	}
	return names;
}

/* The child, and the pipe that it closes; -1 with errno. */
static pid_t spawn_child(const struct conf *conf, struct answers *a, int *end_out)
{
	int ends[2];
	pid_t pid, master = getpid();

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1)
		return -1;
	pid = fork();
	if (pid == 0) {
		fd_close_others(&ends[1], 1);
		/* A name service that hangs is not to outlive the master. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (getppid() == master)
			find_all(a, conf);
		/* This says that it is done. It is killed then: nothing of the
		 * master's is to be ended by a copy of it. */
		fd_close(&ends[1]);
		for (;;)
			pause();
	}
	fd_close(&ends[1]);
	*end_out = ends[0];
	if (pid == -1)
		fd_close(end_out);
	return pid;
}

static void destroy_answers(struct answers **a, const struct conf *conf)
{
	if (*a != NULL)
		munmap(*a, size_of_answers(conf));
	*a = NULL;
}

void lookup_cancel(struct lookup *l)
{
	timer_disarm(&l->timer);
	if (l->pid > 0)
		kill(l->pid, SIGKILL); /* reaped with the children */
	l->pid = 0;
	if (l->end.fd != -1)
		loop_close(l->loop, &l->end);
	destroy_answers(&l->answers, l->conf);
}

static void finish(struct lookup *l, const char *late)
{
	char why[WHY_SIZE] = "";
	struct names *names = NULL;

	if (late != NULL)
		snprintf(why, sizeof(why), "%s", late);
	else
		names = take_names(l->answers, l->conf, why);
	lookup_cancel(l);
	l->on_done(l, names, why);
}

static void on_end(struct watch *watch, uint32_t events)
{
	(void)events;
	finish(CONTAINER_OF(watch, struct lookup, end), NULL);
}

static void on_time(struct timer *timer)
{
	finish(CONTAINER_OF(timer, struct lookup, timer),
	       "users and groups could not be looked up within 5 s");
}

void lookup_init(struct lookup *l, struct loop *loop)
{
	*l = (struct lookup){.loop = loop, .end = {on_end, -1}};
	timer_init(&l->timer, on_time);
}

void lookup_begin(struct lookup *l, const struct conf *conf)
{
	l->conf = conf;
	l->answers = create_answers(conf);
	if (l->answers == NULL) {
		l->on_done(l, NULL, "no memory to look up users and groups");
		return;
	}
	if (!needs_lookup(conf)) {
		l->answers->is_done = true;
		finish(l, NULL);
		return;
	}
	l->pid = spawn_child(conf, l->answers, &l->end.fd);
	if (l->pid == -1 || loop_add(l->loop, &l->end, EPOLLIN) == -1) {
		char why[WHY_SIZE];

		snprintf(why, sizeof(why),
			 "cannot spawn a process to look up users and groups: %s",
			 strerror(errno));
		finish(l, why);
		return;
	}
	loop_timer(l->loop, &l->timer, LOOKUP_MS);
}

/* For a program without a loop. */

struct alone {
	struct loop loop;
	struct lookup lookup;
	struct names *names;
	bool is_done;
	char *why;
};

static void on_done_alone(struct lookup *l, struct names *names, const char *why)
{
	struct alone *alone = CONTAINER_OF(l, struct alone, lookup);

	alone->is_done = true;
	alone->names = names;
	snprintf(alone->why, WHY_SIZE, "%s", why);
	loop_stop(&alone->loop);
}

struct names *names_find(const struct conf *conf, char why_out[WHY_SIZE])
{
	struct alone alone = {.why = why_out};
	pid_t child;

	if (loop_init(&alone.loop) == -1) {
		snprintf(why_out, WHY_SIZE,
			 "no event loop to look up users and "
			 "groups");
		return NULL;
	}
	lookup_init(&alone.lookup, &alone.loop);
	alone.lookup.on_done = on_done_alone;
	lookup_begin(&alone.lookup, conf);
	child = alone.lookup.pid;
	if (!alone.is_done)
		loop_run(&alone.loop);
	if (child > 0)
		(void)waitpid(child, NULL, 0);
	loop_fini(&alone.loop);
	return alone.names;
}
