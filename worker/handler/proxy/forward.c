/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request is sent from f->out, where it stays as long as it may have to
 * be sent again: until it has grown over FORWARD_REPLAY bytes, or the head of
 * a response is there. What the client sends is taken as fast as the server
 * takes it, and what the server sends as fast as the client does: between the
 * two there are f->out, the socket's own buffer and the client's, each of
 * which has a bound.
 *
 *   connect   forward_start() > try_server(): a connection that is idle, or a
 *             new one (on_connected())
 *   send      push(): head and body, as far as it has come
 *   head      read_head(): the head of the response answers the exchange
 *   content   forward_read(), for the protocol that sends it, or both ways at
 *             once in a tunnel
 *
 * A try that fails before the head is there may be made again on another
 * server: may_try_again() has the rules.
 */
#include "worker/handler/proxy/forward.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec/chunked.h"
#include "base/codec/response_head.h"
#include "base/log.h"
#include "worker/handler/proxy/forward_state.h"
#include "worker/handler/proxy/proxy.h"
#include "worker/handler/proxy/proxy_request.h"
#include "worker/handler/proxy/proxy_response.h"
#include "worker/http/exchange.h"
#include "worker/http/http.h"
#include "worker/http/router.h"
#include "worker/http/variables.h"
#include "worker/upstream/peer.h"
#include "worker/upstream/upstream.h"

enum {
	FORWARD_REPLAY = BUF_CHUNK,  /* of a request, kept to be sent again */
	FORWARD_PENDING = 8 * 1024,  /* sent by the client, not yet taken: see
				      * forward_may_move(), too */
	FORWARD_HEAD = 64 * 1024,    /* bytes of the head of a response */
	FORWARD_FRESH_MS = 1000,     /* see use_idle() */
	FORWARD_AT_HAND = 16 * 1024, /* see is_at_hand() */
	FORWARD_INTERIM_MAX = 32,    /* 1xx responses before the final one */
};

static const char *const state_names[] = {
	[FORWARD_CONNECTING] = "connecting",
	[FORWARD_SENDING] = "sending",
	[FORWARD_CONTENT] = "content",
	[FORWARD_TUNNEL] = "tunnel",
	[FORWARD_OVER] = "over",
};

void forward_set_state(struct forward *f, enum forward_state state)
{
	log_debug("forward: %s -> %s", state_names[f->state], state_names[state]);
	f->state = state;
}

static uint64_t now(const struct forward *f)
{
	return f->x->http->loop->now;
}

static const struct conf_upstream_timeouts *timeouts(const struct forward *f)
{
	return &f->upstream->conf->timeouts;
}

/* Waits for the peer for so long, but not beyond the time for all tries. */
static void wait_for_peer(struct forward *f, uint64_t ms)
{
	uint64_t until = now(f) + ms * NS_PER_MS;

	if (f->total_until != 0 && f->total_until < until)
		until = f->total_until;
	socket_set_timeout_at(&f->peer->socket, until);
}

static void try_server(struct forward *f);

/* The end of a try, or of all of it. */

static void let_go_of_peer(struct forward *f)
{
	if (f->peer == NULL)
		return;
	bool is_clean = f->is_complete && f->keep_alive && f->has_ended &&
			forward_unsent(f) == 0;

	buf_consume(&f->peer->socket.in, f->at_hand);
	f->at_hand = 0;
	if (is_clean)
		peer_keep(f->peer);
	else
		peer_close(&f->peer);
	f->peer = NULL;
}

/* Nothing more of the response will come. */
static void note_end(struct forward *f)
{
	struct exchange_upstream *u = f->x->upstream;

	if (u->ended == 0)
		u->ended = now(f);
}

static void complete(struct forward *f)
{
	f->is_complete = true;
	note_end(f);
}

static void finish(struct forward *f)
{
	forward_set_state(f, FORWARD_OVER);
	note_end(f);
	let_go_of_peer(f);
	buf_release(&f->out);
}

void forward_cancel(struct exchange *x)
{
	finish(x->holder);
}

void forward_release(void *owner)
{
	finish(owner);
}

