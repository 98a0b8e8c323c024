/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the value of each variable, then escaping a value for the place where
 * it stands, and templates, which put the two together. Worker.
 */
#include "worker/http/variables.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec/form.h"
#include "base/codec/html.h"
#include "base/codec/http_status.h"
#include "base/codec/json.h"
#include "base/codec/tls_facts.h"
#include "base/codec/uri.h"
#include "base/digits.h"
#include "base/quote.h"
#include "worker/http/exchange.h"
#include "worker/http/form_fields.h"
#include "worker/http/request_id.h"
#include "worker/http/router.h"
#include "worker/http/log_time.h"

enum {
	TEMPLATE_MAX = 64 * 1024 * 1024, /* bytes of a text */
	ESCAPE_GROWTH = 8,               /* "\\u0000", "&#xfffd;" */
};

/* What is too large for any text stays as it is, and is found to be. */
static struct str decoded(struct exchange *x, struct str value)
{
	if (value.n == 0 || value.n / 3 > TEMPLATE_MAX)
		return value;

	size_t n = form_decoded_size(value);

	if (n > TEMPLATE_MAX)
		return value;
	char *text = arena_bytes(&x->arena, n);

	return (struct str){text, uri_decode(value, true, text)};
}

/* A variable of a field of the form. */
static struct str form_variable(const struct template_piece *piece,
				struct exchange *x)
{
	const struct form_fields *fields = form_fields_of(x);
	const struct form_field *field = form_fields_find(fields, piece->name);

	if (field == NULL)
		return STR("");
	switch (piece->variable) {
	case TEMPLATE_FORM_FILENAME:
		return field->filename;
	case TEMPLATE_FORM_TYPE:
		return field->type;
	case TEMPLATE_FORM_SIZE:
		return arena_printf(&x->arena, "%zu",
				    fields->is_encoded
					    ? form_decoded_size(field->value)
					    : field->value.n);
	default:
		return fields->is_encoded ? decoded(x, field->value) : field->value;
	}
}

/* RFC 6265 section 4.2.1: "a=b; c=d". The first of that name. */
struct str request_cookie(const struct request *request, struct str name)
{
	for (size_t i = 0; i < request->n_fields; i++) {
		struct str rest = request->fields[i].value;

		if (!str_equal_nocase(request->fields[i].name, STR("cookie")))
			continue;
		while (rest.n > 0) {
			struct str value = str_cut(&rest, ';');
			struct str key = str_trim(str_cut(&value, '='));

			if (value.p != NULL && str_equal(key, name))
				return str_trim(value);
		}
	}
	return STR("");
}

/* Adds the fields of that name. Set-Cookie cannot be one field (RFC 9110 section
 * 5.3): of those it is the first. */
static void join_fields(struct fields_join *join, const struct fields *fields,
			struct str wanted)
{
	struct str rest = fields_str(fields), name, value;
	bool is_one = str_equal(wanted, STR("set-cookie"));

	while (fields_next(&rest, &name, &value))
		if (str_equal_nocase(name, wanted) &&
		    !(is_one && join->joined.p != NULL))
			fields_join_add(join, value);
}

static struct str number(struct exchange *x, uint64_t value)
{
	char *end = arena_bytes(&x->arena, DIGITS_MAX) + DIGITS_MAX;
	char *begin = digits_before(end, value);

	return (struct str){begin, (size_t)(end - begin)};
}

/* Content-Length is the protocol's to add, and well known before. */
static struct str sent_length(struct exchange *x)
{
	const struct response *r = &x->response;

	if (http_status_ends_with_head(r->status) ||
	    r->body.length == BODY_LENGTH_UNKNOWN)
		return STR("");
	return number(x, r->body.length);
}

static struct str sent_field(struct exchange *x, struct str name)
{
	const struct response *r = &x->response;
	struct fields_join join = {.arena = &x->arena, .separator = STR(", ")};

	if (r->prepared != NULL)
		join_fields(&join, r->prepared, name);
	join_fields(&join, &r->fields, name);
	if (join.joined.p == NULL && str_equal(name, STR("content-length")))
		return sent_length(x);
	return join.joined;
}

/* Seconds, "0.000123"; nothing for what has not been. */
static struct str seconds(struct exchange *x, uint64_t from, uint64_t to)
{
	enum { MICRO = 6 };
	uint64_t ns, us;

	if (!phase_ns(from, to, &ns))
		return STR("");
	char *end = arena_bytes(&x->arena, DIGITS_MAX + 1 + MICRO) + DIGITS_MAX +
		    1 + MICRO;
	char *p = end;

	us = ns / NS_PER_US;
	for (int i = 0; i < MICRO; i++, us /= 10)
		*--p = (char)('0' + us % 10);
	*--p = '.';
	p = digits_before(p, us);
	return (struct str){p, (size_t)(end - p)};
}

