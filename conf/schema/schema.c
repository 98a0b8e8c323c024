/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/schema/schema.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "conf/conf.h"
#include "conf/values.h"

#define MS_YEAR          ((uint64_t)366 * MS_DAY)
#define METHOD_SET(name) (1u << METHOD_##name)

enum {
	ALL_METHODS = (1u << METHOD_COUNT) - 1,
	/* Without OPTIONS, which the server answers. */
	MODULE_METHODS = METHOD_SET(GET) | METHOD_SET(HEAD) | METHOD_SET(POST) |
			 METHOD_SET(PUT) | METHOD_SET(DELETE) | METHOD_SET(PATCH),
	KIB = 1 << 10,
	MIB = 1 << 20,
	MS_DAY = 24 * 3600 * 1000,
};

const struct str conf_method_names[METHOD_COUNT] = {
	[METHOD_GET] = STR_INIT("GET"),
	[METHOD_HEAD] = STR_INIT("HEAD"),
	[METHOD_POST] = STR_INIT("POST"),
	[METHOD_PUT] = STR_INIT("PUT"),
	[METHOD_DELETE] = STR_INIT("DELETE"),
	[METHOD_OPTIONS] = STR_INIT("OPTIONS"),
	[METHOD_PATCH] = STR_INIT("PATCH"),
	[METHOD_TRACE] = STR_INIT("TRACE"),
	[METHOD_CONNECT] = STR_INIT("CONNECT"),
};

const struct str conf_coding_names[CONF_CODINGS] = {
	[CONF_CODING_ZSTD] = STR_INIT("zstd"),
	[CONF_CODING_BR] = STR_INIT("br"),
	[CONF_CODING_GZIP] = STR_INIT("gzip"),
};

bool conf_coding_is_built(enum conf_coding coding)
{
	switch (coding) {
	case CONF_CODING_ZSTD:
#ifdef HAVE_LIBZSTD
		return true;
#else
		return false;
#endif
	case CONF_CODING_BR:
#ifdef HAVE_LIBBROTLIENC
		return true;
#else
		return false;
#endif
	case CONF_CODING_GZIP:
		return true;
	case CONF_CODINGS:
		break;
	}
	return false;
}

const struct schema_handler schema_handlers[] = {
	{"static", METHOD_SET(GET) | METHOD_SET(HEAD),
	 "Serves the files below a directory: its root and then what follows "
	 "the path of the route. A directory is served by its index file."},
	{"respond", METHOD_SET(GET) | METHOD_SET(HEAD) | METHOD_SET(POST),
	 "Answers with a text from the configuration."},
	{"redirect", ALL_METHODS, "Sends the client to another URL."},
	{"rewrite", ALL_METHODS,
	 "Gives the request another path, for which a route of the same site "
	 "is looked for again, as told under Rewriting above. The common "
	 "settings are those of the route that answers."},
	{"module", MODULE_METHODS,
	 "Answers by code of your own: a shared object that was made as "
	 "holdfast-module(7) tells."},
	{"ready", METHOD_SET(GET) | METHOD_SET(HEAD),
	 "Answers 200 while the server serves and 503 once it was told to "
	 "quit: for the health check of a load balancer."},
	{"status", METHOD_SET(GET) | METHOD_SET(HEAD),
	 "Tells as JSON what each worker does; 200 or 503 like ready. It has no "
	 "secrets of the requests, but is rarely meant for everyone."},
};
const size_t schema_n_handlers =
	sizeof(schema_handlers) / sizeof(schema_handlers[0]);

/* Tables, laid out by hand. */
/* clang-format off */

