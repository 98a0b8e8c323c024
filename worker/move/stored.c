/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/move/stored.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

/* STORED: where the message is. */
struct frozen_stored {
	uint8_t file;
	uint32_t size;
};
static const struct frozen_field stored_fields[] = {
	FROZEN_FIELD(frozen_stored, file),
	FROZEN_FIELD(frozen_stored, size),
};
static const struct frozen_layout stored_layout =
	FROZEN_LAYOUT(FROZEN_STORED, stored_fields);

static bool write_all(int fd, struct str bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = str_tail(bytes, (size_t)n);
	}
	return true;
}

bool stored_put(struct frozen_writer *writer, const struct frozen_writer *whole,
		char *bytes, size_t room, int *file_out)
{
	struct frozen_stored stored = {.size = (uint32_t)whole->n};
	int fd = memfd_create("connection", MFD_CLOEXEC);

	*file_out = -1;
	frozen_begin(writer, bytes, room, whole->readers);
	if (fd == -1 || !write_all(fd, (struct str){whole->bytes, whole->n})) {
		fd_close(&fd);
		return false;
	}
	/* Their numbers stand in the whole message. */
	for (size_t i = 0; i < whole->n_fds; i++)
		(void)frozen_put_fd(writer, whole->fds[i]);
	stored.file = frozen_put_fd(writer, fd);
	frozen_put(writer, &stored_layout, &stored);
	if (writer->result != FROZEN_OK) {
		fd_close(&fd);
		return false;
	}
	*file_out = fd;
	return true;
}

static bool read_all(int fd, char *to, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t some = pread(fd, to + got, n - got, (off_t)got);

		if (some == -1 && errno == EINTR)
			continue;
		if (some <= 0)
			return false;
		got += (size_t)some;
	}
	return true;
}

enum frozen_result stored_get(struct frozen_reader *reader, struct buf *bytes)
{
	struct frozen_stored stored;

	if (frozen_next(reader) != FROZEN_STORED)
		return FROZEN_OK;
	if (frozen_get(reader, &stored_layout, &stored) != FROZEN_OK ||
	    frozen_next(reader) != 0 || stored.file >= reader->n_fds ||
	    stored.size > STORED_BYTES)
		return FROZEN_DAMAGED;
	/* A copy: others can write the file. */
	if (!read_all(reader->fds[stored.file], buf_room(bytes, stored.size),
		      stored.size))
		return FROZEN_DAMAGED;
	buf_added(bytes, stored.size);
	return frozen_go_on(reader, buf_str(bytes));
}
