/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of the settings that sites and routes have in common. Master only. */
#ifndef CONF_LOAD_CHECK_COMMON_H
#define CONF_LOAD_CHECK_COMMON_H

#include "conf/load/check_context.h"

/* `where` is the site or route. */
void check_common(struct check *c, const struct conf_common *common,
		  const char *where);

/* Complains of variables that are not known before the password and the body
 * are looked at. */
void check_early(struct check *c, const struct template *t,
		 const struct location *at);

#endif
