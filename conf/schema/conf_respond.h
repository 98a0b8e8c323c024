/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of a route whose handler is respond: conf_route.settings. */
#ifndef CONF_SCHEMA_CONF_RESPOND_H
#define CONF_SCHEMA_CONF_RESPOND_H

#include "conf/conf.h"

struct conf_respond {
	struct template body;
	const char *type; /* its Content-Type */
	uint64_t status;
};

#endif
