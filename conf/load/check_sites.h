/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of the sites of a configuration, with their routes: hosts and routes
 * that are there twice, and what each may not have. Master only.
 */
#ifndef CONF_LOAD_CHECK_SITES_H
#define CONF_LOAD_CHECK_SITES_H

#include "conf/load/check_context.h"

void check_sites(struct check *c);

#endif