unsigned logged_status(const struct exchange *x)
{
	return x->response.status != 0 ? x->response.status : 499;
}

uint64_t upstream_end(const struct exchange *x)
{
	return x->upstream->ended != 0 ? x->upstream->ended : x->times.last_byte;
}

/* A variable of a request that was passed on. */
static struct str upstream_variable(enum template_variable variable,
				    struct exchange *x)
{
	const struct exchange_upstream *u = x->upstream;

	if (u == NULL)
		return STR("");
	switch (variable) {
	case TEMPLATE_UPSTREAM:
		return u->name;
	case TEMPLATE_UPSTREAM_SERVER:
		return u->server;
	case TEMPLATE_UPSTREAM_TRIES:
		return number(x, u->tries);
	case TEMPLATE_UPSTREAM_STATUS:
		return u->status != 0 ? number(x, u->status) : STR("");
	case TEMPLATE_UPSTREAM_TIME_QUEUE:
		return seconds(x, u->begun, u->begun + u->queued);
	case TEMPLATE_UPSTREAM_TIME_CONNECT:
		return seconds(x, u->asked, u->connected);
	case TEMPLATE_UPSTREAM_TIME_FIRST_BYTE:
		return seconds(x, u->asked, u->first_byte);
	default:
		return seconds(x, u->begun, upstream_end(x));
	}
}

/* Of the response that let the request in. */
static struct str authorize_variable(const struct template_piece *piece,
				     struct exchange *x)
{
	const struct exchange_authorized *a = x->authorized;
	struct fields_join join = {.arena = &x->arena, .separator = STR(", ")};

	if (a == NULL)
		return STR("");
	if (piece->variable == TEMPLATE_AUTHORIZE_STATUS)
		return number(x, a->status);
	join_fields(&join, &a->fields, piece->name);
	return join.joined;
}

/* Of the address of ours that the client is connected to. */
static struct str local_variable(enum template_variable variable,
				 struct exchange *x)
{
	struct endpoint local;

	if (x->protocol == NULL || x->protocol->local == NULL)
		return STR("");
	local = x->protocol->local(x);
	if (variable == TEMPLATE_SERVER_PORT)
		return number(x, local.port);
	return str_of(endpoint_ip(&local, arena_bytes(&x->arena, ADDR_TEXT)));
}

/* Empty on a connection without TLS. */
static struct str tls_variable(enum template_variable variable,
			       const struct tls_facts *tls)
{
	if (tls == NULL)
		return STR("");
	switch (variable) {
	case TEMPLATE_TLS_VERSION:
		return tls->suite->version == TLS_1_3 ? STR("TLSv1.3")
						      : STR("TLSv1.2");
	case TEMPLATE_TLS_CIPHER:
		return str_of(tls->suite->name);
	case TEMPLATE_TLS_RESUMED:
		return tls->is_resumed ? STR("1") : STR("0");
	case TEMPLATE_TLS_SNI:
		return tls_facts_get(tls, TLS_FACT_NAME);
	case TEMPLATE_TLS_CLIENT_SUBJECT:
		return tls_facts_get(tls, TLS_FACT_SUBJECT);
	case TEMPLATE_TLS_CLIENT_ISSUER:
		return tls_facts_get(tls, TLS_FACT_ISSUER);
	case TEMPLATE_TLS_CLIENT_SERIAL:
		return tls_facts_get(tls, TLS_FACT_SERIAL);
	default:
		return tls_facts_get(tls, TLS_FACT_FINGERPRINT);
	}
}

static struct str variable(const struct template_piece *piece, struct exchange *x)
{
	const struct exchange_times *times = &x->times;
	struct request *r = &x->request;
	char *text;

