/* SPDX-License-Identifier: BSD-2-Clause */
/*
 *   proxy_et PORT UPSTREAM-PORT
 *
 * The bare loop of a proxy, edge-triggered: what a client sends goes to a
 * connection of its own to the upstream, and what comes back goes to the
 * client, unread. Two recv and two send for a request, its share of the
 * epoll_waits, and next to nothing between them.
 *
 * A side that takes no more stops the reading of the other one: each direction
 * has one buffer, and what is in it has to be sent before more is read. Both
 * ends are watched for EPOLLOUT from the beginning: being edge-triggered it is
 * only told after a send that found no room, and costs nothing before.
 */
#include "model.h"

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

enum { EVENTS = 256 };

/* An end of a connection, by its descriptor: what came from it, and is to be
 * sent to the other one. */
static struct end {
	int other;
	size_t from, to; /* what is left in the buffer */
	char *buffer;
} ends[FILES];

static void watch(int epoll, int fd, int other, uint32_t events)
{
	struct epoll_event event = {.events = events | EPOLLET, .data.fd = fd};

	ends[fd].other = other;
	ends[fd].from = ends[fd].to = 0;
	if (other != -1 && ends[fd].buffer == NULL)
		ends[fd].buffer = malloc(PIECE);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
		die("epoll_ctl");
}

static int connect_to(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		die("connect");
	ioctl(fd, FIONBIO, &on);
	return fd;
}

static void on_listener(int epoll, int listener, int port)
{
	int client;

	while ((client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) != -1) {
		int upstream = connect_to(port);

		watch(epoll, client, upstream, EPOLLIN | EPOLLOUT);
		watch(epoll, upstream, client, EPOLLIN | EPOLLOUT);
	}
}

/* Moves what comes from an end to the other one; false when that is over. */
static bool pump(int fd)
{
	struct end *end = &ends[fd];
	bool more = true;

	for (;;) {
		while (end->from < end->to) {
			ssize_t n = send(end->other, end->buffer + end->from,
					 end->to - end->from, MSG_NOSIGNAL);

			if (n == -1)
				return errno == EAGAIN;
			end->from += (size_t)n;
		}
		if (!more)
			return true;
		ssize_t n = recv(fd, end->buffer, PIECE, 0);

		if (n <= 0)
			return n == -1 && errno == EAGAIN;
		end->from = 0;
		end->to = (size_t)n;
		more = n == PIECE;
	}
}

static void on_end(int fd, uint32_t events)
{
	int other = ends[fd].other;

	if (other == -1) /* its other end was closed in this turn */
		return;
	if (((events & EPOLLIN) == 0 || pump(fd)) &&
	    (ends[other].from == ends[other].to || pump(other)))
		return;
	close(fd); /* leaves the set by itself */
	close(other);
	ends[fd].other = ends[other].other = -1;
}

int main(int argc, char **argv)
{
	int listener = model_start(argc, argv), epoll = epoll_create1(0);
	int port = atoi(argc > 2 ? argv[2] : ""), nonblocking = 1;
	struct epoll_event events[EVENTS];

	ioctl(listener, FIONBIO, &nonblocking);
	watch(epoll, listener, -1, EPOLLIN);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				on_listener(epoll, listener, port);
			else
				on_end(events[i].data.fd, events[i].events);
		}
	}
}
