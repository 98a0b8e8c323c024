/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The records, in this order: EXCHANGE, one EXCHANGE_FIELD for each field of
 * the request, EXCHANGE_UPSTREAM if it was passed on, EXCHANGE_AUTHORIZED if a
 * sub-request let it in, CONTENT, one CONTENT_PART
 * for each part of BODY_PARTS. In place of a content that is not there yet, or that
 * only its handler knows, comes EXCHANGE_HANDLER, and then the records of that
 * handler.
 *
 * The structs and values here are of the format, not of the program: what the
 * program calls its states may change, the numbers below may not. A reader
 * makes the exchange from what it reads and takes nothing for granted.
 */
#include "worker/http/exchange_frozen.h"

#include "base/codec/http1_fields.h"
#include "base/fd.h"
#include "worker/http/exchange.h"
#include "worker/http/http.h"
#include "worker/http/moving.h"
#include "worker/http/policy/policy.h"
#include "worker/http/router.h"

/* EXCHANGE: a request and what was said in answer to it. */
struct frozen_exchange {
	struct str method, target;
	uint8_t version; /* 10, 11, 20; 0: there was none */
	struct str host, path;
	bool has_query;
	struct str query;
	uint8_t peer_family; /* of the client, as FROZEN_PEER_... */
	struct str peer_ip;
	uint16_t peer_port;
	uint32_t number;                     /* on its connection */
	uint64_t first_byte, head, answered; /* CLOCK_MONOTONIC ns */
	struct str request_id, user;
	bool has_route;
	struct str route;        /* its path */
	bool route_is_regex;     /* and what that is */
	uint64_t concurrent_key; /* see limits.h */
	uint16_t status;
	struct str prepared, fields; /* of the response, "Name: value\r\n"... */
};

enum {
	FROZEN_PEER_UNIX = 0,
	FROZEN_PEER_IPV4 = 4,
	FROZEN_PEER_IPV6 = 6,
};

static const struct frozen_field exchange_fields[] = {
	FROZEN_FIELD(frozen_exchange, method),
	FROZEN_FIELD(frozen_exchange, target),
	FROZEN_FIELD(frozen_exchange, version),
	FROZEN_FIELD(frozen_exchange, host),
	FROZEN_FIELD(frozen_exchange, path),
	FROZEN_FIELD(frozen_exchange, has_query),
	FROZEN_FIELD(frozen_exchange, query),
	FROZEN_FIELD(frozen_exchange, peer_family),
	FROZEN_FIELD(frozen_exchange, peer_ip),
	FROZEN_FIELD(frozen_exchange, peer_port),
	FROZEN_FIELD(frozen_exchange, number),
	FROZEN_FIELD(frozen_exchange, first_byte),
	FROZEN_FIELD(frozen_exchange, head),
	FROZEN_FIELD(frozen_exchange, answered),
	FROZEN_FIELD(frozen_exchange, request_id),
	FROZEN_FIELD(frozen_exchange, user),
	FROZEN_FIELD(frozen_exchange, has_route),
	FROZEN_FIELD(frozen_exchange, route),
	FROZEN_FIELD(frozen_exchange, route_is_regex),
	FROZEN_FIELD(frozen_exchange, concurrent_key),
	FROZEN_FIELD(frozen_exchange, status),
	FROZEN_FIELD(frozen_exchange, prepared),
	FROZEN_FIELD(frozen_exchange, fields),
};
static const struct frozen_layout exchange_layout =
	FROZEN_LAYOUT(FROZEN_EXCHANGE, exchange_fields);

/* EXCHANGE_FIELD: one of the request. */
struct frozen_request_field {
	struct str name, value;
};
static const struct frozen_field field_fields[] = {
	FROZEN_FIELD(frozen_request_field, name),
	FROZEN_FIELD(frozen_request_field, value),
};
static const struct frozen_layout field_layout =
	FROZEN_LAYOUT(FROZEN_EXCHANGE_FIELD, field_fields);

