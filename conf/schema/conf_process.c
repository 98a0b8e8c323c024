/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings of the server as a whole: the top level of the file and the
 * groups control, log, limits, timeouts and real_ip. See conf/schema/schema.h.
 */
#include "conf/conf.h"
#include "conf/schema/conf_tls.h"
#include "conf/schema/schema.h"
#include "conf/schema/types.h"

#define KIB    (UINT64_C(1) << 10)
#define MIB    (UINT64_C(1) << 20)
#define TIB    (UINT64_C(1) << 40)
#define MS_DAY (UINT64_C(24) * 3600 * 1000)

/* Tables, laid out by hand. */
/* clang-format off */

#define AT(field) .offset = offsetof(struct conf_control, field)

static const struct schema_setting control_settings[] = {
	{.name = "path", AT(path), .type = &type_path, .words = "off",
	 .fallback_help = "as for control",
	 .help = "The path of the socket; \"off\" for none."},
	{.name = "mode", AT(mode), .type = &type_mode, .fallback = "0600",
	 .help = "The permissions of the socket file, in octal."},
	{.name = "group", AT(group), .type = &type_string, .fallback = "",
	 .help = "The group of the socket file, by name or number. Empty: the "
		 "group of the master."},
};

static const struct schema_group control_group = {
	.title = "control", .size = sizeof(struct conf_control),
	SCHEMA_ROWS(control_settings),
	.help = "The control socket with its permissions: "
		"control = { path = \"/run/holdfast/control.sock\"; }. "
		"control = \"PATH\" is short for a group with a path only.",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf_log, field)

static const struct schema_setting log_settings[] = {
	{.name = "error", AT(error), .type = &type_path,
	 .fallback = "stderr", .words = "stderr",
	 .help = "Where the server's own messages go: \"stderr\" or the path of "
		 "a file."},
	{.name = "level", AT(level), .type = &type_choice,
	 .fallback = "info", .words = "error|warn|info|debug",
	 .help = "The least important messages that are still logged."},
	{.name = "error_format", AT(error_format), .type = &type_choice,
	 .fallback = "text", .words = "text|json",
	 .help = "The form of those messages: lines of text, or one JSON "
		 "object a line, as described under Logs below."},
	{.name = "format", AT(format), .also = offsetof(struct conf_log, line),
	 .type = &type_log_format,
	 .fallback = "combined", .words = "combined|json",
	 .help = "The form of the lines of access logs that do not give their "
		 "own: the combined format, which log analysers know, one JSON "
		 "object a line, or a line with variables, as described under "
		 "Templates and Logs below."},
	{.name = "access", AT(access), .also = offsetof(struct conf_log, access.n),
	 .type = &type_groups, .group = &schema_access_log, .brief = "to",
	 .help = "Where one line for each request goes."},
};

static const struct schema_group log_group = {
	.title = "log", .size = sizeof(struct conf_log),
	SCHEMA_ROWS(log_settings),
	.help = "What is logged, and where to. The master opens the log files "
		"again when it gets SIGUSR1.",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf_limits, field)