const struct schema_section schema_sections[SCHEMA_SECTIONS] = {
	[SCHEMA_TOP] = {.title = "", .name = "",
		.help = "Settings outside of any group."},
	[SCHEMA_LOG] = {.title = "log", .name = "log",
		.offset = offsetof(struct conf, log),
		.help = "What is logged, and where to. Log files are opened "
			"again when the master gets SIGUSR1."},
	[SCHEMA_LIMITS] = {.title = "limits", .name = "limits",
		.offset = offsetof(struct conf, limits),
		.help = "What a client can make the server hold."},
	[SCHEMA_TIMEOUTS] = {.title = "timeouts", .name = "timeouts",
		.offset = offsetof(struct conf, timeouts),
		.help = "How long the server waits."},
	[SCHEMA_REAL_IP] = {.title = "real_ip", .name = "real_ip",
		.offset = offsetof(struct conf, real_ip),
		.help = "Where requests come from that other servers pass on, as "
			"told under Access above."},
	[SCHEMA_LISTENERS] = {.title = "listeners[]", .name = "listeners",
		.is_list = true, .required = true,
		.offset = offsetof(struct conf, listeners),
		.count = offsetof(struct conf, n_listeners),
		.size = sizeof(struct conf_listener),
		.help = "The addresses that are listened on. There has to be "
			"one at least."},
	[SCHEMA_SITES] = {.title = "sites[]", .name = "sites",
		.is_list = true,
		.offset = offsetof(struct conf, sites),
		.count = offsetof(struct conf, n_sites),
		.size = sizeof(struct conf_site),
		.has_common = true, .common = offsetof(struct conf_site, common),
		.help = "What is served over HTTP, by the host that a request "
			"asks for. Every http listener serves every site."},
	[SCHEMA_ROUTES] = {.title = "sites[].routes[]", .name = "routes",
		.parent = SCHEMA_SITES, .is_list = true,
		.offset = offsetof(struct conf_site, routes),
		.count = offsetof(struct conf_site, n_routes),
		.size = sizeof(struct conf_route),
		.has_common = true,
		.common = offsetof(struct conf_route, common),
		.help = "Which handler answers which paths of a site. A path "
			"that no route has is answered with 404, one whose "
			"routes do not take the method with 405."},
	[SCHEMA_COMMON] = {.title = "sites[] and sites[].routes[]", .name = "",
		.parent = SCHEMA_SECTIONS,
		.help = "Settings that a site and each of its routes can have. "
			"Those of a site are for all that it answers, with or "
			"without a route. A route that gives one has its own "
			"in place of the site's."},
};

#define TIB (UINT64_C(1) << 40)

#define TOP(field)	.section = SCHEMA_TOP, \
			.offset = offsetof(struct conf, field)
#define LOG(field)	.section = SCHEMA_LOG, \
			.offset = offsetof(struct conf_log, field)
#define LIMIT(field)	.section = SCHEMA_LIMITS, \
			.offset = offsetof(struct conf_limits, field)
#define TIMEOUT(field)	.section = SCHEMA_TIMEOUTS, \
			.type = SCHEMA_DURATION, .least = 1, .most = MS_DAY, \
			.offset = offsetof(struct conf_timeouts, field)
#define REAL_IP(field)	.section = SCHEMA_REAL_IP, \
			.offset = offsetof(struct conf_real_ip, field)
#define LISTENER(field) .section = SCHEMA_LISTENERS, \
			.offset = offsetof(struct conf_listener, field)
#define SITE(field)	.section = SCHEMA_SITES, \
			.offset = offsetof(struct conf_site, field)
#define ROUTE(field)	.section = SCHEMA_ROUTES, \
			.offset = offsetof(struct conf_route, field)
#define COMMON(field)	.section = SCHEMA_COMMON, \
			.offset = offsetof(struct conf_common, field)

