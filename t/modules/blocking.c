/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker that is taken over can do to the others: it makes every socket
 * block that they share with it, because O_NONBLOCK belongs to the open file
 * and not to the descriptor.
 */
#include <fcntl.h>
#include <holdfast/module.h>

static void request(struct holdfast_request *r)
{
	for (int fd = 3; fd < 256; fd++) {
		int flags = fcntl(fd, F_GETFL);

		if (flags != -1 && flags & O_NONBLOCK)
			fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	}
	holdfast_respond(r, 200, "text/plain", "ok\n", 3);
}

HOLDFAST_MODULE = {
	HOLDFAST_MODULE_VERSION,
	.name = "blocking",
	.request = request,
};
