/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of a route whose handler is redirect: conf_route.settings. */
#ifndef CONF_SCHEMA_CONF_REDIRECT_H
#define CONF_SCHEMA_CONF_REDIRECT_H

#include "conf/conf.h"

struct conf_redirect {
	struct template to;
	uint64_t status;
};

#endif
