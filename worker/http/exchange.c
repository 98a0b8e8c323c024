/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In the order of an exchange's life: the table of its states; finding the
 * route and the policy; admission; holding and resuming; the body; the handler;
 * the answer and its forms; the end, which counts and reports it. Then fields
 * of requests, and the reasons of statuses. Worker.
 */
#include "worker/http/exchange.h"

#include "base/clock.h"
#include "base/codec/uri.h"
#include "base/log.h"
#include "worker/http/failure.h"
#include "worker/http/http.h"
#include "worker/http/policy/policy.h"
#include "worker/http/router.h"

enum {
	EXCHANGE_MAGIC = 0x65786368,
	REROUTES_MAX = 10,
};

static const char *const state_names[] = {
	[EXCHANGE_IDLE] = "idle",
	[EXCHANGE_REQUEST] = "request",
	[EXCHANGE_HANDLED] = "handled",
	[EXCHANGE_ANSWERED] = "answered",
};

/* From each state, where it may go: a set of 1 << state. */
static const unsigned transitions[] = {
	[EXCHANGE_IDLE] = 1 << EXCHANGE_REQUEST,
	[EXCHANGE_REQUEST] =
		1 << EXCHANGE_HANDLED | 1 << EXCHANGE_ANSWERED | 1 << EXCHANGE_IDLE,
	[EXCHANGE_HANDLED] = 1 << EXCHANGE_ANSWERED | 1 << EXCHANGE_IDLE,
	[EXCHANGE_ANSWERED] = 1 << EXCHANGE_IDLE,
};

static void set_state(struct exchange *x, enum exchange_state state)
{
	ASSERT(x->magic == EXCHANGE_MAGIC);
	ASSERT(transitions[x->state] & 1u << state);
	log_debug("exchange: %s -> %s", state_names[x->state], state_names[state]);
	x->state = state;
}

void exchange_init(struct exchange *x, struct http *http,
		   const struct exchange_protocol *protocol,
		   const struct exchange_connection *connection)
{
	*x = (struct exchange){
		.magic = EXCHANGE_MAGIC,
		.http = http,
		.protocol = protocol,
		.connection = connection,
		.peer = connection->peer,
	};
	body_init(&x->body);
}

void exchange_fini(struct exchange *x)
{
	if (x->state != EXCHANGE_IDLE)
		exchange_break_off(x);
	arena_fini(&x->arena);
}

enum conf_method exchange_method(struct str text)
{
	for (int m = 0; m < METHOD_COUNT; m++)
		if (str_equal(conf_method_names[m], text))
			return (enum conf_method)m;
	return METHOD_COUNT;
}

static struct str lower_host(struct exchange *x, struct str host_value)
{
	struct str name = uri_host_name(host_value);
	char *text = arena_bytes(&x->arena, name.n);

	for (size_t i = 0; i < name.n; i++)
		text[i] = ascii_lower(name.p[i]);
	/* "example.org." is the same host: the dot says it is absolute. */
	if (name.n > 1 && text[name.n - 1] == '.')
		name.n--;
	return (struct str){text, name.n};
}

static void add_allow(struct exchange *x, unsigned methods)
{
	char text[128];
	size_t n = 0;

	for (int m = 0; m < METHOD_COUNT; m++) {
		if (!(methods & 1u << m))
			continue;
		if (n > 0) {
			memcpy(text + n, ", ", 2);
			n += 2;
		}
		memcpy(text + n, conf_method_names[m].p, conf_method_names[m].n);
		n += conf_method_names[m].n;
	}
	fields_add(&x->response.fields, &x->arena, STR("Allow"),
		   (struct str){text, n});
}

/* The route of the place that names the method; *allowed_out is the set of all
 * that are named there. */
static const struct route *find_by_method(const struct route *first,
					  enum conf_method method,
					  unsigned *allowed_out)
{
	*allowed_out = 0;
	for (const struct route *r = first; r != NULL; r = r->other) {
		*allowed_out |= r->conf->methods;
		if (r->conf->methods & 1u << method)
			return r;
	}
	return NULL;
}

/* Picks the route of the place that takes the method. What answers GET answers
 * HEAD, where nothing else does (RFC 9110 section 9.1). */
