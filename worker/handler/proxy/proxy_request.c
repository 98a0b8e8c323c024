/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields that are of the client's connection only stay behind (RFC 9110 section
 * 7.6.1), and those that proxies add are set, or added to where the client is
 * a proxy that we trust (real_ip). One that the route itself sets
 * (request_fields) is left as the route has it.
 */
#include "worker/handler/proxy/proxy_request.h"

#include "base/addr.h"
#include "base/codec/field_name.h"
#include "base/codec/trailers.h"
#include "base/codec/uri.h"
#include "worker/handler/proxy/proxy.h"
#include "worker/http/exchange.h"
#include "worker/http/http.h"
#include "worker/http/policy/policy.h"
#include "worker/http/router.h"
#include "worker/http/variables.h"

/* Those that proxies add. */
enum own_field {
	OWN_VIA,
	OWN_FORWARDED,
	OWN_FORWARDED_FOR,
	OWN_FORWARDED_PROTO,
	OWN_FORWARDED_HOST,
	OWN_FIELDS,
};

static const struct str own_names[OWN_FIELDS] = {
	[OWN_VIA] = STR_INIT("Via"),
	[OWN_FORWARDED] = STR_INIT("Forwarded"),
	[OWN_FORWARDED_FOR] = STR_INIT("X-Forwarded-For"),
	[OWN_FORWARDED_PROTO] = STR_INIT("X-Forwarded-Proto"),
	[OWN_FORWARDED_HOST] = STR_INIT("X-Forwarded-Host"),
};

/* A head that is being made. */
struct head {
	struct buf *out;
	struct exchange *x;
	const struct proxy *proxy;
	struct str client_host;
	unsigned sent;       /* by the client, of the own fields: a bit for each */
	unsigned kept;       /* of the own fields, those that the route sets */
	bool has_trailers;   /* the body may end in some */
	bool takes_trailers; /* the client, of the response */
};

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
	if (!proxy->conf->upgrade || !request_has(&x->request, FIELD_UPGRADE) ||
	    strcmp(x->request.version, "HTTP/1.1") != 0 ||
	    offers_h2c(exchange_field(x, STR("upgrade"))))
		return false;
	struct str rest = exchange_field(x, STR("connection"));

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
	if (memchr(raw.p, '%', raw.n) == NULL)
		return str_equal(raw, r->path);
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

/* As it came, but for octets that no URI has. */
static void put_ascii(struct buf *out, struct str text)
{
	if (is_ascii(text)) {
		buf_put(out, text);
		return;
	}
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c > 0x7e)
			buf_printf(out, "%%%02X", c);
		else
			buf_put(out, (struct str){text.p + i, 1});
	}
}

/* The template says itself what is done with the query. */
static bool names_query(const struct template *to)
{
	for (size_t i = 0; i < to->n_pieces; i++)
		switch (to->pieces[i].variable) {
		case TEMPLATE_QUERY:
		case TEMPLATE_QUERY_PART:
		case TEMPLATE_TARGET:
			return true;
		default:
			break;
		}
	return false;
}

static void put_query(struct buf *out, struct str query)
{
	if (query.p != NULL) {
		buf_put(out, STR("?"));
		put_ascii(out, query);
	}
}

static bool put_to(struct buf *out, struct exchange *x, const struct template *t)
{
	struct str to, query = x->request.query;

	if (!template_evaluate(t, x, ESCAPE_URI, &to))
		return false;
	if (!str_starts_with(to, STR("/")))
		buf_put(out, STR("/"));
	put_ascii(out, to);
	if (names_query(t))
		return true;
	if (to.n == 0 || memchr(to.p, '?', to.n) == NULL) {
		put_query(out, query);
	} else if (query.n > 0) {
		if (!str_ends_with(to, STR("?")))
			buf_put(out, STR("&"));
		put_ascii(out, query);
	}
	return true;
}