/* Answers in place of a server; `why` is for the log. */
static void refuse(struct forward *f, unsigned status, const char *phase,
		   const char *why)
{
	char ip[ADDR_TEXT];

	log_client(LOG_LEVEL_WARN,
		   "%s: %" STR_FMT " %" STR_FMT
		   ": answered with %u: upstream %s%s%s: %s: %s",
		   endpoint_ip(&f->x->peer, ip), STR_ARG(f->x->request.method_text),
		   STR_ARG(f->x->request.path), status, f->upstream->conf->name,
		   f->server != NULL ? ", server " : "",
		   f->server != NULL ? f->server->conf->text : "", phase, why);
	finish(f);
	exchange_answer_error(f->x, status);
}

/* RFC 9110 section 9.2.2 */
static bool is_idempotent(const struct exchange *x)
{
	switch (x->request.method) {
	case METHOD_GET:
	case METHOD_HEAD:
	case METHOD_PUT:
	case METHOD_DELETE:
	case METHOD_OPTIONS:
	case METHOD_TRACE:
		return true;
	default:
		return false;
	}
}

/* A request is asked again only where that can do no harm: nothing of the
 * response has come, all of the request is still here, and it is idempotent or
 * nothing of it was sent. */
static bool may_try_again(const struct forward *f)
{
	return !f->is_received && f->is_replayable &&
	       (is_idempotent(f->x) || f->sent + f->whole_sent == 0);
}

static void count_failure(struct forward *f, const char *why)
{
	f->x->http->counters->upstream_failures++;
	server_failed(f->server, why);
}

/* This try has failed. One that met a connection which the server had closed
 * meanwhile is no fault of the server's, and does not count. */
static void fail(struct forward *f, unsigned status, const char *phase,
		 const char *why)
{
	bool was_stale = f->peer != NULL && f->peer->is_reused && !f->is_received &&
			 status == 502;
	bool may = may_try_again(f);

	peer_close(&f->peer);
	if (!was_stale) {
		count_failure(f, why);
		if (f->n_tried > f->upstream->conf->retries)
			may = false;
	} else if (f->n_tried > 0) {
		f->n_tried--;
	}
	if (f->total_until != 0 && now(f) >= f->total_until)
		may = false;
	if (!may) {
		refuse(f, status, phase, why);
		return;
	}
	f->sent = 0;
	f->whole_sent = 0;
	f->scanned = 0;
	f->x->http->counters->upstream_retries++;
	try_server(f);
}

/* Sending the request. */

size_t forward_unsent(const struct forward *f)
{
	return buf_length(&f->out) - f->sent + f->whole.n - f->whole_sent;
}

/* What was sent is not needed any more when the request is too large to be
 * kept, or has been answered. */
static void drop_sent(struct forward *f)
{
	if (f->is_replayable && buf_length(&f->out) <= FORWARD_REPLAY)
		return;
	if (f->sent == 0)
		return;
	f->is_replayable = false;
	buf_consume(&f->out, f->sent);
	f->sent = 0;
}

/* Sends a part of the request; *sent counts what was sent of it. */
static enum io send_part(struct forward *f, struct str part, size_t *sent)
{
	struct str tail = str_tail(part, *sent);
	size_t before = tail.n;
	enum io io = socket_flush_with(&f->peer->socket, &tail);

	*sent += before - tail.n;
	return io;
}

static void set_request_timeout(struct forward *f)
{
	if (forward_unsent(f) > 0)
		wait_for_peer(f, timeouts(f)->send);
	else if (f->has_ended)
		wait_for_peer(f, timeouts(f)->first_byte);
	else if (f->total_until != 0)
		socket_set_timeout_at(&f->peer->socket, f->total_until);
	else /* it is the client that is waited for */
		socket_clear_timeout(&f->peer->socket);
}

/* Sends what there is. A server that takes no more may have answered before it
 * closed: reading tells. */
static void push(struct forward *f)
{
	enum io io = IO_OK;

	if (f->sent < buf_length(&f->out)) {
		io = send_part(f, buf_str(&f->out), &f->sent);
		drop_sent(f);
	}
	if (io == IO_OK && f->whole_sent < f->whole.n)
		io = send_part(f, f->whole, &f->whole_sent);
	if (io == IO_ERROR)
		f->peer->socket.readable = true;
	if (f->state == FORWARD_SENDING)
		set_request_timeout(f);
	if (f->state == FORWARD_TUNNEL && f->has_ended && forward_unsent(f) == 0 &&
	    !f->was_finished) {
		f->was_finished = socket_finish(&f->peer->socket) != IO_AGAIN;
		if (f->was_finished)
			socket_shutdown(&f->peer->socket);
	}
}

