/* SPDX-License-Identifier: BSD-2-Clause */
/* Names in a group that are not those of its settings. Master only. */
#ifndef CONF_LOAD_NAMES_H
#define CONF_LOAD_NAMES_H

#include "conf/load/tree.h"

/* Complains of each of them, with where it belongs or what was meant. */
void names_check(struct tree *tree, const struct tree_group *g);

#endif