const struct schema_setting schema_settings[] = {
	{TOP(user), .name = "user", .type = SCHEMA_STRING,
	 .fallback = "www-data",
	 .help = "The user that workers become, with the user's groups, when "
		 "holdfast is started as root; it has to exist then. Started "
		 "by anyone else, workers stay who they are."},
	{TOP(workers), .also = offsetof(struct conf, workers_auto),
	 .name = "workers", .type = SCHEMA_WORKERS, .fallback = "auto",
	 .least = 1, .most = 256, .words = "auto",
	 .help = "How many worker processes serve. \"auto\" is one for each "
		 "CPU that the master may run on."},
	{TOP(control), .name = "control", .type = SCHEMA_PATH,
	 .fallback_help = "/run/holdfast/control.sock for root; for others "
			  "holdfast.sock in $XDG_RUNTIME_DIR, or without that "
			  "/tmp/holdfast-UID/control.sock",
	 .help = "The socket by which the verbs of holdfast(8) reach the "
		 "master."},
	{TOP(pid_file), .name = "pid_file", .type = SCHEMA_PATH,
	 .fallback = "",
	 .help = "A file that holds the process id of the master while it "
		 "runs. Empty: none."},
	{TOP(mime_types), .name = "mime_types", .type = SCHEMA_PATH,
	 .fallback = "",
	 .help = "A table of media types by the suffix of a file's name, in "
		 "the form of /etc/mime.types. Empty: the table that holdfast "
		 "was built with."},

	{TOP(temp), .name = "temp", .type = SCHEMA_DIRECTORY,
	 .fallback = "/tmp",
	 .help = "The directory for bodies of requests that are over "
		 "limits.body_memory. The files have no name there, and are "
		 "gone with the request."},

	{LOG(error), .name = "error", .type = SCHEMA_PATH,
	 .fallback = "stderr", .words = "stderr",
	 .help = "Where messages of the server go: \"stderr\" or the path of a "
		 "file."},
	{LOG(level), .name = "level", .type = SCHEMA_CHOICE,
	 .fallback = "info", .words = "error|warn|info|debug",
	 .help = "The least important messages that are still logged."},
	{LOG(error_format), .name = "error_format", .type = SCHEMA_CHOICE,
	 .fallback = "text", .words = "text|json",
	 .help = "The form of those messages: lines of text, or one JSON "
		 "object a line, as told under Logs below."},
	{LOG(access), .name = "access", .type = SCHEMA_PATH,
	 .fallback = "off", .words = "off|stderr|stdout",
	 .help = "Where one line for each request goes: \"off\" is nowhere, "
		 "\"stderr\", \"stdout\" or the path of a file."},
	{LOG(format), .also = offsetof(struct conf_log, line),
	 .name = "format", .type = SCHEMA_LOG_FORMAT,
	 .fallback = "combined", .words = "combined|json",
	 .help = "The form of those lines: the combined format that log "
		 "analysers know, one JSON object a line, or a line with "
		 "variables, as told under Templates and Logs below."},

	{LIMIT(connections), .name = "connections", .type = SCHEMA_COUNT,
	 .fallback = "10000", .least = 1, .most = 1000000,
	 .help = "Connections that one worker holds at a time. Further ones "
		 "wait in the queue of the listener."},
	{LIMIT(line), .name = "line", .type = SCHEMA_SIZE,
	 .fallback = "8k", .least = 64, .most = MIB,
	 .help = "The size of a request line: method, target and version. More "
		 "is answered with 414, and so is a line that is longer than "
		 "limits.header lets the head be."},
	{LIMIT(header), .name = "header", .type = SCHEMA_SIZE,
	 .fallback = "16k", .least = 256, .most = MIB,
	 .help = "The size of a request line with its header fields; more is "
		 "answered with 431."},
	{LIMIT(headers), .name = "headers", .type = SCHEMA_COUNT,
	 .fallback = "100", .least = 1, .most = 256,
	 .help = "The number of header fields of a request; more are answered "
		 "with 431."},
	{LIMIT(body), .name = "body", .type = SCHEMA_SIZE,
	 .fallback = "1m", .most = TIB,
	 .help = "The size of a request's body; more is answered with 413. "
		 "Where another is right, set body_limit there."},
	{LIMIT(form_fields), .name = "form_fields", .type = SCHEMA_COUNT,
	 .fallback = "1000", .least = 1, .most = 1000000,
	 .help = "The number of fields of a form whose fields are used; more "
		 "are answered with 413."},
	{LIMIT(body_memory), .name = "body_memory", .type = SCHEMA_SIZE,
	 .fallback = "64k", .least = KIB, .most = 64 * MIB,
	 .help = "What of a body is held in memory. A larger one is written to "
		 "a file in temp as it comes."},
	{LIMIT(rate), .name = "rate", .type = SCHEMA_SIZE,
	 .fallback = "500", .most = MIB,
	 .help = "How many bytes a second a client has to keep up on average: "
		 "of a request's body over each timeouts.body, of a response "
		 "over each timeouts.send. One that trickles is answered with "
		 "408, or closed in the middle of a response. 0 is any."},

	{TIMEOUT(header), .name = "header", .fallback = "10s",
	 .help = "For the head of a request to be complete, from its first "
		 "byte on."},
	{TIMEOUT(body), .name = "body", .fallback = "30s",
	 .help = "For the next piece of a request's body; see also limits.rate."},
	{TIMEOUT(send), .name = "send", .fallback = "30s",
	 .help = "For the client to take the next piece of a response; see also "
		 "limits.rate."},
	{TIMEOUT(keepalive), .name = "keepalive", .fallback = "75s",
	 .help = "For the next request on a connection."},
	{TIMEOUT(drain), .name = "drain", .fallback = "30s",
	 .help = "For a worker that takes no new connections to finish those "
		 "that it has."},
	{TIMEOUT(watchdog), .name = "watchdog", .fallback = "10s",
	 .help = "A worker that gives no sign of life for so long is stuck: "
		 "its stack is written to the log, and it is replaced."},
	{.section = SCHEMA_TIMEOUTS, .type = SCHEMA_DURATION, .most = MS_DAY,
	 .offset = offsetof(struct conf_timeouts, linger),
	 .name = "linger", .fallback = "0s",
	 .help = "When it is told to quit, the server goes on for so long as "
		 "if nothing were, but for the handlers ready and status, "
		 "which answer 503: time for a load balancer to turn away."},

	{REAL_IP(from), .name = "from", .type = SCHEMA_NETWORKS,
	 .fallback = "",
	 .help = "The networks of the servers that are believed. Empty: the "
		 "field is not looked at."},
	{REAL_IP(field), .name = "field", .type = SCHEMA_FIELD_NAME,
	 .fallback = "X-Forwarded-For",
	 .help = "The field of the request in which each of them adds, at the "
		 "end, the address that it was asked from."},

	{LISTENER(text), .also = offsetof(struct conf_listener, addr),
	 .name = "address", .type = SCHEMA_ADDRESS, .required = true,
	 .help = "The address, in a form told under Addresses above. Port 0 lets the system "
		 "pick one; the log says which."},
	{LISTENER(protocol), .name = "protocol", .type = SCHEMA_NAME,
	 .fallback = "http", .words = "http|echo",
	 .help = "What is spoken there: HTTP/1.1, or echo, which sends back "
		 "what it receives."},
	{LISTENER(backlog), .name = "backlog", .type = SCHEMA_COUNT,
	 .fallback = "4096", .least = 1, .most = 65535,
	 .help = "Connections that wait to be accepted, at most; the system "
		 "may lower it to net.core.somaxconn."},
	{LISTENER(mode), .name = "mode", .type = SCHEMA_MODE,
	 .fallback = "0666",
	 .help = "The permissions of the socket file, in octal. Only for "
		 "\"unix:\" addresses."},

	{SITE(hosts), .name = "hosts", .type = SCHEMA_HOSTS, .fallback = "*",
	 .help = "The hosts that the site answers for, without ports: "
		 "\"example.org\", \"*.example.org\" for every name below it, "
		 "\"*\" for every host. Upper and lower case are the same."},

	/* Before the settings that depend on it. */
	{ROUTE(path), .name = "path", .type = SCHEMA_ROUTE_PATH,
	 .required = true,
	 .help = "The path that is routed. It begins with \"/\" and is compared "
		 "with the decoded path of the request. With match = \"regex\" "
		 "it is a pattern, see pcre2pattern(3)."},
	{ROUTE(match), .name = "match", .type = SCHEMA_CHOICE,
	 .fallback = "prefix", .words = "prefix|exact|regex",
	 .help = "Whether the path is the beginning of the paths that are "
		 "meant, or the only one, or a pattern that is found in them."},
	{ROUTE(methods), .name = "methods", .type = SCHEMA_METHODS,
	 .fallback_help = "the handler's own",
	 .help = "The methods that the route takes."},
	{ROUTE(handler), .name = "handler", .type = SCHEMA_HANDLER,
	 .required = true,
	 .help = "Who answers. The settings that follow belong to one handler "
		 "each."},

	{ROUTE(root), .handler = "static", .name = "root",
	 .type = SCHEMA_DIRECTORY, .required = true,
	 .help = "The directory, which has to exist."},
	{ROUTE(index), .handler = "static", .name = "index",
	 .type = SCHEMA_FILE_NAMES, .fallback = "index.html",
	 .help = "The files that answer for a directory; the first that is "
		 "there does."},
	{ROUTE(symlinks), .handler = "static", .name = "symlinks",
	 .type = SCHEMA_CHOICE, .fallback = "inside",
	 .words = "inside|follow|none",
	 .help = "Which symbolic links are followed: those that stay inside "
		 "the root, all of them, or none."},
	{ROUTE(try), .handler = "static", .name = "try", .type = SCHEMA_TRY,
	 .fallback = "",
	 .help = "Templates of paths below the root, which are looked for in "
		 "place of the path of the request; the first that is there "
		 "answers. One that ends in \"/\" is a directory, the others "
		 "are files. The last may be \"=\" and a status, from 400 to "
		 "599, for when none is there; it is 404 otherwise. Empty: "
		 "\"${rest}\", as a file or a directory."},
	{ROUTE(listing), .handler = "static", .name = "listing",
	 .type = SCHEMA_BOOLEAN, .fallback = "false",
	 .help = "Whether a directory without an index file is answered by a "
		 "page that lists it. Names that begin with a dot, and what "
		 "cannot be served, are not in it."},
	{ROUTE(precompressed), .handler = "static", .name = "precompressed",
	 .type = SCHEMA_CODINGS, .fallback = "",
	 .help = "The codings in which a file may lie beside itself already "
		 "compressed, with the suffix .zst, .br or .gz, the one that "
		 "is preferred first. Such a file is sent to clients that "
		 "accept it, if it is not older than the one that is asked "
		 "for."},
	{ROUTE(charset), .handler = "static", .name = "charset",
	 .type = SCHEMA_TOKEN, .fallback = "",
	 .help = "The charset that the Content-Type of text says, such as "
		 "\"utf-8\". Empty: none."},
	{ROUTE(cache_control), .handler = "static", .name = "cache_control",
	 .type = SCHEMA_STRING, .fallback = "",
	 .help = "The Cache-Control of the files, such as \"public, "
		 "max-age=3600\" or \"no-cache\". Empty: none, or what "
		 "expires asks for."},
	{ROUTE(expires), .handler = "static", .name = "expires",
	 .type = SCHEMA_DURATION, .fallback = "0s", .least = 0,
	 .most = MS_YEAR,
	 .help = "How long after the response the files may be taken from a "
		 "cache: Expires, and without cache_control also a "
		 "Cache-Control with max-age. In whole seconds; 0: neither."},

	{ROUTE(body), .handler = "respond", .name = "body",
	 .type = SCHEMA_TEMPLATE, .fallback = "",
	 .help = "The text. Values put into it are escaped for the type, as "
		 "told under Escaping above."},
	{ROUTE(type), .handler = "respond", .name = "type",
	 .type = SCHEMA_MEDIA_TYPE, .fallback = "text/plain; charset=utf-8",
	 .help = "The Content-Type of the response."},
	{ROUTE(status), .handler = "respond", .name = "status",
	 .type = SCHEMA_COUNT, .fallback = "200", .least = 200, .most = 599,
	 .help = "The status code. 204, 205 and 304 go without a body."},

	{ROUTE(to), .handler = "redirect", .name = "to", .type = SCHEMA_LINE,
	 .required = true,
	 .help = "The URL. When it has no variables and the route is a prefix, "
		 "what follows the route's path in the request is put after "
		 "it, and the query too; otherwise it is used as it is."},
	{ROUTE(to), .handler = "rewrite", .name = "to", .type = SCHEMA_LINE,
	 .required = true,
	 .help = "The other path, which begins with \"/\". What follows a "
		 "question mark is the query then; without one the query stays "
		 "as it is."},
	{ROUTE(status), .handler = "redirect", .name = "status",
	 .type = SCHEMA_CODE, .fallback = "302",
	 .words = "301|302|303|307|308",
	 .help = "The status code."},

	{ROUTE(module), .handler = "module", .name = "module",
	 .type = SCHEMA_MODULE, .required = true,
	 .help = "The shared object, as told under Modules above."},
	{ROUTE(options), .handler = "module", .name = "options",
	 .type = SCHEMA_OPTIONS, .fallback = "",
	 .help = "Settings of the module's own, each as \"name=value\". The "
		 "module says which ones there are; others are errors."},

	{COMMON(allow), .name = "allow", .type = SCHEMA_NETWORKS,
	 .fallback = "",
	 .help = "The networks whose requests are answered, as told under "
		 "Access below. With a list that is not empty, all others are "
		 "refused with 403."},
	{COMMON(deny), .name = "deny", .type = SCHEMA_NETWORKS,
	 .fallback = "",
	 .help = "The networks whose requests are refused with 403."},
	{COMMON(compress), .name = "compress", .type = SCHEMA_CODINGS,
	 .fallback = "",
	 .help = "The codings in which responses are compressed for clients "
		 "that accept them, the one that is preferred first. What is "
		 "compressed already is left alone, and so are parts of files "
		 "and what says Cache-Control: no-transform. The compressed "
		 "form of files is kept for the next request while it is "
		 "small."},
	{COMMON(compress_types), .name = "compress_types",
	 .type = SCHEMA_MEDIA_RANGES,
	 .fallback = "text/*|application/javascript|application/json|"
		     "application/xml|application/wasm|application/yaml|"
		     "application/toml|application/sql|*+json|*+xml|font/ttf|"
		     "font/otf|image/bmp|image/vnd.microsoft.icon",
	 .help = "The media types that are compressed: \"type/subtype\", "
		 "\"type/*\", or \"*+suffix\" for all whose names end so."},
	{COMMON(compress_least), .name = "compress_least", .type = SCHEMA_SIZE,
	 .fallback = "1k", .least = 0, .most = (uint64_t)1 << 30,
	 .help = "Responses that are shorter are not compressed."},
	{COMMON(body_limit), .name = "body_limit", .type = SCHEMA_SIZE,
	 .fallback_help = "limits.body", .most = TIB,
	 .help = "The size of a request's body, in place of limits.body. A "
		 "length over it is answered with 413 before anything of the "
		 "body is read."},
	{COMMON(auth_file), .name = "auth_file", .type = SCHEMA_PATH,
	 .fallback = "",
	 .help = "A file of users, as told under Passwords below: only they are "
		 "let in, with their passwords (HTTP Basic). Empty: no password "
		 "is asked for."},
	{COMMON(auth_realm), .name = "auth_realm", .type = SCHEMA_STRING,
	 .fallback = "restricted",
	 .help = "What the client is told that the password is for."},
	{COMMON(request_fields), .name = "request_fields",
	 .type = SCHEMA_REQUEST_FIELDS, .fallback = "",
	 .help = "Changes to the fields of requests, as told under Fields "
		 "below, before the handler sees them. A route has those of "
		 "its site too, but for names that it gives itself."},
	{COMMON(response_fields), .name = "response_fields",
	 .type = SCHEMA_RESPONSE_FIELDS, .fallback = "",
	 .help = "Changes to the fields of all responses, those of errors too. "
		 "A route has those of its site too, but for names that it "
		 "gives itself."},
	{COMMON(error_pages), .name = "error_pages",
	 .type = SCHEMA_ERROR_PAGES, .fallback = "",
	 .help = "What is sent with an error in place of the built-in page: "
		 "statuses with the path of a file, such as \"404 "
		 "errors/404.html\" or \"500,502-504 errors/50x.html\". A file "
		 "is read when the configuration is loaded, and has the media "
		 "type of its name. A route has those of its site too, but for "
		 "statuses that it gives itself."},
	{COMMON(rate), .name = "rate", .type = SCHEMA_RATE,
	 .fallback = "off", .words = "off",
	 .help = "How many requests are answered in a time, such as \"10/s\", "
		 "\"600/m\", \"50/h\" or \"20/d\", for each key, by all workers "
		 "together; more are refused with 429. See Limits below."},
	{COMMON(rate_burst), .name = "rate_burst", .type = SCHEMA_COUNT,
	 .fallback = "0", .most = 10000,
	 .help = "How many requests more may come at once."},
	{COMMON(rate_key), .name = "rate_key", .type = SCHEMA_LINE,
	 .fallback = "${remote_addr}",
	 .help = "What requests are told apart by. Where it comes out empty, "
		 "there is no limit."},
	{COMMON(concurrent), .name = "concurrent", .type = SCHEMA_COUNT,
	 .fallback = "0", .most = CONF_CONCURRENT_MAX,
	 .help = "How many requests are answered at a time, for each key, by "
		 "all workers together; more are refused with 503. 0 is no "
		 "limit."},
	{COMMON(concurrent_key), .name = "concurrent_key", .type = SCHEMA_LINE,
	 .fallback = "${remote_addr}",
	 .help = "What they are told apart by. Where it comes out empty, there "
		 "is no limit."},
};
/* clang-format on */