static void want_more(struct forward *f)
{
	if (f->is_waited_for && forward_unsent(f) < FORWARD_PENDING / 2) {
		f->is_waited_for = false;
		exchange_want_body(f->x);
	}
}

/* The response. */

/* All of a small content is there already: it is sent along with the head,
 * from where it lies. */
static bool is_at_hand(const struct forward *f)
{
	return f->framing == RESPONSE_LENGTH && f->left <= FORWARD_AT_HAND &&
	       f->left <= buf_length(&f->peer->socket.in);
}

static void set_content(struct forward *f, const struct response_head *head)
{
	struct exchange *x = f->x;
	struct body *body = &x->response.body;
	bool is_head = x->request.method == METHOD_HEAD;

	*body = (struct body){
		.kind = BODY_STREAM,
		.length = BODY_LENGTH_UNKNOWN,
		.read = forward_read,
		.owner = f,
		.release = forward_release,
		.moves = true,
	};
	if (f->framing == RESPONSE_NO_CONTENT) {
		body->kind = BODY_NONE;
		body->length = 0;
		if (is_head)
			body->length = head->has_length ? head->content_length
							: BODY_LENGTH_UNKNOWN;
		complete(f);
	} else if (is_at_hand(f)) {
		body->kind = BODY_BYTES;
		body->bytes = (struct str){buf_str(&f->peer->socket.in).p, f->left};
		body->length = f->left;
		f->at_hand = f->left;
		complete(f);
	} else if (f->framing == RESPONSE_LENGTH) {
		body->length = f->left;
		body->splice = forward_splice;
	}
}

static void answer(struct forward *f, const struct response_head *head)
{
	struct exchange *x = f->x;

	x->upstream->status = head->status;
	f->framing = head->framing;
	f->left = head->content_length;
	f->keep_alive = head->keep_alive;
	f->is_replayable = false;
	f->total_until = 0; /* it is for what has come until here */
	socket_clear_timeout(&f->peer->socket);
	/* Whatever its status: an application that fails for one request is no
	 * reason to take its server from all others. */
	server_succeeded(f->server);
	if (head->status >= 400 &&
	    f->proxy->conf->errors == CONF_PROXY_ERRORS_OWN) {
		finish(f);
		exchange_answer_error(x, head->status);
		return;
	}
	proxy_response_fill(x, head);
	buf_consume(&f->peer->socket.in, head->size);
	x->response.is_tunnel = f->framing == RESPONSE_TUNNEL;
	set_content(f, head);
	forward_set_state(f,
			  x->response.is_tunnel ? FORWARD_TUNNEL : FORWARD_CONTENT);
	if (x->response.is_tunnel) {
		x->ends_with_peer = false;
		f->has_ended = false; /* what follows has its own end */
		f->body.framing = PROXY_NO_BODY;
	}
	exchange_answer(x);
}

/* RFC 9110 section 15.2: any number of them may come before the response, and
 * 100 is for us alone. False when the try has failed. */
static bool take_interim(struct forward *f, const struct response_head *head)
{
	if (++f->n_interim > FORWARD_INTERIM_MAX) {
		fail(f, 502, "response", "too many responses of 1xx");
		return false;
	}
	if (head->status != 100)
		proxy_response_pass_interim(f->x, head);
	buf_consume(&f->peer->socket.in, head->size);
	return true;
}

static void note_received(struct forward *f)
{
	if (!f->is_received)
		f->x->upstream->first_byte = now(f);
	f->is_received = true;
}

/* A step on the way to the head of the response; false when there is none
 * before the next event. */
