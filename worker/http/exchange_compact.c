/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In the order of the bytes: the times and numbers, the texts of the request,
 * its fields, the response, the route where it is none of ours, and then what
 * the handler puts. Each is put by a function and taken by its neighbour.
 * Worker.
 */
#include "worker/http/exchange_compact.h"

#include "base/codec/http1_fields.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/varint.h"
#include "worker/http/exchange.h"
#include "worker/http/http.h"
#include "worker/http/router.h"

/* What the log asks for. */

static const struct template_piece *log_piece(const struct http *http, size_t i)
{
	const struct conf_log *log = &http->conf->log;

	return http->on_finished != NULL && log->format == CONF_LOG_TEMPLATE &&
			       i < log->line.n_pieces
		       ? &log->line.pieces[i]
		       : NULL;
}

static bool log_has(const struct http *http, enum template_variable variable)
{
	const struct template_piece *piece;

	for (size_t i = 0; (piece = log_piece(http, i)) != NULL; i++)
		if (piece->variable == variable)
			return true;
	return false;
}

/* Of the request. */
static bool log_has_field(const struct http *http, struct str name)
{
	const struct template_piece *piece;

	if (http->on_finished == NULL)
		return false;
	if (http->conf->log.format != CONF_LOG_TEMPLATE)
		return str_equal_nocase(name, STR("referer")) ||
		       str_equal_nocase(name, STR("user-agent"));
	for (size_t i = 0; (piece = log_piece(http, i)) != NULL; i++)
		if ((piece->variable == TEMPLATE_HEADER_FIELD &&
		     str_equal_nocase(name, piece->name)) ||
		    (piece->variable == TEMPLATE_COOKIE &&
		     str_equal_nocase(name, STR("cookie"))))
			return true;
	return false;
}

/* Times and numbers. */

static void put_numbers(const struct exchange *x, struct buf *out)
{
	uint64_t begun = x->times.first_byte;
	bool has_own_peer =
		memcmp(&x->peer, &x->connection->peer, sizeof(x->peer)) != 0;

	varint_put(out, begun);
	varint_put_near(out, x->times.head, begun);
	varint_put_near(out, x->times.answered, begun);
	varint_put(out, x->connection_requests);
	varint_put(out, x->content_sent);
	varint_put(out, x->body.received);
	varint_put(out, x->response.status);
	varint_put(out, x->concurrent_key);
	varint_put(out, has_own_peer);
	if (has_own_peer)
		buf_put(out, (struct str){(const char *)&x->peer, sizeof(x->peer)});
}

static void get_numbers(struct exchange *x, struct str *from)
{
	uint64_t begun = x->times.first_byte = varint_get(from);

	x->times.head = varint_get_near(from, begun);
	x->times.answered = varint_get_near(from, begun);
	x->connection_requests = (uint32_t)varint_get(from);
	x->content_sent = varint_get(from);
	x->body.received = varint_get(from);
	x->response.status = (unsigned)varint_get(from);
	x->concurrent_key = varint_get(from);
	x->peer = x->connection->peer;
	if (varint_get(from) == 0)
		return;
	memcpy(&x->peer, from->p, sizeof(x->peer));
	*from = str_tail(*from, sizeof(x->peer));
}

/* Texts of the request. Most are a part of the target. */

enum { PART_NONE, PART_FIRST, PART_LAST, PART_OTHER };

static void put_part(struct buf *out, struct str whole, struct str part)
{
	if (part.p == NULL) {
		varint_put(out, PART_NONE);
	} else if (str_starts_with(whole, part)) {
		varint_put(out, part.n << 2 | PART_FIRST);
	} else if (str_ends_with(whole, part)) {
		varint_put(out, part.n << 2 | PART_LAST);
	} else {
		varint_put(out, part.n << 2 | PART_OTHER);
		buf_put(out, part);
	}
}

