/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

enum {
	BUF_SPARE = 256,           /* chunks kept on the free list */
	BUF_SMALL = BUF_CHUNK / 4, /* smallest storage after buf_shrink() */
	BUF_MAX = 1 << 30,
};

/* At the front of storage that is kept, so that a list of them is of blocks as
 * malloc(3) made them: tools that look for leaks see that they are not lost. */
struct spare {
	uint32_t size; /* of the storage, as ever */
	struct spare *next;
};
_Static_assert(sizeof(struct spare) <= BUF_FRONT, "it is at the front");

static struct {
	struct spare *first;
	size_t n;
} spares;

static char *storage_create(size_t size)
{
	char *front = mem_alloc(BUF_FRONT + size);

	*(uint32_t *)(void *)front = (uint32_t)size;
	return front + BUF_FRONT;
}

static char *take_chunk(void)
{
	struct spare *spare = spares.first;

	if (spare == NULL)
		return storage_create(BUF_CHUNK);
	spares.first = spare->next;
	spares.n--;
	return (char *)spare + BUF_FRONT;
}

static inline void give_back(struct buf *b)
{
	if (b->storage == NULL)
		return;
	if (buf_size(b) != BUF_CHUNK || spares.n == BUF_SPARE) {
		free(b->storage - BUF_FRONT);
		return;
	}
	struct spare *spare = (struct spare *)(void *)(b->storage - BUF_FRONT);

	spare->next = spares.first;
	spares.first = spare;
	spares.n++;
}

static void move_to(struct buf *b, char *storage)
{
	size_t n = buf_length(b);

	if (n > 0)
		memcpy(storage, b->storage + b->start, n);
	give_back(b);
	*b = (struct buf){.storage = storage, .end = (uint32_t)n};
}

char *buf_room(struct buf *b, size_t n)
{
	if (b->storage == NULL) {
		if (n <= BUF_CHUNK) {
			*b = (struct buf){.storage = take_chunk()};
			return b->storage;
		}
	} else if (buf_free(b) >= n) {
		return b->storage + b->end;
	}

	size_t have = buf_length(b), want = have + n;

	if (want > BUF_MAX)
		log_fatal("a buffer of %zu bytes", want);
	if (want <= buf_size(b) && b->storage != NULL) {
		memmove(b->storage, b->storage + b->start, have);
		b->start = 0;
		b->end = (uint32_t)have;
	} else if (want <= BUF_CHUNK) {
		move_to(b, take_chunk());
	} else {
		size_t size = 2 * BUF_CHUNK;

		while (size < want)
			size *= 2;
		move_to(b, storage_create(size));
	}
	return b->storage + b->end;
}

void buf_put_cstr(struct buf *b, const char *cstr)
{
	buf_put(b, str_of(cstr));
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, again);

	va_end(again);
	if (n < 0)
		log_fatal("buf: bad format \"%s\"", format);
	vsnprintf(buf_room(b, (size_t)n + 1), (size_t)n + 1, format, args);
	buf_added(b, (size_t)n);
	va_end(args);
}

void buf_release(struct buf *b)
{
	give_back(b);
	*b = (struct buf){0};
}

void buf_shrink(struct buf *b)
{
	size_t n = buf_length(b);

	if (n == 0) {
		buf_release(b);
		return;
	}
	if (n > BUF_SMALL || buf_size(b) < BUF_CHUNK)
		return;
	size_t size = 256;

	while (size < n)
		size *= 2;
	move_to(b, storage_create(size));
}

void buf_free_all(void)
{
	while (spares.first != NULL) {
		struct spare *spare = spares.first;

		spares.first = spare->next;
		free(spare);
	}
	spares.n = 0;
}
