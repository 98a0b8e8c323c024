/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the tree that libconfig makes of a file along the schema: each value
 * goes to its field by its type. Errors are collected, and reading goes on.
 * Knows no particular setting. Master only.
 */
#ifndef CONF_LOAD_TREE_H
#define CONF_LOAD_TREE_H

#include <libconfig.h>

#include "conf/conf.h"
#include "conf/load/locations.h"
#include "conf/load/source.h"
#include "conf/schema/schema.h"
#include "conf/schema/types.h"

/* The context of reading a file, and its results. Borrows all pointers. */
struct tree {
	struct setting_context context;
	struct conf_errors *errors;
	const struct source *source; /* for files and lines */
	struct locations locations;
};

/* A group of the file and the struct into which it is read. */
struct tree_group {
	const struct schema_group *schema;
	const config_setting_t *setting; /* NULL: absent, all is default */
	void *struct_at;
	const char *where;                    /* "sites[0]" */
	const struct schema_handler *handler; /* of a route; NULL: not known */
	const struct tree_group *parent;
};

/* Reads a whole file, whose root is `setting`, into the struct at `struct_at`,
 * which is all zero. Errors are added to tree->errors. */
void tree_read(struct tree *tree, const struct schema_group *schema,
	       const config_setting_t *setting, void *struct_at);

/* For conf/load/names.c. */

/* Adds an error at the place of `setting`. */
void tree_complain(struct tree *tree, const config_setting_t *setting,
		   const char *where, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* "sites[0].hosts", in the arena. */
const char *tree_join(struct tree *tree, const char *where, const char *name);

#endif