/* EXCHANGE_UPSTREAM: as struct exchange_upstream; a reader may do without. */
struct frozen_upstream {
	struct str name, server;
	uint32_t tries;
	uint16_t status;
	uint64_t begun, asked, connected, first_byte, ended;
};
static const struct frozen_field upstream_fields[] = {
	FROZEN_FIELD(frozen_upstream, name),
	FROZEN_FIELD(frozen_upstream, server),
	FROZEN_FIELD(frozen_upstream, tries),
	FROZEN_FIELD(frozen_upstream, status),
	FROZEN_FIELD(frozen_upstream, begun),
	FROZEN_FIELD(frozen_upstream, asked),
	FROZEN_FIELD(frozen_upstream, connected),
	FROZEN_FIELD(frozen_upstream, first_byte),
	FROZEN_FIELD(frozen_upstream, ended),
};
static const struct frozen_layout upstream_layout =
	FROZEN_LAYOUT_TO_SKIP(FROZEN_EXCHANGE_UPSTREAM, upstream_fields);

/* EXCHANGE_AUTHORIZED: as struct exchange_authorized; likewise. */
struct frozen_authorized {
	uint16_t status;
	struct str fields; /* "Name: value\r\n"... */
};
static const struct frozen_field authorized_fields[] = {
	FROZEN_FIELD(frozen_authorized, status),
	FROZEN_FIELD(frozen_authorized, fields),
};
static const struct frozen_layout authorized_layout =
	FROZEN_LAYOUT_TO_SKIP(FROZEN_EXCHANGE_AUTHORIZED, authorized_fields);

/* CONTENT: what is still to be sent. */
struct frozen_content {
	uint8_t kind;
	bool has_length; /* `length` is known */
	uint64_t length; /* of all of it */
	uint64_t sent;   /* bytes that were sent, or are in the output */
	struct str bytes;
	uint8_t file; /* its number among the descriptors */
	uint64_t offset, left;
	uint16_t n_parts;
};

enum {
	FROZEN_CONTENT_NONE = 0,
	FROZEN_CONTENT_BYTES = 1,
	FROZEN_CONTENT_FILE = 2,
	FROZEN_CONTENT_PARTS = 3,
	FROZEN_CONTENT_STREAM = 4,  /* of a file; framed as a stream */
	FROZEN_CONTENT_HANDLER = 5, /* a stream of the handler's */
};

static const struct frozen_field content_fields[] = {
	FROZEN_FIELD(frozen_content, kind),
	FROZEN_FIELD(frozen_content, has_length),
	FROZEN_FIELD(frozen_content, length),
	FROZEN_FIELD(frozen_content, sent),
	FROZEN_FIELD(frozen_content, bytes),
	FROZEN_FIELD(frozen_content, file),
	FROZEN_FIELD(frozen_content, offset),
	FROZEN_FIELD(frozen_content, left),
	FROZEN_FIELD(frozen_content, n_parts),
};
static const struct frozen_layout content_layout =
	FROZEN_LAYOUT(FROZEN_CONTENT, content_fields);

/* CONTENT_PART: bytes, or a stretch of a file. */
struct frozen_part {
	struct str bytes;
	uint8_t file;
	uint64_t offset, length;
};
static const struct frozen_field part_fields[] = {
	FROZEN_FIELD(frozen_part, bytes),
	FROZEN_FIELD(frozen_part, file),
	FROZEN_FIELD(frozen_part, offset),
	FROZEN_FIELD(frozen_part, length),
};
static const struct frozen_layout part_layout =
	FROZEN_LAYOUT(FROZEN_CONTENT_PART, part_fields);

/* EXCHANGE_HANDLER: whose records follow. */
struct frozen_handler {
	struct str name;
	uint64_t body_limit; /* bytes of the request's body */
};

static const struct frozen_field handler_fields[] = {
	FROZEN_FIELD(frozen_handler, name),
	FROZEN_FIELD(frozen_handler, body_limit),
};
static const struct frozen_layout handler_layout =
	FROZEN_LAYOUT(FROZEN_EXCHANGE_HANDLER, handler_fields);

/* Giving. */

static const struct {
	const char *text;
	uint8_t number;
} versions[] = {
	{"HTTP/1.0", 10},
	{"HTTP/1.1", 11},
	{"HTTP/2.0", 20},
};
enum { N_VERSIONS = sizeof(versions) / sizeof(*versions) };

static uint8_t number_of_version(const char *text)
{
	for (size_t i = 0; text != NULL && i < N_VERSIONS; i++)
		if (strcmp(versions[i].text, text) == 0)
			return versions[i].number;
	return 0;
}

