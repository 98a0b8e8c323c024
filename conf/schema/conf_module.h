/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of a route whose handler is module: conf_route.settings. */
#ifndef CONF_SCHEMA_CONF_MODULE_H
#define CONF_SCHEMA_CONF_MODULE_H

#include "conf/conf.h"

struct conf_module {
	const char *module;          /* absolute path */
	struct conf_strings options; /* "name=value" */
};

#endif
