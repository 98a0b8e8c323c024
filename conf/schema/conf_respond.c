/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/schema/conf_respond.h"

#include "conf/schema/conf_handlers.h"
#include "conf/schema/types.h"

/* Tables, laid out by hand. */
/* clang-format off */

#define AT(field) .offset = offsetof(struct conf_respond, field)

static const struct schema_setting settings[] = {
	{.name = "body", AT(body), .type = &type_template, .fallback = "",
	 .help = "The text. Values put into it are escaped for the type, as "
		 "described under Escaping above."},
	{.name = "type", AT(type), .type = &type_media_type,
	 .fallback = "text/plain; charset=utf-8",
	 .help = "The Content-Type of the response."},
	{.name = "status", AT(status), .type = &type_count, .fallback = "200",
	 .min = 200, .max = 599,
	 .help = "The status code. 204, 205 and 304 go without a body."},
};

static const struct schema_group group = {
	.title = "sites[].routes[]", .size = sizeof(struct conf_respond),
	SCHEMA_ROWS(settings),
};

const struct schema_handler conf_respond_handler = {
	.name = "respond", .group = &group,
	.methods = CONF_METHOD(GET) | CONF_METHOD(HEAD) | CONF_METHOD(POST),
	.help = "Answers with a text from the configuration.",
};
