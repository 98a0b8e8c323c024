/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings of sites and routes, and those that they have in common. A
 * handler's own settings are in conf_HANDLER.c. See conf/schema/schema.h.
 */
#include "conf/conf.h"
#include "conf/schema/schema.h"
#include "conf/schema/types.h"

#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

/* Tables, laid out by hand. */
/* clang-format off */

#define AT(field) .offset = offsetof(struct conf_common, field)

static const struct schema_setting common_settings[] = {
	{.name = "allow", AT(allow), .type = &type_networks, .fallback = "",
	 .help = "The networks whose requests are answered, as described under "
		 "Access below. If the list is not empty, all others are "
		 "refused with 403."},
	{.name = "deny", AT(deny), .type = &type_networks, .fallback = "",
	 .help = "The networks whose requests are refused with 403."},
	{.name = "compress", AT(compress), .type = &type_codings,
	 .fallback = "",
	 .help = "The codings in which responses are compressed for clients "
		 "that accept them, the preferred one first. Responses that "
		 "are compressed already, parts of files and responses with "
		 "Cache-Control: no-transform are sent as they are. The "
		 "compressed form of a small file is kept for the next "
		 "request."},
	{.name = "compress_types", AT(compress_types),
	 .type = &type_media_ranges,
	 .fallback = "text/*|application/javascript|application/json|"
		     "application/xml|application/wasm|application/yaml|"
		     "application/toml|application/sql|*+json|*+xml|font/ttf|"
		     "font/otf|image/bmp|image/vnd.microsoft.icon",
	 .help = "The media types that are compressed: \"type/subtype\", "
		 "\"type/*\", or \"*+suffix\" for all whose names end so."},
	{.name = "compress_min", .old_name = "compress_least",
	 AT(compress_min), .type = &type_size,
	 .fallback = "1k", .max = GIB,
	 .help = "The minimum size of a response that is compressed."},
	{.name = "body_limit", AT(body_limit), .type = &type_size,
	 .fallback_help = "limits.body", .max = TIB,
	 .help = "The size of a request's body, in place of limits.body. A "
		 "Content-Length over it is answered with 413 before anything of the "
		 "body is read."},
	{.name = "https", AT(https), .type = &type_choice,
	 .fallback = "any", .words = "any|redirect",
	 .help = "Whether requests are served that come without TLS: \"redirect\" "
		 "sends them (308) to the same host and target with https, on "
		 "its own port, 443."},
	{.name = "hsts", AT(hsts), .type = &type_duration, .fallback = "0s",
	 .max = UINT64_C(10) * 366 * 24 * 3600 * 1000,
	 .help = "For how long browsers are to ask with https only, by a field "
		 "Strict-Transport-Security in responses over TLS (RFC 6797): "
		 "\"8760h\" is a year. 0s: no field."},
	{.name = "auth_file", AT(auth_file), .type = &type_path,
	 .fallback = "",
	 .help = "A file of users, as described under Passwords below: only "
		 "they get in, with their passwords (HTTP Basic). Empty: no "
		 "password is asked for."},
	{.name = "auth_realm", AT(auth_realm), .type = &type_string,
	 .fallback = "restricted",
	 .help = "The realm: what browsers say the password is for."},
	{.name = "authorize", AT(authorize), .type = &type_string,
	 .fallback = "",
	 .help = "A path of this site that is asked before the request is "
		 "handled, as described under Authorization below: a response "
		 "of 2xx lets the request in, 401 and 403 refuse it. Empty: "
		 "none is."},
	{.name = "log", AT(log), .type = &type_optional_group,
	 .group = &schema_common_log},
	{.name = "request_fields", AT(request_fields),
	 .type = &type_request_fields, .fallback = "",
	 .help = "Changes to the fields of requests before the handler sees "
		 "them, as described under Fields below. A route also has "
		 "those of its site, except for names that it gives itself."},
	{.name = "response_fields", AT(response_fields),
	 .type = &type_response_fields, .fallback = "",
	 .help = "Changes to the fields of all responses, also of errors. A "
		 "route also has those of its site, except for names that it "
		 "gives itself."},
	{.name = "error_pages", AT(error_pages),
	 .type = &type_error_pages, .fallback = "",
	 .help = "What is sent with an error in place of the built-in page: "
		 "statuses with the path of a file, such as \"404 "
		 "errors/404.html\" or \"500,502-504 errors/50x.html\". A file "
		 "is read when the configuration is loaded, and has the media "
		 "type of its name. A route also has those of its site, except "
		 "for statuses that it gives itself."},
	{.name = "rate", AT(rate), .type = &type_rate,
	 .fallback = "off", .words = "off",
	 .help = "How many requests are answered in a time, such as \"10/s\", "
		 "\"600/m\", \"50/h\" or \"20/d\", for each key, by all workers "
		 "together; more are refused with 429. See Limits below."},
	{.name = "rate_burst", AT(rate_burst), .type = &type_count,
	 .fallback = "0", .max = 10000,
	 .help = "How many requests beyond the rate may come at once."},
	{.name = "rate_key", AT(rate_key), .type = &type_line,
	 .fallback = "${remote_addr}",
	 .help = "The key of a request: requests with equal keys share a rate. "
		 "A request whose key is empty has no limit."},
	{.name = "concurrent", AT(concurrent), .type = &type_count,
	 .fallback = "0", .max = CONF_CONCURRENT_MAX,
	 .help = "How many requests are answered at a time, for each key, by "
		 "all workers together; more are refused with 503. 0 is no "
		 "limit."},
	{.name = "concurrent_key", AT(concurrent_key), .type = &type_line,
	 .fallback = "${remote_addr}",
	 .help = "The key of a request for this limit. A request whose key is "
		 "empty has no limit."},
};

