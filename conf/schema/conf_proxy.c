/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/schema/conf_proxy.h"

#include "conf/schema/conf_handlers.h"
#include "conf/schema/types.h"

/* Tables, laid out by hand. */
/* clang-format off */

#define AT(field) .offset = offsetof(struct conf_proxy, field)

static const struct schema_setting settings[] = {
	{.name = "upstream", AT(upstream), .type = &type_token, .required = true,
	 .help = "The name of the upstream whose servers answer."},
	{.name = "strip", AT(strip), .type = &type_boolean, .fallback = "false",
	 .help = "Whether the route's own path is taken away from the path of "
		 "the request: the route \"/api/\" passes \"/api/x\" on as "
		 "\"/x\"."},
	{.name = "to", AT(to), .type = &type_template, .fallback = "",
	 .help = "The path that is asked for, in place of the request's. The "
		 "query is added, behind \"?\" or, if there is one, \"&\"; but "
		 "not if ${query}, ${?query} or ${target} is used. Empty: the "
		 "request's."},
	{.name = "host", AT(host), .also = offsetof(struct conf_proxy, host_text),
	 .type = &type_choice_or_line,
	 .fallback = "client", .words = "client|server",
	 .help = "The Host that the server gets: the client's, the server's "
		 "address, or a template."},
	{.name = "request_buffer", AT(request_buffer), .type = &type_boolean,
	 .fallback = "false",
	 .help = "Whether the body of a request is collected before a server is "
		 "asked. Such a request can be tried again on another server; "
		 "otherwise the body is passed on as it arrives."},
	{.name = "upgrade", AT(upgrade), .type = &type_boolean,
	 .fallback = "true",
	 .help = "Whether requests to go on with another protocol, such as "
		 "WebSocket, are passed on."},
	{.name = "errors", AT(errors), .type = &type_choice,
	 .fallback = "pass", .words = "pass|own",
	 .help = "What is sent for a response of 400 to 599: the server's "
		 "content, or the error page of this server."},
	{.name = "redirect", AT(redirect), .type = &type_replacements,
	 .fallback = "",
	 .help = "How the URLs of Location, Content-Location and Refresh "
		 "change: \"FROM TO\" replaces FROM at the beginning of one, "
		 "as \"http://app.internal:8080/ /app/\" does. TO is a template, "
		 "and the first FROM that fits is replaced."},
	{.name = "cookie_domain", AT(cookie_domain), .type = &type_replacements,
	 .fallback = "",
	 .help = "The same for the Domain of cookies, the whole of which is "
		 "replaced; by nothing, it is left out."},
	{.name = "cookie_path", AT(cookie_path), .type = &type_replacements,
	 .fallback = "",
	 .help = "The same for the Path of cookies: \"/ /app/\"."},
};

static const struct schema_group group = {
	.title = "sites[].routes[]", .size = sizeof(struct conf_proxy),
	SCHEMA_ROWS(settings),
};

const struct schema_handler conf_proxy_handler = {
	.name = "proxy", .group = &group,
	.methods = CONF_METHODS_ALL,
	.help = "Passes requests on to the servers of an upstream, and their "
		"responses back.",
};
