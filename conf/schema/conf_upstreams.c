/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The settings of upstreams and of their servers. See conf/schema/schema.h.
 */
#include "conf/conf.h"
#include "conf/schema/schema.h"
#include "conf/schema/types.h"

#define MS_DAY (UINT64_C(24) * 3600 * 1000)

static bool has_hash(const void *group)
{
	return ((const struct conf_upstream *)group)->balance == CONF_BALANCE_HASH;
}

static bool is_one_server(const void *group)
{
	const char *srv = ((const struct conf_server *)group)->srv;

	return srv == NULL || srv[0] == '\0';
}

static bool has_queue(const void *group)
{
	return ((const struct conf_upstream *)group)->queue > 0;
}

static bool is_http(const void *group)
{
	return ((const struct conf_health *)group)->type == CONF_HEALTH_HTTP;
}

/* Tables, laid out by hand. */
/* clang-format off */

#define AT(field) .offset = offsetof(struct conf_server, field)

static const struct schema_setting server_settings[] = {
	{.name = "address", AT(text),
	 .also = offsetof(struct conf_server, addr),
	 .type = &type_server, .only_if = is_one_server,
	 .only_if_help = "a server has an address or an srv, not both",
	 .help = "The address of the server: \"127.0.0.1:9000\", \"[::1]:9000\", "
		 "\"unix:/path\", or a name with a port, \"app.internal:9000\", "
		 "as described under Upstreams above."},
	{.name = "srv", AT(srv), .type = &type_token, .fallback = "",
	 .help = "In place of an address: the name of an SRV record (RFC 2782), "
		 "\"_http._tcp.app.internal\", whose servers are used, with its "
		 "priorities and weights, as they come and go."},
	{.name = "weight", AT(weight), .type = &type_count,
	 .fallback = "1", .min = 1, .max = 1000, .only_if = is_one_server,
	 .only_if_help = "an SRV record has weights of its own",
	 .help = "The server's share of the requests, beside those of the "
		 "others."},
	{.name = "backup", AT(backup), .type = &type_boolean,
	 .fallback = "false", .only_if = is_one_server,
	 .only_if_help = "an SRV record has priorities of its own",
	 .help = "Whether the server is asked only when no other is available."},
	{.name = "max_connections", AT(max_connections), .type = &type_count,
	 .fallback = "0", .max = 1000000,
	 .help = "The maximum number of requests that one worker has with the "
		 "server at a time. 0 is no limit."},
};

static const struct schema_group server_group = {
	.title = "upstreams[].servers[]", .size = sizeof(struct conf_server),
	.has_origin = true, .origin = offsetof(struct conf_server, origin),
	SCHEMA_ROWS(server_settings),
	.help = "The servers of an upstream, at least one.",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf_upstream_timeouts, field), \
		  .type = &type_duration, .max = MS_DAY

static const struct schema_setting timeouts_settings[] = {
	{.name = "connect", AT(connect), .fallback = "5s", .min = 1,
	 .help = "For a connection to a server to be established."},
	{.name = "send", AT(send), .fallback = "30s", .min = 1,
	 .help = "For the server to take the next piece of a request."},
	{.name = "first_byte", AT(first_byte), .fallback = "60s", .min = 1,
	 .help = "For the head of the response to arrive, after the request was "
		 "sent."},
	{.name = "read", AT(read), .fallback = "60s", .min = 1,
	 .help = "For the next piece of a response; of a tunnel, for the next "
		 "byte in either direction."},
	{.name = "total", AT(total), .fallback = "0s",
	 .help = "For the whole of a request, all tries included, until the "
		 "head of the response has arrived. 0s is no limit."},
};

static const struct schema_group timeouts_group = {
	.title = "upstreams[].timeouts",
	.size = sizeof(struct conf_upstream_timeouts),
	SCHEMA_ROWS(timeouts_settings),
	.help = "How long the servers of an upstream are waited for. A request "
		"that waits longer is answered with 504.",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf_sticky, field)