static bool step_head(struct forward *f)
{
	static struct response_head head; /* large; of no use afterwards */
	static const struct response_limits limits = {.bytes = FORWARD_HEAD,
						      .fields = HTTP1_FIELDS_MAX};
	struct socket *s = &f->peer->socket;
	struct str in = buf_str(&s->in);
	const char *why;

	if (in.n > 0) {
		note_received(f);
		switch (response_head_parse(in, f->x->request.method == METHOD_HEAD,
					    &limits, &f->scanned, &head, &why)) {
		case HTTP1_COMPLETE:
			if (head.framing == RESPONSE_TUNNEL && !f->may_upgrade) {
				fail(f, 502, "response", "101 was not asked for");
				return false;
			}
			if (head.status < 200 && head.framing != RESPONSE_TUNNEL)
				return take_interim(f, &head);
			answer(f, &head);
			return false;
		case HTTP1_BAD:
			fail(f, 502, "response", why);
			return false;
		case HTTP1_PARTIAL:
			break;
		}
	}
	switch (socket_read(s)) {
	case IO_OK:
		return true;
	case IO_AGAIN:
		return false;
	case IO_EOF:
		fail(f, 502, "response",
		     in.n > 0 ? "the connection was closed in its head"
			      : "the connection was closed before it");
		return false;
	default:
		fail(f, 502, "response", strerror(errno));
		return false;
	}
}

static void read_head(struct forward *f)
{
	while (step_head(f))
		;
}

/* Content, for the protocol that sends it to the client. */

/* Moves what is framed by chunks; false when that is damaged. */
static bool put_chunked(struct forward *f, struct buf *out, size_t max)
{
	struct buf *in = &f->peer->socket.in;

	while (buf_length(in) > 0 && max > 0) {
		struct str all = buf_str(in), part = all, piece;

		if (part.n > max)
			part.n = max;
		size_t before = part.n;
		enum chunked_result result =
			chunked_decode(&f->chunked, &part, &piece);

		if (result == CHUNKED_BAD)
			return false;
		if (result == CHUNKED_PIECE) {
			buf_put(out, piece);
			max -= piece.n;
		}
		buf_consume(in, before - part.n);
		if (result == CHUNKED_DONE) {
			complete(f);
			return true;
		}
	}
	return true;
}

static void put_plain(struct forward *f, struct buf *out, size_t max)
{
	struct str piece = buf_str(&f->peer->socket.in);

	if (piece.n > max)
		piece.n = max;
	if (f->framing == RESPONSE_LENGTH) {
		if (piece.n > f->left)
			piece.n = (size_t)f->left;
		f->left -= piece.n;
		if (f->left == 0)
			complete(f);
	}
	buf_put(out, piece);
	buf_consume(&f->peer->socket.in, piece.n);
}

static enum body_read broke_off(struct forward *f, const char *why)
{
	log_client(LOG_LEVEL_WARN,
		   "%" STR_FMT ": cut short: upstream %s, server %s: %s",
		   STR_ARG(f->x->request.path), f->upstream->conf->name,
		   f->server->conf->text, why);
	count_failure(f, why);
	return BODY_READ_FAILED;
}

/* The server sends nothing more. */
static enum body_read at_end(struct forward *f)
{
	if (f->framing == RESPONSE_LENGTH || f->framing == RESPONSE_CHUNKED)
		return broke_off(f, "the connection was closed in the content");
	complete(f);
	return BODY_READ_END;
}

/* The next of it may be long in coming: what is empty takes no memory. */
static void give_back(struct forward *f)
{
	drop_sent(f);
	if (buf_length(&f->peer->socket.in) == 0)
		buf_release(&f->peer->socket.in);
	if (buf_length(&f->out) == 0)
		buf_release(&f->out);
}

/* What reading more of the content came to; BODY_READ_SOME: there is more. */
static enum body_read outcome(struct forward *f, enum io io)
{
	switch (io) {
	case IO_OK:
		socket_clear_timeout(&f->peer->socket);
		return BODY_READ_SOME;
	case IO_AGAIN:
		wait_for_peer(f, timeouts(f)->read);
		give_back(f);
		return BODY_READ_WAIT;
	case IO_EOF:
		return at_end(f);
	default:
		return f->state == FORWARD_TUNNEL ? at_end(f)
						  : broke_off(f, strerror(errno));
	}
}

enum body_read forward_read(void *owner, struct buf *out, size_t max)
{
	struct forward *f = owner;
	struct socket *s = &f->peer->socket;
	size_t before = buf_length(out);

