/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bodies of a request that is passed on, and of its response.
 *
 * The request is sent from f->out, where it stays as long as it may have to
 * be sent again: until it has grown over FORWARD_REPLAY bytes, or the head of
 * a response is there. What the client sends is taken as fast as the server
 * takes it, and what the server sends as fast as the client does: between the
 * two there are f->out, the socket's own buffer and the client's, each of
 * which has a bound.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec/chunked.h"
#include "base/codec/trailers.h"
#include "base/log.h"
#include "worker/handler/proxy/forward.h"
#include "worker/handler/proxy/forward_state.h"
#include "worker/handler/proxy/proxy_response.h"
#include "worker/handler/proxy/proxy_rewrite.h"
#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/upstream/peer.h"

enum {
	FORWARD_PENDING = 8 * 1024, /* sent by the client, not yet taken */
};

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

/* However many pieces the head comes in, it has the time once. */
static void wait_for_head(struct forward *f)
{
	uint64_t ns = forward_timeouts(f)->first_byte * NS_PER_MS;

	if (f->head_until == 0)
		f->head_until = forward_now(f) + ns;
	forward_wait_until(f, f->head_until);
}

static void set_request_timeout(struct forward *f)
{
	if (forward_unsent(f) > 0)
		forward_wait_for_peer(f, forward_timeouts(f)->send);
	else if (f->has_ended)
		wait_for_head(f);
	else if (f->total_until != 0)
		socket_set_timeout_at(&f->peer->socket, f->total_until);
	else /* it is the client that is waited for */
		socket_clear_timeout(&f->peer->socket);
}

void forward_push(struct forward *f)
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

void forward_want_more(struct forward *f)
{
	if (f->is_waited_for && forward_unsent(f) < FORWARD_PENDING / 2) {
		f->is_waited_for = false;
		exchange_want_body(f->x);
	}
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
			chunked_decode_with_trailers(&f->chunked, &part, &piece);

		if (result == CHUNKED_BAD)
			return false;
		if (result == CHUNKED_PIECE) {
			buf_put(out, piece);
			max -= piece.n;
		}
		if (result == CHUNKED_TRAILERS)
			fields_add_lines(&f->trailers, &f->x->arena, piece);
		buf_consume(in, before - part.n);
		if (result == CHUNKED_DONE) {
			if (f->trailers.n > 0)
				proxy_response_put_trailers(
					f->x, fields_str(&f->trailers));
			forward_complete(f);
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
			forward_complete(f);
	}
	buf_put(out, piece);
	buf_consume(&f->peer->socket.in, piece.n);
}

static enum body_read broke_off(struct forward *f, const char *why)
{
	failure_note(f->x, FAILURE_UPSTREAM,
		     "cut short: upstream %s, server %s: %s",
		     f->upstream->conf->name, f->server->conf->text, why);
	forward_count_failure(f, why);
	return BODY_READ_FAILED;
}

/* The server sends nothing more. */
static enum body_read at_end(struct forward *f)
{
	if (f->framing == RESPONSE_LENGTH || f->framing == RESPONSE_CHUNKED)
		return broke_off(f, "the connection was closed in the content");
	forward_complete(f);
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
		forward_wait_for_peer(f, forward_timeouts(f)->read);
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
	if (f->state == FORWARD_TUNNEL || f->state == FORWARD_CONTENT)
		forward_wait_for_peer(f, forward_timeouts(f)->read);
	if (forward_is_connected(f))
		forward_push(f);
	f->is_waited_for = forward_unsent(f) >= FORWARD_PENDING;
	return !f->is_waited_for;
}

/* The last chunk, and the trailers that may be passed on. */
static void put_end(struct forward *f)
{
	struct str section = fields_str(&f->x->body.trailers), name, value;

	buf_put(&f->out, STR("0\r\n"));
	while (trailers_next(&section, &name, &value))
		if (proxy_rewrite_keeps(f->rules, name))
			buf_printf(&f->out, "%" STR_FMT ": %" STR_FMT "\r\n",
				   STR_ARG(name), STR_ARG(value));
	buf_put(&f->out, STR("\r\n"));
}

void forward_end_body(struct exchange *x)
{
	struct forward *f = forward_of(x);

	f->has_ended = true;
	if (f->body.framing == PROXY_CHUNKED)
		put_end(f);
	if (forward_is_connected(f))
		forward_push(f);
}
