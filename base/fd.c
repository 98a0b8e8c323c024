/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FD_TRIED_MAX = 1 << 20 }; /* where /proc is missing, too */

void fd_close(int *fd)
{
	if (*fd == -1)
		return;

	int saved = errno;

	close(*fd);
	*fd = -1;
	errno = saved;
}

void fd_fill_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	fd_close(&fd);
}

int fd_set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags == -1 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int fd_set_cloexec(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags == -1 ? -1 : fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

static int by_number(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

/* The lowest one that is open, of these; -1 when there is none, or when /proc
 * cannot tell. */
static int find_open(DIR *fds, unsigned first, unsigned last)
{
	const struct dirent *entry;
	long lowest = -1;

	rewinddir(fds);
	while ((entry = readdir(fds)) != NULL) {
		char *end;
		long fd = strtol(entry->d_name, &end, 10);

		if (*end == '\0' && fd >= (long)first && fd <= (long)last &&
		    fd != dirfd(fds) && (lowest == -1 || fd < lowest))
			lowest = fd;
	}
	return (int)lowest;
}

/* Without close_range(2): a kernel before 5.9, or a filter that does not know
 * the call. There may be a thousand millions that could be open, so those are
 * looked for that are. */
static void close_one_by_one(unsigned first, unsigned last)
{
	DIR *fds = opendir("/proc/self/fd");
	int fd;

	if (fds != NULL) {
		while ((fd = find_open(fds, first, last)) != -1)
			close(fd);
		closedir(fds);
		return;
	}
	long max = sysconf(_SC_OPEN_MAX);

	for (fd = (int)first; (unsigned)fd <= last && fd < max && fd < FD_TRIED_MAX;
	     fd++)
		close(fd);
}

static void close_from_to(unsigned first, unsigned last)
{
	if (first <= last && close_range(first, last, 0) == -1)
		close_one_by_one(first, last > INT_MAX ? INT_MAX : last);
}

void fd_close_others(int *keep, size_t n)
{
	unsigned next = STDERR_FILENO + 1;

	qsort(keep, n, sizeof(*keep), by_number);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < (int)next)
			continue;
		close_from_to(next, (unsigned)keep[i] - 1);
		next = (unsigned)keep[i] + 1;
	}
	close_from_to(next, UINT_MAX);
}

int fd_open_memory(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int saved = errno;

	if (fd >= 0)
		return fd;
	/* A filter that does not know the call (Linux 3.17). */
	fd = open("/dev/shm", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (fd == -1)
		fd = open("/tmp", O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (fd == -1)
		errno = saved;
	return fd;
}

int fd_open_log_at(int folder, const char *name, int flags)
{
	return openat(folder, name,
		      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY |
			      O_NONBLOCK | flags,
		      0640);
}

int fd_open_log(const char *path)
{
	return fd_open_log_at(AT_FDCWD, path, 0);
}

uint64_t fd_raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return 0;
	if (limit.rlim_cur < limit.rlim_max) {
		rlim_t soft = limit.rlim_cur;

		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
			limit.rlim_cur = soft;
	}
	return limit.rlim_cur;
}