const struct schema_group schema_common = {
	.title = "sites[] and sites[].routes[]",
	.size = sizeof(struct conf_common),
	SCHEMA_ROWS(common_settings),
	.help = "Settings that a site and each of its routes can have. Those "
		"of a site hold for every request to it, whether a route "
		"matches or not. One that a route gives replaces the site's "
		"there.",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf_route, field)

static const struct schema_setting route_settings[] = {
	{.name = "path", AT(path), .type = &type_route_path, .required = true,
	 .help = "The path that is routed. It begins with \"/\" and is compared "
		 "with the decoded path of the request. With match = \"regex\" "
		 "it is a pattern, see pcre2pattern(3)."},
	{.name = "name", AT(name), .type = &type_string, .fallback = "",
	 .fallback_help = "the path",
	 .help = "The name of the route in metrics. What is counted goes on at a "
		 "reload under the same name."},
	{.name = "match", AT(match), .type = &type_choice,
	 .fallback = "prefix", .words = "prefix|exact|regex",
	 .help = "How the path is compared: with the beginning of the "
		 "request's path, with the whole of it, or as a pattern that "
		 "is found anywhere in it."},
	{.name = "methods", AT(methods), .type = &type_methods,
	 .fallback_help = "the handler's own",
	 .help = "The methods that the route takes."},
	{.name = "handler", AT(handler), .type = &type_handler,
	 .required = true,
	 .help = "The handler that answers. Each has settings of its own, "
		 "which are below."},
	{AT(settings), .type = &type_handler_settings},
	{AT(common), .type = &type_common_settings, .group = &schema_common},
};

const struct schema_group schema_route = {
	.title = "sites[].routes[]", .size = sizeof(struct conf_route),
	.has_origin = true, .origin = offsetof(struct conf_route, origin),
	SCHEMA_ROWS(route_settings),
	.help = "Which handler answers which paths of a site. A path without "
		"a route is answered with 404, one whose routes do not take "
		"the method with 405.",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf_site, field)

static const struct schema_setting site_settings[] = {
	{.name = "hosts", AT(hosts), .type = &type_hosts, .fallback = "*",
	 .help = "The hosts that the site answers for, without ports: "
		 "\"example.org\", \"*.example.org\" for every name below it, "
		 "\"*\" for every host. Upper and lower case are the same."},
	{.name = "name", AT(name), .type = &type_string, .fallback = "",
	 .fallback_help = "the first host",
	 .help = "The name of the site in metrics."},
	{AT(common), .type = &type_common_settings, .group = &schema_common},
	{.name = "routes", AT(routes), .also = offsetof(struct conf_site, n_routes),
	 .type = &type_groups, .group = &schema_route},
};

const struct schema_group schema_site = {
	.title = "sites[]", .size = sizeof(struct conf_site),
	.has_origin = true, .origin = offsetof(struct conf_site, origin),
	SCHEMA_ROWS(site_settings),
	.help = "What is served over HTTP, by the host that a request asks "
		"for. Every http listener serves every site.",
};
