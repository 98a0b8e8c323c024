/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a site or route has of the groups around it: a route its site's common
 * settings, a site limits.body; and what follows from settings together.
 * Master only.
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