	switch (piece->variable) {
	case TEMPLATE_LITERAL:
		return piece->text;
	case TEMPLATE_PATH:
		return r->path;
	case TEMPLATE_REST: /* in a log there may be no route */
		return x->route != NULL ? route_rest(x->route, r->path) : STR("");
	case TEMPLATE_QUERY:
		return r->query;
	case TEMPLATE_QUERY_PART:
		return r->query.p == NULL ? STR("")
					  : arena_printf(&x->arena, "?%" STR_FMT,
							 STR_ARG(r->query));
	case TEMPLATE_METHOD:
		return r->method_text;
	case TEMPLATE_HOST:
		return r->host;
	case TEMPLATE_SCHEME:
		return x->connection->is_secured ? STR("https") : STR("http");
	case TEMPLATE_REMOTE_ADDR:
		text = arena_bytes(&x->arena, ADDR_TEXT);
		return str_of(endpoint_ip(&x->peer, text));
	case TEMPLATE_USER:
		return x->user;
	case TEMPLATE_CONNECTION_ADDR:
		text = arena_bytes(&x->arena, ADDR_TEXT);
		return str_of(endpoint_ip(&x->connection->peer, text));
	case TEMPLATE_PROXY_ADDR:
		if (x->connection->proxy == NULL)
			return STR("");
		text = arena_bytes(&x->arena, ADDR_TEXT);
		return str_of(endpoint_ip(x->connection->proxy, text));
	case TEMPLATE_REMOTE_PORT:
		return arena_printf(&x->arena, "%u", x->peer.port);
	case TEMPLATE_QUERY_FIELD:
		return decoded(x, form_find(r->query, piece->name));
	case TEMPLATE_FORM_FIELD:
	case TEMPLATE_FORM_FILENAME:
	case TEMPLATE_FORM_TYPE:
	case TEMPLATE_FORM_SIZE:
		return form_variable(piece, x);
	case TEMPLATE_MATCH:
		return x->captures != NULL ? x->captures[piece->number] : STR("");
	case TEMPLATE_HEADER_FIELD:
		return exchange_joined_field(x, piece->name);
	case TEMPLATE_COOKIE:
		return request_cookie(&x->request, piece->name);
	case TEMPLATE_TARGET:
		return r->target;
	case TEMPLATE_PROTOCOL:
		return str_of(r->version != NULL ? r->version : "");
	case TEMPLATE_ROUTE:
		return x->route != NULL ? x->route->conf->path : STR("");
	case TEMPLATE_REQUEST_ID:
		return request_id(x);
	case TEMPLATE_CONNECTION:
		return number(x, x->connection->id);
	case TEMPLATE_CONNECTION_REQUESTS:
		return x->connection_requests == 0
			       ? STR("")
			       : number(x, x->connection_requests);
	case TEMPLATE_TIME:
		text = arena_bytes(&x->arena, LOG_TIME_UTC);
		log_time_utc(text);
		return (struct str){text, LOG_TIME_UTC};
	case TEMPLATE_TIME_LOCAL:
		return log_time_local();
	case TEMPLATE_TIME_HEAD:
		return seconds(x, times->first_byte, times->head);
	case TEMPLATE_TIME_ANSWER:
		return seconds(x, times->head, times->answered);
	case TEMPLATE_TIME_SEND:
		return seconds(x, times->answered, times->last_byte);
	case TEMPLATE_TIME_TOTAL:
		return seconds(x, times->first_byte, times->last_byte);
	case TEMPLATE_STATUS:
		return number(x, logged_status(x));
	case TEMPLATE_SERVER_ADDR:
	case TEMPLATE_SERVER_PORT:
		return local_variable(piece->variable, x);
	case TEMPLATE_TIME_EPOCH:
		text = arena_bytes(&x->arena, LOG_TIME_EPOCH);
		return (struct str){text, log_time_epoch(text)};
	case TEMPLATE_BYTES_SENT:
		return number(x, x->response.head_size + x->content_sent);
	case TEMPLATE_COMPLETE:
		return x->broke_off ? STR("false") : STR("true");
	case TEMPLATE_BYTES:
		return number(x, x->content_sent);
	case TEMPLATE_SENT_FIELD:
		return sent_field(x, piece->name);
	case TEMPLATE_UPSTREAM:
	case TEMPLATE_UPSTREAM_SERVER:
	case TEMPLATE_UPSTREAM_TRIES:
	case TEMPLATE_UPSTREAM_STATUS:
	case TEMPLATE_UPSTREAM_TIME_QUEUE:
	case TEMPLATE_UPSTREAM_TIME_CONNECT:
	case TEMPLATE_UPSTREAM_TIME_FIRST_BYTE:
	case TEMPLATE_UPSTREAM_TIME_TOTAL:
		return upstream_variable(piece->variable, x);
	case TEMPLATE_STREAM_BYTES_IN:
		return x->stream != NULL ? number(x, x->stream->bytes_in) : STR("");
	case TEMPLATE_STREAM_END:
		return x->stream != NULL ? x->stream->end : STR("");
	case TEMPLATE_AUTHORIZE_STATUS:
	case TEMPLATE_AUTHORIZE_FIELD:
		return authorize_variable(piece, x);
	case TEMPLATE_TLS_VERSION:
	case TEMPLATE_TLS_CIPHER:
	case TEMPLATE_TLS_SNI:
	case TEMPLATE_TLS_RESUMED:
	case TEMPLATE_TLS_CLIENT_SUBJECT:
	case TEMPLATE_TLS_CLIENT_ISSUER:
	case TEMPLATE_TLS_CLIENT_SERIAL:
	case TEMPLATE_TLS_CLIENT_FINGERPRINT:
		return tls_variable(piece->variable, x->connection->tls);
	}
	return STR("");
}

