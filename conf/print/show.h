/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of conf_show() for a group that is not a whole configuration.
 * Master only.
 */
#ifndef CONF_PRINT_SHOW_H
#define CONF_PRINT_SHOW_H

#include "base/buf.h"
#include "conf/schema/schema.h"

/* Writes the settings of a group from its struct, indented by `depth`. */
void show_group(struct buf *out, const struct schema_group *group,
		const void *struct_at, int depth);

#endif
