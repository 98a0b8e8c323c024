/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where in the file each setting was given, kept by the address of the field
 * that it went into while a configuration is loaded and checked: so that a
 * check which looks at the finished configuration can still point at a line.
 * Master only.
 */
#ifndef CONF_LOAD_PLACES_H
#define CONF_LOAD_PLACES_H

#include <stdbool.h>
#include <stddef.h>

struct place {
	const void *field;
	const char *where; /* "limits.header" */
	const char *file;
	int line;
	bool is_bad; /* its value could not be read: the field is not it */
};

/* Embedded; all zero is empty. Texts are borrowed. */
struct places {
	struct place *items;
	size_t n, room;
	bool is_sorted;
};

void places_add(struct places *places, struct place place);

/* The place of a field that was given in the file, or NULL. */
const struct place *places_find(struct places *places, const void *field);

void places_fini(struct places *places);

#endif
