/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of conf_reference() for any group. Run when holdfast is built. */
#ifndef CONF_PRINT_REFERENCE_H
#define CONF_PRINT_REFERENCE_H

#include "base/buf.h"
#include "conf/schema/schema.h"

/* Writes a section for the group and for each group within it; their headings
 * are `kind` ("Group ", "List ") and their titles. */
void reference_put(struct buf *out, const struct schema_group *group,
		   const char *kind);

#endif
