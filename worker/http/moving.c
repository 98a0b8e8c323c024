/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the owners of content in files, then how content gets there: at once
 * when it is in memory, or piece by piece from a source that makes it. Nothing
 * here runs before an exchange is asked whether it can move.
 */
#include "worker/http/moving.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "worker/http/exchange.h"
#include "worker/http/http.h"
#include "worker/http/router.h"
#include "worker/http/spool.h"

enum { MOVING_PIECE = 16 * 1024 }; /* made in a tick */

/* The owner of content that moves, or has moved. */
struct store {
	struct exchange *x;
	struct spool spool; /* the content, from where on it was stored */
	uint64_t taken;     /* of the spool: has been read */
	struct buf piece;   /* what follows it, when temp is full */
	/* It has the rest; and, to the end, what the head of the response says:
	 * response.prepared may be of the file that it compresses. */
	struct body source;
	enum body_read outcome; /* BODY_READ_SOME: the source goes on */
	bool is_stopped;        /* it is read from directly: it is too much */
	struct task task;
};

static void release_source(struct store *store)
{
	if (store->source.release != NULL)
		store->source.release(store->source.owner);
	store->source = (struct body){0};
}

static void release(void *owner)
{
	struct store *store = owner;

	task_cancel(&store->task);
	release_source(store);
	spool_release(&store->spool);
	buf_release(&store->piece);
	free(store);
}

static void make_some(struct task *task);

static struct store *store_create(struct exchange *x)
{
	struct store *store = mem_zalloc(1, sizeof(*store));

	store->x = x;
	spool_init(&store->spool);
	store->outcome = BODY_READ_END;
	task_init(&store->task, make_some);
	return store;
}

static uint64_t stored(const struct store *store)
{
	return store->spool.size - store->taken;
}

/* Reading, as the content of a stream. */

static bool read_spool(struct store *store, struct buf *out, size_t n)
{
	char *to = buf_room(out, n);
	size_t got = 0;

	while (got < n) {
		ssize_t some = pread(store->spool.file, to + got, n - got,
				     (off_t)(store->taken + got));

		if (some == -1 && errno == EINTR)
			continue;
		if (some <= 0)
			return false;
		got += (size_t)some;
	}
	buf_added(out, n);
	store->taken += n;
	return true;
}

static enum body_read read_store(void *owner, struct buf *out, size_t max)
{
	struct store *store = owner;
	struct str piece = buf_str(&store->piece);

	if (stored(store) > 0) {
		if (stored(store) < max)
			max = (size_t)stored(store);
		if (!read_spool(store, out, max))
			return BODY_READ_FAILED;
	} else if (piece.n > 0) {
		if (piece.n > max)
			piece.n = max;
		buf_put(out, piece);
		buf_consume(&store->piece, piece.n);
	} else if (store->outcome == BODY_READ_SOME) {
		enum body_read read =
			store->source.read(store->source.owner, out, max);

		if (read != BODY_READ_WAIT)
			store->outcome = read;
		return read;
	}
	return stored(store) > 0 || buf_length(&store->piece) > 0 ? BODY_READ_SOME
								  : store->outcome;
}

/* Storing. */

/* Stores what is in `piece`, as far as there is room. */
static bool store_piece(struct store *store)
{
	struct spool *spool = &store->spool;
	uint64_t before = spool->size;
	const char *temp = store->x->http->conf->temp;

	if (buf_length(&store->piece) == 0)
		return true;
	bool ok = spool_put(spool, buf_str(&store->piece), 0, temp) == 0;

	if (!ok)
		log_client_errno(LOG_LEVEL_WARN,
				 "cannot keep what is left of a response in %s",
				 temp);
	buf_consume(&store->piece, (size_t)(spool->size - before));
	return ok;
}

/* The next piece, one in each tick: others want to be served, too. */
static void make_some(struct task *task)
{
	struct store *store = CONTAINER_OF(task, struct store, task);

	if (store->outcome == BODY_READ_SOME) {
		enum body_read read = store->source.read(
			store->source.owner, &store->piece, MOVING_PIECE);

		if (read != BODY_READ_WAIT)
			store->outcome = read;
		store->is_stopped =
			!store_piece(store) ||
			stored(store) > store->x->http->conf->limits.move_file;
	}
	if (store->outcome == BODY_READ_SOME && !store->is_stopped) {
		loop_queue(store->x->http->loop, task);
		return;
	}
	exchange_resume(store->x);
}

static enum moving begin_making(struct exchange *x)
{
	struct body *body = &x->response.body;
	struct store *store = store_create(x);

	body->run_ahead(body->owner);
	store->source = *body;
	store->outcome = BODY_READ_SOME;
	body->owner = store;
	body->read = read_store;
	body->run_ahead = NULL;
	body->release = release;
	loop_queue(x->http->loop, &store->task);
	return MOVING_SOON;
}

