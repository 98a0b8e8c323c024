/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One process, many clients, level-triggered epoll(7): the kernel keeps the
 * set, each descriptor puts itself on a list when something happens to it,
 * and epoll_wait hands out that list. What it costs depends on how many
 * clients are active, not on how many there are.
 *
 * "Level-triggered" is what poll does: a client is reported for as long as
 * there is something to read, so that reading once each time is enough and
 * nothing can be forgotten. The price is small: after it was handed out, a
 * descriptor stays on the list, and is looked at once more before the next
 * epoll_wait finds that there is nothing.
 */
#include "model.h"

#include <sys/epoll.h>

enum { EVENTS = 256 };

static void watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
		die("epoll_ctl");
}

int main(int argc, char **argv)
{
	int listener = model_start(argc, argv), epoll = epoll_create1(0);
	struct epoll_event events[EVENTS];

	watch(epoll, listener);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == listener) {
				int client = accept(listener, NULL, NULL);

				if (client != -1)
					watch(epoll, client);
			} else if (model_answer(fd) == -1) {
				close(fd); /* leaves the set by itself */
			}
		}
	}
}
