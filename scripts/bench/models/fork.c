/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process for each connection. The oldest way and the simplest: the code
 * for a client is a straight line, nothing that one client does can harm
 * another, and the kernel does all the waiting.
 *
 * What it costs: a fork and an exit for each connection (a few hundred
 * microseconds), a process for each client that is connected, however idle
 * (some 100 KiB, most of it the kernel's), and for each request a switch from
 * one process to another.
 */
#include "model.h"

#include <sys/wait.h>

static void serve(int client)
{
	while (model_answer(client) >= 0)
		;
}

int main(int argc, char **argv)
{
	int listener = model_start(argc, argv);

	for (;;) {
		int client = accept(listener, NULL, NULL);
		pid_t child = client == -1 ? -1 : fork();

		if (child == 0) {
			close(listener);
			serve(client);
			_exit(0);
		}
		if (client != -1)
			close(client); /* the child has it */
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}
