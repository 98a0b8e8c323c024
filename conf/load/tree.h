/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tree that libconfig makes of a file, read along the schema: each value
 * goes to its field by its type, what is wrong is collected and the reading
 * goes on. Knows no particular setting. Master only.
 */
#ifndef CONF_LOAD_TREE_H
#define CONF_LOAD_TREE_H

#include <libconfig.h>

#include "conf/conf.h"
#include "conf/load/places.h"
#include "conf/load/source.h"
#include "conf/schema/schema.h"
#include "conf/schema/types.h"

/* What reading a file goes by and what it makes. Borrows all pointers. */
struct tree {
	struct setting_context context;
	struct conf_errors *errors;
	const struct source *source; /* for files and lines */
	struct places places;
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
 * all zero. What is wrong is added to tree->errors. */
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
