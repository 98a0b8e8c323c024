/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A module with a fault: a path that ends in "here" is its end at once, one that
 * ends in "beside" that of a thread of its own, one in "stuck" never comes back.
 * Everything else is answered.
 */
#include <holdfast/module.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static char *volatile nowhere;

static void *fault(void *unused)
{
	*nowhere = 1;
	return unused;
}

static int ends_in(const char *path, const char *word)
{
	size_t n = strlen(path), m = strlen(word);

	return n >= m && strcmp(path + n - m, word) == 0;
}

static void request(struct holdfast_request *r)
{
	const char *path = holdfast_path(r);
	pthread_t thread;

	if (ends_in(path, "here"))
		fault(NULL);
	for (volatile int stuck = ends_in(path, "stuck"); stuck;)
		;
	/* The request is held, for ever. */
	if (ends_in(path, "beside"))
		pthread_create(&thread, NULL, fault, NULL);
	else
		holdfast_respond(r, 200, "text/plain", "ok\n", 3);
}

HOLDFAST_MODULE = {
	HOLDFAST_MODULE_VERSION,
	.name = "crash",
	.request = request,
};