static unsigned choose_by_method(struct exchange *x, const struct route *first)
{
	enum conf_method method = x->request.method;
	unsigned allowed;

	x->route = find_by_method(first, method, &allowed);
	if (x->route == NULL && method == METHOD_HEAD)
		x->route = find_by_method(first, METHOD_GET, &allowed);
	if (x->route != NULL)
		return 0;
	if (allowed & 1u << METHOD_GET)
		allowed |= 1u << METHOD_HEAD;
	add_allow(x, allowed | 1u << METHOD_OPTIONS);
	/* RFC 9110 section 9.3.7: what the resource can do. */
	if (x->request.method == METHOD_OPTIONS)
		return 204;
	failure_set(x, FAILURE_MISSING, "%s does not take the method",
		    first->conf->origin.where);
	return 405;
}

static unsigned give_up(struct exchange *x, const struct route *route,
			const char *why)
{
	failure_set(x, FAILURE_SETTINGS, "%s: %s", route->conf->origin.where, why);
	return 500;
}

/* One look-up. As exchange_begin(). */
static unsigned find_once(struct exchange *x)
{
	struct found found =
		router_find(&x->http->router, x->request.host, x->request.path);

	x->route = NULL;
	x->captures = NULL;
	x->policy = found.route != NULL ? found.route->policy : found.policy;
	if (found.route == NULL) {
		failure_set(x, FAILURE_MISSING, "no route for %s",
			    failure_quote(x, x->request.path));
		return 404;
	}
	if (found.is_too_hard)
		return give_up(x, found.route,
			       "it is too much work to match the path with the "
			       "pattern");
	if (found.regex != NULL)
		x->captures =
			regex_captures(found.regex, x->request.path, &x->arena);
	unsigned status = choose_by_method(x, found.route);

	if (x->route != NULL)
		x->policy = x->route->policy;
	return status;
}

/* Finds the route, if need be by way of routes that only rewrite. */
static unsigned find_route(struct exchange *x)
{
	for (int n = 0; n <= REROUTES_MAX; n++) {
		unsigned status = find_once(x);

		if (status != 0 || x->route->handler->reroute == NULL)
			return status;
		const struct route *route = x->route;

		if (n == REROUTES_MAX)
			break;
		status = route->handler->reroute(x, route->instance);
		if (status != 0)
			return status;
	}
	return give_up(x, x->route, "the request was rewritten too often");
}

/* No route applies; use the site's policy. */
static unsigned without_route(struct exchange *x, unsigned status, const char *why)
{
	failure_set(x, FAILURE_MALFORMED, "%s", why);
	x->policy = router_policy(&x->http->router, x->request.host);
	return status;
}

/* Finds the route and the policy of the request. As exchange_begin(). */
static unsigned find_who_answers(struct exchange *x, struct str host_value)
{
	struct request *r = &x->request;
	char *path = arena_bytes(&x->arena, r->raw_path.n);
	size_t n;

	r->method = exchange_method(r->method_text);
	r->host = lower_host(x, host_value);
	if (r->method == METHOD_COUNT)
		return without_route(x, 501, "a method that is not known");
	/* RFC 9110 section 7.4: a request for https needs a secured connection.
	 * */
	if (r->is_https && !x->connection->is_secured)
		return without_route(
			x, 421, "a request for https on a connection without TLS");
	if (str_equal(r->raw_path, STR("*"))) {
		r->path = r->raw_path;
		add_allow(x, 1u << METHOD_GET | 1u << METHOD_HEAD |
				     1u << METHOD_POST | 1u << METHOD_OPTIONS);
		return 204;
	}
	if (!uri_normalise_path(r->raw_path, path, &n))
		return without_route(x, 400, "a path that must not be resolved");
	r->path = (struct str){path, n};
	return find_route(x);
}

/* Says whether it is let in, and what else there is to say then. */
static unsigned let_in(struct exchange *x, unsigned refusal)
{
	if (refusal == 0 && !x->is_subrequest)
		refusal = policy_authorize(x->policy, x);
	if (refusal != 0)
		return refusal;
	policy_change_request(x->policy, x);
	return x->found;
}

unsigned exchange_begin(struct exchange *x, struct str host_value)
{
	set_state(x, EXCHANGE_REQUEST);
	body_restart(&x->body);
	if (x->http->proxies != NULL)
		x->peer = policy_peer(x);
	x->found = find_who_answers(x, host_value);
	if (x->policy == NULL)
		return x->found;
	return let_in(x, x->is_subrequest ? 0 : policy_admit(x->policy, x));
}