const size_t schema_n_settings =
	sizeof(schema_settings) / sizeof(schema_settings[0]);

static const char *const expects[SCHEMA_TYPES] = {
	[SCHEMA_STRING] = "a string",
	[SCHEMA_TOKEN] = "a name in quotes",
	[SCHEMA_PATH] = "a path in quotes",
	[SCHEMA_DIRECTORY] = "a path in quotes",
	[SCHEMA_MODULE] = "a path in quotes",
	[SCHEMA_MEDIA_TYPE] = "a media type such as \"text/html\"",
	[SCHEMA_FIELD_NAME] = "the name of a field in quotes",
	[SCHEMA_NAME] = "a name in quotes",
	[SCHEMA_HANDLER] = "the name of a handler in quotes",
	[SCHEMA_CHOICE] = "a name in quotes",
	[SCHEMA_BOOLEAN] = "true or false",
	[SCHEMA_COUNT] = "a number",
	[SCHEMA_CODE] = "a number",
	[SCHEMA_WORKERS] = "a number or \"auto\"",
	[SCHEMA_SIZE] = "a size such as \"16k\"",
	[SCHEMA_DURATION] = "a duration such as \"10s\"",
	[SCHEMA_RATE] = "a rate such as \"10/s\"",
	[SCHEMA_MODE] = "a mode in quotes such as \"0660\"",
	[SCHEMA_ADDRESS] = "an address in quotes such as \"127.0.0.1:8080\"",
	[SCHEMA_ROUTE_PATH] = "a path in quotes such as \"/\"",
	[SCHEMA_TEMPLATE] = "a string",
	[SCHEMA_LINE] = "a string",
	[SCHEMA_LOG_FORMAT] = "a name or a template in quotes",
	[SCHEMA_HOSTS] = "a list of hosts such as [ \"example.org\" ]",
	[SCHEMA_FILE_NAMES] = "a list of file names such as [ \"index.html\" ]",
	[SCHEMA_TRY] = "a list of templates such as [ \"${rest}\", \"=404\" ]",
	[SCHEMA_CODINGS] = "a list of codings such as [ \"br\", \"gzip\" ]",
	[SCHEMA_MEDIA_RANGES] = "a list of media types such as [ \"text/*\" ]",
	[SCHEMA_METHODS] = "a list of methods such as [ \"GET\", \"HEAD\" ]",
	[SCHEMA_NETWORKS] = "a list of networks such as [ \"192.0.2.0/24\" ]",
	[SCHEMA_REQUEST_FIELDS] = "a list of fields such as [ \"X-Name: value\" ]",
	[SCHEMA_RESPONSE_FIELDS] = "a list of fields such as [ \"X-Name: value\" ]",
	[SCHEMA_ERROR_PAGES] =
		"a list of pages such as [ \"404 errors/404.html\" ]",
	[SCHEMA_OPTIONS] = "a list of options such as [ \"name=value\" ]",
};

