/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can happen to one connection while it is served along with others:
 * HEAD is answered and held; when another request breaks off, its response is
 * ended from there. A path that ends in "slow" takes 3.3 s, and with it
 * everyone who is served in the same turn of the loop.
 */
#include <holdfast/module.h>
#include <string.h>
#include <time.h>

static struct holdfast_request *held;

static void request(struct holdfast_request *r)
{
	static const struct timespec slow = {3, 300000000};
	const char *path = holdfast_path(r);

	if (strcmp(holdfast_method(r), "HEAD") == 0) {
		held = r;
		holdfast_begin(r, 200, "text/plain", HOLDFAST_LENGTH_UNKNOWN);
		return;
	}
	if (strcmp(path + strlen(path) - 4, "slow") == 0)
		nanosleep(&slow, NULL);
	holdfast_respond(r, 200, "text/plain", "ok\n", 3);
}

static void ended(struct holdfast_request *r, int complete)
{
	struct holdfast_request *other = held;

	if (r == held)
		held = NULL;
	else if (!complete && other != NULL)
		holdfast_end(other);
}

HOLDFAST_MODULE = {
	HOLDFAST_MODULE_VERSION,
	.name = "batch",
	.request = request,
	.ended = ended,
};
