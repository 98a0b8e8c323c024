/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of upstreams, and of the routes that name them. Master only. */
#ifndef CONF_LOAD_CHECK_UPSTREAMS_H
#define CONF_LOAD_CHECK_UPSTREAMS_H

#include "conf/load/check_context.h"

void check_upstreams(struct check *c);

/* Whether there is an upstream of the name in the field `name`, which is at
 * *place_out then; complains if not. */
bool check_upstream_name(struct check *c, const char *const *name,
			 const char *where, size_t *place_out);

/* A route whose handler is proxy. */
void check_proxy(struct check *c, const struct conf_route *route);

#endif