static const struct schema_setting sticky_settings[] = {
	{.name = "cookie", AT(cookie), .type = &type_token, .required = true,
	 .help = "The name of the cookie."},
	{.name = "path", AT(path), .type = &type_string, .fallback = "/",
	 .help = "The paths that clients send it for."},
	{.name = "max_age", AT(max_age), .type = &type_duration,
	 .fallback = "0s", .max = MS_DAY * 3650,
	 .help = "How long clients keep it. 0s: until they end."},
	{.name = "secure", AT(secure), .type = &type_choice,
	 .fallback = "auto", .words = "auto|always|never",
	 .help = "Whether clients send it by HTTPS only. auto: if they have got "
		 "it so."},
	{.name = "httponly", AT(httponly), .type = &type_boolean,
	 .fallback = "true",
	 .help = "Whether scripts are kept from it."},
	{.name = "samesite", AT(samesite), .type = &type_choice,
	 .fallback = "lax", .words = "lax|strict|none|off",
	 .help = "Whether clients send it with requests that other sites have "
		 "caused. off: that is left to them."},
	{.name = "secret", AT(secret), .type = &type_string, .fallback = "",
	 .help = "Text that the hash in the cookie is keyed with: only with it "
		 "can a guess at a server's address be tried. Servers that "
		 "share clients need the same."},
};

static const struct schema_group sticky_group = {
	.title = "upstreams[].sticky", .size = sizeof(struct conf_sticky),
	SCHEMA_ROWS(sticky_settings),
	.help = "Has clients stay with the server that has answered them first, "
		"by a cookie, as described under Upstreams above.",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf_health, field)

static const struct schema_setting health_settings[] = {
	{.name = "type", AT(type), .type = &type_choice, .fallback = "http",
	 .words = "http|tcp",
	 .help = "What is tried: a GET request, or a connection only."},
	{.name = "path", AT(path), .type = &type_string, .fallback = "/",
	 .only_if = is_http, .only_if_help = "only HTTP checks have a path",
	 .help = "The target of the request."},
	{.name = "host", AT(host), .type = &type_string, .fallback = "",
	 .only_if = is_http, .only_if_help = "only HTTP checks have a host",
	 .help = "The Host of the request. Empty: the address of the server."},
	{.name = "interval", AT(interval), .type = &type_duration,
	 .fallback = "2s", .min = 10, .max = MS_DAY,
	 .help = "The time between two checks of a server."},
	{.name = "timeout", AT(timeout), .type = &type_duration,
	 .fallback = "1s", .min = 1, .max = MS_DAY,
	 .help = "For a check to succeed."},
	{.name = "rise", AT(rise), .type = &type_count,
	 .fallback = "2", .min = 1, .max = 100,
	 .help = "The number of checks that succeed, one after the other, before "
		 "a server that was down is asked again."},
	{.name = "fall", AT(fall), .type = &type_count,
	 .fallback = "3", .min = 1, .max = 100,
	 .help = "The number of checks that fail, one after the other, before a "
		 "server counts as down."},
	{.name = "expect_status", AT(expect_status), .type = &type_count,
	 .fallback = "0", .max = 599,
	 .only_if = is_http, .only_if_help = "only HTTP checks expect a status",
	 .help = "The status that a healthy server answers with. 0 is any from "
		 "200 to 399."},
	{.name = "expect_body", AT(expect_body), .type = &type_string,
	 .fallback = "",
	 .only_if = is_http, .only_if_help = "only HTTP checks expect a body",
	 .help = "Text that has to be in the first 64 KiB of the response's "
		 "content. Empty: any content will do."},
};

static const struct schema_group health_group = {
	.title = "upstreams[].health", .size = sizeof(struct conf_health),
	SCHEMA_ROWS(health_settings),
	.help = "Checks of the servers at a fixed interval, by one of the "
		"workers. Without this group only requests that fail tell "
		"which servers are down.",
};