const char *schema_expects(enum schema_type type)
{
	return expects[type];
}

bool schema_is_list(enum schema_type type)
{
	return type == SCHEMA_HOSTS || type == SCHEMA_METHODS ||
	       schema_may_be_empty(type);
}

bool schema_may_be_empty(enum schema_type type)
{
	switch (type) {
	case SCHEMA_FILE_NAMES:
	case SCHEMA_TRY:
	case SCHEMA_CODINGS:
	case SCHEMA_MEDIA_RANGES:
	case SCHEMA_NETWORKS:
	case SCHEMA_OPTIONS:
	case SCHEMA_REQUEST_FIELDS:
	case SCHEMA_RESPONSE_FIELDS:
	case SCHEMA_ERROR_PAGES:
		return true;
	default:
		return false;
	}
}

uint64_t schema_common_bit(const struct schema_setting *setting)
{
	unsigned i = 0;

	for (const struct schema_setting *row = schema_settings; row != setting;
	     row++)
		i += row->section == SCHEMA_COMMON;
	ASSERT(i < 64);
	return (uint64_t)1 << i;
}

bool conf_gives(const struct conf_common *common, const void *field)
{
	size_t offset = (size_t)((const char *)field - (const char *)common);

	for (size_t i = 0; i < schema_n_settings; i++)
		if (schema_settings[i].section == SCHEMA_COMMON &&
		    schema_settings[i].offset == offset)
			return common->given &
			       schema_common_bit(&schema_settings[i]);
	return false;
}

