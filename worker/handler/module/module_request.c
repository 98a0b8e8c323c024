/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface that modules call, with every argument checked: a module's
 * mistake is logged and has no effect on the connection or on other requests.
 *
 * Written bytes wait in `queue` until the protocol reads them as a stream;
 * while it is reading, they go straight to its buffer.
 */
#include "worker/handler/module/module_request.h"

#include "base/codec/form.h"
#include "base/codec/http_status.h"
#include "base/codec/octet.h"
#include "base/codec/reserved.h"
#include "base/codec/uri.h"
#include "base/log.h"
#include "worker/handler/module/module_route.h"
#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/form_fields.h"
#include "worker/http/http.h"
#include "worker/http/request_id.h"

enum {
	MODULE_FULL = 64 * 1024, /* bytes waiting; beyond them holdfast_write()
				  * says so */
	MODULE_LOW = 32 * 1024,  /* and when writable() is called */
	MODULE_MAX = 64 * 1024 * 1024, /* when a module never listens */
};

enum module_state {
	MODULE_REQUESTED, /* to be answered */
	MODULE_STREAMING, /* by pieces that are still coming */
	MODULE_ANSWERED,  /* nothing more is to come */
	MODULE_BROKEN,    /* it will be cut */
	MODULE_ENDED,     /* ended() has been called */
};

/* In the exchange's arena. */
struct holdfast_request {
	enum module_state state;
	bool in_body;        /* body() is running */
	bool wants_body;     /* holdfast_continue() was called in there */
	bool has_no_content; /* written bytes are dropped */
	struct exchange *x;
	struct holdfast_route *route;
	void *data; /* the module's */
	struct timer timer;
	uint64_t left;    /* of the announced length, to be written */
	struct buf queue; /* written, and not yet read */
	/* While the protocol reads: where to, and how much of it. */
	struct buf *out;
	size_t out_room;
};

static const struct holdfast_module *module_of(const struct holdfast_request *r)
{
	return &r->route->module;
}

/* The end. */

static void end_for_module(struct holdfast_request *r, bool complete)
{
	if (r->state == MODULE_ENDED)
		return;
	r->state = MODULE_ENDED; /* so that its calls have no effect */
	timer_detach(&r->x->http->loop->timers, &r->timer);
	if (module_of(r)->ended != NULL)
		module_of(r)->ended(r, complete);
}

/* Its fields were meant for its own answer: drop them. */
static void on_cancel(struct exchange *x)
{
	x->response.fields.n = 0;
	end_for_module(x->holder, false);
}

static void on_over(struct exchange *x, void *watcher)
{
	struct holdfast_request *r = watcher;

	end_for_module(r, !x->broke_off && r->state != MODULE_BROKEN);
	buf_release(&r->queue);
}

/* From the exchange. */

static void on_timer(struct timer *timer)
{
	struct holdfast_request *r =
		CONTAINER_OF(timer, struct holdfast_request, timer);

	module_of(r)->timer(r);
}

void module_answer(struct exchange *x, void *instance)
{
	struct holdfast_request *r = arena_zalloc(&x->arena, 1, sizeof(*r));

	r->x = x;
	r->route = instance;
	timer_init(&r->timer, on_timer);
	exchange_hold(x, on_cancel, r);
	exchange_watch(x, on_over, r);
	x->ends_with_peer = !(module_of(r)->flags & HOLDFAST_HALF_CLOSED);
	module_of(r)->request(r);
}

bool module_body(struct exchange *x, void *instance, struct str piece)
{
	const struct holdfast_route *route = instance;
	struct holdfast_request *r = x->holder;

	r->in_body = true;
	r->wants_body = false;
	int result = route->module.body(r, piece.p, piece.n);

	r->in_body = false;
	return result != HOLDFAST_PAUSE || r->wants_body;
}

void module_end_body(struct exchange *x, void *instance)
{
	const struct holdfast_route *route = instance;

	if (route->module.body_end != NULL)
		route->module.body_end(x->holder);
}

static size_t take(struct holdfast_request *r, struct buf *out, size_t max)
{
	struct str waiting = buf_str(&r->queue);

	if (waiting.n > max)
		waiting.n = max;
	if (waiting.n == 0)
		return 0;
	buf_put(out, waiting);
	buf_consume(&r->queue, waiting.n);
	return waiting.n;
}

