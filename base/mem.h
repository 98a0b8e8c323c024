/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocation that never returns NULL. When memory runs out the process logs and
 * dies: the master replaces a dead worker, and limits keep peers from causing
 * it. Any process. The result is freed with free().
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));

/* All bytes zero; count * size is checked for overflow. */
void *mem_zalloc(size_t count, size_t size)
	__attribute__((malloc, returns_nonnull));

void *mem_resize(void *old, size_t size) __attribute__((returns_nonnull));

char *mem_strdup(const char *cstr) __attribute__((malloc, returns_nonnull));

#endif
