/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields that are of the client's connection only stay behind (RFC 9110 section
 * 7.6.1), and those that proxies add are set, or added to where the client is
 * a proxy that we trust (real_ip). One that the route itself sets
 * (request_fields) is left as the route has it.
 */
#include "worker/handler/proxy/proxy_request.h"

#include "base/addr.h"
#include "base/codec/uri.h"
#include "worker/handler/proxy/proxy.h"
#include "worker/http/exchange.h"
#include "worker/http/http.h"
#include "worker/http/policy/policy.h"
#include "worker/http/router.h"
#include "worker/http/variables.h"

static const struct str via = STR_INIT("Via");
static const struct str forwarded = STR_INIT("Forwarded");
static const struct str forwarded_for = STR_INIT("X-Forwarded-For");
static const struct str forwarded_proto = STR_INIT("X-Forwarded-Proto");
static const struct str forwarded_host = STR_INIT("X-Forwarded-Host");

/* Its body. */

struct proxy_body proxy_request_body(const struct exchange *x, bool is_whole)
{
	struct str length;
	struct proxy_body body = {.framing = PROXY_NO_BODY};
	bool is_framed = request_has(&x->request, FIELD_CONTENT_LENGTH) ||
			 request_has(&x->request, FIELD_TRANSFER_ENCODING);

	if (!is_framed)
		return body;
	body.framing = PROXY_LENGTH;
	if (is_whole)
		body.length = x->request.body.n;
	else if (!request_sole_field(&x->request, FIELD_CONTENT_LENGTH, &length) ||
		 !str_to_u64(length, &body.length))
		body.framing = PROXY_CHUNKED;
	return body;
}

/* RFC 9113 section 3.1: requests of HTTP/2 that went through a tunnel would be
 * subject to no route. */
static bool offers_h2c(struct str upgrade)
{
	while (upgrade.p != NULL)
		if (str_equal_nocase(str_trim(str_cut(&upgrade, ',')), STR("h2c")))
			return true;
	return false;
}

bool proxy_request_upgrades(const struct exchange *x, const struct proxy *proxy)
{
	struct str rest = exchange_field(x, STR("connection"));

	if (!proxy->conf->upgrade || !request_has(&x->request, FIELD_UPGRADE) ||
	    strcmp(x->request.version, "HTTP/1.1") != 0 ||
	    offers_h2c(exchange_field(x, STR("upgrade"))))
		return false;
	while (rest.p != NULL)
		if (str_equal_nocase(str_trim(str_cut(&rest, ',')), STR("upgrade")))
			return true;
	return false;
}

/* Its target. */

/* RFC 3986 section 2: a URI has no others. */
static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7e)
			return false;
	return true;
}

/* True when the path as it was sent differs from what was understood by
 * percent-encoding only: then it is the better one, as it tells ";" from
 * "%3B". */
static bool raw_path_will_do(const struct exchange *x)
{
	const struct request *r = &x->request;
	char stack[1024];
	struct str raw = r->raw_path;

	if (raw.n > sizeof(stack) || !is_ascii(raw))
		return false;
	struct str decoded = {stack, uri_decode(raw, false, stack)};

	return str_equal(decoded, r->path);
}

static void put_encoded(struct buf *out, struct str path)
{
	char *to = buf_room(out, 3 * path.n);

	buf_added(out, uri_encode(path, false, to));
}

static struct str cut_route(const struct proxy *proxy, struct str path)
{
	struct str route = proxy->route->path;

	/* The "/" that ends the route's path stays, to begin the rest. */
	return str_tail(path, route.p[route.n - 1] == '/' ? route.n - 1 : route.n);
}

static bool put_path(struct buf *out, struct exchange *x, const struct proxy *proxy)
{
	const struct request *r = &x->request;
	struct str to, path = r->path;

	if (proxy->conf->to.n_pieces > 0) {
		if (!template_evaluate(&proxy->conf->to, x, ESCAPE_URI, &to))
			return false;
		buf_put(out, to);
		return true;
	}
	if (!proxy->conf->strip) {
		if (raw_path_will_do(x))
			buf_put(out, r->raw_path);
		else
			put_encoded(out, path);
		return true;
	}
	path = cut_route(proxy, path);
	if (path.n == 0 || path.p[0] != '/')
		buf_put(out, STR("/"));
	put_encoded(out, path);
	return true;
}