	for (;;) {
		if (f->framing != RESPONSE_CHUNKED)
			put_plain(f, out, max);
		else if (!put_chunked(f, out, max))
			return broke_off(f, "the content is not in chunked coding");
		if (f->is_complete)
			return BODY_READ_END;
		if (buf_length(out) > before)
			return BODY_READ_SOME;
		if (f->has_timed_out)
			return f->state == FORWARD_TUNNEL
				       ? BODY_READ_END
				       : broke_off(f, "timed out");
		enum body_read read = outcome(f, socket_read(s));

		if (read != BODY_READ_SOME)
			return read;
	}
}

enum body_read forward_splice(void *owner, struct socket *to, size_t max,
			      size_t *n_out)
{
	struct forward *f = owner;
	struct socket *s = &f->peer->socket;

	*n_out = 0;
	if (buf_length(&s->in) > 0 || f->left <= 1 || f->has_timed_out ||
	    !socket_can_splice(to, s)) {
		enum body_read read = forward_read(f, &to->out, max);

		*n_out = buf_length(&to->out);
		return read;
	}
	/* The last byte is read: a read that comes short shows that nothing
	 * follows, so that the connection can be kept. */
	if (f->left <= max)
		max = (size_t)f->left - 1;
	enum io io = socket_splice(to, s, max, n_out);

	f->left -= *n_out;
	return outcome(f, io);
}

/* What the peer tells. */

static void on_connected(struct peer *peer, int error)
{
	struct forward *f = peer->context;

	if (error != 0) {
		f->peer = NULL;
		fail(f, 502, "connect", strerror(error));
		return;
	}
	f->x->upstream->connected = now(f);
	forward_set_state(f, FORWARD_SENDING);
	push(f);
	want_more(f);
	read_head(f);
}

static void on_ready(struct peer *peer)
{
	struct forward *f = peer->context;

	push(f);
	want_more(f);
	if (f->state == FORWARD_SENDING)
		read_head(f);
	else
		exchange_resume(f->x);
}

static void on_timeout(struct peer *peer)
{
	struct forward *f = peer->context;

	switch (f->state) {
	case FORWARD_CONNECTING:
		fail(f, 504, "connect", "timed out");
		break;
	case FORWARD_SENDING:
		if (forward_unsent(f) > 0)
			fail(f, 504, "send", "timed out");
		else
			fail(f, 504, "response", "timed out");
		break;
	default:
		f->has_timed_out = true;
		exchange_resume(f->x);
	}
}

const struct peer_user forward_user = {
	.on_connected = on_connected,
	.on_ready = on_ready,
	.on_timeout = on_timeout,
};

/* The beginning, and each new try. */

/* The head, in front of what has come of the body. False when the exchange was
 * answered. */
static bool put_head(struct forward *f)
{
	struct buf head = {0};
	struct str body = str_tail(buf_str(&f->out), f->head_size);
	const char *address = f->server->conf->text;

	if (f->head_size > 0 && f->proxy->conf->host != CONF_PROXY_HOST_SERVER)
		return true; /* it is the same for every server */
	if (!proxy_request_put_head(&head, f->x, f->proxy, f->body, address)) {
		buf_release(&head);
		finish(f);
		exchange_answer_error(f->x, 413);
		return false;
	}
	f->head_size = buf_length(&head);
	buf_put(&head, body);
	buf_release(&f->out);
	f->out = head;
	return true;
}

/* Whether it can be sent again after all of it was: see drop_sent(). */
static bool stays_replayable(const struct forward *f)
{
	if (!is_idempotent(f->x) || !f->is_replayable)
		return false;
	return f->has_ended || f->body.framing == PROXY_NO_BODY ||
	       (f->body.framing == PROXY_LENGTH &&
		f->head_size + f->body.length <= FORWARD_REPLAY);
}

/*
 * An idle connection may be closed by the server in the moment in which it is
 * used. A request that can be sent again is, then; any other only takes one
 * that was used just now, which no server's keep-alive time-out will end.
 */
static bool use_idle(struct forward *f)
{
	uint64_t max_ms = stays_replayable(f) ? f->upstream->conf->keepalive_time
					      : FORWARD_FRESH_MS;

	f->peer = server_idle_peer(f->server, max_ms);
	if (f->peer == NULL)
		return false;
	f->server->requests++;
	peer_use(f->peer, &forward_user, f);
	forward_set_state(f, FORWARD_SENDING);
	push(f);
	want_more(f); /* of a body that an earlier try could not send */
	read_head(f);
	return true;
}