bool schema_word(const struct schema_setting *setting, size_t i,
		 struct str *word_out)
{
	if (setting->type == SCHEMA_HANDLER) {
		if (i >= schema_n_handlers)
			return false;
		*word_out = str_of(schema_handlers[i].name);
		return true;
	}
	if (setting->words == NULL)
		return false;
	struct str rest = str_of(setting->words);

	*word_out = str_cut(&rest, '|');
	while (i-- > 0) {
		if (rest.p == NULL)
			return false;
		*word_out = str_cut(&rest, '|');
	}
	return true;
}

bool schema_applies(const struct schema_setting *setting, const char *handler)
{
	return setting->handler == NULL ||
	       (handler != NULL && strcmp(setting->handler, handler) == 0);
}

const char *schema_format_number(const struct schema_setting *setting,
				 uint64_t number, char text_out[32])
{
	if (setting->type == SCHEMA_SIZE)
		return value_format_size(number, text_out);
	if (setting->type == SCHEMA_DURATION)
		return value_format_duration(number, text_out);
	snprintf(text_out, VALUE_TEXT, "%" PRIu64, number);
	return text_out;
}

unsigned conf_handler_methods(const char *handler)
{
	for (size_t i = 0; i < schema_n_handlers; i++)
		if (strcmp(schema_handlers[i].name, handler) == 0)
			return schema_handlers[i].methods;
	return 0;
}