/* Asks the module to write, up to `max` bytes. */
static size_t ask(struct holdfast_request *r, struct buf *out, size_t max)
{
	if (r->state != MODULE_STREAMING || module_of(r)->writable == NULL ||
	    buf_length(&r->queue) > MODULE_LOW)
		return 0;
	r->out = out;
	r->out_room = max;
	module_of(r)->writable(r);
	r->out = NULL;
	return max - r->out_room;
}

/* Called again when it has said WAIT, when more was written or not. */
static enum body_read read_stream(void *owner, struct buf *out, size_t max)
{
	struct holdfast_request *r = owner;
	size_t n = take(r, out, max);

	n += ask(r, out, max - n);
	if (r->state == MODULE_BROKEN)
		return BODY_READ_FAILED;
	if (buf_length(&r->queue) > 0)
		return BODY_READ_SOME;
	if (r->state == MODULE_ANSWERED) {
		buf_release(&r->queue);
		return BODY_READ_END;
	}
	return n > 0 ? BODY_READ_SOME : BODY_READ_WAIT;
}

/* What the module asks for. */

static const char *text(struct holdfast_request *r, struct str s)
{
	return s.p != NULL ? arena_cstr(&r->x->arena, s) : NULL;
}

static struct holdfast_route *api_route(struct holdfast_request *r)
{
	return r->route;
}

static void api_set_data(struct holdfast_request *r, void *data)
{
	r->data = data;
}

static void *api_data(struct holdfast_request *r)
{
	return r->data;
}

static void *api_alloc(struct holdfast_request *r, size_t size)
{
	return arena_zalloc(&r->x->arena, 1, size);
}

static const char *api_method(struct holdfast_request *r)
{
	return text(r, r->x->request.method_text);
}

static const char *api_path(struct holdfast_request *r)
{
	return text(r, r->x->request.path);
}

static const char *api_rest(struct holdfast_request *r)
{
	return text(r, route_rest(r->x->route, r->x->request.path));
}

static const char *api_query(struct holdfast_request *r)
{
	return text(r, r->x->request.query);
}

static const char *api_host(struct holdfast_request *r)
{
	return text(r, r->x->request.host);
}

static const char *api_protocol(struct holdfast_request *r)
{
	return r->x->request.version;
}

static const char *api_request_id(struct holdfast_request *r)
{
	return text(r, request_id(r->x));
}

static const char *api_peer(struct holdfast_request *r, unsigned *port_out)
{
	if (port_out != NULL)
		*port_out = r->x->peer.port;
	return endpoint_ip(&r->x->peer, arena_bytes(&r->x->arena, ADDR_TEXT));
}

static const char *api_field(struct holdfast_request *r, const char *name)
{
	return text(r, exchange_field(r->x, str_of(name)));
}

static int api_field_at(struct holdfast_request *r, size_t i, const char **name_out,
			const char **value_out)
{
	const struct request *request = &r->x->request;

	if (i >= request->n_fields)
		return HOLDFAST_ERROR;
	*name_out = text(r, request->fields[i].name);
	*value_out = text(r, request->fields[i].value);
	return HOLDFAST_OK;
}

static const char *decoded(struct holdfast_request *r, struct str value,
			   size_t *size_out)
{
	char *bytes = arena_bytes(&r->x->arena, value.n + 1);
	size_t n = uri_decode(value, true, bytes);

	bytes[n] = '\0';
	if (size_out != NULL)
		*size_out = n;
	return bytes;
}

static const char *api_query_value(struct holdfast_request *r, const char *name,
				   size_t *size_out)
{
	struct str value = form_find(r->x->request.query, str_of(name));

	return value.p != NULL ? decoded(r, value, size_out) : NULL;
}

static const char *api_form_value(struct holdfast_request *r, const char *name,
				  size_t *size_out)
{
	const struct form_fields *form = form_fields_of(r->x);
	const struct form_field *field = form_fields_find(form, str_of(name));

	if (field == NULL)
		return NULL;
	if (form->is_encoded)
		return decoded(r, field->value, size_out);
	if (size_out != NULL)
		*size_out = field->value.n;
	return arena_cstr(&r->x->arena, field->value);
}

static const void *api_body(struct holdfast_request *r, size_t *size_out)
{
	*size_out = r->x->request.body.n;
	return r->x->request.body.p;
}

static void api_continue(struct holdfast_request *r)
{
	r->wants_body = true;
	if (!r->in_body)
		exchange_want_body(r->x);
}

