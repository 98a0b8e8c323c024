/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connect(2) on a non-blocking socket answers EINPROGRESS; EPOLLOUT says that
 * it is over, and SO_ERROR how it went. When a name has several addresses the
 * next is tried when one fails.
 *
 * Standard input may be a terminal, a pipe or a file, which epoll does not
 * take, and must not be made non-blocking, because others share it: it is
 * read when poll(2) says so. At its end we say so to the server and wait for
 * the rest of what it sends.
 */
#include "master/client/connect.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

enum {
	CONNECT_MS = 10000, /* for one address */
	CONNECT_CHUNK = 16384,
};

struct client {
	const char *target;
	bool verbose;
	uint64_t started;
	int fd;
	bool answered;  /* the first byte has come */
	struct buf out; /* read from standard input, not sent yet */
};

static void note(const struct client *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void note(const struct client *c, const char *format, ...)
{
	va_list args;

	if (!c->verbose)
		return;
	fprintf(stderr, "%10.3f ms  ",
		(double)(clock_read() - c->started) / (double)NS_PER_MS);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static int fail(const struct client *c, const char *what)
{
	fprintf(stderr, "holdfast: connect %s: %s\n", c->target, what);
	return 1;
}

/* Waits for the end of a connect in progress. 0, or the errno it ended in. */
static int wait_connected(struct client *c)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), error = 0, n;
	struct epoll_event event = {.events = EPOLLOUT | EPOLLET};
	socklen_t size = sizeof(error);

	if (epoll == -1 || epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event) == -1)
		return errno;
	do {
		n = epoll_wait(epoll, &event, 1, CONNECT_MS);
	} while (n == -1 && errno == EINTR);
	close(epoll);
	if (n == 0)
		return ETIMEDOUT;
	note(c, "epoll_wait: %s%s%s", event.events & EPOLLOUT ? "EPOLLOUT" : "",
	     event.events & EPOLLERR ? " EPOLLERR" : "",
	     event.events & EPOLLHUP ? " EPOLLHUP" : "");
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
		return errno;
	note(c, "SO_ERROR: %s", error == 0 ? "0" : strerror(error));
	return error;
}

/* 0, or the errno that it ended in; c->fd is open only for 0. */
static int try_address(struct client *c, const struct sockaddr *to, socklen_t size,
		       int family)
{
	struct addr addr = {.length = size};
	char text[ADDR_TEXT];
	int error = 0;

	memcpy(&addr.any, to, size);
	c->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		return errno;
	if (connect(c->fd, to, size) == -1)
		error = errno;
	note(c, "connect(%s): %s", addr_format(&addr, text),
	     error == 0             ? "done at once"
	     : error == EINPROGRESS ? "EINPROGRESS"
				    : strerror(error));
	if (error == EINPROGRESS)
		error = wait_connected(c);
	if (error != 0)
		fd_close(&c->fd);
	else
		note(c, "connected");
	return error;
}

static int try_unix(struct client *c)
{
	struct addr addr;
	const char *why = addr_parse(str_of(c->target), &addr);

	if (why != NULL)
		return fail(c, why);
	int error = try_address(c, &addr.any, addr.length, AF_UNIX);

	return error == 0 ? 0 : fail(c, strerror(error));
}

/* Takes "host:port" and "[::1]:port" apart, in place. */
static bool split(char *target, char **host_out, char **port_out)
{
	char *colon = strrchr(target, ':');

	if (colon == NULL || colon == target || colon[1] == '\0')
		return false;
	*colon = '\0';
	*port_out = colon + 1;
	*host_out = target;
	if (target[0] == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		*host_out = target + 1;
	}
	return true;
}

