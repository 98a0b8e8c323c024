/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A number of processes, made before anyone asks; each accepts a client,
 * serves it to its end, and accepts the next. All of them block in accept of
 * the same socket, and the kernel wakes one.
 *
 *   prefork PORT [close | echo | keep [PROCESSES]]
 *
 * What it costs: no fork for a connection any more, but still a process for
 * each client, and a switch between processes for each request. And a new
 * limit: as many clients as there are processes (64 unless told otherwise)
 * are served; the next one waits until somebody leaves, however idle the
 * others are. That is why keep-alive and this model don't go together.
 */
#include "model.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void work(int listener)
{
	for (;;) {
		int client = accept(listener, NULL, NULL);

		if (client == -1)
			continue;
		while (model_answer(client) >= 0)
			;
		close(client);
	}
}

int main(int argc, char **argv)
{
	int listener = model_start(argc, argv);
	int processes = argc > 3 ? atoi(argv[3]) : 64;

	for (int i = 0; i < processes; i++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			work(listener);
		}
	}
	while (wait(NULL) > 0)
		;
	return 1;
}