static int api_timer(struct holdfast_request *r, uint64_t ms)
{
	if (module_of(r)->timer == NULL) {
		module_blame(r->route,
			     "holdfast_timer() is for modules with timer()");
		return HOLDFAST_ERROR;
	}
	if (r->state == MODULE_ENDED)
		return HOLDFAST_ERROR;
	if (ms == 0)
		timer_disarm(&r->timer);
	else
		loop_timer(r->x->http->loop, &r->timer, ms);
	return HOLDFAST_OK;
}

/* What the module answers. */

/* False when it is too late for that: by its own fault, or because the
 * request has ended, which it may not have heard of yet. */
static bool may_answer(struct holdfast_request *r, const char *function)
{
	if (r->state == MODULE_REQUESTED)
		return true;
	if (r->state != MODULE_ENDED)
		module_blame(r->route, "%s() after the answer", function);
	return false;
}

static bool check_status(struct holdfast_request *r, const char *function,
			 unsigned status)
{
	if (status >= 200 && status <= 599)
		return true;
	module_blame(r->route, "%s() with status %u", function, status);
	return false;
}

/* A module may answer with a range: Content-Range is its own to set. */
static bool is_reserved(struct str name)
{
	return reserved_for(name) &
	       (RESERVED_HOP | RESERVED_LENGTH | RESERVED_DATE | RESERVED_SERVER);
}

static bool is_text(struct str s)
{
	return octet_text_end_plain(s.p, s.p + s.n) == s.p + s.n;
}

/* RFC 9110 section 5.5: no space around the value. */
static int add_field(struct holdfast_request *r, const char *name_text,
		     const char *value_text)
{
	struct str name = str_of(name_text), value = str_trim(str_of(value_text));

	if (!octet_is_token(name) || !is_text(value) || is_reserved(name))
		return HOLDFAST_ERROR;
	fields_add(&r->x->response.fields, &r->x->arena, name, value);
	return HOLDFAST_OK;
}

static int api_add_field(struct holdfast_request *r, const char *name,
			 const char *value)
{
	return may_answer(r, "holdfast_add_field") ? add_field(r, name, value)
						   : HOLDFAST_ERROR;
}

/* RFC 9110 section 9.3.2 for HEAD. */
static bool has_no_content(const struct holdfast_request *r, unsigned status)
{
	return r->x->request.method == METHOD_HEAD ||
	       http_status_has_no_content(status);
}

/* What all answers begin with. */
static bool prepare(struct holdfast_request *r, const char *function,
		    unsigned status, const char *type)
{
	if (!may_answer(r, function) || !check_status(r, function, status))
		return false;
	if (type != NULL) {
		fields_remove(&r->x->response.fields, STR("Content-Type"));
		if (add_field(r, "Content-Type", type) != HOLDFAST_OK) {
			module_blame(r->route, "%s() with a type that is none",
				     function);
			return false;
		}
	}
	r->x->response.status = status;
	r->has_no_content = has_no_content(r, status);
	return true;
}

/* 205 says that its length is 0. */
static void set_content(struct holdfast_request *r, struct str content)
{
	if (r->x->response.status == 205)
		content = STR("");
	exchange_set_bytes(r->x, STR(""), arena_copy(&r->x->arena, content));
}

static int api_respond(struct holdfast_request *r, unsigned status,
		       const char *type, const void *content, size_t size)
{
	if (!prepare(r, "holdfast_respond", status, type))
		return HOLDFAST_ERROR;
	set_content(r, (struct str){content, size});
	r->state = MODULE_ANSWERED;
	exchange_answer(r->x);
	return HOLDFAST_OK;
}

