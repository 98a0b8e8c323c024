/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One process, many clients, edge-triggered epoll(7): a client is reported
 * when something new happens to it, once. This is the bare loop that the
 * others are compared with: one recv and one send for a request, its share of
 * an epoll_wait, and next to nothing between them.
 *
 * What it saves: no second look at descriptors that were handed out already.
 * What it asks for: whoever is told must read until nothing is left, because
 * nobody tells him again. A read that returns less than it had room for says
 * that nothing is left; accept has to be called until it says EAGAIN, which
 * is why the listener does not block.
 */
#include "model.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>

enum { EVENTS = 256 };

static void watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
		die("epoll_ctl");
}

static void on_listener(int epoll, int listener)
{
	int client;

	while ((client = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) != -1)
		watch(epoll, client);
}

static void on_client(int client)
{
	ssize_t n;

	do {
		n = model_answer(client);
	} while (n == PIECE);
	if (n == -1)
		close(client); /* leaves the set by itself */
}

int main(int argc, char **argv)
{
	int listener = model_start(argc, argv), epoll = epoll_create1(0);
	struct epoll_event events[EVENTS];
	int nonblocking = 1;

	ioctl(listener, FIONBIO, &nonblocking);
	watch(epoll, listener);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				on_listener(epoll, listener);
			else
				on_client(events[i].data.fd);
		}
	}
}