static bool put_target(struct buf *out, struct exchange *x,
		       const struct proxy *proxy)
{
	const struct request *r = &x->request;
	struct str path = r->path;

	if (proxy->conf->to.n_pieces > 0)
		return put_to(out, x, &proxy->conf->to);
	if (proxy->conf->strip) {
		path = cut_route(proxy, path);
		if (path.n == 0 || path.p[0] != '/')
			buf_put(out, STR("/"));
		put_encoded(out, path);
	} else if (raw_path_will_do(x)) {
		buf_put(out, r->raw_path);
	} else {
		put_encoded(out, path);
	}
	put_query(out, r->query);
	return true;
}

static bool put_request_line(struct buf *out, struct exchange *x,
			     const struct proxy *proxy)
{
	buf_put(out, x->request.method_text);
	buf_put(out, STR(" "));
	if (!put_target(out, x, proxy))
		return false;
	buf_put(out, STR(" HTTP/1.1\r\n"));
	return true;
}

/* Its fields. */

static void put_field(struct buf *out, struct str name, struct str value)
{
	char *to = buf_room(out, name.n + value.n + 4);

	memcpy(to, name.p, name.n);
	memcpy(to + name.n, ": ", 2);
	if (value.n > 0)
		memcpy(to + name.n + 2, value.p, value.n);
	memcpy(to + name.n + 2 + value.n, "\r\n", 2);
	buf_added(out, name.n + value.n + 4);
}

/* RFC 9112 section 3.2.2: what a target in absolute form says goes before the
 * Host field, and is what the route was found by. */
static struct str client_host(const struct exchange *x)
{
	struct str host = {NULL, 0}, target = x->request.target;

	if (target.n > 0 && target.p[0] != '/') {
		const char *p = memmem(target.p, target.n, "://", 3);

		if (p != NULL) {
			host = str_tail(target, (size_t)(p + 3 - target.p));
			for (size_t i = 0; i < host.n; i++)
				if (host.p[i] == '/' || host.p[i] == '?')
					host.n = i;
			return host;
		}
	}
	if (!request_sole_field(&x->request, FIELD_HOST, &host))
		host = x->request.host;
	return host;
}

struct str proxy_request_host(const char *address)
{
	return strncmp(address, "unix:", 5) == 0 ? STR("localhost")
						 : str_of(address);
}

static bool put_host(const struct head *h, const char *address)
{
	const struct conf_proxy *conf = h->proxy->conf;
	struct str host;

	switch ((enum conf_proxy_host)conf->host) {
	case CONF_PROXY_HOST_CLIENT:
		host = h->client_host;
		if (host.n > 0)
			break;
		/* fall through */
	case CONF_PROXY_HOST_SERVER:
		host = proxy_request_host(address);
		break;
	case CONF_PROXY_HOST_TEXT:
		if (!template_evaluate(&conf->host_text, h->x, ESCAPE_NONE, &host))
			return false;
		if (!uri_host_is_valid(host))
			host = str_of(address);
		break;
	}
	put_field(h->out, STR("Host"), host);
	return true;
}

/* Those that never go along (RFC 9110 section 7.6.1), or are made here. */
enum other_field {
	OTHER_GOES_ALONG,
	OTHER_OF_CONNECTION,
	OTHER_TE,
	OTHER_TRAILER,
	OTHER_OWN,
};

