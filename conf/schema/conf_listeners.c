/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of a listener. See conf/schema/schema.h. */
#include "conf/conf.h"
#include "conf/schema/schema.h"
#include "conf/schema/types.h"

/* Whether the address, which may be missing, is that of a Unix socket. */
static bool is_unix(const void *group)
{
	const struct conf_listener *listener = group;

	return listener->text == NULL || addr_family(&listener->addr) == AF_UNIX;
}

/* Tables, laid out by hand. */
/* clang-format off */

#define AT(field) .offset = offsetof(struct conf_listener, field)

static const struct schema_setting settings[] = {
	{.name = "address", AT(text),
	 .also = offsetof(struct conf_listener, addr),
	 .type = &type_address, .required = true,
	 .help = "The address, in one of the forms described under Addresses "
		 "above. With port 0 the system picks a port; the log says "
		 "which."},
	{.name = "protocol", AT(protocol), .type = &type_name,
	 .fallback = "http", .words = "http|echo",
	 .help = "The protocol: HTTP/1.1, or echo, which sends back what it "
		 "receives."},
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
};

const struct schema_group schema_listener = {
	.title = "listeners[]", .size = sizeof(struct conf_listener),
	.has_origin = true, .origin = offsetof(struct conf_listener, origin),
	SCHEMA_ROWS(settings),
	.help = "The addresses on which the server listens, at least one.",
};
