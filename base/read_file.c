/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/safe_path.h"

enum {
	PIECE = 64 * 1024,
	FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
};

/* "larger than 4m" */
static const char *too_large(size_t max)
{
	static _Thread_local char why[48];

	if (max % (1 << 20) == 0)
		snprintf(why, sizeof(why), "larger than %zum", max >> 20);
	else
		snprintf(why, sizeof(why), "larger than %zu bytes", max);
	return why;
}

static const char *check(int fd, size_t max)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return strerror(errno);
	if (S_ISDIR(st.st_mode))
		return strerror(EISDIR);
	if (!S_ISREG(st.st_mode))
		return "not a regular file";
	return (size_t)st.st_size > max ? too_large(max) : NULL;
}

/* Files in /proc have size 0, and others may grow: the limit holds for the
 * bytes read. */
static const char *read_all(int fd, size_t max, struct buf *out)
{
	size_t before = buf_length(out);

	for (;;) {
		ssize_t n = read(fd, buf_room(out, PIECE), PIECE);

		if (n == 0)
			return NULL;
		if (n > 0)
			buf_added(out, (size_t)n);
		else if (errno != EINTR)
			return strerror(errno);
		if (buf_length(out) - before > max)
			return too_large(max);
	}
}

static const char *read_and_close(int fd, size_t max, struct buf *out)
{
	if (fd == -1)
		return strerror(errno);
	const char *why = check(fd, max);

	if (why == NULL)
		why = read_all(fd, max, out);
	close(fd);
	return why;
}

const char *read_file(const char *path, size_t max, struct buf *out)
{
	return read_and_close(open(path, FLAGS), max, out);
}

const char *read_file_safely(const char *path, size_t max, struct buf *out)
{
	static _Thread_local char why[NAME_MAX + 96];
	struct safe_path at;
	int fd = -1;

	/* The kernel keeps others from what is not theirs. */
	if (geteuid() != 0)
		return read_file(path, max, out);
	bool safe = safe_path_open(&at, path, why, sizeof(why)) == 0;

	if (safe)
		fd = openat(at.folder, at.name, FLAGS | safe_path_flags(&at));
	int error = errno;

	safe_path_close(&at);
	errno = error;
	return safe ? read_and_close(fd, max, out) : why;
}
