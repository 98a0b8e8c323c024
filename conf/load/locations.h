/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where in the file each setting was given, kept by the address of the field
 * that it went into while a configuration is loaded and checked: so that a
 * check which looks at the finished configuration can still point at a line.
 * Master only.
 */
#ifndef CONF_LOAD_LOCATIONS_H
#define CONF_LOAD_LOCATIONS_H

#include <stdbool.h>
#include <stddef.h>

struct location {
	const void *field;
	const char *where; /* "limits.header" */
	const char *file;
	int line;
	bool is_bad; /* its value could not be read: the field is not it */
};

/* Embedded; all zero is empty. Texts are borrowed. */
struct locations {
	struct location *items;
	size_t n, room;
	bool is_sorted;
};

void locations_add(struct locations *locations, struct location location);

/* The location of a field that was given in the file, or NULL. */
const struct location *locations_find(struct locations *locations,
				      const void *field);

void locations_fini(struct locations *locations);

#endif