static const struct schema_setting limits_settings[] = {
	{.name = "connections", AT(connections), .type = &type_count,
	 .fallback = "10000", .min = 1, .max = 1000000,
	 .help = "Connections that one worker holds at a time. When there are "
		 "as many, those that have been idle longest are closed for "
		 "further ones; where none is idle, they wait in the queue of "
		 "the listener."},
	{.name = "connections_per_address", AT(connections_per_address),
	 .type = &type_count, .fallback = "0", .max = 1000000,
	 .help = "Connections that one worker holds of one client address at a "
		 "time (of IPv6, of one /64 network); further ones are closed. "
		 "0: any number. Where clients come through a proxy, all of "
		 "them have its address."},
	{.name = "line", AT(line), .type = &type_size,
	 .fallback = "8k", .min = 64, .max = MIB,
	 .help = "The size of a request line: method, target and version. A "
		 "longer one is answered with 414, and so is one that does not "
		 "fit into limits.header."},
	{.name = "header", AT(header), .type = &type_size,
	 .fallback = "16k", .min = 256, .max = MIB,
	 .help = "The size of a request line with its header fields; a larger "
		 "head is answered with 431."},
	{.name = "headers", AT(headers), .type = &type_count,
	 .fallback = "100", .min = 1, .max = 256,
	 .help = "The number of header fields of a request; more are answered "
		 "with 431."},
	{.name = "body", AT(body), .type = &type_size,
	 .fallback = "1m", .max = TIB,
	 .help = "The size of a request's body; a larger one is answered with "
		 "413. A site or route may have another limit, its "
		 "body_limit."},
	{.name = "form_fields", AT(form_fields), .type = &type_count,
	 .fallback = "1000", .min = 1, .max = 1000000,
	 .help = "The number of fields of a form whose fields are used; more "
		 "are answered with 413."},
	{.name = "ranges", AT(ranges), .type = &type_count,
	 .fallback = "256", .min = 1, .max = 4096,
	 .help = "How many ranges of a file a request may ask for. The answer to "
		 "one that asks for more is the whole file."},
	{.name = "body_memory", AT(body_memory), .type = &type_size,
	 .fallback = "64k", .min = KIB, .max = 64 * MIB,
	 .help = "How much of a body is held in memory. A larger one is written "
		 "to a file in temp as it arrives."},
	{.name = "temp", AT(temp), .type = &type_size,
	 .fallback = "1g", .max = TIB,
	 .help = "How much the files in temp, of all workers and requests "
		 "together, may hold for further bodies to be written there; "
		 "others are answered with 507. 0: any."},
	{.name = "move_file", AT(move_file), .type = &type_size,
	 .fallback = "256m", .max = TIB,
	 .help = "When a connection moves to another worker in the middle of a "
		 "response, what is left of one that is in memory, or that is "
		 "being compressed, is written to a file in temp, and moves "
		 "with it. One with more than this stays, and is served to its "
		 "end by the old worker, however long that takes."},
	{.name = "rate", AT(rate), .type = &type_size,
	 .fallback = "500", .max = MIB,
	 .help = "How many bytes a second a client has to keep up on average: "
		 "of a request's body over each timeouts.body, of a response "
		 "over each timeouts.send. A slower one is answered with 408, "
		 "or its connection is closed in the middle of the response. 0: "
		 "any rate will do."},
};

static const struct schema_group limits_group = {
	.title = "limits", .size = sizeof(struct conf_limits),
	SCHEMA_ROWS(limits_settings),
	.help = "What a client can make the server hold.",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf_timeouts, field), \
		  .type = &type_duration, .max = MS_DAY

static const struct schema_setting timeouts_settings[] = {
	{.name = "header", AT(header), .fallback = "10s", .min = 1,
	 .help = "For the head of a request to be complete, from its first "
		 "byte on."},
	{.name = "body", AT(body), .fallback = "30s", .min = 1,
	 .help = "For the next piece of a request's body; see also limits.rate."},
	{.name = "send", AT(send), .fallback = "30s", .min = 1,
	 .help = "For the client to take the next piece of a response; see also "
		 "limits.rate."},
	{.name = "keepalive", AT(keepalive), .fallback = "75s", .min = 1,
	 .help = "For the next request on a connection."},
	{.name = "drain", AT(drain), .fallback = "30s", .min = 1,
	 .help = "For a worker that takes no new connections to finish what "
		 "cannot move to another one, as told in holdfast(8); when the "
		 "server ends, to finish all that it has."},
	{.name = "watchdog", AT(watchdog), .fallback = "10s", .min = 1,
	 .help = "A worker that gives no sign of life for so long is stuck: "
		 "its stack is written to the log, and it is replaced."},
	{.name = "linger", AT(linger), .fallback = "0s",
	 .help = "How long the server goes on serving after it was told to "
		 "quit, while the handlers ready and status answer 503 already: "
		 "time for a load balancer to send requests elsewhere."},
};