static struct str get_part(struct str *from, struct str whole)
{
	uint64_t head = varint_get(from);
	size_t n = (size_t)(head >> 2);
	struct str part = {from->p, n};

	switch (head & 3) {
	case PART_NONE:
		return (struct str){NULL, 0};
	case PART_FIRST:
		return (struct str){whole.p, n};
	case PART_LAST:
		return (struct str){whole.p + whole.n - n, n};
	default:
		*from = str_tail(*from, n);
		return part;
	}
}

static void put_texts(const struct exchange *x, struct buf *out)
{
	const struct request *r = &x->request;

	varint_put(out, r->method);
	varint_put_str(out, r->target);
	put_part(out, r->target, r->path);
	put_part(out, r->target, r->query);
	varint_put_str(out, r->host);
	varint_put_str(out, x->user);
	varint_put_str(out, x->request_id);
}

static void get_texts(struct exchange *x, struct str *from)
{
	struct request *r = &x->request;

	r->method = (enum conf_method)varint_get(from);
	r->method_text = conf_method_names[r->method];
	r->version = "HTTP/1.1"; /* see may_compact() */
	r->target = varint_get_str(from);
	r->path = get_part(from, r->target);
	r->query = get_part(from, r->target);
	r->host = varint_get_str(from);
	x->user = varint_get_str(from);
	x->request_id = varint_get_str(from);
}

/* Fields of the request. */

static void put_fields(const struct exchange *x, struct buf *out)
{
	const struct request *r = &x->request;
	size_t n = 0;

	for (size_t i = 0; i < r->n_fields; i++)
		n += log_has_field(x->http, r->fields[i].name);
	varint_put(out, n);
	for (size_t i = 0; i < r->n_fields; i++) {
		if (!log_has_field(x->http, r->fields[i].name))
			continue;
		varint_put_str(out, r->fields[i].name);
		varint_put_str(out, r->fields[i].value);
	}
}

static void get_fields(struct exchange *x, struct str *from)
{
	size_t n = (size_t)varint_get(from);
	struct field *fields = arena_zalloc(&x->arena, n, sizeof(*fields));

	for (size_t i = 0; i < n; i++) {
		fields[i].name = varint_get_str(from);
		fields[i].value = varint_get_str(from);
		fields[i].id = http1_field_identify(fields[i].name);
		x->request.known |= 1u << fields[i].id;
	}
	x->request.fields = fields;
	x->request.n_fields = n;
}

/* The response, and the one that let the request in. */

static struct fields fields_of(struct str text)
{
	return (struct fields){
		.text = (char *)(size_t)text.p,
		.n = (uint32_t)text.n,
		.room = (uint32_t)text.n,
	};
}

static void put_response(const struct exchange *x, struct buf *out)
{
	bool has_fields = log_has(x->http, TEMPLATE_SENT_FIELD);

	varint_put_str(out, has_fields ? fields_str(&x->response.fields) : STR(""));
	varint_put(out, x->authorized != NULL ? x->authorized->status : 0);
	if (x->authorized == NULL)
		return;
	has_fields = log_has(x->http, TEMPLATE_AUTHORIZE_FIELD);
	varint_put_str(out,
		       has_fields ? fields_str(&x->authorized->fields) : STR(""));
}

static void get_response(struct exchange *x, struct str *from)
{
	x->response.is_tunnel = true;
	x->response.fields = fields_of(varint_get_str(from));
	unsigned status = (unsigned)varint_get(from);

	if (status == 0)
		return;
	struct exchange_authorized *a = arena_zalloc(&x->arena, 1, sizeof(*a));

	a->status = status;
	a->fields = fields_of(varint_get_str(from));
	x->authorized = a;
}

/* A route of another worker's configuration is the exchange's own. */

static void put_route(const struct exchange *x, struct buf *out)
{
	const struct route *route = x->route;

	if (route_is_ours(route))
		return;
	varint_put_pointer(out, route->handler);
	varint_put(out, (uint64_t)route->conf->match);
	varint_put(out, route->conf->common.body_limit);
	put_part(out, x->request.path, route->conf->path);
}

