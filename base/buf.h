/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A buffer of bytes: written at the end, consumed from the front. It has no
 * storage until something is put into it, and gives it back when released,
 * so that an idle connection owns none. Storage of the usual size, BUF_CHUNK,
 * comes from a free list of the process (newest first, so it is still in the
 * cache). Any process, one thread.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

enum { BUF_CHUNK = 32768 };

/* Embedded; all zero is an empty buffer. There are two in every connection:
 * what only a buffer with storage needs lies in front of that. */
struct buf {
	char *storage;
	uint32_t start; /* of what is unread */
	uint32_t end;
};

enum { BUF_FRONT = 16 }; /* bytes before storage; a multiple of any alignment */

/* Of storage. */
static inline uint32_t buf_size(const struct buf *b)
{
	return b->storage == NULL
		       ? 0
		       : *(const uint32_t *)(const void *)(b->storage - BUF_FRONT);
}

static inline size_t buf_length(const struct buf *b)
{
	return b->end - b->start;
}

static inline struct str buf_str(const struct buf *b)
{
	/* Without storage not even 0 may be added to it. */
	if (b->storage == NULL)
		return (struct str){NULL, 0};
	return (struct str){b->storage + b->start, b->end - b->start};
}

/*
 * Room for `n` more bytes at the returned address; they count as written after
 * buf_added(). May move the content of the buffer.
 */
char *buf_room(struct buf *b, size_t n) __attribute__((returns_nonnull));

/* How many bytes can be written without the buffer growing or moving. */
static inline size_t buf_free(const struct buf *b)
{
	return buf_size(b) - b->end;
}

static inline void buf_added(struct buf *b, size_t n)
{
	b->end += (uint32_t)n;
}

/* Inline: what is put is often a constant of a few bytes. */
static inline void buf_put(struct buf *b, struct str s)
{
	char *to;

	if (s.n == 0)
		return;
	if (s.n <= buf_free(b))
		to = b->storage + b->end;
	else
		to = buf_room(b, s.n);
	memcpy(to, s.p, s.n);
	buf_added(b, s.n);
}

void buf_put_cstr(struct buf *b, const char *cstr);
void buf_printf(struct buf *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Takes `n` bytes from the front; an empty buffer starts over at its front. */
static inline void buf_consume(struct buf *b, size_t n)
{
	b->start += (uint32_t)n;
	if (b->start == b->end)
		b->start = b->end = 0;
}

/* Moves unread bytes into storage of their own size if the buffer is much
 * larger: for a connection that will wait with a few bytes. */
void buf_shrink(struct buf *b);

/* Frees the storage; the buffer is empty then. */
void buf_release(struct buf *b);

/* Frees the free list: at exit, so that a leak checker sees only leaks. */
void buf_free_all(void);

#endif