static void put_peer(struct frozen_exchange *frozen, const struct endpoint *peer)
{
	size_t n = peer->family == AF_INET ? 4 : peer->family == AF_INET6 ? 16 : 0;

	frozen->peer_family = n == 4    ? FROZEN_PEER_IPV4
			      : n == 16 ? FROZEN_PEER_IPV6
					: FROZEN_PEER_UNIX;
	frozen->peer_ip = (struct str){(const char *)peer->ip, n};
	frozen->peer_port = peer->port;
}

static void put_exchange(const struct exchange *x, struct frozen_writer *message)
{
	const struct request *request = &x->request;
	const struct response *response = &x->response;
	const struct conf_route *route = x->route != NULL ? x->route->conf : NULL;
	struct frozen_exchange frozen = {
		.method = request->method_text,
		.target = request->target,
		.version = number_of_version(request->version),
		.host = request->host,
		.path = request->path,
		.has_query = request->query.p != NULL,
		.query = request->query,
		.number = x->connection_requests,
		.first_byte = x->times.first_byte,
		.head = x->times.head,
		.answered = x->times.answered,
		.request_id = x->request_id,
		.user = x->user,
		.has_route = route != NULL,
		.route = route != NULL ? route->path : STR(""),
		.route_is_regex = route != NULL && route->match == CONF_MATCH_REGEX,
		.concurrent_key = x->concurrent_key,
		.status = (uint16_t)response->status,
		.fields = fields_str(&response->fields),
	};

	if (response->prepared != NULL)
		frozen.prepared = fields_str(response->prepared);
	put_peer(&frozen, &x->peer);
	frozen_put(message, &exchange_layout, &frozen);
	for (size_t i = 0; i < request->n_fields; i++) {
		struct frozen_request_field field = {
			.name = request->fields[i].name,
			.value = request->fields[i].value,
		};

		frozen_put(message, &field_layout, &field);
	}
}

static void put_upstream(const struct exchange_upstream *u,
			 struct frozen_writer *message)
{
	struct frozen_upstream frozen = {
		.name = u->name,
		.server = u->server,
		.tries = u->tries,
		.status = (uint16_t)u->status,
		.begun = u->begun,
		.asked = u->asked,
		.connected = u->connected,
		.first_byte = u->first_byte,
		.ended = u->ended,
	};

	frozen_put(message, &upstream_layout, &frozen);
}

static void put_authorized(const struct exchange_authorized *a,
			   struct frozen_writer *message)
{
	struct frozen_authorized frozen = {
		.status = (uint16_t)a->status,
		.fields = fields_str(&a->fields),
	};

	frozen_put(message, &authorized_layout, &frozen);
}

static void put_parts(const struct body *body, struct frozen_content *frozen,
		      struct frozen_writer *message)
{
	int file = -1;

	for (size_t i = 0; i < body->n_parts && file == -1; i++)
		file = body->parts[i].file; /* all are of one */
	frozen->kind = FROZEN_CONTENT_PARTS;
	frozen->n_parts = (uint16_t)body->n_parts;
	if (file != -1)
		frozen->file = frozen_put_fd(message, file);
	frozen_put(message, &content_layout, frozen);
	for (size_t i = 0; i < body->n_parts; i++) {
		const struct body_part *part = &body->parts[i];
		struct frozen_part frozen_part = {
			.bytes = part->bytes,
			.file = part->file != -1 ? frozen->file : FROZEN_NO_FD,
			.offset = (uint64_t)part->offset,
			.length = part->length,
		};

		ASSERT(part->file == -1 || part->file == file);
		frozen_put(message, &part_layout, &frozen_part);
	}
}

static void put_stream(const struct body *body, struct frozen_content *frozen,
		       struct frozen_writer *message)
{
	int file;

	moving_stream(body, &file, &frozen->offset, &frozen->left);
	frozen->kind = FROZEN_CONTENT_STREAM;
	if (frozen->left > 0)
		frozen->file = frozen_put_fd(message, file);
	frozen_put(message, &content_layout, frozen);
}

static void put_handler(const struct exchange *x, struct frozen_writer *message)
{
	const struct handler *handler = x->route->handler;
	struct frozen_handler frozen = {
		.name = str_of(handler->name),
		.body_limit = exchange_body_limit(x),
	};

	frozen_put(message, &handler_layout, &frozen);
	handler->freeze(x, message);
}

