/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One process, many clients: poll(2) says which of them have sent something.
 * A client is an entry in an array, so there is no 1024 as with select(2),
 * and the question is not overwritten by the answer.
 *
 * What it costs: still the whole array goes to the kernel, which puts itself
 * on the waiting list of every descriptor and takes itself off again, and
 * comes back to be walked for the few that are ready. With ten thousand
 * clients of whom ten are active, nearly all of the time goes into that.
 */
#include "model.h"

#include <poll.h>

static struct pollfd clients[FILES];

int main(int argc, char **argv)
{
	int listener = model_start(argc, argv);
	nfds_t n = 1;

	clients[0] = (struct pollfd){.fd = listener, .events = POLLIN};
	for (;;) {
		if (poll(clients, n, -1) == -1)
			die("poll");
		/* From the end: the last entry fills the place of one that goes. */
		for (nfds_t i = n - 1; i > 0; i--) {
			if (clients[i].revents == 0)
				continue;
			if (model_answer(clients[i].fd) == -1) {
				close(clients[i].fd);
				clients[i] = clients[--n];
			}
		}
		if (clients[0].revents != 0 && n < FILES) {
			int client = accept(listener, NULL, NULL);

			if (client != -1)
				clients[n++] = (struct pollfd){.fd = client,
							       .events = POLLIN};
		}
	}
}
