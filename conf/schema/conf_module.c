/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/schema/conf_module.h"

#include "conf/schema/conf_handlers.h"
#include "conf/schema/types.h"

/* Tables, laid out by hand. */
/* clang-format off */

#define AT(field) .offset = offsetof(struct conf_module, field)

static const struct schema_setting settings[] = {
	{.name = "module", AT(module), .type = &type_module, .required = true,
	 .help = "The shared object, as described under Modules above."},
	{.name = "options", AT(options), .type = &type_options, .fallback = "",
	 .help = "The module's own settings, each as \"name=value\". A name "
		 "that the module does not know is an error."},
};

static const struct schema_group group = {
	.title = "sites[].routes[]", .size = sizeof(struct conf_module),
	SCHEMA_ROWS(settings),
};

const struct schema_handler conf_module_handler = {
	.name = "module", .group = &group,
	.methods = CONF_METHOD(GET) | CONF_METHOD(HEAD) | CONF_METHOD(POST) |
		CONF_METHOD(PUT) | CONF_METHOD(DELETE) | CONF_METHOD(PATCH),
	.help = "Answers by code of your own: a shared object, made as "
		"holdfast-module(7) describes.",
};