#undef AT
#define AT(field) .offset = offsetof(struct conf_upstream, field)

static const struct schema_setting settings[] = {
	{.name = "name", AT(name), .type = &type_token, .required = true,
	 .help = "The name of the upstream, by which routes refer to it."},
	{.name = "servers", AT(servers),
	 .also = offsetof(struct conf_upstream, n_servers),
	 .type = &type_groups, .group = &server_group, .required = true},
	{.name = "balance", AT(balance), .type = &type_choice,
	 .fallback = "round_robin",
	 .words = "round_robin|least_conn|random|hash",
	 .help = "Which server a request goes to: each in turn; the one with the "
		 "fewest requests; the one with fewer requests of two that are "
		 "picked at random; or the one that a hash of the request "
		 "gives. All of them heed the weights."},
	{.name = "hash", AT(hash), .type = &type_line,
	 .fallback = "${remote_addr}", .only_if = has_hash,
	 .only_if_help = "only balance = \"hash\" has a hash",
	 .help = "What is hashed. Requests of equal value go to the same server; "
		 "when a server comes or goes, only its share of them moves."},
	{.name = "keepalive", AT(keepalive), .type = &type_count,
	 .fallback = "32", .max = 10000,
	 .help = "The maximum number of idle connections to each server that a "
		 "worker keeps for the next request. 0 keeps none."},
	{.name = "keepalive_time", AT(keepalive_time), .type = &type_duration,
	 .fallback = "60s", .min = 1, .max = MS_DAY,
	 .help = "How long such a connection is kept."},
	{.name = "retries", AT(retries), .type = &type_count,
	 .fallback = "2", .max = 100,
	 .help = "How often a request is tried again on another server, as "
		 "described under Upstreams above."},
	{.name = "proxy_protocol", AT(proxy_protocol), .type = &type_choice,
	 .fallback = "off", .words = "off|v1|v2",
	 .help = "Whether each connection to a server begins with a header of "
		 "the PROXY protocol, version 1 or 2, that names the client. A "
		 "connection that is kept alive is used for requests of the "
		 "same client's connection only."},
	{.name = "retry_on", AT(retry_on), .type = &type_words,
	 .fallback = "connect|timeout|closed",
	 .words = "connect|timeout|closed|invalid|403|404|408|429|500|502|503|"
		  "504|non_idempotent",
	 .help = "What a request is tried again after: no connection; a server "
		 "that is too slow (timeouts.send, timeouts.first_byte); one "
		 "that closes the connection before anything of a response; "
		 "what is not a response; a response with that status. With "
		 "non_idempotent, requests of any method are tried again, and a "
		 "server may get one twice."},
	{.name = "queue", AT(queue), .type = &type_count,
	 .fallback = "0", .max = 100000,
	 .help = "The maximum number of requests that wait in a worker when all "
		 "servers are at their max_connections, in the order in which "
		 "they came. Any more are answered with 503."},
	{.name = "queue_timeout", AT(queue_timeout), .type = &type_duration,
	 .fallback = "30s", .min = 1, .max = MS_DAY, .only_if = has_queue,
	 .only_if_help = "there is no queue",
	 .help = "How long a request waits. Then it is answered with 503."},
	{.name = "timeouts", AT(timeouts), .type = &type_group,
	 .group = &timeouts_group},
	{.name = "sticky", AT(sticky), .type = &type_optional_group,
	 .group = &sticky_group},
	{.name = "health", AT(health), .type = &type_optional_group,
	 .group = &health_group},
};

const struct schema_group schema_upstream = {
	.title = "upstreams[]", .size = sizeof(struct conf_upstream),
	.has_origin = true, .origin = offsetof(struct conf_upstream, origin),
	SCHEMA_ROWS(settings),
	.help = "Groups of servers that requests are passed on to by routes "
		"with the handler proxy.",
};