/* As it came, but for octets that no URI has. */
static void put_query(struct buf *out, struct str query)
{
	if (is_ascii(query)) {
		buf_put(out, query);
		return;
	}
	for (size_t i = 0; i < query.n; i++) {
		unsigned char c = (unsigned char)query.p[i];

		if (c > 0x7e)
			buf_printf(out, "%%%02X", c);
		else
			buf_put(out, (struct str){query.p + i, 1});
	}
}

static bool put_request_line(struct buf *out, struct exchange *x,
			     const struct proxy *proxy)
{
	const struct request *r = &x->request;

	buf_put(out, r->method_text);
	buf_put(out, STR(" "));
	if (!put_path(out, x, proxy))
		return false;
	if (r->query.p != NULL) {
		buf_put(out, STR("?"));
		put_query(out, r->query);
	}
	buf_put(out, STR(" HTTP/1.1\r\n"));
	return true;
}

/* Its fields. */

static void put_field(struct buf *out, struct str name, struct str value)
{
	buf_put(out, name);
	buf_put(out, STR(": "));
	buf_put(out, value);
	buf_put(out, STR("\r\n"));
}

/* RFC 9112 section 3.2.2: what a target in absolute form says goes before the
 * Host field, and is what the route was found by. */
static struct str client_host(const struct exchange *x)
{
	struct str host = {NULL, 0}, target = x->request.target;
	const char *p = memmem(target.p, target.n, "://", 3);

	if (target.n > 0 && target.p[0] != '/' && p != NULL) {
		host = str_tail(target, (size_t)(p + 3 - target.p));
		for (size_t i = 0; i < host.n; i++)
			if (host.p[i] == '/' || host.p[i] == '?')
				host.n = i;
		return host;
	}
	if (!request_sole_field(&x->request, FIELD_HOST, &host))
		host = x->request.host;
	return host;
}

static bool put_host(struct buf *out, struct exchange *x, const struct proxy *proxy,
		     const char *address)
{
	struct str host;

	switch ((enum conf_proxy_host)proxy->conf->host) {
	case CONF_PROXY_HOST_CLIENT:
		host = client_host(x);
		if (host.n > 0)
			break;
		/* fall through */
	case CONF_PROXY_HOST_SERVER:
		host = str_of(address);
		if (str_starts_with(host, STR("unix:")))
			host = STR("localhost");
		break;
	case CONF_PROXY_HOST_TEXT:
		if (!template_evaluate(&proxy->conf->host_text, x, ESCAPE_NONE,
				       &host))
			return false;
		if (!uri_host_is_valid(host))
			host = str_of(address);
		break;
	}
	put_field(out, STR("Host"), host);
	return true;
}

/* RFC 9110 section 7.6.1. */
static bool is_of_connection(const struct exchange *x, const struct field *field)
{
	static const struct str names[] = {
		STR_INIT("keep-alive"),
		STR_INIT("proxy-connection"),
		STR_INIT("te"),
		STR_INIT("trailer"),
		STR_INIT("http2-settings"),
		STR_INIT("proxy-authenticate"),
		STR_INIT("proxy-authorization"),
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_equal_nocase(field->name, names[i]))
			return true;
	if (!request_has(&x->request, FIELD_CONNECTION))
		return false;
	for (size_t i = 0; i < x->request.n_fields; i++) {
		struct str rest = x->request.fields[i].value;

		if (x->request.fields[i].id != FIELD_CONNECTION)
			continue;
		while (rest.p != NULL)
			if (str_equal_nocase(str_trim(str_cut(&rest, ',')),
					     field->name))
				return true;
	}
	return false;
}

/* The route's own request_fields say what this field is to be. */
static bool is_set_by_route(const struct proxy *proxy, struct str name)
{
	const struct conf_fields *edits = &proxy->route->common.request_fields;

	for (size_t i = 0; i < edits->n; i++)
		if (str_equal_nocase(edits->items[i].name, name))
			return true;
	return false;
}

/* Those that are made below. */
static bool is_made_here(const struct proxy *proxy, struct str name)
{
	const struct str names[] = {via, forwarded, forwarded_for, forwarded_proto,
				    forwarded_host};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_equal_nocase(name, names[i]))
			return !is_set_by_route(proxy, name);
	return false;
}

