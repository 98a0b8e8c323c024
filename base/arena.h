/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An arena: many small allocations that are freed together. A request
 * allocates from its arena, a loaded configuration lives in one. The first
 * chunk is kept by arena_reset() for the next use. Any process.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/str.h"

struct arena_chunk;

/* Embedded; all zero is an empty arena. */
struct arena {
	struct arena_chunk *chunks; /* newest first */
	char *next;
	char *end;
};

/* Aligned for any type, never NULL, lives until reset or fini. */
void *arena_alloc(struct arena *a, size_t size) __attribute__((returns_nonnull));
void *arena_zalloc(struct arena *a, size_t count, size_t size)
	__attribute__((returns_nonnull));

/* `size` bytes without alignment: for text. */
char *arena_bytes(struct arena *a, size_t size) __attribute__((returns_nonnull));

/* A copy that also ends in a NUL that is not counted. */
struct str arena_copy(struct arena *a, struct str s);
char *arena_cstr(struct arena *a, struct str s) __attribute__((returns_nonnull));

/* As asprintf. */
struct str arena_printf(struct arena *a, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
struct str arena_vprintf(struct arena *a, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

/* Frees every allocation but keeps one chunk of the usual size. */
void arena_reset(struct arena *a);

/* Frees everything; the arena is empty and may be used again. */
void arena_fini(struct arena *a);

#endif
