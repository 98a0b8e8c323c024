/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static void *or_die(void *p, size_t size)
{
	if (p == NULL)
		log_fatal("out of memory, asked for %zu bytes", size);
	return p;
}

void *mem_alloc(size_t size)
{
	return or_die(malloc(size ? size : 1), size);
}

void *mem_zalloc(size_t count, size_t size)
{
	return or_die(calloc(count ? count : 1, size ? size : 1), size);
}

void *mem_resize(void *old, size_t size)
{
	return or_die(realloc(old, size ? size : 1), size);
}

char *mem_strdup(const char *cstr)
{
	return or_die(strdup(cstr), strlen(cstr) + 1);
}
