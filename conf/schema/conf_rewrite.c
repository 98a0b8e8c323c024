/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/schema/conf_rewrite.h"

#include "conf/schema/conf_handlers.h"
#include "conf/schema/types.h"

/* Tables, laid out by hand. */
/* clang-format off */

#define AT(field) .offset = offsetof(struct conf_rewrite, field)

static const struct schema_setting settings[] = {
	{.name = "to", AT(to), .type = &type_line, .required = true,
	 .help = "The other path, which begins with \"/\". What follows a "
		 "question mark becomes the query; without one the query stays "
		 "as it is."},
};

static const struct schema_group group = {
	.title = "sites[].routes[]", .size = sizeof(struct conf_rewrite),
	SCHEMA_ROWS(settings),
};

const struct schema_handler conf_rewrite_handler = {
	.name = "rewrite", .group = &group,
	.methods = CONF_METHODS_ALL,
	.help = "Gives the request another path, for which a route of the same "
		"site is looked for again, as described under Rewriting above. "
		"The common settings are those of the route that answers.",
};