static int try_names(struct client *c)
{
	char target[512], *host, *port;
	struct addrinfo *found,
		hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
	int error = 0;

	snprintf(target, sizeof(target), "%s", c->target);
	if (strlen(c->target) >= sizeof(target) || !split(target, &host, &port))
		return fail(c, "the target is HOST:PORT, [IPv6]:PORT or "
			       "unix:/path");
	uint64_t number;

	if (str_to_u64(str_of(port), &number) && (number == 0 || number > 65535))
		return fail(c, "a port is a number from 1 to 65535");
	int why = getaddrinfo(host, port, &hints, &found);

	if (why != 0)
		return fail(c, gai_strerror(why));
	note(c, "resolved %s", host);
	for (struct addrinfo *a = found; a != NULL; a = a->ai_next) {
		error = try_address(c, a->ai_addr, a->ai_addrlen, a->ai_family);
		if (error == 0)
			break;
	}
	freeaddrinfo(found);
	return error == 0 ? 0 : fail(c, strerror(error));
}

/* All of it, to what may be a slow pipe. */
static bool print(struct str s)
{
	while (s.n > 0) {
		ssize_t n = write(STDOUT_FILENO, s.p, s.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return false;
		s = str_tail(s, (size_t)n);
	}
	return true;
}

enum flow { FLOW_ON, FLOW_END, FLOW_FAILED };

static enum flow from_server(struct client *c)
{
	char bytes[CONNECT_CHUNK];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return FLOW_ON;
	if (n == -1) {
		fail(c, strerror(errno));
		return FLOW_FAILED;
	}
	if (n == 0) {
		note(c, "the server closed");
		return FLOW_END;
	}
	if (!c->answered)
		note(c, "first byte");
	c->answered = true;
	if (print((struct str){bytes, (size_t)n}))
		return FLOW_ON;
	fail(c, "cannot write to standard output");
	return FLOW_FAILED;
}

static enum flow to_server(struct client *c)
{
	struct str s = buf_str(&c->out);
	ssize_t n = send(c->fd, s.p, s.n, MSG_NOSIGNAL);

	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		fail(c, strerror(errno));
		return FLOW_FAILED;
	}
	if (n > 0)
		buf_consume(&c->out, (size_t)n);
	return FLOW_ON;
}

static enum flow from_user(struct client *c)
{
	char *to = buf_room(&c->out, CONNECT_CHUNK);
	ssize_t n = read(STDIN_FILENO, to, CONNECT_CHUNK);

	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return FLOW_ON;
	if (n <= 0)
		return FLOW_END;
	buf_added(&c->out, (size_t)n);
	return FLOW_ON;
}

static int converse(struct client *c)
{
	enum flow user = FLOW_ON;
	bool finished = false; /* our half is closed */

	for (;;) {
		bool unsent = buf_length(&c->out) > 0;
		struct pollfd fds[2] = {
			{.fd = c->fd,
			 .events = (short)(POLLIN | (unsent ? POLLOUT : 0))},
			/* What was read goes out before more is read. */
			{.fd = user == FLOW_ON && !unsent ? STDIN_FILENO : -1,
			 .events = POLLIN},
		};

		if (!unsent && user == FLOW_END && !finished) {
			shutdown(c->fd, SHUT_WR);
			note(c, "end of input: our half is closed");
			finished = true;
		}
		if (poll(fds, 2, -1) == -1 && errno != EINTR)
			return fail(c, strerror(errno));
		enum flow server = FLOW_ON;

		if (fds[0].revents & (POLLIN | POLLHUP | POLLERR))
			server = from_server(c);
		if (server == FLOW_ON && fds[0].revents & POLLOUT)
			server = to_server(c);
		if (server != FLOW_ON)
			return server == FLOW_END ? 0 : 1;
		if (fds[1].revents != 0)
			user = from_user(c);
	}
}

int connect_run(const char *target, bool verbose)
{
	struct client c = {.target = target,
			   .verbose = verbose,
			   .started = clock_read(),
			   .fd = -1};
	bool is_unix = strncmp(target, "unix:", 5) == 0;
	int status = is_unix ? try_unix(&c) : try_names(&c);

	if (status == 0)
		status = converse(&c);
	fd_close(&c.fd);
	buf_release(&c.out);
	buf_free_all();
	return status;
}
