/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First what a bound socket is and its file; then sockets that are given to us,
 * by systemd or by the master before us; then opening one, which is where an
 * address may have to be shared with a listener that goes (see share_port());
 * then the users of a socket, from listeners_use() to listeners_release().
 */
#include "master/listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/defer_accept.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/safe_path.h"
#include "master/notify.h"
#include "worker/worker.h"

enum { LATE_MS = 3000 }; /* more patience with an address that is not there */

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

static void remove_file(const struct bound *bound)
{
	if (has_file(bound) && !bound->inherited && !bound->borrowed &&
	    !bound->file_handed_over)
		socket_file_remove(&bound->file, bound->addr.un.sun_path);
}

static bool is_tcp(const struct bound *bound)
{
	return bound->addr.length > 0 && addr_family(&bound->addr) != AF_UNIX;
}

static struct bound *bound_create(struct listeners *home, int fd)
{
	struct bound *bound = mem_zalloc(1, sizeof(*bound));

	bound->home = home;
	bound->fd = fd;
	bound->addr.length = sizeof(struct sockaddr_un);
	if (getsockname(fd, &bound->addr.any, &bound->addr.length) == -1)
		bound->addr.length = 0;
	/* systemd or the master before us may have set it. */
	bound->is_deferred = is_tcp(bound) && defer_accept_is_set(fd);
	list_init(&bound->link);
	if (has_file(bound))
		bound->file = socket_file_find(bound->addr.un.sun_path);
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

/* Nobody can connect to a Unix socket whose file is gone: a new one takes its
 * place. systemd's cannot be replaced. */
static bool is_lost(const struct bound *bound)
{
	return has_file(bound) && !bound->inherited &&
	       !socket_file_is_at(&bound->file, bound->addr.un.sun_path);
}

static struct bound *find(struct list *all, const struct conf_listener *conf)
{
	LIST_EACH (link, all) {
		struct bound *bound = CONTAINER_OF(link, struct bound, link);

		if (is_lost(bound))
			continue;
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

static bool has_port(const struct bound *bound, uint16_t port)
{
	return bound->addr.length > 0 && addr_family(&bound->addr) != AF_UNIX &&
	       addr_port(&bound->addr) == port;
}

static unsigned set_sharing(struct list *all, uint16_t port, int on)
{
	unsigned n = 0;

	LIST_EACH (link, all) {
		struct bound *bound = CONTAINER_OF(link, struct bound, link);

		if (!has_port(bound, port))
			continue;
		setsockopt(bound->fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
		n++;
	}
	return n;
}

/*
 * 127.0.0.1:80 may become *:80 by a reload, or the other way round. The kernel
 * refuses to have both, unless SO_REUSEPORT is set on both; so it is, from here
 * until the generation serves or is given up. The new socket does not listen
 * until then: it would take connections from the one that serves. False when
 * no socket of ours has the port.
 */
static bool share_port(struct listeners *listeners, uint16_t port, int on)
{
	return set_sharing(&listeners->all, port, on) +
		       set_sharing(&listeners->inherited, port, on) >
	       0;
}

/* The socket listens, or is given up. The others that were bound beside the same
 * one have to listen first: listen(2) would find their address in use. */
static void end_beside(struct bound *bound)
{
	uint16_t port = addr_port(&bound->addr);

	if (!bound->beside)
		return;
	bound->beside = false;
	LIST_EACH (link, &bound->home->all) {
		const struct bound *other = CONTAINER_OF(link, struct bound, link);

		if (other->beside && has_port(other, port))
			return;
	}
	share_port(bound->home, port, 0);
}

/* What may pass at the start: workers of a master that was killed are just about
 * to close their listeners; an address is not there yet, or is a tentative one
 * of IPv6. */
static bool may_pass(int error, uint64_t until)
{
	if (error == EADDRNOTAVAIL && until != 0)
		until += LATE_MS * NS_PER_MS;
	return (error == EADDRINUSE || error == EADDRNOTAVAIL) &&
	       clock_read() < until;
}

/* Where and how a socket is opened. */
struct opening {
	struct listeners *home;
	const struct conf_listener *conf;
	const struct socket_access *access;
	bool beside; /* a listener that has to go: see share_port() */
	char why[WHY_SIZE / 2];
};

static int bind_once(const struct opening *o, int fd, const struct addr *addr)
{
	struct socket_file file;

	if (addr_family(addr) != AF_UNIX || addr->un.sun_path[0] == '\0')
		return bind(fd, &addr->any, addr->length);
	socket_file_remove_stale(addr);
	return socket_file_bind(fd, addr, o->access, &file);
}

static int bind_patiently(const struct opening *o, int fd, const struct addr *addr)
{
	static const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
	int result;

	while ((result = bind_once(o, fd, addr)) == -1 &&
	       may_pass(errno, o->home->patient_until))
		nanosleep(&pause, NULL);
	return result;
}

/* Beside a listener of ours with the same port. */
static int bind_beside(struct listeners *listeners, int fd, const struct addr *addr)
{
	int on = 1, result;

	if (errno != EADDRINUSE || addr_family(addr) == AF_UNIX ||
	    addr_port(addr) == 0 || !share_port(listeners, addr_port(addr), 1))
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	result = bind(fd, &addr->any, addr->length);
	if (result == -1) {
		share_port(listeners, addr_port(addr), 0);
		errno = EADDRINUSE;
	}
	return result;
}

static int bind_and_listen(struct opening *o, int fd, const struct addr *addr)
{
	if (bind_patiently(o, fd, addr) == 0)
		return listen(fd, (int)o->conf->backlog);
	o->beside = bind_beside(o->home, fd, addr) == 0;
	return o->beside ? 0 : -1;
}

/* The folder of a Unix socket may be reached by links that others can change. */
static bool path_is_safe(struct opening *o, const struct addr *addr)
{
	struct safe_path path;
	bool safe;

	if (addr_family(addr) != AF_UNIX || addr->un.sun_path[0] == '\0')
		return true;
	safe = safe_path_open(&path, addr->un.sun_path, o->why, sizeof(o->why)) ==
	       0;
	safe_path_close(&path);
	return safe;
}

static int open_socket(struct opening *o, const struct addr *addr)
{
	int fd;

	if (!path_is_safe(o, addr))
		return -1;
	fd = socket(addr_family(addr), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    0);
	if (fd != -1) {
		set_options(fd, addr);
		if (bind_and_listen(o, fd, addr) == 0)
			return fd;
	}
	snprintf(o->why, sizeof(o->why), "%s", strerror(errno));
	fd_close(&fd);
	return -1;
}

/* "*:80" is both families; where the machine has no IPv6, it is IPv4. */
static int open_any(struct opening *o)
{
	const struct addr *addr = &o->conf->addr;
	int fd = open_socket(o, addr);
	struct addr v4;

	if (fd != -1 || addr_family(addr) != AF_INET6 ||
	    !IN6_IS_ADDR_UNSPECIFIED(&addr->v6.sin6_addr) ||
	    (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
		return fd;
	v4 = (struct addr){.length = sizeof(v4.v4)};
	v4.v4.sin_family = AF_INET;
	v4.v4.sin_port = addr->v6.sin6_port;
	return open_socket(o, &v4);
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
			    const struct socket_access *access,
			    char why_out[WHY_SIZE])
{
	struct bound *bound = find(&listeners->all, conf);

	if (bound != NULL) {
		bound->users++;
		return bound;
	}
	bound = adopt(listeners, conf);
	if (bound == NULL) {
		struct opening o = {
			.home = listeners, .conf = conf, .access = access};
		int fd = open_any(&o);

		if (fd == -1) {
			snprintf(why_out, WHY_SIZE,
				 "%s:%d: cannot listen on %s: %s",
				 conf->origin.file, conf->origin.line, conf->text,
				 o.why);
			return NULL;
		}
		bound = bound_create(listeners, fd);
		bound->beside = o.beside;
	}
	free(bound->key);
	bound->key = mem_strdup(conf->text);
	bound->users = 1;
	list_append(&listeners->all, &bound->link);
	return bound;
}

static void set_deferred(struct bound *bound, bool on)
{
	if (bound->is_deferred != on && is_tcp(bound) &&
	    defer_accept_set(bound->fd, on) == 0)
		bound->is_deferred = on;
}

bool listeners_let_in(struct bound *bound)
{
	if (!bound->is_deferred)
		return false;
	bound->is_deferred = false;
	return defer_accept_let_in(bound->fd);
}

void listeners_commit(struct bound *bound, const struct conf_listener *conf,
		      const struct socket_access *access)
{
	bound->borrowed = false; /* from now on we serve with it */
	set_deferred(bound, worker_client_speaks_first(conf));
	/* listen(2) again is how the backlog of a socket changes. */
	if (listen(bound->fd, (int)conf->backlog) == -1)
		log_errno(LOG_LEVEL_ERROR, "%s: cannot listen", bound->key);
	end_beside(bound);
	if (has_file(bound) && !bound->inherited &&
	    socket_file_set(&bound->file, bound->addr.un.sun_path, access) == -1)
		log_errno(LOG_LEVEL_WARN, "%s: cannot change mode and owner",
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

bool listeners_release(struct bound **where)
{
	struct bound *bound = *where;

	*where = NULL;
	if (bound == NULL || --bound->users > 0)
		return false;
	end_beside(bound);
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
	listeners_release(where);
}

void listeners_stop_sharing(struct listeners *listeners)
{
	LIST_EACH (link, &listeners->all) {
		struct bound *bound = CONTAINER_OF(link, struct bound, link);

		if (has_port(bound, addr_port(&bound->addr)))
			share_port(listeners, addr_port(&bound->addr), 0);
	}
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

		/* Of the master before us, which leaves names to us. */
		bound->borrowed = false;
		remove_file(bound);
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