void exchange_hold(struct exchange *x, void (*on_cancel)(struct exchange *x),
		   void *holder)
{
	ASSERT(x->on_cancel == NULL);
	x->on_cancel = on_cancel;
	x->holder = holder;
}

static void let_go(struct exchange *x)
{
	x->on_cancel = NULL;
	x->holder = NULL;
}

void exchange_cancel(struct exchange *x)
{
	void (*on_cancel)(struct exchange *) = x->on_cancel;

	if (on_cancel == NULL)
		return;
	x->on_cancel = NULL; /* it reads x->holder */
	on_cancel(x);
	let_go(x);
}

void exchange_watch(struct exchange *x,
		    void (*on_over)(struct exchange *x, void *watcher),
		    void *watcher)
{
	ASSERT(x->on_over == NULL);
	x->on_over = on_over;
	x->watcher = watcher;
}

static void tell_watcher(struct exchange *x)
{
	x->on_over(x, x->watcher);
	x->on_over = NULL;
	x->watcher = NULL;
	x->ends_with_peer = false;
}

void exchange_admitted(struct exchange *x, unsigned refusal)
{
	ASSERT(x->state == EXCHANGE_REQUEST && x->on_cancel != NULL);
	let_go(x);
	if (x->policy != NULL)
		refusal = let_in(x, refusal);
	if (refusal != EXCHANGE_LATER)
		x->protocol->on_admitted(x, refusal);
}

void exchange_resume(struct exchange *x)
{
	ASSERT(x->state == EXCHANGE_ANSWERED);
	x->protocol->on_resume(x);
}

void exchange_interim(struct exchange *x, unsigned status,
		      const struct fields *fields)
{
	ASSERT(x->state == EXCHANGE_HANDLED);
	x->protocol->on_interim(x, status, fields);
}

/* Which may go on after the answer. */
static bool takes_body(const struct exchange *x)
{
	return x->state == EXCHANGE_HANDLED ||
	       (x->state == EXCHANGE_ANSWERED &&
		(x->response.is_tunnel || x->response.is_duplex));
}

void exchange_want_body(struct exchange *x)
{
	if (!takes_body(x))
		return;
	x->body.is_paused = false;
	x->protocol->on_want_body(x);
}

uint64_t exchange_body_limit(const struct exchange *x)
{
	return x->route != NULL ? x->route->conf->common.body_limit
				: x->http->conf->limits.body;
}

enum body_want exchange_wants_body(const struct exchange *x)
{
	const struct handler *handler = x->route->handler;

	return handler->wants_body != NULL ? handler->wants_body(x->route->instance)
					   : BODY_WANT_NOT;
}

void exchange_handle(struct exchange *x)
{
	set_state(x, EXCHANGE_HANDLED);
	x->route->handler->answer(x, x->route->instance);
	ASSERT(x->state != EXCHANGE_HANDLED || x->on_cancel != NULL);
}

bool exchange_put_body(struct exchange *x, struct str piece)
{
	ASSERT(takes_body(x));
	return x->route->handler->body(x, x->route->instance, piece);
}

void exchange_end_body(struct exchange *x)
{
	ASSERT(takes_body(x));
	x->route->handler->end_body(x, x->route->instance);
}

void exchange_refuse(struct exchange *x, unsigned status, struct str method)
{
	x->request.method_text = arena_copy(&x->arena, method);
	x->request.method = exchange_method(method);
	set_state(x, EXCHANGE_REQUEST);
	exchange_answer_error(x, status);
}

static void release_body(struct body *body)
{
	if (body->release != NULL)
		body->release(body->owner);
	*body = (struct body){0};
}

void exchange_set_bytes(struct exchange *x, struct str type, struct str bytes)
{
	release_body(&x->response.body);
	if (type.n > 0)
		fields_add(&x->response.fields, &x->arena, STR("Content-Type"),
			   type);
	x->response.body = (struct body){
		.kind = BODY_BYTES, .bytes = bytes, .length = bytes.n};
}

void exchange_answer_error(struct exchange *x, unsigned status)
{
	struct response *r = &x->response;

	if (status >= 400 && r->failure == NULL)
		failure_set(x, failure_kind_of(status), "%" STR_FMT,
			    STR_ARG(http_reason(status)));
	r->status = status;
	r->prepared = NULL;
	const struct error_page *own =
		x->policy != NULL ? policy_error_page(x->policy, status) : NULL;

	if (own != NULL) {
		exchange_set_bytes(x, own->type, own->content);
	} else if (status != 204) {
		struct str reason = http_reason(status);
		struct str page = arena_printf(
			&x->arena,
			"<!doctype html>\n<title>%u %" STR_FMT "</title>\n"
			"<h1>%u %" STR_FMT "</h1>\n",
			status, STR_ARG(reason), status, STR_ARG(reason));

		exchange_set_bytes(x, STR("text/html; charset=utf-8"), page);
	}
	exchange_answer(x);
}