/* For the log, which tells of the last try. */
static void note_try(struct forward *f)
{
	struct exchange_upstream *u = f->x->upstream;

	u->server = str_of(f->server->conf->text);
	u->tries++;
	u->asked = now(f);
	u->connected = 0;
	u->first_byte = 0;
}

static void try_server(struct forward *f)
{
	enum upstream_lack lack;

	f->server =
		upstream_pick(f->upstream, f->hash, f->tried, f->n_tried, &lack);
	if (f->server == NULL) {
		if (lack == UPSTREAM_FULL)
			refuse(f, 503, "choice",
			       "every server is at its "
			       "max_connections");
		else
			refuse(f, 502, "choice", "no server's name is resolved");
		return;
	}
	f->tried[f->n_tried++] = f->server;
	if (!put_head(f))
		return;
	note_try(f);
	if (use_idle(f))
		return;
	forward_set_state(f, FORWARD_CONNECTING);
	f->peer = server_connect(f->server, &forward_user, f);
	if (f->peer == NULL)
		fail(f, 502, "connect", strerror(errno));
	else
		wait_for_peer(f, timeouts(f)->connect);
}

static uint64_t hash_of(const struct forward *f)
{
	struct str text;

	if (f->upstream->conf->balance != CONF_BALANCE_HASH ||
	    !template_evaluate(&f->upstream->conf->hash, f->x, ESCAPE_NONE, &text))
		return 0;
	return str_hash(text);
}

void forward_start(struct exchange *x, const struct proxy *proxy)
{
	struct forward *f = arena_zalloc(&x->arena, 1, sizeof(*f));
	bool is_whole = proxy->conf->request_buffer;

	f->x = x;
	f->proxy = proxy;
	f->upstream = &x->http->upstreams->items[proxy->upstream];
	f->tried = arena_zalloc(&x->arena, f->upstream->conf->retries + 1,
				sizeof(struct server *));
	f->body = proxy_request_body(x, is_whole);
	f->whole = is_whole ? x->request.body : STR("");
	f->has_ended = is_whole;
	f->is_replayable = true;
	f->may_upgrade = proxy_request_upgrades(x, proxy);
	f->hash = hash_of(f);
	if (timeouts(f)->total != 0)
		f->total_until = now(f) + timeouts(f)->total * NS_PER_MS;
	x->upstream = arena_zalloc(&x->arena, 1, sizeof(*x->upstream));
	x->upstream->name = str_of(f->upstream->conf->name);
	x->upstream->begun = now(f);
	x->http->counters->upstream_requests++;
	exchange_hold(x, forward_cancel, f);
	x->ends_with_peer = true; /* what nobody waits for is not asked for */
	try_server(f);
}

/* The body of the request. */

struct forward *forward_of(const struct exchange *x)
{
	return x->state == EXCHANGE_HANDLED ? x->holder : x->response.body.owner;
}

static void put_piece(struct forward *f, struct str piece)
{
	if (f->body.framing == PROXY_CHUNKED)
		buf_printf(&f->out, "%zx\r\n", piece.n);
	buf_put(&f->out, piece);
	if (f->body.framing == PROXY_CHUNKED)
		buf_put(&f->out, STR("\r\n"));
}

bool forward_put_body(struct exchange *x, struct str piece)
{
	struct forward *f = forward_of(x);

	if (piece.n > 0)
		put_piece(f, piece);
	if (f->state == FORWARD_TUNNEL)
		wait_for_peer(f, timeouts(f)->read);
	if (f->state != FORWARD_CONNECTING)
		push(f);
	f->is_waited_for = forward_unsent(f) >= FORWARD_PENDING;
	return !f->is_waited_for;
}

void forward_end_body(struct exchange *x)
{
	struct forward *f = forward_of(x);

	f->has_ended = true;
	if (f->body.framing == PROXY_CHUNKED)
		buf_put(&f->out, STR("0\r\n\r\n"));
	if (f->state != FORWARD_CONNECTING)
		push(f);
}
