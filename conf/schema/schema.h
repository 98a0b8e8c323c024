/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every setting, once. The loader, `holdfast show`, "did you mean" and the
 * reference of holdfast.conf(5) walk the same tree of tables: a group { } of
 * the file is a struct schema_group, a setting in it is a row, and the row's
 * type (conf/schema/types.h) knows how its value is read and shown.
 *
 * A new setting is a field of a struct and a row beside it. A new handler is
 * a file conf/schema/conf_NAME.c with its struct and rows, and a line in
 * conf/schema/conf_handlers.c. Any process; constant data.
 */
#ifndef CONF_SCHEMA_SCHEMA_H
#define CONF_SCHEMA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct setting_type;
struct schema_group;

/* All but `name` and `type` may be absent. */
struct schema_setting {
	const char *name;
	const char *old_name; /* still accepted */
	const struct setting_type *type;
	size_t offset; /* of the field in the group's struct */
	size_t also;   /* of the second field, where the type has two */
	bool required; /* and, for a list of groups, not empty */
	/* The default in the syntax of the file; for lists the items with "|"
	 * between them. NULL: none, or computed, as `fallback_help` describes.
	 * */
	const char *fallback;
	const char *fallback_help;
	uint64_t min, max; /* numbers, sizes and durations */
	const char *words; /* "error|warn|info" */
	/* The setting means something only if this holds for the struct of its
	 * group; otherwise giving it is the error `only_if_help`. */
	bool (*only_if)(const void *group);
	const char *only_if_help;
	const struct schema_group *group; /* of the types made of groups */
	/*
	 * A setting of `group` for which a value may stand in place of the
	 * group or of one of the list: with "path", `control = "p"` means
	 * `control = { path = "p"; }`.
	 */
	const char *brief;
	const char *help; /* sentences for holdfast.conf(5) */
};

/* The settings that a group { } of the file may have. */
struct schema_group {
	const char *title; /* "sites[].routes[]" */
	const char *help;
	const struct schema_setting *settings;
	size_t n_settings;
	size_t size; /* of the struct that the group is read into */
	/* That struct has a struct conf_origin at `origin`. */
	bool has_origin;
	size_t origin;
};

/* The `.settings` and `.n_settings` of a group from an array of rows. */
#define SCHEMA_ROWS(rows) \
	.settings = (rows), .n_settings = sizeof(rows) / sizeof((rows)[0])

struct schema_handler {
	const char *name;
	unsigned methods; /* when a route names none */
	const char *help;
	/* Its settings: rows of a route for &type_handler_settings; or NULL. */
	const struct schema_group *group;
};

extern const struct schema_group schema_top;
extern const struct schema_group schema_listener;
extern const struct schema_group schema_site;
extern const struct schema_group schema_route;
extern const struct schema_group schema_upstream;
extern const struct schema_group schema_common; /* of sites and routes */
extern const struct schema_group schema_access_log;
extern const struct schema_group schema_common_log;

/* Ends in NULL. */
extern const struct schema_handler *const schema_handlers[];

/* NULL if there is none of that name. */
const struct schema_handler *schema_find_handler(const char *name);

/*
 * A walk over the settings of a group in the order of its table. Tables that
 * it takes in (&type_common_settings, &type_handler_settings) are walked
 * where they stand. Start it with the first three fields set.
 */
struct schema_walk {
	const struct schema_group *group;
	const struct schema_handler *handler; /* of a route; or NULL */
	void *struct_at;                      /* of the group; or NULL */

	/* What schema_next() found. */
	const struct schema_setting *setting;
	const struct schema_group *table; /* whose row that is */
	void *base; /* the struct that has its field; NULL without struct_at */

	size_t i, k; /* the next row of the group, and of `inner` */
	const struct schema_group *inner;
	void *inner_base;
};

/* False at the end. */
bool schema_next(struct schema_walk *walk);

/* Whether it is a group, a group that may be absent or a list of groups. */
bool schema_is_group(const struct schema_setting *setting);

/* The setting that a value in place of the group stands for, or NULL. */
const struct schema_setting *schema_brief(const struct schema_setting *setting);

/* The row of a group's own table, or NULL. */
const struct schema_setting *schema_find(const struct schema_group *group,
					 const char *name);

/* Whether the setting means something in the group whose struct is given. */
static inline bool schema_applies(const struct schema_setting *setting,
				  const void *group)
{
	return setting->only_if == NULL || setting->only_if(group);
}

/* The bit of a common setting in conf_common.given. */
uint64_t schema_common_bit(const struct schema_setting *setting);

/* The i-th word that a setting may be; false when there are fewer. */
bool schema_word(const struct schema_setting *setting, size_t i,
		 struct str *word_out);

/* A number as the setting would have it written: 16384 as "16k". */
const char *schema_format_number(const struct schema_setting *setting,
				 uint64_t number, char text_out[32]);

#endif