void exchange_answer_redirect(struct exchange *x, unsigned status,
			      struct str location)
{
	char *text = arena_bytes(&x->arena, 3 * location.n);
	struct str uri = {text, uri_encode(location, URI_WHOLE, text)};

	fields_add(&x->response.fields, &x->arena, STR("Location"), uri);
	exchange_answer_error(x, status);
}

void exchange_answer(struct exchange *x)
{
	set_state(x, EXCHANGE_ANSWERED);
	if (x->response.failure != NULL && x->response.status >= 400 &&
	    !x->is_subrequest)
		failure_log(x);
	let_go(x);
	x->times.answered = loop_read_clock(x->http->loop);
	if (x->policy != NULL)
		policy_change_response(x->policy, x);
	x->protocol->on_answer(x);
}

static void count_phase(struct histogram *h, uint64_t from, uint64_t to)
{
	if (from != 0 && to >= from)
		histogram_add(h, (to - from) / NS_PER_US);
}

/* Which of the cells of counters->protocols. */
static unsigned protocol_of(const struct exchange *x)
{
	const char *version = x->request.version; /* "HTTP/1.1" */

	if (version == NULL)
		return 0;
	return version[5] == '2' ? 3 : version[7] == '0' ? 1 : 2;
}

static void count(const struct exchange *x)
{
	struct counters *counters = x->http->counters;
	const struct exchange_times *t = &x->times;

	unsigned class = x->response.status / 100 % 6;
	struct named *named = x->route != NULL ? x->route->counted : NULL;

	counters->requests++;
	counters->responses[class]++;
	counters->protocols[protocol_of(x)]++;
	if (named == NULL)
		named = router_counted(&x->http->router, x->request.host, x->route);
	if (named != NULL) {
		named->n[NAMED_RESPONSES + class]++;
		named->n[NAMED_BYTES] += x->content_sent;
		if (t->first_byte != 0 && t->last_byte > t->first_byte)
			named->n[NAMED_NS] += t->last_byte - t->first_byte;
	}
	count_phase(&counters->to_head, t->first_byte, t->head);
	count_phase(&counters->to_answer, t->head, t->answered);
	count_phase(&counters->to_end, t->answered, t->last_byte);
	count_phase(&counters->total, t->first_byte, t->last_byte);
}

void exchange_forget(struct exchange *x)
{
	exchange_cancel(x);
	if (x->concurrent_key != 0)
		policy_release(x);
	if (x->on_over != NULL)
		tell_watcher(x);
	release_body(&x->response.body);
	body_release(&x->body);
	if (x->state != EXCHANGE_IDLE)
		set_state(x, EXCHANGE_IDLE);
	arena_reset(&x->arena);
	x->request = (struct request){0};
	x->response = (struct response){0};
	x->times = (struct exchange_times){0};
	x->route = NULL;
	x->policy = NULL;
	x->captures = NULL;
	x->peer = x->connection->peer;
	x->content_sent = 0;
	x->form = NULL;
	x->upstream = NULL;
	x->stream = NULL;
	x->connection_requests = 0;
	x->request_id = (struct str){NULL, 0};
	x->authorized = NULL;
	x->was_admitted = false;
	x->user = (struct str){NULL, 0};
	x->broke_off = false;
	x->ends_with_peer = false;
}

bool exchange_may_move(const struct exchange *x)
{
	return (x->state == EXCHANGE_HANDLED || x->state == EXCHANGE_ANSWERED) &&
	       x->route != NULL && x->route->handler != NULL &&
	       x->route->handler->may_move != NULL &&
	       x->route->handler->may_move(x);
}

bool exchange_rests(const struct exchange *x)
{
	return exchange_may_move(x) && x->route->handler->rests != NULL &&
	       x->route->handler->rests(x);
}

void exchange_resume_handled(struct exchange *x)
{
	set_state(x, EXCHANGE_REQUEST);
	set_state(x, EXCHANGE_HANDLED);
}

void exchange_resume_answered(struct exchange *x)
{
	set_state(x, EXCHANGE_REQUEST);
	set_state(x, EXCHANGE_ANSWERED);
}

