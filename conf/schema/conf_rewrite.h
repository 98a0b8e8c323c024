/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of a route whose handler is rewrite: conf_route.settings. */
#ifndef CONF_SCHEMA_CONF_REWRITE_H
#define CONF_SCHEMA_CONF_REWRITE_H

#include "conf/conf.h"

struct conf_rewrite {
	struct template to;
};

#endif
