/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In this order: the fields of the sub-request, what its response means for
 * the request, the protocol that carries it, and its life. It lives on the
 * heap, for as long as the request waits: it holds the request, and ends with
 * it when the client goes. When the worker has to end before there is a
 * response, the request starts over elsewhere, and so does this.
 *
 * The response is looked at in a task of its own: the handler that gives it is
 * not done with the sub-request at that moment. Worker.
 */
#include "worker/http/policy/authorize.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/http.h"
#include "worker/http/request_id.h"
#include "worker/http/router.h"

/* Content that is there is read, so that a connection which brought it can be
 * kept; more is not waited for. */
enum { AUTHORIZE_CONTENT = 16 * 1024 };

struct authorize {
	struct exchange sub;
	struct exchange *x; /* which waits for it */
	struct str path;
	struct task task;
};

/* The fields of the sub-request. */

/* Of a body that the sub-request does not have, of what the response of the
 * request itself is to be (a 304 would let nobody in), and of our own. */
static bool stays_behind(const struct field *field)
{
	static const struct str names[] = {
		STR_INIT("content-length"),
		STR_INIT("content-type"),
		STR_INIT("content-encoding"),
		STR_INIT("transfer-encoding"),
		STR_INIT("trailer"),
		STR_INIT("te"),
		STR_INIT("expect"),
		STR_INIT("upgrade"),
		STR_INIT("accept-encoding"),
		STR_INIT("range"),
		STR_INIT("if-range"),
		STR_INIT("if-match"),
		STR_INIT("if-none-match"),
		STR_INIT("if-modified-since"),
		STR_INIT("if-unmodified-since"),
		STR_INIT("x-original-uri"),
		STR_INIT("x-original-method"),
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (str_equal_nocase(field->name, names[i]))
			return true;
	return false;
}

static void fill_fields(struct request *to, const struct request *from,
			struct arena *arena)
{
	struct field *fields =
		arena_zalloc(arena, from->n_fields + 2, sizeof(*fields));
	size_t n = 0;

	for (size_t i = 0; i < from->n_fields; i++)
		if (!stays_behind(&from->fields[i]))
			fields[n++] = from->fields[i];
	fields[n++] = (struct field){.name = STR("X-Original-URI"),
				     .value = from->target};
	fields[n++] = (struct field){.name = STR("X-Original-Method"),
				     .value = from->method_text};
	to->fields = fields;
	to->n_fields = n;
	for (size_t i = 0; i < n; i++)
		to->known |= 1u << fields[i].id;
}

static void fill_request(struct authorize *a)
{
	struct request *r = &a->sub.request;

	r->method_text = STR("GET");
	r->target = a->path;
	r->raw_path = a->path;
	r->version = "HTTP/1.1";
	r->is_https = a->x->request.is_https;
	fill_fields(r, &a->x->request, &a->sub.arena);
	a->sub.request_id = request_id(a->x);
}

/* What the response means. */

static void copy_fields(struct exchange *x, const struct fields *fields,
			struct str wanted)
{
	struct str rest, name, value;

	if (fields == NULL)
		return;
	rest = fields_str(fields);
	while (fields_next(&rest, &name, &value))
		if (wanted.p == NULL || str_equal_nocase(name, wanted))
			fields_add(&x->response.fields, &x->arena, name, value);
}

/* A refusal that the client is to understand keeps what it is about. */
static unsigned refuse_with(struct authorize *a, struct str name,
			    struct str other_name)
{
	const struct response *r = &a->sub.response;

	copy_fields(a->x, r->prepared, name);
	copy_fields(a->x, &r->fields, name);
	copy_fields(a->x, r->prepared, other_name);
	copy_fields(a->x, &r->fields, other_name);
	return r->status;
}

static void add_all(struct fields *to, struct arena *arena,
		    const struct fields *from)
{
	struct str rest, name, value;

	if (from == NULL)
		return;
	rest = fields_str(from);
	while (fields_next(&rest, &name, &value))
		fields_add(to, arena, name, value);
}

static unsigned let_in(struct authorize *a)
{
	struct arena *arena = &a->x->arena;
	struct exchange_authorized *authorized =
		arena_zalloc(arena, 1, sizeof(*authorized));
	const struct response *r = &a->sub.response;

	authorized->status = r->status;
	add_all(&authorized->fields, arena, r->prepared);
	add_all(&authorized->fields, arena, &r->fields);
	a->x->authorized = authorized;
	return 0;
}

/* For the log: what the response was, and why, if that was our doing. */
static void set_failure(struct authorize *a, enum failure_kind kind)
{
	const struct response *r = &a->sub.response;
	const struct failure *own = r->failure;

	failure_set(a->x, kind,
		    "authorize %" STR_FMT ": its response was %u%s%" STR_FMT,
		    STR_ARG(a->path), r->status, own != NULL ? ": " : "",
		    STR_ARG(own != NULL ? own->reason : STR("")));
}

/* A permanent redirect (301, 308) would be remembered for what was asked for,
 * beyond the time in which it is refused (RFC 9110 section 15.4). */
static unsigned verdict(struct authorize *a)
{
	unsigned status = a->sub.response.status;

	if (status / 100 == 2)
		return let_in(a);
	set_failure(a, status == 401   ? FAILURE_LOGIN
		       : status == 403 ? FAILURE_DENIED
				       : FAILURE_SETTINGS);
	switch (status) {
	case 401:
		return refuse_with(a, STR("www-authenticate"), STR("set-cookie"));
	case 403:
		return 403;
	case 302:
	case 303:
	case 307:
		return refuse_with(a, STR("location"), STR("set-cookie"));
	default:
		return 500;
	}
}

/* Its life. */

static void read_content(struct exchange *sub)
{
	struct body *body = &sub->response.body;
	struct buf content = {0};
	enum body_read read = BODY_READ_SOME;

	while (body->kind == BODY_STREAM && read == BODY_READ_SOME &&
	       buf_length(&content) < AUTHORIZE_CONTENT)
		read = body->read(body->owner, &content, AUTHORIZE_CONTENT);
	buf_release(&content);
}

static void destroy(struct authorize *a)
{
	task_cancel(&a->task);
	exchange_forget(&a->sub);
	exchange_fini(&a->sub);
	free(a);
}

/* There is a response: what it says, and no more of it. */
static unsigned conclude(struct authorize *a)
{
	unsigned status = verdict(a);

	read_content(&a->sub);
	destroy(a);
	return status;
}

static void on_answered(struct task *task)
{
	struct authorize *a = CONTAINER_OF(task, struct authorize, task);
	struct exchange *x = a->x;

	x->ends_with_peer = false;
	exchange_admitted(x, conclude(a));
}

static void on_cancel(struct exchange *x)
{
	destroy(x->holder);
}

/* The sub-request is let in wherever it goes: the client was. */
static void handle(struct authorize *a, unsigned refusal)
{
	struct exchange *sub = &a->sub;

	if (refusal != 0) {
		exchange_answer_error(sub, refusal);
		return;
	}
	sub->body.want = exchange_wants_body(sub);
	exchange_handle(sub);
	if (sub->state == EXCHANGE_HANDLED && sub->body.want == BODY_WANT_PIECES)
		exchange_end_body(sub);
}

/* The protocol that carries it: there is no client. */

static struct authorize *authorize_of(struct exchange *sub)
{
	return CONTAINER_OF(sub, struct authorize, sub);
}

static void on_answer(struct exchange *sub)
{
	loop_queue(sub->http->loop, &authorize_of(sub)->task);
}

static void on_admitted(struct exchange *sub, unsigned refusal)
{
	handle(authorize_of(sub), refusal);
}

static void on_nothing(struct exchange *sub)
{
	(void)sub;
}

static void on_interim(struct exchange *sub, unsigned status,
		       const struct fields *fields)
{
	(void)sub;
	(void)status;
	(void)fields;
}

static const struct exchange_protocol no_connection = {
	.on_answer = on_answer,
	.on_admitted = on_admitted,
	.on_resume = on_nothing,
	.on_interim = on_interim,
	.on_want_body = on_nothing,
};

unsigned authorize_admit(struct str path, struct exchange *x)
{
	struct authorize *a;

	if (x->authorized != NULL)
		return 0;
	a = mem_zalloc(1, sizeof(*a));
	a->x = x;
	a->path = path;
	task_init(&a->task, on_answered);
	exchange_init(&a->sub, x->http, &no_connection, x->connection);
	a->sub.is_subrequest = true;
	fill_request(a);
	handle(a, exchange_begin(&a->sub, x->request.host));
	if (a->sub.state == EXCHANGE_ANSWERED)
		return conclude(a);
	x->ends_with_peer = true; /* nobody is asked for clients that are gone */
	exchange_hold(x, on_cancel, a);
	return EXCHANGE_LATER;
}