/* Whether a value goes into the path of the URL whose beginning is `out`: not
 * into its query, nor where it could name a scheme or a host (RFC 3986 sections
 * 3 and 4.2). */
static bool is_in_path(struct str out, struct str value)
{
	const char *host = out.n > 0 ? memmem(out.p, out.n, "//", 2) : NULL;

	if (out.n > 0 && (memchr(out.p, '?', out.n) != NULL ||
			  memchr(out.p, '#', out.n) != NULL))
		return false;
	if (host != NULL && (host == out.p || host[-1] == ':'))
		out = str_tail(out, (size_t)(host - out.p) + 2);
	return str_starts_with(value, STR("/")) ||
	       (out.n > 0 && memchr(out.p, '/', out.n) != NULL);
}

static void put_encoded(struct buf *out, struct str s, enum uri_part part)
{
	buf_added(out, uri_encode(s, part, buf_room(out, 3 * s.n)));
}

/* Path and query as they were sent, whatever form the target had. */
static void put_target(struct buf *out, const struct request *r)
{
	buf_put(out, r->raw_path);
	if (r->query.p != NULL)
		buf_put_cstr(out, "?");
	buf_put(out, r->query);
}

/* "?" and the query; or "&", where there is a query. */
static void put_query(struct buf *out, struct str query)
{
	struct str before = buf_str(out);
	bool goes_on = before.n > 0 && memchr(before.p, '?', before.n) != NULL;

	buf_put_cstr(out, goes_on ? "&" : "?");
	buf_put(out, str_tail(query, 1));
}

/* A value as a part of a URL. What is sent encoded is not encoded again. */
static void put_uri(struct buf *out, struct str value,
		    enum template_variable variable, const struct request *r)
{
	bool is_target = variable == TEMPLATE_TARGET;
	bool in_path = is_in_path(buf_str(out), is_target ? r->raw_path : value);

	switch (variable) {
	case TEMPLATE_QUERY:
		buf_put(out, value);
		break;
	case TEMPLATE_QUERY_PART:
		put_query(out, value);
		break;
	case TEMPLATE_HOST: /* it was found to be valid: "[::1]" */
		buf_put(out, value);
		break;
	case TEMPLATE_TARGET:
		if (in_path)
			put_target(out, r);
		else
			put_encoded(out, value, URI_VALUE);
		break;
	case TEMPLATE_PATH:
	case TEMPLATE_REST:
	case TEMPLATE_MATCH:
		put_encoded(out, value, in_path ? URI_PATH : URI_VALUE);
		break;
	default:
		put_encoded(out, value, URI_VALUE);
	}
}

static void put_log(struct buf *out, struct str s)
{
	char *start = buf_room(out, QUOTE_LOG_GROWTH * s.n);

	buf_added(out, (size_t)(quote_log(start, s) - start));
}

static void put_escaped(struct buf *out, struct str s, enum escape escape)
{
	switch (escape) {
	case ESCAPE_NONE:
		buf_put(out, s);
		break;
	case ESCAPE_HTML:
		html_put(out, s);
		break;
	case ESCAPE_JSON:
		json_put(out, s);
		break;
	case ESCAPE_URI:
		put_encoded(out, s, URI_VALUE);
		break;
	case ESCAPE_LOG:
		put_log(out, s);
		break;
	}
}

void template_put(const struct template *t, struct exchange *x, enum escape escape,
		  struct buf *out)
{
	for (size_t i = 0; i < t->n_pieces; i++) {
		const struct template_piece *piece = &t->pieces[i];
		struct str value = variable(piece, x);

		if (piece->variable == TEMPLATE_LITERAL || value.n == 0)
			buf_put(out, piece->text);
		else
			put_escaped(out, value, escape);
	}
}

bool template_evaluate(const struct template *t, struct exchange *x,
		       enum escape escape, struct str *text_out)
{
	struct buf out = {0};
	bool fits = true;

	if (t->is_literal) {
		*text_out = t->n_pieces > 0 ? t->pieces[0].text : STR("");
		return true;
	}
	for (size_t i = 0; i < t->n_pieces && fits; i++) {
		const struct template_piece *piece = &t->pieces[i];
		struct str value = variable(piece, x);

		size_t growth = escape == ESCAPE_NONE ? 1 : ESCAPE_GROWTH;

		fits = buf_length(&out) + growth * value.n <= TEMPLATE_MAX;
		if (!fits)
			break;
		if (piece->variable == TEMPLATE_LITERAL || value.n == 0)
			buf_put(&out, piece->text);
		else if (escape == ESCAPE_URI)
			put_uri(&out, value, piece->variable, &x->request);
		else
			put_escaped(&out, value, escape);
	}
	if (fits)
		*text_out = arena_copy(&x->arena, buf_str(&out));
	buf_release(&out);
	return fits;
}
