/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/listeners.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "master/notify.h"

void listeners_init(struct listeners *listeners)
{
	list_init(&listeners->all);
	list_init(&listeners->inherited);
}

static bool has_file(const struct bound *bound)
{
	return bound->addr.length > 0 && addr_family(&bound->addr) == AF_UNIX &&
	       bound->addr.un.sun_path[0] != '\0';
}

/* Unless another server has put its own in that place. */
static void remove_file(const struct bound *bound)
{
	struct stat st;

	if (has_file(bound) && !bound->inherited && !bound->borrowed &&
	    !bound->leave_name && lstat(bound->addr.un.sun_path, &st) == 0 &&
	    st.st_dev == bound->device && st.st_ino == bound->inode)
		unlink(bound->addr.un.sun_path);
}

static struct bound *bound_create(struct listeners *home, int fd)
{
	struct bound *bound = mem_zalloc(1, sizeof(*bound));

	struct stat st;

	bound->home = home;
	bound->fd = fd;
	bound->addr.length = sizeof(struct sockaddr_un);
	if (getsockname(fd, &bound->addr.any, &bound->addr.length) == -1)
		bound->addr.length = 0;
	list_init(&bound->link);
	if (has_file(bound) && stat(bound->addr.un.sun_path, &st) == 0) {
		bound->device = st.st_dev;
		bound->inode = st.st_ino;
	}
	return bound;
}

static void bound_destroy(struct bound *bound)
{
	list_remove(&bound->link);
	fd_close(&bound->fd);
	free(bound->key);
	free(bound);
}

void listeners_inherit(struct listeners *listeners)
{
	int first, n = notify_inherited_fds(&first);

	for (int fd = first; fd < first + n; fd++) {
		struct bound *bound = bound_create(listeners, fd);
		int listening = 0;
		socklen_t size = sizeof(listening);

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) ==
			    -1 ||
		    !listening || fd_set_nonblocking(fd) == -1) {
			log_warn("descriptor %d from systemd is not a "
				 "listening socket",
				 fd);
			bound_destroy(bound);
			continue;
		}
		bound->inherited = true;
		list_append(&listeners->inherited, &bound->link);
	}
}

void listeners_take_over(struct listeners *listeners, const char *key, int fd,
			 bool inherited)
{
	struct bound *bound = bound_create(listeners, fd);

	bound->key = mem_strdup(key);
	bound->inherited = inherited;
	bound->borrowed = true;
	list_append(&listeners->inherited, &bound->link);
}

static struct bound *find(struct list *all, const struct conf_listener *conf)
{
	LIST_EACH (link, all) {
		struct bound *bound = CONTAINER_OF(link, struct bound, link);

		if (bound->key != NULL ? strcmp(bound->key, conf->text) == 0
				       : addr_equal(&bound->addr, &conf->addr))
			return bound;
	}
	return NULL;
}

