/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static uint64_t own_bytes;
uint64_t *spool_bytes = &own_bytes;

static void count(struct spool *spool, uint64_t n)
{
	spool->counted += n;
	*spool_bytes += n;
}

void spool_init(struct spool *spool)
{
	*spool = (struct spool){.file = -1};
}

/* For file systems that have no files without names. */
static int open_and_unlink(const char *directory)
{
	char path[4096];
	int n = snprintf(path, sizeof(path), "%s/holdfast-XXXXXX", directory);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd != -1)
		(void)unlink(path);
	return fd;
}

static int open_unnamed(const char *directory)
{
	/* O_EXCL: it cannot be given a name later. */
	int fd = open(directory, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);

	if (fd == -1 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		fd = open_and_unlink(directory);
	return fd;
}

static int append(struct spool *spool, struct str piece)
{
	while (piece.n > 0) {
		ssize_t n =
			pwrite(spool->file, piece.p, piece.n, (off_t)spool->size);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -1;
		spool->size += (uint64_t)n;
		count(spool, (uint64_t)n);
		piece = str_tail(piece, (size_t)n);
	}
	return 0;
}

int spool_put(struct spool *spool, struct str piece, uint64_t max,
	      const char *directory)
{
	if (spool->file == -1) {
		if (buf_length(&spool->memory) + piece.n <= max) {
			buf_put(&spool->memory, piece);
			return 0;
		}
		spool->file = open_unnamed(directory);
		if (spool->file == -1 ||
		    append(spool, buf_str(&spool->memory)) == -1)
			return -1;
		buf_release(&spool->memory);
	}
	return append(spool, piece);
}

int spool_to_file(struct spool *spool, const char *directory)
{
	if (spool->file != -1 || spool_put(spool, STR(""), 0, directory) == 0)
		return 0;
	int error = errno;

	fd_close(&spool->file);
	spool->size = 0;
	*spool_bytes -= spool->counted;
	spool->counted = 0;
	errno = error;
	return -1;
}

int spool_whole(struct spool *spool, struct str *whole_out)
{
	if (spool->file == -1) {
		*whole_out = buf_str(&spool->memory);
		return 0;
	}
	void *map = mmap(NULL, (size_t)spool->size, PROT_READ, MAP_SHARED,
			 spool->file, 0);

	if (map == MAP_FAILED)
		return -1;
	spool->map = map;
	*whole_out = (struct str){map, (size_t)spool->size};
	return 0;
}

int spool_adopt(struct spool *spool, int file, uint64_t size)
{
	struct stat st;

	if (size == 0 || fstat(file, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size != size) {
		fd_close(&file);
		errno = EINVAL;
		return -1;
	}
	spool->file = file;
	spool->size = size;
	count(spool, size);
	return 0;
}

void spool_release(struct spool *spool)
{
	if (spool_is_empty(spool))
		return;
	if (spool->map != NULL)
		munmap(spool->map, (size_t)spool->size);
	*spool_bytes -= spool->counted;
	fd_close(&spool->file);
	buf_release(&spool->memory);
	spool_init(spool);
}