static void put_content(const struct exchange *x, struct frozen_writer *message)
{
	const struct body *body = &x->response.body;
	struct frozen_content frozen = {
		.kind = FROZEN_CONTENT_NONE,
		.has_length = body->length != BODY_LENGTH_UNKNOWN,
		.length = body->length,
		.sent = x->content_sent,
		.file = FROZEN_NO_FD,
	};

	switch (body->kind) {
	case BODY_PARTS:
		put_parts(body, &frozen, message);
		return;
	case BODY_STREAM:
		if (!body->moves) {
			put_stream(body, &frozen, message);
			return;
		}
		frozen.kind = FROZEN_CONTENT_HANDLER;
		frozen.left = body->left;
		frozen_put(message, &content_layout, &frozen);
		put_handler(x, message);
		return;
	case BODY_FILE:
		frozen.kind = FROZEN_CONTENT_FILE;
		frozen.file = frozen_put_fd(message, body->file);
		frozen.offset = (uint64_t)body->offset;
		frozen.left = body->left;
		break;
	case BODY_BYTES:
		frozen.kind = FROZEN_CONTENT_BYTES;
		frozen.bytes = body->bytes;
		break;
	case BODY_NONE:
		break;
	}
	frozen_put(message, &content_layout, &frozen);
}

void exchange_freeze(const struct exchange *x, struct frozen_writer *message)
{
	put_exchange(x, message);
	if (x->upstream != NULL)
		put_upstream(x->upstream, message);
	if (x->authorized != NULL)
		put_authorized(x->authorized, message);
	if (x->state == EXCHANGE_HANDLED)
		put_handler(x, message);
	else
		put_content(x, message);
}

/* Taking. */

static bool get_peer(const struct frozen_exchange *frozen,
		     struct endpoint *peer_out)
{
	size_t n = frozen->peer_ip.n;

	*peer_out = (struct endpoint){.port = frozen->peer_port};
	switch (frozen->peer_family) {
	case FROZEN_PEER_UNIX:
		peer_out->family = AF_UNIX;
		return n == 0;
	case FROZEN_PEER_IPV4:
		peer_out->family = AF_INET;
		break;
	case FROZEN_PEER_IPV6:
		peer_out->family = AF_INET6;
		break;
	default:
		return false;
	}
	if (n != (peer_out->family == AF_INET ? 4 : 16))
		return false;
	memcpy(peer_out->ip, frozen->peer_ip.p, n);
	return true;
}

static struct fields copy_fields(struct arena *arena, struct str text)
{
	return (struct fields){
		.text = (char *)(size_t)arena_copy(arena, text).p,
		.n = (uint32_t)text.n,
		.room = (uint32_t)text.n,
	};
}

/* A route of that name, as far as the log asks for it: it answers nothing. */
static bool make_route(struct exchange *x, const struct frozen_exchange *frozen)
{
	struct conf_route *conf = arena_zalloc(&x->arena, 1, sizeof(*conf));
	struct route *route = arena_zalloc(&x->arena, 1, sizeof(*route));

	if (!frozen->route_is_regex && x->request.path.n < frozen->route.n)
		return false;
	conf->path = arena_copy(&x->arena, frozen->route);
	conf->match = frozen->route_is_regex ? CONF_MATCH_REGEX : CONF_MATCH_PREFIX;
	route->conf = conf;
	x->route = route;
	return true;
}

static void get_request(struct exchange *x, const struct frozen_exchange *frozen)
{
	struct request *r = &x->request;
	struct arena *a = &x->arena;

	r->method_text = arena_copy(a, frozen->method);
	r->method = exchange_method(r->method_text);
	r->target = arena_copy(a, frozen->target);
	r->host = arena_copy(a, frozen->host);
	r->path = arena_copy(a, frozen->path);
	if (frozen->has_query)
		r->query = arena_copy(a, frozen->query);
	for (size_t i = 0; i < N_VERSIONS; i++)
		if (versions[i].number == frozen->version)
			r->version = versions[i].text;
}