static bool goes_along(const struct exchange *x, const struct proxy *proxy,
		       const struct field *field)
{
	switch (field->id) {
	case FIELD_HOST:
	case FIELD_CONNECTION:
	case FIELD_CONTENT_LENGTH:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_EXPECT:
	case FIELD_UPGRADE:
		return false;
	case FIELD_OTHER:
		return !is_of_connection(x, field) &&
		       !is_made_here(proxy, field->name);
	default:
		return !request_has(&x->request, FIELD_CONNECTION) ||
		       !is_of_connection(x, field);
	}
}

/* The client's own values come first, if it may add to them. */
static void put_list(struct buf *out, const struct exchange *x, struct str name,
		     bool keep, struct str last)
{
	bool is_first = true;

	buf_put(out, name);
	buf_put(out, STR(": "));
	for (size_t i = 0; keep && i < x->request.n_fields; i++) {
		const struct field *field = &x->request.fields[i];

		if (!str_equal_nocase(field->name, name) || field->value.n == 0)
			continue;
		buf_put(out, is_first ? STR("") : STR(", "));
		buf_put(out, field->value);
		is_first = false;
	}
	buf_put(out, is_first ? STR("") : STR(", "));
	buf_put(out, last);
	buf_put(out, STR("\r\n"));
}

static const char *scheme(const struct exchange *x)
{
	return x->connection->is_secured ? "https" : "http";
}

/* RFC 7239 sections 4 and 6: an address of IPv6 is in brackets and quotes, and
 * so is what may be no token. */
static struct str make_forwarded(struct exchange *x, const char *ip)
{
	bool is_v6 = x->connection->peer.family == AF_INET6;

	return arena_printf(&x->arena, "for=%s%s%s;proto=%s;host=\"%" STR_FMT "\"",
			    is_v6 ? "\"[" : "", ip, is_v6 ? "]\"" : "", scheme(x),
			    STR_ARG(client_host(x)));
}

/* Where the request comes from. A client that is not trusted may have written
 * anything into these fields: they are begun with it. */
static void put_origin(struct buf *out, struct exchange *x,
		       const struct proxy *proxy)
{
	bool trusted = policy_trusts(x->http, &x->connection->peer);
	char text[ADDR_TEXT];
	const char *ip = endpoint_ip(&x->connection->peer, text);

	if (!is_set_by_route(proxy, forwarded_for))
		put_list(out, x, forwarded_for, trusted, str_of(ip));
	if (!is_set_by_route(proxy, forwarded_proto)) {
		struct str before = exchange_field(x, STR("x-forwarded-proto"));

		put_field(out, forwarded_proto,
			  trusted && before.n > 0 ? before : str_of(scheme(x)));
	}
	if (!is_set_by_route(proxy, forwarded_host)) {
		struct str before = exchange_field(x, STR("x-forwarded-host"));

		put_field(out, forwarded_host,
			  trusted && before.n > 0 ? before : client_host(x));
	}
	if (!is_set_by_route(proxy, forwarded))
		put_list(out, x, forwarded, trusted, make_forwarded(x, ip));
}

static void put_framing(struct buf *out, struct exchange *x,
			const struct proxy *proxy, struct proxy_body body)
{
	if (body.framing == PROXY_LENGTH)
		put_field(out, STR("Content-Length"),
			  arena_printf(&x->arena, "%ju", (uintmax_t)body.length));
	else if (body.framing == PROXY_CHUNKED)
		put_field(out, STR("Transfer-Encoding"), STR("chunked"));
	if (proxy_request_upgrades(x, proxy)) {
		put_field(out, STR("Connection"), STR("upgrade"));
		put_field(out, STR("Upgrade"), exchange_field(x, STR("upgrade")));
	}
}

bool proxy_request_put_head(struct buf *out, struct exchange *x,
			    const struct proxy *proxy, struct proxy_body body,
			    const char *address)
{
	if (!put_request_line(out, x, proxy) || !put_host(out, x, proxy, address))
		return false;
	for (size_t i = 0; i < x->request.n_fields; i++)
		if (goes_along(x, proxy, &x->request.fields[i]))
			put_field(out, x->request.fields[i].name,
				  x->request.fields[i].value);
	put_origin(out, x, proxy);
	if (!is_set_by_route(proxy, via))
		put_list(out, x, via, true,
			 strcmp(x->request.version, "HTTP/1.0") == 0
				 ? STR("1.0 holdfast")
				 : STR("1.1 holdfast"));
	put_framing(out, x, proxy, body);
	buf_put(out, STR("\r\n"));
	return true;
}