static void get_route(struct exchange *x, const struct route *ours,
		      struct str *from)
{
	x->route = ours;
	if (ours != NULL) {
		x->policy = ours->policy;
		return;
	}
	struct conf_route *conf = arena_zalloc(&x->arena, 1, sizeof(*conf));
	struct route *route = arena_zalloc(&x->arena, 1, sizeof(*route));

	route->conf = conf;
	route->handler = varint_get_pointer(from);
	conf->match = (int)varint_get(from);
	conf->common.body_limit = varint_get(from);
	conf->path = get_part(from, x->request.path);
	x->route = route;
}

/* All of it. */

/* What is rare is not worth the bytes. */
static bool may_compact(const struct exchange *x)
{
	const struct response *r = &x->response;

	return x->state == EXCHANGE_ANSWERED && r->is_tunnel && x->route != NULL &&
	       x->route->handler->compact != NULL &&
	       x->request.method != METHOD_COUNT && x->request.version != NULL &&
	       strcmp(x->request.version, "HTTP/1.1") == 0 && x->on_over == NULL &&
	       x->form == NULL && x->request.body.n == 0 &&
	       spool_is_empty(&x->body.spool) && !x->is_subrequest &&
	       !x->ends_with_peer && !x->body.is_paused &&
	       (r->prepared == NULL || r->prepared->n == 0);
}

static struct exchange_compact *make(const struct exchange *x, struct str bytes)
{
	struct exchange_compact *compact = mem_alloc(sizeof(*compact) + bytes.n);

	*compact = (struct exchange_compact){
		.magic = EXCHANGE_COMPACT_MAGIC,
		.n = (uint16_t)bytes.n,
		.protocol = x->protocol,
		.route = route_is_ours(x->route) ? x->route : NULL,
	};
	memcpy(compact->bytes, bytes.p, bytes.n);
	return compact;
}

struct exchange_compact *exchange_compact(struct exchange *x, void *owner,
					  uint16_t mark)
{
	struct buf out = {0};
	struct exchange_compact *compact = NULL;

	if (!may_compact(x))
		return NULL;
	put_numbers(x, &out);
	put_texts(x, &out);
	put_fields(x, &out);
	put_response(x, &out);
	put_route(x, &out);
	if (x->route->handler->compact->put(x, &out) &&
	    buf_length(&out) <= EXCHANGE_COMPACT_MAX)
		compact = make(x, buf_str(&out));
	buf_release(&out);
	if (compact == NULL)
		return NULL;
	compact->owner = owner;
	compact->mark = mark;
	x->route->handler->compact->link(x, compact);
	/* It is what it holds that goes on. */
	x->response.body = (struct body){0};
	x->concurrent_key = 0;
	exchange_forget(x);
	return compact;
}

void exchange_expand(struct exchange *x, const struct exchange_compact *compact,
		     bool is_view)
{
	char *bytes = arena_bytes(&x->arena, compact->n);
	struct str from = {bytes, compact->n};

	ASSERT(compact->magic == EXCHANGE_COMPACT_MAGIC);
	memcpy(bytes, compact->bytes, compact->n);
	exchange_resume_answered(x);
	get_numbers(x, &from);
	get_texts(x, &from);
	get_fields(x, &from);
	get_response(x, &from);
	get_route(x, compact->route, &from);
	x->response.body = (struct body){
		.length = BODY_LENGTH_UNKNOWN,
		.left = BODY_LENGTH_UNKNOWN,
	};
	x->body.want = BODY_WANT_PIECES;
	x->route->handler->compact->get(x, &from);
	if (!is_view)
		x->route->handler->compact->link(x, NULL);
}

struct exchange *exchange_wake(struct exchange_compact *compact)
{
	ASSERT(compact->magic == EXCHANGE_COMPACT_MAGIC);
	return compact->protocol->on_wake(compact->owner);
}
