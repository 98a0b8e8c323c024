/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/schema/conf_redirect.h"

#include "conf/schema/conf_handlers.h"
#include "conf/schema/types.h"

/* Tables, laid out by hand. */
/* clang-format off */

#define AT(field) .offset = offsetof(struct conf_redirect, field)

static const struct schema_setting settings[] = {
	{.name = "to", AT(to), .type = &type_line, .required = true,
	 .help = "The URL. When it has no variables and no query and the route "
		 "is a prefix, the rest of the request's path and its query "
		 "are appended; otherwise it is used as it is: write ${?query} "
		 "where the query of the request is to be kept."},
	{.name = "status", AT(status), .type = &type_code, .fallback = "302",
	 .words = "301|302|303|307|308",
	 .help = "The status code."},
};

static const struct schema_group group = {
	.title = "sites[].routes[]", .size = sizeof(struct conf_redirect),
	SCHEMA_ROWS(settings),
};

const struct schema_handler conf_redirect_handler = {
	.name = "redirect", .group = &group,
	.methods = CONF_METHODS_ALL,
	.help = "Sends the client to another URL.",
};
