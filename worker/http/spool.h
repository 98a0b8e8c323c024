/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The body of a request as it is collected: in memory, and when it grows over
 * what it may have there, in a file without a name. The file is written as the
 * body comes, and mapped when it is whole: its pages are the kernel's to keep
 * or to drop. Worker.
 */
#ifndef WORKER_HTTP_SPOOL_H
#define WORKER_HTTP_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct spool {
	struct buf memory; /* of no use once there is a file */
	int file;          /* -1: all of it is in memory */
	uint64_t size;     /* bytes in the file */
	void *map;         /* of the file, when it is whole; or NULL */
	uint64_t counted;  /* bytes of it in spool_bytes */
};

/* Bytes of all files that the spools of this process have written or adopted. Where
 * they are counted may be moved to before the first. */
extern uint64_t *spool_bytes;

void spool_init(struct spool *spool);

/* Adds a piece. More than `max` bytes in all go to a file in `directory`. 0,
 * or -1 with errno: then nothing more can be added. */
int spool_put(struct spool *spool, struct str piece, uint64_t max,
	      const char *directory) __attribute__((warn_unused_result));

/* Brings what is in memory into a file in `directory`. 0, or -1 with errno:
 * then it is as it was. */
int spool_to_file(struct spool *spool, const char *directory)
	__attribute__((warn_unused_result));

/* All that was put, valid until spool_release(). 0, or -1 with errno. */
int spool_whole(struct spool *spool, struct str *whole_out)
	__attribute__((warn_unused_result));

/* Goes on with a file that another process began, and takes it over. 0, or
 * -1 with errno when it is not of that size, and the file is closed. */
int spool_adopt(struct spool *spool, int file, uint64_t size)
	__attribute__((warn_unused_result));

static inline bool spool_is_empty(const struct spool *spool)
{
	return spool->file == -1 && spool->memory.storage == NULL;
}

/* Lets go of everything; it is empty again. */
void spool_release(struct spool *spool);

#endif
