/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One process, many clients: select(2) says which of them have sent
 * something. A client is a bit in a set.
 *
 * What it costs: the set is handed to the kernel and back each time, and both
 * sides walk all of it up to the highest descriptor, to find the few that are
 * ready. And it ends at FD_SETSIZE, 1024 descriptors: a bit beyond that would
 * be written into somebody else's memory, so such a client is turned away.
 */
#include "model.h"

#include <sys/select.h>

int main(int argc, char **argv)
{
	int listener = model_start(argc, argv), highest = listener;
	fd_set all;

	FD_ZERO(&all);
	FD_SET(listener, &all);
	for (;;) {
		fd_set ready = all; /* it will be overwritten */

		if (select(highest + 1, &ready, NULL, NULL, NULL) == -1)
			die("select");
		for (int fd = 0; fd <= highest; fd++) {
			if (!FD_ISSET(fd, &ready) || fd == listener)
				continue;
			if (model_answer(fd) == -1) {
				close(fd);
				FD_CLR(fd, &all);
			}
		}
		if (FD_ISSET(listener, &ready)) {
			int client = accept(listener, NULL, NULL);

			if (client >= FD_SETSIZE) {
				close(client);
			} else if (client != -1) {
				FD_SET(client, &all);
				highest = client > highest ? client : highest;
			}
		}
	}
}
