/* SPDX-License-Identifier: BSD-2-Clause */
/* `authorize` of a site and its routes: that a route answers. Master only. */
#ifndef CONF_LOAD_CHECK_AUTHORIZE_H
#define CONF_LOAD_CHECK_AUTHORIZE_H

#include "conf/load/check_context.h"

/* After the site's routes were checked. */
void check_authorize(struct check *c, const struct conf_site *site);

#endif
