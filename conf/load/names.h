/* SPDX-License-Identifier: BSD-2-Clause */
/* Unknown names in a group. Master only. */
#ifndef CONF_LOAD_NAMES_H
#define CONF_LOAD_NAMES_H

#include "conf/load/tree.h"

/* Reports each of them, with the group where it belongs, or the nearest name.
 * */
void names_check(struct tree *tree, const struct tree_group *g);

#endif