static bool get_exchange(struct exchange *x, struct frozen_reader *message)
{
	struct frozen_exchange frozen = {.status = 0};
	struct arena *a = &x->arena;

	if (frozen_get(message, &exchange_layout, &frozen) != FROZEN_OK ||
	    !get_peer(&frozen, &x->peer))
		return false;
	get_request(x, &frozen);
	if (frozen.has_route && !make_route(x, &frozen))
		return false;
	struct fields *prepared = arena_alloc(a, sizeof(*prepared));

	*prepared = copy_fields(a, frozen.prepared);
	x->response.prepared = prepared;
	x->response.fields = copy_fields(a, frozen.fields);
	x->response.status = frozen.status;
	x->connection_requests = frozen.number;
	x->times = (struct exchange_times){
		.first_byte = frozen.first_byte,
		.head = frozen.head,
		.answered = frozen.answered,
	};
	if (frozen.request_id.n > 0)
		x->request_id = arena_copy(a, frozen.request_id);
	if (frozen.user.n > 0)
		x->user = arena_copy(a, frozen.user);
	if (frozen.concurrent_key != 0)
		policy_resume(x, frozen.concurrent_key);
	return x->state == EXCHANGE_HANDLED
		       ? frozen.status == 0
		       : frozen.status >= 100 && frozen.status <= 599;
}

static bool get_request_fields(struct exchange *x, struct frozen_reader *message)
{
	struct frozen_reader ahead = *message;
	struct frozen_request_field frozen;
	struct field *fields;
	size_t n = 0;

	while (frozen_next(&ahead) == FROZEN_EXCHANGE_FIELD) {
		if (frozen_get(&ahead, &field_layout, &frozen) != FROZEN_OK)
			return false;
		n++;
	}
	fields = arena_zalloc(&x->arena, n, sizeof(*fields));
	for (size_t i = 0; i < n; i++) {
		if (frozen_get(message, &field_layout, &frozen) != FROZEN_OK)
			return false;
		fields[i] = (struct field){
			.name = arena_copy(&x->arena, frozen.name),
			.value = arena_copy(&x->arena, frozen.value),
			.id = http1_field_identify(frozen.name),
		};
		x->request.known |= 1u << fields[i].id;
	}
	x->request.fields = fields;
	x->request.n_fields = n;
	return true;
}

/* False when it is damaged; it need not be there. */
static bool get_upstream(struct exchange *x, struct frozen_reader *message)
{
	struct frozen_upstream frozen;

	switch (frozen_get(message, &upstream_layout, &frozen)) {
	case FROZEN_OK:
		break;
	case FROZEN_ABSENT:
		return true;
	default:
		return false;
	}
	x->upstream = arena_alloc(&x->arena, sizeof(*x->upstream));
	*x->upstream = (struct exchange_upstream){
		.name = arena_copy(&x->arena, frozen.name),
		.server = arena_copy(&x->arena, frozen.server),
		.tries = frozen.tries,
		.status = frozen.status,
		.begun = frozen.begun,
		.asked = frozen.asked,
		.connected = frozen.connected,
		.first_byte = frozen.first_byte,
		.ended = frozen.ended,
	};
	return true;
}

/* The same. */
static bool get_authorized(struct exchange *x, struct frozen_reader *message)
{
	struct frozen_authorized frozen;
	struct exchange_authorized *a;

	switch (frozen_get(message, &authorized_layout, &frozen)) {
	case FROZEN_OK:
		break;
	case FROZEN_ABSENT:
		return true;
	default:
		return false;
	}
	a = arena_zalloc(&x->arena, 1, sizeof(*a));
	a->status = frozen.status;
	a->fields = copy_fields(&x->arena, frozen.fields);
	x->authorized = a;
	return true;
}

static bool get_parts(struct body *body, const struct frozen_content *content,
		      int file, struct arena *arena, struct frozen_reader *message)
{
	body->kind = BODY_PARTS;
	body->n_parts = content->n_parts;
	body->parts = arena_zalloc(arena, content->n_parts, sizeof(*body->parts));
	for (size_t i = 0; i < body->n_parts; i++) {
		struct frozen_part frozen = {.file = FROZEN_NO_FD};
		bool is_bytes;

		if (frozen_get(message, &part_layout, &frozen) != FROZEN_OK)
			return false;
		is_bytes = frozen.file == FROZEN_NO_FD;
		if (is_bytes ? frozen.length != frozen.bytes.n
			     : file == -1 || frozen.offset > INT64_MAX)
			return false;
		body->parts[i] = (struct body_part){
			.bytes = is_bytes ? arena_copy(arena, frozen.bytes)
					  : STR(""),
			.file = is_bytes ? -1 : file,
			.offset = (off_t)frozen.offset,
			.length = frozen.length,
		};
	}
	return true;
}

