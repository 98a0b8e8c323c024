/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

static void read_urandom(void *bytes, size_t n, int error)
{
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	if (fd == -1 || read(fd, bytes, n) != (ssize_t)n)
		log_fatal("no random bytes: getrandom: %s; /dev/urandom: %s",
			  strerror(error), strerror(errno));
	fd_close(&fd);
}

void random_fill(void *bytes, size_t n)
{
	/* 256 bytes come whole, getrandom(2). */
	if (getrandom(bytes, n, 0) != (ssize_t)n)
		read_urandom(bytes, n, errno);
}