static void set_options(int fd, const struct addr *addr)
{
	int on = 1, off = 0;

	/* What an accepted socket inherits is set here, once, and costs no
	 * system call for each connection. */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (addr_family(addr) == AF_UNIX)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (addr_family(addr) == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
}

/* A Unix socket's file of a server that is gone must not be in the way; one
 * that answers must. */
static void remove_stale(const struct addr *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd == -1 || addr->un.sun_path[0] == '\0')
		goto out;
	if (connect(fd, &addr->any, addr->length) == -1 && errno == ECONNREFUSED &&
	    lstat(addr->un.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(addr->un.sun_path);
out:
	fd_close(&fd);
}

/* Workers of a master that was killed may be just about to close it. */
static int bind_patiently(int fd, const struct addr *addr, uint64_t until)
{
	static const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
	int result;

	while ((result = bind(fd, &addr->any, addr->length)) == -1 &&
	       errno == EADDRINUSE && clock_read() < until)
		nanosleep(&pause, NULL);
	return result;
}

static int open_socket(const struct addr *addr, const struct conf_listener *conf,
		       uint64_t patient_until)
{
	int fd = socket(addr_family(addr),
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	set_options(fd, addr);
	if (addr_family(addr) == AF_UNIX)
		remove_stale(addr);
	if (bind_patiently(fd, addr, patient_until) == -1)
		goto fail;
	if (addr_family(addr) == AF_UNIX && addr->un.sun_path[0] != '\0' &&
	    chmod(addr->un.sun_path, (mode_t)conf->mode) == -1)
		goto fail;
	if (listen(fd, (int)conf->backlog) == -1)
		goto fail;
	return fd;
fail:
	fd_close(&fd);
	return -1;
}

/* "*:80" is both families; where the machine has no IPv6, it is IPv4. */
static int open_any(const struct conf_listener *conf, uint64_t patient_until)
{
	int fd = open_socket(&conf->addr, conf, patient_until);
	struct addr v4;

	if (fd != -1 || addr_family(&conf->addr) != AF_INET6 ||
	    !IN6_IS_ADDR_UNSPECIFIED(&conf->addr.v6.sin6_addr) ||
	    (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
		return fd;
	v4 = (struct addr){.length = sizeof(v4.v4)};
	v4.v4.sin_family = AF_INET;
	v4.v4.sin_port = conf->addr.v6.sin6_port;
	return open_socket(&v4, conf, patient_until);
}

static struct bound *adopt(struct listeners *listeners,
			   const struct conf_listener *conf)
{
	struct bound *bound = find(&listeners->inherited, conf);

	if (bound == NULL)
		return NULL;
	list_remove(&bound->link);
	set_options(bound->fd, &bound->addr);
	return bound;
}

struct bound *listeners_use(struct listeners *listeners,
			    const struct conf_listener *conf,
			    char why_out[WHY_SIZE])
{
	struct bound *bound = find(&listeners->all, conf);

	if (bound != NULL) {
		bound->users++;
		return bound;
	}
	bound = adopt(listeners, conf);
	if (bound == NULL) {
		int fd = open_any(conf, listeners->patient_until);

		if (fd == -1) {
			snprintf(why_out, WHY_SIZE,
				 "%s:%d: cannot listen on %s: %s",
				 conf->origin.file, conf->origin.line, conf->text,
				 strerror(errno));
			return NULL;
		}
		bound = bound_create(listeners, fd);
	}
	free(bound->key);
	bound->key = mem_strdup(conf->text);
	bound->users = 1;
	list_append(&listeners->all, &bound->link);
	return bound;
}

void listeners_settle(struct bound *bound, const struct conf_listener *conf)
{
	bound->borrowed = false; /* from now on we serve with it */
	/* listen(2) again is how the backlog of a socket changes. */
	if (listen(bound->fd, (int)conf->backlog) == -1 ||
	    (has_file(bound) && !bound->inherited &&
	     chmod(bound->addr.un.sun_path, (mode_t)conf->mode) == -1))
		log_errno(LOG_LEVEL_WARN, "%s: cannot change backlog or mode",
			  bound->key);
}

/* systemd goes on listening to what it passed: we keep it, for the day when
 * the configuration has it again. */
static void give_back(struct bound *bound)
{
	list_remove(&bound->link);
	free(bound->key);
	bound->key = NULL;
	list_append(&bound->home->inherited, &bound->link);
}

bool listeners_leave(struct bound **where)
{
	struct bound *bound = *where;

	*where = NULL;
	if (bound == NULL || --bound->users > 0)
		return false;
	remove_file(bound);
	if (bound->inherited)
		give_back(bound);
	else
		bound_destroy(bound);
	return true;
}

void listeners_abandon(struct bound **where)
{
	struct bound *bound = *where;

	/* Children that are being killed still have the socket; it must not
	 * keep the address until they are gone. */
	if (bound != NULL && bound->users == 1 && !bound->inherited &&
	    !bound->borrowed)
		(void)shutdown(bound->fd, SHUT_RD);
	listeners_leave(where);
}

void listeners_fini(struct listeners *listeners)
{
	LIST_EACH_SAFE (link, &listeners->inherited)
		bound_destroy(CONTAINER_OF(link, struct bound, link));
}

void listeners_drop_unused(struct listeners *listeners)
{
	LIST_EACH_SAFE (link, &listeners->inherited) {
		struct bound *bound = CONTAINER_OF(link, struct bound, link);
		char text[ADDR_TEXT];

		if (bound->key != NULL)
			log_info("closing %s", bound->key);
		else
			log_warn(
				"no listener in the configuration is for %s, which "
				"systemd passed: closing it",
				addr_format(&bound->addr, text));
		bound_destroy(bound);
	}
}