/* The handler goes on with it, by a route that only names it. */
static bool get_handler(struct exchange *x, struct frozen_reader *message)
{
	const struct handler *const *handlers = x->http->handlers;
	struct frozen_handler frozen;
	struct route *route;
	struct conf_route *conf;

	if (frozen_get(message, &handler_layout, &frozen) != FROZEN_OK ||
	    x->route == NULL)
		return false;
	while (*handlers != NULL &&
	       !str_equal(str_of((*handlers)->name), frozen.name))
		handlers++;
	if (*handlers == NULL || (*handlers)->thaw == NULL)
		return false;
	route = arena_alloc(&x->arena, sizeof(*route));
	conf = arena_alloc(&x->arena, sizeof(*conf));
	*conf = *x->route->conf;
	conf->common.body_limit = frozen.body_limit;
	*route = (struct route){.conf = conf, .handler = *handlers};
	x->route = route;
	return route->handler->thaw(x, message);
}

static bool get_content(struct exchange *x, struct frozen_reader *message)
{
	struct frozen_content frozen = {.file = FROZEN_NO_FD};
	struct body *body = &x->response.body;

	if (frozen_get(message, &content_layout, &frozen) != FROZEN_OK)
		return false;
	x->content_sent = frozen.sent;
	body->length = frozen.has_length ? frozen.length : BODY_LENGTH_UNKNOWN;
	body->left = frozen.left;
	if (frozen.kind == FROZEN_CONTENT_HANDLER)
		return frozen.file == FROZEN_NO_FD && get_handler(x, message);
	int file = frozen_get_fd(message, frozen.file);

	body->offset = (off_t)frozen.offset;
	body->file = file;
	if (frozen.kind == FROZEN_CONTENT_STREAM)
		body->kind = BODY_STREAM;
	if (file != -1 || body->kind == BODY_STREAM)
		moving_adopt(x, file, frozen.offset, frozen.left);
	if (frozen.offset > INT64_MAX || frozen.left > INT64_MAX - frozen.offset ||
	    (file == -1 && frozen.file != FROZEN_NO_FD))
		return false;
	switch (frozen.kind) {
	case FROZEN_CONTENT_NONE:
		return true;
	case FROZEN_CONTENT_BYTES:
		body->kind = BODY_BYTES;
		body->bytes = arena_copy(&x->arena, frozen.bytes);
		return true;
	case FROZEN_CONTENT_FILE:
		body->kind = BODY_FILE;
		return file != -1;
	case FROZEN_CONTENT_PARTS:
		return get_parts(body, &frozen, file, &x->arena, message);
	case FROZEN_CONTENT_STREAM:
		if (!frozen.has_length)
			body->left = BODY_LENGTH_UNKNOWN;
		return file != -1 || frozen.left == 0;
	default:
		return false;
	}
}

bool exchange_thaw(struct exchange *x, struct frozen_reader *message)
{
	exchange_resume_answered(x);
	return get_exchange(x, message) && get_request_fields(x, message) &&
	       get_upstream(x, message) && get_authorized(x, message) &&
	       get_content(x, message);
}

/* What is done to the response that is to come is up to our configuration. */
static void find_policy(struct exchange *x)
{
	struct found found =
		router_find(&x->http->router, x->request.host, x->request.path);

	x->policy = found.route != NULL ? found.route->policy : found.policy;
	if (found.regex != NULL && !found.is_too_hard)
		x->captures =
			regex_captures(found.regex, x->request.path, &x->arena);
}

bool exchange_thaw_held(struct exchange *x, struct frozen_reader *message)
{
	exchange_resume_handled(x);
	if (!get_exchange(x, message) || !get_request_fields(x, message) ||
	    !get_upstream(x, message) || !get_authorized(x, message))
		return false;
	find_policy(x);
	return get_handler(x, message);
}
