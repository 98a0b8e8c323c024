/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of a listener. See conf/schema/schema.h. */
#include <string.h>

#include "conf/conf.h"
#include "conf/schema/conf_tls.h"
#include "conf/schema/schema.h"
#include "conf/schema/types.h"

/* Whether the address, which may be missing, is that of a Unix socket. */
static bool is_unix(const void *group)
{
	const struct conf_listener *listener = group;

	return listener->text == NULL || addr_family(&listener->addr) == AF_UNIX;
}

static bool is_stream(const void *group)
{
	const struct conf_listener *listener = group;

	return listener->protocol != NULL &&
	       strcmp(listener->protocol, "stream") == 0;
}

#define MS_DAY (UINT64_C(24) * 3600 * 1000)

/* Tables, laid out by hand. */
/* clang-format off */

#define AT(field) .offset = offsetof(struct conf_by_name, field)

static const struct schema_setting by_name_settings[] = {
	{.name = "hosts", AT(hosts), .type = &type_hosts, .required = true,
	 .help = "The names: \"example.org\", \"*.example.org\" for every name "
		 "below it, \"*\" for every name, and for clients that give "
		 "none."},
	{.name = "upstream", AT(upstream), .type = &type_token, .required = true,
	 .help = "The upstream, by its name."},
};

static const struct schema_group by_name_group = {
	.title = "listeners[].by_name[]", .size = sizeof(struct conf_by_name),
	.has_origin = true, .origin = offsetof(struct conf_by_name, origin),
	SCHEMA_ROWS(by_name_settings),
	.help = "Of a listener with protocol stream: which upstream a TLS "
		"connection goes to, by the name of the server that the client "
		"asks for (SNI). Nothing is decrypted. An exact name comes "
		"first, then the longest \"*.\", then \"*\".",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf_listener, field)

static const struct schema_setting settings[] = {
	{.name = "address", AT(text),
	 .also = offsetof(struct conf_listener, addr),
	 .type = &type_address, .required = true,
	 .help = "The address, in one of the forms described under Addresses "
		 "above. With port 0 the system picks a port; the log says "
		 "which."},
	{.name = "name", AT(name), .type = &type_string, .fallback = "",
	 .fallback_help = "the address",
	 .help = "The name of the listener in metrics."},
	{.name = "protocol", AT(protocol), .type = &type_name,
	 .fallback = "http", .words = "http|stream|echo",
	 .help = "The protocol: HTTP/1.1; stream, which passes bytes on to a "
		 "server, see Streams above; or echo, which sends back what it "
		 "receives."},
	{.name = "tls", AT(tls), .type = &type_optional_group,
	 .group = &schema_listener_tls, .brief = "on",
	 .help = "TLS on this listener: true, with the certificates and the "
		 "other settings of the group tls; \"also\", for TLS and what "
		 "is none on the same port; or a group with settings of its "
		 "own."},
	{.name = "backlog", AT(backlog), .type = &type_count,
	 .fallback = "4096", .min = 1, .max = 65535,
	 .help = "The maximum number of connections that wait to be accepted; "
		 "the system may lower it to net.core.somaxconn."},
	{.name = "mode", AT(mode), .type = &type_mode, .fallback = "0666",
	 .only_if = is_unix,
	 .only_if_help = "only \"unix:\" addresses have a mode",
	 .help = "The permissions of the socket file, in octal. Only for "
		 "\"unix:\" addresses."},
	{.name = "owner", AT(owner), .type = &type_string, .fallback = "",
	 .only_if = is_unix,
	 .only_if_help = "only \"unix:\" addresses have an owner",
	 .help = "The user that owns the socket file, by name or number. Empty: "
		 "the master's user. Only for \"unix:\" addresses."},
	{.name = "group", AT(group), .type = &type_string, .fallback = "",
	 .only_if = is_unix,
	 .only_if_help = "only \"unix:\" addresses have a group",
	 .help = "The group of the socket file, by name or number. Empty: the "
		 "master's group. Only for \"unix:\" addresses."},
	{.name = "proxy_protocol", AT(proxy_protocol), .type = &type_networks,
	 .fallback = "",
	 .help = "The networks of proxies that begin each connection with a "
		 "header of the PROXY protocol, which says who the client is. "
		 "A connection of theirs without one is refused. From anywhere "
		 "else no header is read. See PROXY protocol above."},
	{.name = "upstream", AT(upstream), .type = &type_token, .fallback = "",
	 .only_if = is_stream,
	 .only_if_help = "only protocol = \"stream\" has an upstream",
	 .help = "Of protocol stream: the upstream that connections go to, by "
		 "its name. Or by_name."},
	{.name = "by_name", AT(by_name),
	 .also = offsetof(struct conf_listener, n_by_name),
	 .type = &type_groups, .group = &by_name_group, .only_if = is_stream,
	 .only_if_help = "only protocol = \"stream\" chooses by_name"},
	{.name = "idle_timeout", AT(idle_timeout), .type = &type_duration,
	 .fallback = "1h", .max = 30 * MS_DAY, .only_if = is_stream,
	 .only_if_help = "only protocol = \"stream\" has an idle_timeout",
	 .help = "Of protocol stream: how long a connection may be silent in "
		 "both directions. 0s is no limit: a peer that is gone is then "
		 "found by TCP keep-alive alone."},
};

const struct schema_group schema_listener = {
	.title = "listeners[]", .size = sizeof(struct conf_listener),
	.has_origin = true, .origin = offsetof(struct conf_listener, origin),
	SCHEMA_ROWS(settings),
	.help = "The addresses on which the server listens, at least one.",
};
