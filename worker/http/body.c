/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/body.h"

#include <errno.h>

#include "base/buf.h"
#include "base/shared/scoreboard.h"
#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/http.h"
#include "worker/http/router.h"

enum {
	/* Of an unwanted body: more costs more than a new connection. */
	BODY_DROP_MAX = 1024 * 1024,
};

void body_init(struct request_body *body)
{
	spool_init(&body->spool);
}

void body_empty(struct request_body *body)
{
	body->earlier = STR("");
	spool_release(&body->spool);
}

enum body_put body_refuse(struct exchange *x, unsigned status, const char *why)
{
	x->body.status = status;
	failure_set(x, failure_kind_of(status), "%s", why);
	return BODY_PUT_REFUSED;
}

static enum body_put cannot_keep(struct exchange *x)
{
	x->body.status = errno == ENOSPC || errno == EDQUOT ? 507 : 503;
	failure_set(x, FAILURE_SYSTEM, "cannot keep the body in %s: %s",
		    x->http->conf->temp, strerror(errno));
	return BODY_PUT_REFUSED;
}

bool body_begin(struct exchange *x, uint64_t length)
{
	if (length > 0 && length != BODY_LENGTH_UNKNOWN &&
	    length > exchange_body_limit(x)) {
		body_refuse(x, 413, "Content-Length is over the limit");
		return false;
	}
	x->body.want = exchange_wants_body(x);
	return true;
}

bool body_begin_pieces(struct exchange *x)
{
	if (spool_whole(&x->body.spool, &x->body.earlier) == 0)
		return true;
	cannot_keep(x);
	return false;
}

/* It was counted when it came. */
void body_put_earlier(struct exchange *x)
{
	struct request_body *b = &x->body;
	size_t n = b->earlier.n < BUF_CHUNK ? b->earlier.n : BUF_CHUNK;
	struct str piece = {b->earlier.p, n};

	b->earlier = str_tail(b->earlier, n);
	b->is_paused = !exchange_put_body(x, piece);
	if (b->earlier.n == 0)
		body_empty(b);
}

/* Whether the files of all workers have room for what the spool becomes with the
 * piece; what stays in memory needs none. */
static bool has_room(const struct exchange *x, const struct spool *spool,
		     struct str piece)
{
	const struct conf_limits *limits = &x->http->conf->limits;
	const struct scoreboard *board = x->http->board;
	uint64_t sum = piece.n;

	if (limits->temp == 0 || board == NULL ||
	    (spool->file == -1 &&
	     buf_length(&spool->memory) + piece.n <= limits->body_memory))
		return true;
	for (uint32_t i = 0; i < board->n_used && i < SCOREBOARD_SLOTS; i++)
		sum += board->slots[i].temp;
	return sum <= limits->temp;
}

static enum body_put keep(struct exchange *x, struct str piece)
{
	const struct conf *conf = x->http->conf;
	struct spool *spool = &x->body.spool;
	bool was_in_memory = spool->file == -1;

	if (!has_room(x, spool, piece))
		return body_refuse(x, 507,
				   "files of bodies are at limits.temp together");
	if (spool_put(spool, piece, conf->limits.body_memory, conf->temp) == -1)
		return cannot_keep(x);
	if (was_in_memory && spool->file != -1)
		x->http->counters->temp_bodies++;
	return BODY_PUT_ALL;
}

enum body_put body_put(struct exchange *x, struct str piece)
{
	struct request_body *b = &x->body;

	b->received += piece.n;
	if (b->received > exchange_body_limit(x))
		return body_refuse(x, 413, "the body is over the limit");
	if (b->want != BODY_WANT_PIECES)
		return keep(x, piece);
	b->is_paused = !exchange_put_body(x, piece);
	return b->is_paused || (x->state != EXCHANGE_HANDLED &&
				!x->response.is_duplex)
		       ? BODY_PUT_PAUSED
		       : BODY_PUT_ALL;
}

void body_put_trailers(struct exchange *x, struct str text)
{
	if (x->body.want == BODY_WANT_PIECES)
		fields_add_lines(&x->body.trailers, &x->arena, text);
}

bool body_end(struct exchange *x)
{
	if (x->body.want == BODY_WANT_PIECES) {
		exchange_end_body(x);
		return true;
	}
	if (spool_whole(&x->body.spool, &x->request.body) == -1) {
		cannot_keep(x);
		return false;
	}
	exchange_handle(x);
	return true;
}

uint64_t body_drop_limit(const struct exchange *x)
{
	uint64_t limit = exchange_body_limit(x);

	return limit < BODY_DROP_MAX ? limit : BODY_DROP_MAX;
}

bool body_drop(struct exchange *x, uint64_t n)
{
	x->body.received += n;
	return x->body.received <= body_drop_limit(x);
}

bool body_wait(struct exchange *x)
{
	const struct conf *conf = x->http->conf;
	struct pace *pace = &x->body.pace;
	uint64_t now = x->http->loop->now;

	if (now >= pace_end(pace, conf->timeouts.body) &&
	    !pace_keeps_up(pace, now, x->body.received, conf->limits.rate)) {
		body_refuse(x, 408, "the body came more slowly than limits.rate");
		return false;
	}
	x->deadline = now + conf->timeouts.body * NS_PER_MS;
	return true;
}