static enum moving store_bytes(struct exchange *x)
{
	struct body *body = &x->response.body;
	struct store *store;

	if (body->bytes.n > x->http->conf->limits.move_file)
		return MOVING_LARGE;
	store = store_create(x);
	if (spool_put(&store->spool, body->bytes, 0, x->http->conf->temp) == -1) {
		log_client_errno(LOG_LEVEL_WARN,
				 "cannot keep what is left of a response in %s",
				 x->http->conf->temp);
		release(store);
		return MOVING_LARGE;
	}
	if (body->release != NULL)
		body->release(body->owner);
	body->kind = BODY_FILE;
	body->file = store->spool.file;
	body->offset = 0;
	body->left = body->bytes.n;
	body->owner = store;
	body->release = release;
	return MOVING_READY;
}

static uint64_t bytes_of_parts(const struct body *body)
{
	uint64_t n = 0;

	for (size_t i = 0; i < body->n_parts; i++)
		n += body->parts[i].bytes.n;
	return n;
}

static enum moving state_of_stream(const struct body *body)
{
	const struct store *store = body->owner;

	if (body->read != read_store)
		return body->stays ? MOVING_TIED : MOVING_HELD;
	if (store->is_stopped || buf_length(&store->piece) > 0 ||
	    store->outcome == BODY_READ_FAILED)
		return MOVING_LARGE;
	return store->outcome == BODY_READ_SOME ? MOVING_SOON : MOVING_READY;
}

enum moving moving_state(const struct exchange *x)
{
	const struct body *body = &x->response.body;

	if (x->state != EXCHANGE_ANSWERED)
		return MOVING_HELD;
	switch (body->kind) {
	case BODY_BYTES:
		return body->bytes.n <= MOVING_INLINE ? MOVING_READY : MOVING_LARGE;
	case BODY_PARTS:
		return bytes_of_parts(body) <= MOVING_INLINE ? MOVING_READY
							     : MOVING_LARGE;
	case BODY_STREAM:
		if (body->moves)
			return exchange_may_move(x) ? MOVING_READY : MOVING_HELD;
		return state_of_stream(body);
	default:
		return MOVING_READY;
	}
}

enum moving moving_prepare(struct exchange *x)
{
	const struct body *body = &x->response.body;
	enum moving state = moving_state(x);

	if (x->state != EXCHANGE_ANSWERED)
		return state;
	if (body->kind == BODY_BYTES && state == MOVING_LARGE)
		return store_bytes(x);
	if (body->kind == BODY_STREAM && state == MOVING_HELD &&
	    body->run_ahead != NULL)
		return begin_making(x);
	return state;
}

enum moving moving_state_of_body(const struct exchange *x)
{
	const struct spool *spool = &x->body.spool;

	/* What a handler has taken in pieces is its own. */
	if (x->body.want == BODY_WANT_PIECES)
		return MOVING_HELD;
	return spool->file != -1 || buf_length(&spool->memory) <= MOVING_INLINE
		       ? MOVING_READY
		       : MOVING_LARGE;
}

enum moving moving_state_of_held(const struct exchange *x)
{
	/* Before it is handled it is about a password. */
	bool restarts = x->state == EXCHANGE_REQUEST ||
			(x->state == EXCHANGE_HANDLED && x->route != NULL &&
			 x->route->handler->restarts);

	/* Who holds it may be reading the body: it stays as it is. */
	return x->http->is_late && restarts &&
			       moving_state_of_body(x) == MOVING_READY
		       ? MOVING_READY
		       : MOVING_HELD;
}

enum moving moving_prepare_body(struct exchange *x)
{
	enum moving state = moving_state_of_body(x);

	if (state != MOVING_LARGE)
		return state;
	if (spool_to_file(&x->body.spool, x->http->conf->temp) == -1) {
		log_client_errno(LOG_LEVEL_WARN,
				 "cannot keep a request's body in %s",
				 x->http->conf->temp);
		return MOVING_LARGE;
	}
	return MOVING_READY;
}

void moving_stream(const struct body *body, int *file_out, uint64_t *offset_out,
		   uint64_t *left_out)
{
	const struct store *store = body->owner;

	ASSERT(body->read == read_store);
	*file_out = store->spool.file;
	*offset_out = store->taken;
	*left_out = stored(store);
}

void moving_adopt(struct exchange *x, int file, uint64_t offset, uint64_t left)
{
	struct body *body = &x->response.body;
	struct store *store = store_create(x);

	store->spool.file = file;
	store->spool.size = offset + left;
	store->taken = offset;
	body->owner = store;
	body->release = release;
	if (body->kind == BODY_STREAM)
		body->read = read_store;
}