void exchange_finish(struct exchange *x)
{
	ASSERT(x->state != EXCHANGE_IDLE);
	if (x->times.last_byte == 0)
		x->times.last_byte = loop_read_clock(x->http->loop);
	count(x);
	if (x->http->on_finished != NULL)
		x->http->on_finished(x->http, x);
	exchange_forget(x);
}

void exchange_break_off(struct exchange *x)
{
	x->broke_off = true;
	exchange_finish(x);
}

struct str exchange_field(const struct exchange *x, struct str name)
{
	for (size_t i = 0; i < x->request.n_fields; i++)
		if (str_equal_nocase(x->request.fields[i].name, name))
			return x->request.fields[i].value;
	return (struct str){NULL, 0};
}

/* How the values of several fields of that name become one. */
static struct str separator_of(struct str name)
{
	return str_equal_nocase(name, STR("cookie")) ? STR("; ") : STR(", ");
}

struct str exchange_joined_field(struct exchange *x, struct str name)
{
	const struct request *r = &x->request;
	struct fields_join join = {.arena = &x->arena,
				   .separator = separator_of(name)};

	for (size_t i = 0; i < r->n_fields; i++)
		if (str_equal_nocase(r->fields[i].name, name))
			fields_join_add(&join, r->fields[i].value);
	return join.joined;
}

bool request_sole_field(const struct request *request, enum field_id id,
			struct str *value_out)
{
	size_t n = 0;

	for (size_t i = 0; i < request->n_fields; i++) {
		if (request->fields[i].id != id)
			continue;
		*value_out = request->fields[i].value;
		n++;
	}
	return n == 1;
}

/* RFC 9110 section 15, and the RFCs that added to it; in order. */
static const struct {
	unsigned status;
	struct str reason;
} reasons[] = {
	{101, STR_INIT("Switching Protocols")},
	{102, STR_INIT("Processing")},
	{103, STR_INIT("Early Hints")},
	{200, STR_INIT("OK")},
	{201, STR_INIT("Created")},
	{202, STR_INIT("Accepted")},
	{203, STR_INIT("Non-Authoritative Information")},
	{204, STR_INIT("No Content")},
	{205, STR_INIT("Reset Content")},
	{206, STR_INIT("Partial Content")},
	{300, STR_INIT("Multiple Choices")},
	{301, STR_INIT("Moved Permanently")},
	{302, STR_INIT("Found")},
	{303, STR_INIT("See Other")},
	{304, STR_INIT("Not Modified")},
	{307, STR_INIT("Temporary Redirect")},
	{308, STR_INIT("Permanent Redirect")},
	{400, STR_INIT("Bad Request")},
	{401, STR_INIT("Unauthorized")},
	{402, STR_INIT("Payment Required")},
	{403, STR_INIT("Forbidden")},
	{404, STR_INIT("Not Found")},
	{405, STR_INIT("Method Not Allowed")},
	{406, STR_INIT("Not Acceptable")},
	{408, STR_INIT("Request Timeout")},
	{409, STR_INIT("Conflict")},
	{410, STR_INIT("Gone")},
	{411, STR_INIT("Length Required")},
	{412, STR_INIT("Precondition Failed")},
	{413, STR_INIT("Content Too Large")},
	{414, STR_INIT("URI Too Long")},
	{415, STR_INIT("Unsupported Media Type")},
	{416, STR_INIT("Range Not Satisfiable")},
	{417, STR_INIT("Expectation Failed")},
	{418, STR_INIT("I'm a teapot")},
	{421, STR_INIT("Misdirected Request")},
	{422, STR_INIT("Unprocessable Content")},
	{426, STR_INIT("Upgrade Required")},
	{428, STR_INIT("Precondition Required")},
	{429, STR_INIT("Too Many Requests")},
	{431, STR_INIT("Request Header Fields Too Large")},
	{451, STR_INIT("Unavailable For Legal Reasons")},
	{500, STR_INIT("Internal Server Error")},
	{501, STR_INIT("Not Implemented")},
	{502, STR_INIT("Bad Gateway")},
	{503, STR_INIT("Service Unavailable")},
	{504, STR_INIT("Gateway Timeout")},
	{505, STR_INIT("HTTP Version Not Supported")},
	{507, STR_INIT("Insufficient Storage")},
};

struct str http_reason(unsigned status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return STR("");
}