static const struct schema_group timeouts_group = {
	.title = "timeouts", .size = sizeof(struct conf_timeouts),
	SCHEMA_ROWS(timeouts_settings),
	.help = "How long the server waits.",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf_real_ip, field)

static const struct schema_setting real_ip_settings[] = {
	{.name = "from", AT(from), .type = &type_networks, .fallback = "",
	 .help = "The networks of the servers that are trusted. Empty: the "
		 "field is not looked at."},
	{.name = "field", AT(field), .type = &type_field_name,
	 .fallback = "X-Forwarded-For",
	 .help = "The field of the request to whose end each of them adds the "
		 "address that it was asked from."},
};

static const struct schema_group real_ip_group = {
	.title = "real_ip", .size = sizeof(struct conf_real_ip),
	SCHEMA_ROWS(real_ip_settings),
	.help = "Which servers may say where the requests that they pass on "
		"come from, as described under Access above.",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf, field)
#define LIST(field) AT(field), .also = offsetof(struct conf, n_##field), \
		    .type = &type_groups

static const struct schema_setting top_settings[] = {
	{.name = "user", AT(user), .type = &type_string,
	 .fallback = "www-data",
	 .help = "The user that workers become, with the user's groups, when "
		 "holdfast is started as root; it has to exist then. If any "
		 "other user starts it, workers stay that user. They keep no "
		 "capability, whoever they are; \"root\" is warned of."},
	{.name = "workers", AT(workers),
	 .also = offsetof(struct conf, workers_auto),
	 .type = &type_workers, .fallback = "auto",
	 .min = 1, .max = 256, .words = "auto",
	 .help = "How many worker processes serve. \"auto\" is one for each "
		 "CPU that the master may use, by its affinity and the CPU "
		 "quota of its cgroups."},
	{.name = "control", AT(control), .type = &type_group,
	 .group = &control_group, .brief = "path",
	 .fallback_help = "/run/holdfast/control.sock for root; for others "
			  "holdfast.sock in $XDG_RUNTIME_DIR, or without that "
			  "/tmp/holdfast-UID/control.sock",
	 .help = "The socket by which the verbs of holdfast(8) reach the "
		 "master."},
	{.name = "pid_file", AT(pid_file), .type = &type_path, .fallback = "",
	 .help = "A file that holds the process id of the master while it "
		 "runs. Empty: none."},
	{.name = "mime_types", AT(mime_types), .type = &type_path,
	 .fallback = "",
	 .help = "A table of media types by the suffix of a file's name, in "
		 "the form of /etc/mime.types. Empty: the table that holdfast "
		 "was built with."},
	{.name = "temp", AT(temp), .type = &type_directory, .fallback = "/tmp",
	 .help = "The directory for request bodies larger than "
		 "limits.body_memory. The files have no name there, and are "
		 "gone with the request."},

	{.name = "log", AT(log), .type = &type_group, .group = &log_group},
	{.name = "limits", AT(limits), .type = &type_group, .group = &limits_group},
	{.name = "timeouts", AT(timeouts), .type = &type_group,
	 .group = &timeouts_group},
	{.name = "real_ip", AT(real_ip), .type = &type_group,
	 .group = &real_ip_group},
	{.name = "tls", AT(tls), .type = &type_group, .group = &schema_tls},
	{.name = "listeners", LIST(listeners), .group = &schema_listener,
	 .required = true},
	{.name = "sites", LIST(sites), .group = &schema_site},
	{.name = "upstreams", LIST(upstreams), .group = &schema_upstream},
};

const struct schema_group schema_top = {
	.title = "", .size = sizeof(struct conf),
	SCHEMA_ROWS(top_settings),
	.help = "Settings outside of any group.",
};
