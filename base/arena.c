/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

enum { ARENA_CHUNK = 4096 };

struct arena_chunk {
	struct arena_chunk *older;
	size_t size; /* of data[] */
	alignas(max_align_t) char data[];
};

static void add_chunk(struct arena *a, size_t at_least)
{
	size_t usual = ARENA_CHUNK - sizeof(struct arena_chunk);
	size_t size = at_least > usual ? at_least : usual;
	struct arena_chunk *chunk = mem_alloc(sizeof(*chunk) + size);

	chunk->older = a->chunks;
	chunk->size = size;
	a->chunks = chunk;
	a->next = chunk->data;
	a->end = chunk->data + size;
}

char *arena_bytes(struct arena *a, size_t size)
{
	if ((size_t)(a->end - a->next) < size || a->next == NULL)
		add_chunk(a, size);
	char *p = a->next;

	a->next += size;
	return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t align = alignof(max_align_t);
	size_t skip = (align - ((uintptr_t)a->next & (align - 1))) & (align - 1);

	if (a->next == NULL || (size_t)(a->end - a->next) < skip + size) {
		add_chunk(a, size);
		skip = 0;
	}
	char *p = a->next + skip;

	a->next = p + size;
	return p;
}

void *arena_zalloc(struct arena *a, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		log_fatal("arena: %zu objects of %zu bytes", count, size);
	return memset(arena_alloc(a, total), 0, total);
}

struct str arena_copy(struct arena *a, struct str s)
{
	char *p = arena_bytes(a, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return (struct str){p, s.n};
}

char *arena_cstr(struct arena *a, struct str s)
{
	return (char *)arena_copy(a, s).p;
}

struct str arena_vprintf(struct arena *a, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, again);

	va_end(again);
	if (n < 0)
		log_fatal("arena: bad format \"%s\"", format);
	char *p = arena_bytes(a, (size_t)n + 1);

	vsnprintf(p, (size_t)n + 1, format, args);
	return (struct str){p, (size_t)n};
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	struct str s = arena_vprintf(a, format, args);

	va_end(args);
	return s;
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *keep = NULL;

	for (struct arena_chunk *c = a->chunks, *older; c != NULL; c = older) {
		older = c->older;
		if (keep == NULL &&
		    c->size == ARENA_CHUNK - sizeof(struct arena_chunk))
			keep = c;
		else
			free(c);
	}
	*a = (struct arena){0};
	if (keep != NULL) {
		keep->older = NULL;
		a->chunks = keep;
		a->next = keep->data;
		a->end = keep->data + keep->size;
	}
}

void arena_fini(struct arena *a)
{
	for (struct arena_chunk *c = a->chunks, *older; c != NULL; c = older) {
		older = c->older;
		free(c);
	}
	*a = (struct arena){0};
}