/* Removes the fields that describe content which is not sent. */
static void remove_content_fields(struct fields *fields)
{
	static const struct str names[] = {
		STR_INIT("Content-Type"),
		STR_INIT("Content-Encoding"),
		STR_INIT("Content-Language"),
		STR_INIT("Content-Disposition"),
		STR_INIT("ETag"),
		STR_INIT("Last-Modified"),
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		fields_remove(fields, names[i]);
}

static int api_error(struct holdfast_request *r, unsigned status)
{
	if (!prepare(r, "holdfast_error", status, NULL))
		return HOLDFAST_ERROR;
	remove_content_fields(&r->x->response.fields);
	if (status >= 400)
		failure_set(r->x, FAILURE_CONFIGURED,
			    "module %s called holdfast_error()",
			    module_of(r)->name);
	r->state = MODULE_ANSWERED;
	exchange_answer_error(r->x, status);
	return HOLDFAST_OK;
}

static int api_begin(struct holdfast_request *r, unsigned status, const char *type,
		     uint64_t length)
{
	if (!prepare(r, "holdfast_begin", status, type))
		return HOLDFAST_ERROR;
	if (status == 205)
		set_content(r, STR(""));
	else
		r->x->response.body = (struct body){
			.kind = BODY_STREAM,
			.length = length,
			.read = read_stream,
			.owner = r,
		};
	r->left = length;
	r->state = MODULE_STREAMING;
	exchange_answer(r->x);
	return HOLDFAST_OK;
}

/* The protocol reads again; it does so by itself while it is reading. */
static void resume(struct holdfast_request *r)
{
	if (r->out == NULL)
		exchange_resume(r->x);
}

static bool may_write(struct holdfast_request *r, const char *function)
{
	if (r->state == MODULE_STREAMING)
		return true;
	if (r->state == MODULE_REQUESTED)
		module_blame(r->route, "%s() before holdfast_begin()", function);
	else if (r->state == MODULE_ANSWERED)
		module_blame(r->route, "%s() after the end", function);
	return false;
}

static void put(struct holdfast_request *r, struct str piece)
{
	if (r->out != NULL && buf_length(&r->queue) == 0) {
		size_t n = piece.n < r->out_room ? piece.n : r->out_room;

		buf_put(r->out, (struct str){piece.p, n});
		r->out_room -= n;
		piece = str_tail(piece, n);
	}
	buf_put(&r->queue, piece);
}

static int api_write(struct holdfast_request *r, const void *bytes, size_t size)
{
	struct str piece = {bytes, size};

	if (!may_write(r, "holdfast_write"))
		return HOLDFAST_ERROR;
	if (piece.n > r->left)
		piece.n = (size_t)r->left;
	if (r->left != HOLDFAST_LENGTH_UNKNOWN)
		r->left -= piece.n;
	if (!r->has_no_content && piece.n > 0) {
		if (piece.n > MODULE_MAX - buf_length(&r->queue)) {
			module_blame(r->route, "holdfast_write() does not wait "
					       "for its client: cut");
			r->state = MODULE_BROKEN;
			resume(r);
			return HOLDFAST_ERROR;
		}
		put(r, piece);
		resume(r);
	}
	if (piece.n < size) {
		module_blame(r->route, "holdfast_write() of more than the length "
				       "that it announced");
		return HOLDFAST_ERROR;
	}
	return buf_length(&r->queue) >= MODULE_FULL ? HOLDFAST_FULL : HOLDFAST_OK;
}

static int api_end(struct holdfast_request *r)
{
	if (!may_write(r, "holdfast_end"))
		return HOLDFAST_ERROR;
	bool is_short = r->left != HOLDFAST_LENGTH_UNKNOWN && r->left > 0 &&
			!r->has_no_content;

	if (is_short)
		module_blame(r->route,
			     "holdfast_end() %ju bytes before the length that it "
			     "announced: cut",
			     (uintmax_t)r->left);
	r->state = is_short ? MODULE_BROKEN : MODULE_ANSWERED;
	resume(r);
	return is_short ? HOLDFAST_ERROR : HOLDFAST_OK;
}

static void api_abort(struct holdfast_request *r)
{
	if (r->state == MODULE_REQUESTED) {
		r->x->response.fields.n = 0; /* they were for something else */
		r->state = MODULE_ANSWERED;
		failure_set(r->x, FAILURE_MODULE,
			    "module %s called holdfast_abort()",
			    module_of(r)->name);
		exchange_answer_error(r->x, 500);
	} else if (r->state == MODULE_STREAMING) {
		r->state = MODULE_BROKEN;
		resume(r);
	}
}

const struct holdfast_api module_api = {
	.option = module_option,
	.fail = module_fail,
	.set_route_data = module_set_route_data,
	.route_data = module_route_data,
	.route_timer = module_route_timer,
	.post = module_post,
	.log = module_log,
	.route = api_route,
	.set_data = api_set_data,
	.data = api_data,
	.alloc = api_alloc,
	.method = api_method,
	.path = api_path,
	.rest = api_rest,
	.query = api_query,
	.host = api_host,
	.protocol = api_protocol,
	.request_id = api_request_id,
	.peer = api_peer,
	.field = api_field,
	.field_at = api_field_at,
	.query_value = api_query_value,
	.form_value = api_form_value,
	.body = api_body,
	.continue_body = api_continue,
	.timer = api_timer,
	.add_field = api_add_field,
	.respond = api_respond,
	.error = api_error,
	.begin = api_begin,
	.write = api_write,
	.end = api_end,
	.abort = api_abort,
};