/* By name, with its own_field. */
#define IS(literal) FIELD_NAME_IS(name.p, literal)
#define OWN(id)     (*own_out = (id), OTHER_OWN)
static enum other_field identify(struct str name, enum own_field *own_out)
{
	switch (name.n) {
	case 2:
		return str_equal_nocase(name, STR("te")) ? OTHER_TE
							 : OTHER_GOES_ALONG;
	case 3:
		return str_equal_nocase(name, STR("via")) ? OWN(OWN_VIA)
							  : OTHER_GOES_ALONG;
	case 7:
		return IS("trailer") ? OTHER_TRAILER : OTHER_GOES_ALONG;
	case 9:
		return IS("forwarded") ? OWN(OWN_FORWARDED) : OTHER_GOES_ALONG;
	case 10:
		return IS("keep-alive") ? OTHER_OF_CONNECTION : OTHER_GOES_ALONG;
	case 14:
		return IS("http2-settings") ? OTHER_OF_CONNECTION
					    : OTHER_GOES_ALONG;
	case 15:
		return IS("x-forwarded-for") ? OWN(OWN_FORWARDED_FOR)
					     : OTHER_GOES_ALONG;
	case 16:
		if (IS("proxy-connection"))
			return OTHER_OF_CONNECTION;
		return IS("x-forwarded-host") ? OWN(OWN_FORWARDED_HOST)
					      : OTHER_GOES_ALONG;
	case 17:
		return IS("x-forwarded-proto") ? OWN(OWN_FORWARDED_PROTO)
					       : OTHER_GOES_ALONG;
	case 18:
		return IS("proxy-authenticate") ? OTHER_OF_CONNECTION
						: OTHER_GOES_ALONG;
	case 19:
		return IS("proxy-authorization") ? OTHER_OF_CONNECTION
						 : OTHER_GOES_ALONG;
	default:
		return OTHER_GOES_ALONG;
	}
}
#undef IS
#undef OWN

