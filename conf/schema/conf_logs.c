/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings of access logs: those of all sites, and of a site or route. See
 * conf/schema/schema.h.
 */
#include "conf/conf.h"
#include "conf/schema/schema.h"
#include "conf/schema/types.h"

static bool is_template(const void *group)
{
	int format = ((const struct conf_access_log *)group)->format;

	return format == CONF_LOG_TEMPLATE || format == CONF_LOG_INHERITED;
}

/* Tables, laid out by hand. */
/* clang-format off */

#define AT(field) .offset = offsetof(struct conf_access_log, field)

static const struct schema_setting access_settings[] = {
	{.name = "to", AT(to), .type = &type_log_target, .required = true,
	 .words = "off|stderr|stdout",
	 .help = "\"off\" is nowhere; \"stderr\", \"stdout\", the path of a "
		 "file, \"syslog:unix:/dev/log\" or \"syslog:udp:HOST:PORT\", where "
		 "HOST is an address. Logs that go to the same place may have "
		 "different formats and conditions."},
	{.name = "format", AT(format),
	 .also = offsetof(struct conf_access_log, line),
	 .type = &type_log_format, .words = "combined|json",
	 .fallback_help = "log.format",
	 .help = "The form of the lines, in place of log.format."},
	{.name = "escape", AT(escape), .type = &type_choice,
	 .fallback = "none", .words = "none|json", .only_if = is_template,
	 .only_if_help = "only a format with variables is escaped so",
	 .help = "How values are put into a line with variables: \"none\" "
		 "writes what could end quotes or a line as \\x22, \"json\" as "
		 "the inside of a JSON string."},
	{.name = "when", AT(when), .type = &type_conditions, .fallback = "",
	 .help = "Conditions that a request has to meet, all of them, to be "
		 "logged, such as \"${status} >= 400\" or \"${path} != /ping\"."},
};

const struct schema_group schema_access_log = {
	.title = "log.access[]", .size = sizeof(struct conf_access_log),
	SCHEMA_ROWS(access_settings),
	.help = "One access log, as described under Logs above; there may be "
		"several. access = \"PATH\" is short for one with a target only.",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf_common_log, field)

static const struct schema_setting common_settings[] = {
	{.name = "access", AT(access),
	 .also = offsetof(struct conf_common_log, access.n),
	 .type = &type_groups, .group = &schema_access_log, .brief = "to",
	 .help = "Where one line for each request goes."},
};

const struct schema_group schema_common_log = {
	.title = "sites[].log and sites[].routes[].log",
	.size = sizeof(struct conf_common_log),
	SCHEMA_ROWS(common_settings),
	.help = "The access logs of a site, in place of those in log, or of a "
		"route, in place of its site's. \"off\" is none.",
};
