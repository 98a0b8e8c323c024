/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inheritance: a route has its site's common settings, a site limits.body as
 * its body_limit; and values that follow from several settings. Master only.
 */
#ifndef CONF_LOAD_MERGE_H
#define CONF_LOAD_MERGE_H

#include "base/arena.h"
#include "conf/conf.h"
#include "conf/schema/schema.h"

/* Both do nothing for groups of other kinds. `struct_at` is the struct of the
 * group, `parent` that of the group around it. */

/* Before its settings are read. */
void merge_begin(const struct schema_group *group, void *struct_at,
		 const void *parent);

/* After they have been read. */
void merge_end(struct arena *arena, const struct schema_group *group,
	       void *struct_at, const void *parent);

#endif