/* RFC 9110 section 7.6.1: Connection lists what is of the connection only. */
static bool is_of_connection(const struct exchange *x, const struct field *field)
{
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

/* The route's own request_fields say what these are to be. */
static unsigned set_by_route(const struct proxy *proxy)
{
	const struct conf_fields *edits = &proxy->route->common.request_fields;
	unsigned set = 0;

	for (size_t i = 0; i < edits->n; i++)
		for (unsigned own = 0; own < OWN_FIELDS; own++)
			if (str_equal_nocase(edits->items[i].name, own_names[own]))
				set |= 1u << own;
	return set;
}

/* One that is made here is noted. */
static bool goes_along(struct head *h, const struct field *field)
{
	enum own_field own;

	switch (field->id) {
	case FIELD_HOST:
	case FIELD_CONNECTION:
	case FIELD_CONTENT_LENGTH:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_EXPECT:
	case FIELD_UPGRADE:
		return false;
	case FIELD_OTHER:
		break;
	default:
		return !is_of_connection(h->x, field);
	}
	switch (identify(field->name, &own)) {
	case OTHER_OF_CONNECTION:
		return false;
	case OTHER_TE: /* it is made again: see put_framing() */
		h->takes_trailers |= trailers_are_taken(field->value);
		return false;
	case OTHER_TRAILER:
		return h->has_trailers;
	case OTHER_OWN:
		h->sent |= 1u << own;
		return h->kept & 1u << own && !is_of_connection(h->x, field);
	default:
		return !is_of_connection(h->x, field);
	}
}

static void put_fields(struct head *h)
{
	for (size_t i = 0; i < h->x->request.n_fields; i++) {
		const struct field *field = &h->x->request.fields[i];

		if (goes_along(h, field))
			put_field(h->out, field->name, field->value);
	}
}

static bool is_made(const struct head *h, enum own_field own)
{
	return !(h->kept & 1u << own);
}

/* Puts the name, and the client's own values, if it may add to them. */
static void begin_list(const struct head *h, enum own_field own, bool keep)
{
	bool is_first = true;

	buf_put(h->out, own_names[own]);
	buf_put(h->out, STR(": "));
	if (!keep || !(h->sent & 1u << own))
		return;
	for (size_t i = 0; i < h->x->request.n_fields; i++) {
		const struct field *field = &h->x->request.fields[i];

		if (!str_equal_nocase(field->name, own_names[own]) ||
		    field->value.n == 0)
			continue;
		if (!is_first)
			buf_put(h->out, STR(", "));
		buf_put(h->out, field->value);
		is_first = false;
	}
	if (!is_first)
		buf_put(h->out, STR(", "));
}

/* The client's, if it may say it. */
static struct str value_of(const struct head *h, enum own_field own, bool keep,
			   struct str made)
{
	struct str before = {NULL, 0};

	if (keep && h->sent & 1u << own)
		before = exchange_field(h->x, own_names[own]);
	return before.n > 0 ? before : made;
}

static struct str scheme(const struct exchange *x)
{
	return x->connection->is_secured ? STR("https") : STR("http");
}

/* RFC 7239 sections 4 and 6: an address of IPv6 is in brackets and quotes, and
 * so is what may be no token. */
static void put_forwarded(const struct head *h, struct str ip)
{
	bool is_v6 = h->x->connection->peer.family == AF_INET6;

	buf_put(h->out, STR("for="));
	if (is_v6)
		buf_put(h->out, STR("\"["));
	buf_put(h->out, ip);
	if (is_v6)
		buf_put(h->out, STR("]\""));
	buf_put(h->out, STR(";proto="));
	buf_put(h->out, scheme(h->x));
	buf_put(h->out, STR(";host=\""));
	buf_put(h->out, h->client_host);
	buf_put(h->out, STR("\"\r\n"));
}

/* Where the request comes from. A client that is not trusted may have written
 * anything into these fields: they are begun with it. */
static void put_origin(const struct head *h)
{
	const struct endpoint *peer = &h->x->connection->peer;
	bool trusted = policy_trusts(h->x->http, peer);
	char text[ADDR_TEXT];
	struct str ip = str_of(endpoint_ip(peer, text));

	if (is_made(h, OWN_FORWARDED_FOR)) {
		begin_list(h, OWN_FORWARDED_FOR, trusted);
		buf_put(h->out, ip);
		buf_put(h->out, STR("\r\n"));
	}
	if (is_made(h, OWN_FORWARDED_PROTO))
		put_field(h->out, own_names[OWN_FORWARDED_PROTO],
			  value_of(h, OWN_FORWARDED_PROTO, trusted, scheme(h->x)));
	if (is_made(h, OWN_FORWARDED_HOST))
		put_field(h->out, own_names[OWN_FORWARDED_HOST],
			  value_of(h, OWN_FORWARDED_HOST, trusted, h->client_host));
	if (is_made(h, OWN_FORWARDED)) {
		begin_list(h, OWN_FORWARDED, trusted);
		put_forwarded(h, ip);
	}
}

/* RFC 9110 section 7.6.3 */
static void put_via(const struct head *h)
{
	begin_list(h, OWN_VIA, true);
	if (strcmp(h->x->request.version, "HTTP/1.0") == 0)
		buf_put(h->out, STR("1.0 holdfast\r\n"));
	else
		buf_put(h->out, STR("1.1 holdfast\r\n"));
}

static void put_framing(const struct head *h, struct proxy_body body)
{
	if (body.framing == PROXY_LENGTH)
		put_field(
			h->out, STR("Content-Length"),
			arena_printf(&h->x->arena, "%ju", (uintmax_t)body.length));
	else if (body.framing == PROXY_CHUNKED)
		put_field(h->out, STR("Transfer-Encoding"), STR("chunked"));
	bool upgrades = proxy_request_upgrades(h->x, h->proxy);

	if (upgrades)
		put_field(h->out, STR("Upgrade"),
			  exchange_field(h->x, STR("upgrade")));
	if (h->takes_trailers)
		put_field(h->out, STR("TE"), STR("trailers"));
	if (upgrades || h->takes_trailers)
		put_field(h->out, STR("Connection"),
			  !h->takes_trailers ? STR("upgrade")
			  : !upgrades        ? STR("TE")
					     : STR("upgrade, TE"));
}

bool proxy_request_put_head(struct buf *out, struct exchange *x,
			    const struct proxy *proxy, struct proxy_body body,
			    const char *address)
{
	struct head h = {
		.out = out,
		.x = x,
		.proxy = proxy,
		.client_host = client_host(x),
		.kept = set_by_route(proxy),
		.has_trailers = body.framing == PROXY_CHUNKED,
	};

	if (!put_request_line(out, x, proxy) || !put_host(&h, address))
		return false;
	put_fields(&h);
	put_origin(&h);
	if (is_made(&h, OWN_VIA))
		put_via(&h);
	put_framing(&h, body);
	buf_put(out, STR("\r\n"));
	return true;
}
