/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of one route, and of the templates of a site. Master only. */
#ifndef CONF_LOAD_CHECK_ROUTES_H
#define CONF_LOAD_CHECK_ROUTES_H

#include "conf/load/check_context.h"

/* Also fills in the numbers of the groups that its templates name. */
void check_route(struct check *c, struct conf_route *route);

void check_site_templates(struct check *c, struct conf_site *site);

#endif
