/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In this order: whether a response is compressed, compressing short content at
 * once, long content as a stream that reads from the handler's, and
 * compress_response(), which picks one of them. Worker.
 */
#include "worker/http/policy/compress.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/codec/http_status.h"
#include "base/mem.h"
#include "worker/http/http.h"
#include "worker/http/policy/compressor.h"
#include "worker/http/tools/codings.h"

enum {
	COMPRESS_AT_ONCE = 32 * 1024, /* bytes; about a millisecond */
	COMPRESS_PIECE = 16 * 1024,   /* of a longer content, at a time */
};

/* What is compressed. */

static bool has_case_prefix(struct str s, struct str prefix)
{
	return s.n >= prefix.n &&
	       str_equal_nocase((struct str){s.p, prefix.n}, prefix);
}

static bool has_case_suffix(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       str_equal_nocase((struct str){s.p + (s.n - suffix.n), suffix.n},
				suffix);
}

/* "text/html" is one of "text/html" and "text/...", and "image/svg+xml" of
 * "...+xml", with a star for the dots. */
static bool is_in_range(struct str type, struct str range)
{
	if (range.p[0] == '*')
		return has_case_suffix(type, str_tail(range, 1));
	if (range.p[range.n - 1] == '*')
		return has_case_prefix(type, (struct str){range.p, range.n - 1});
	return str_equal_nocase(type, range);
}

bool compress_wants(const struct conf_common *conf, struct str type,
		    uint64_t length)
{
	struct str essence = str_trim(str_cut(&type, ';'));

	if (length < conf->compress_min)
		return false;
	for (size_t i = 0; i < conf->compress_types.n; i++)
		if (is_in_range(essence, conf->compress_types.items[i]))
			return true;
	return false;
}

static bool list_has(struct str list, struct str element)
{
	while (list.p != NULL)
		if (str_equal_nocase(str_trim(str_cut(&list, ',')), element))
			return true;
	return false;
}

bool compress_is_forbidden(struct str cache_control)
{
	return list_has(cache_control, STR("no-transform"));
}

/* Short content. */

bool compress_bytes(enum conf_coding coding, struct str content,
		    struct arena *arena, struct str *out)
{
	struct compressor *compressor = compressor_create(coding, content.n);
	size_t room = content.n, n = 0;
	bool done = false;

	if (compressor == NULL || room == 0) {
		compressor_destroy(&compressor);
		return false;
	}
	char *text = mem_alloc(room);

	/* If it does not fit, it is not shorter. */
	if (compressor_run(compressor, COMPRESSOR_END, &content, text, room, &n))
		done = n < room;
	if (done)
		*out = arena_copy(arena, (struct str){text, n});
	free(text);
	compressor_destroy(&compressor);
	return done;
}

/* Long content, as a stream. */

struct compression {
	struct compressor *compressor;
	struct body source;
	uint64_t left;             /* of a source whose length is known */
	enum compressor_task task; /* with what is in `in`, or after it */
	struct str in;             /* of the source, not taken yet */
	struct buf buffer;         /* that holds it, unless the source does */
	bool is_flushed;           /* nothing has been taken since */
	const struct loop *loop;
	uint64_t filled_at; /* loop->now: one piece in a tick */
	struct compress_keeper keeper;
	struct buf kept;
};

static enum body_read fill_from_bytes(struct compression *z)
{
	size_t n = z->left < COMPRESS_PIECE ? (size_t)z->left : COMPRESS_PIECE;

	z->in = (struct str){z->source.bytes.p, n};
	z->source.bytes = str_tail(z->source.bytes, n);
	return BODY_READ_SOME;
}

static enum body_read fill_from_file(struct compression *z)
{
	size_t n = z->left < COMPRESS_PIECE ? (size_t)z->left : COMPRESS_PIECE;
	ssize_t got = pread(z->source.file, buf_room(&z->buffer, COMPRESS_PIECE), n,
			    z->source.offset);

	if (got <= 0)
		return BODY_READ_FAILED;
	buf_added(&z->buffer, (size_t)got);
	z->source.offset += got;
	z->in = buf_str(&z->buffer);
	return BODY_READ_SOME;
}

static enum body_read fill_from_stream(struct compression *z)
{
	size_t max = z->left < COMPRESS_PIECE ? (size_t)z->left : COMPRESS_PIECE;
	enum body_read read = z->source.read(z->source.owner, &z->buffer, max);

	z->in = buf_str(&z->buffer);
	return read;
}

/* The next piece of the source, and the task of the compressor. */
static enum body_read fill(struct compression *z)
{
	bool is_known = z->source.length != BODY_LENGTH_UNKNOWN;
	enum body_read read = BODY_READ_SOME;

	buf_consume(&z->buffer, buf_length(&z->buffer));
	if (z->left > 0 && z->source.kind == BODY_BYTES)
		read = fill_from_bytes(z);
	else if (z->left > 0 && z->source.kind == BODY_FILE)
		read = fill_from_file(z);
	else if (z->left > 0)
		read = fill_from_stream(z);
	if (is_known)
		z->left -= z->in.n;
	if (read == BODY_READ_END && is_known && z->left > 0)
		return BODY_READ_FAILED; /* it said there was more */
	if (z->in.n > 0)
		z->is_flushed = false;
	if (read == BODY_READ_END || z->left == 0)
		z->task = COMPRESSOR_END;
	else if (read == BODY_READ_WAIT)
		z->task = COMPRESSOR_FLUSH;
	return read;
}

static void keep_piece(struct compression *z, struct str piece, bool is_whole)
{
	if (z->keeper.keep == NULL)
		return;
	if (buf_length(&z->kept) + piece.n > z->keeper.max) {
		z->keeper.keep = NULL;
		buf_release(&z->kept);
		return;
	}
	buf_put(&z->kept, piece);
	if (is_whole)
		z->keeper.keep(z->keeper.context, buf_str(&z->kept));
}

static enum body_read read_compressed(void *owner, struct buf *out, size_t max)
{
	struct compression *z = owner;
	size_t n;

	if (z->task == COMPRESSOR_TAKE && z->in.n == 0) {
		if (z->filled_at == z->loop->now)
			return BODY_READ_SOME; /* in the next tick */
		z->filled_at = z->loop->now;
		enum body_read read = fill(z);

		if (read == BODY_READ_FAILED)
			return read;
		if (read == BODY_READ_WAIT && z->is_flushed) {
			z->task = COMPRESSOR_TAKE;
			return read;
		}
	}
	char *to = buf_room(out, max);
	bool done = compressor_run(z->compressor, z->task, &z->in, to, max, &n);

	buf_added(out, n);
	keep_piece(z, (struct str){to, n}, done && z->task == COMPRESSOR_END);
	if (!done || z->task == COMPRESSOR_TAKE)
		return BODY_READ_SOME;
	if (z->task == COMPRESSOR_END)
		return BODY_READ_END;
	z->is_flushed = true;
	z->task = COMPRESSOR_TAKE;
	return BODY_READ_WAIT;
}

/* The rest is for one client, who reads it slowly: the time of a worker that
 * should end is worth more than its bytes. It is not what others should get. */
static void run_ahead(void *owner)
{
	struct compression *z = owner;

	compressor_hurry(z->compressor);
	z->keeper.keep = NULL;
	buf_release(&z->kept);
	if (z->source.kind == BODY_STREAM)
		z->source.run_ahead(z->source.owner);
}

static void release_compression(void *owner)
{
	struct compression *z = owner;

	compressor_destroy(&z->compressor);
	if (z->source.release != NULL)
		z->source.release(z->source.owner);
	buf_release(&z->buffer);
	buf_release(&z->kept);
	free(z);
}

bool compress_body(struct exchange *x, enum conf_coding coding,
		   const struct compress_keeper *keeper)
{
	struct body *body = &x->response.body;
	struct compressor *compressor;

	if (x->request.method == METHOD_HEAD) { /* nothing will be read */
		body->kind = BODY_STREAM;
		body->length = BODY_LENGTH_UNKNOWN;
		return true;
	}
	compressor = compressor_create(coding, body->length);
	if (compressor == NULL)
		return false;
	struct compression *z = mem_zalloc(1, sizeof(*z));

	z->loop = x->http->loop;
	z->compressor = compressor;
	z->source = *body;
	z->left = body->length;
	z->is_flushed = true;
	if (keeper != NULL)
		z->keeper = *keeper;
	*body = (struct body){
		.kind = BODY_STREAM,
		.length = BODY_LENGTH_UNKNOWN,
		.read = read_compressed,
		.stays = z->source.kind == BODY_STREAM && z->source.moves,
		.owner = z,
		.release = release_compression,
	};
	if (z->source.kind != BODY_STREAM || z->source.run_ahead != NULL)
		body->run_ahead = run_ahead;
	return true;
}

/* Responses of any handler. */

/* The fields of a response that describe its content. */
struct described {
	struct str type;
	bool is_coded, is_fixed, varies;
};

static void describe(struct described *d, const struct fields *fields)
{
	struct str rest = fields_str(fields), name, value;

	while (fields_next(&rest, &name, &value)) {
		if (str_equal_nocase(name, STR("Content-Type")))
			d->type = value;
		else if (str_equal_nocase(name, STR("Content-Encoding")) ||
			 str_equal_nocase(name, STR("Content-Range")))
			d->is_coded = true;
		else if (str_equal_nocase(name, STR("Cache-Control")))
			d->is_fixed |= compress_is_forbidden(value);
		else if (str_equal_nocase(name, STR("Vary")))
			d->varies |= list_has(value, STR("Accept-Encoding")) ||
				     list_has(value, STR("*"));
	}
}

/* A strong ETag is of the content as it was; and no ranges of the compressed
 * one can be asked for. */
static void copy_fields(const struct fields *from, struct exchange *x,
			struct fields *to)
{
	struct str rest = fields_str(from), name, value;

	while (fields_next(&rest, &name, &value)) {
		if (str_equal_nocase(name, STR("Accept-Ranges")))
			continue;
		if (str_equal_nocase(name, STR("ETag")) &&
		    str_starts_with(value, STR("\"")))
			value = arena_printf(&x->arena, "W/%" STR_FMT,
					     STR_ARG(value));
		fields_add(to, &x->arena, name, value);
	}
}

static void change_fields(struct exchange *x, enum conf_coding coding)
{
	struct response *r = &x->response;
	struct fields fields = {0};

	if (r->prepared != NULL)
		copy_fields(r->prepared, x, &fields);
	copy_fields(&r->fields, x, &fields);
	fields_add(&fields, &x->arena, STR("Content-Encoding"),
		   conf_coding_names[coding]);
	r->prepared = NULL;
	r->fields = fields;
}

/* A response to HEAD whose handler has no content at hand. */
static bool is_without_content(const struct exchange *x)
{
	const struct response *r = &x->response;

	return r->body.kind == BODY_NONE && r->body.length > 0 &&
	       x->request.method == METHOD_HEAD &&
	       !http_status_ends_with_head(r->status);
}

static bool can_compress(const struct exchange *x)
{
	const struct response *r = &x->response;

	return r->status != 206 && !r->is_tunnel && !r->is_duplex &&
	       (r->body.kind == BODY_BYTES || r->body.kind == BODY_FILE ||
		r->body.kind == BODY_STREAM || is_without_content(x));
}

static bool compress(struct exchange *x, enum conf_coding coding)
{
	struct body *body = &x->response.body;

	if (is_without_content(x)) {
		body->length = BODY_LENGTH_UNKNOWN;
		return true;
	}
	if (body->kind != BODY_BYTES || body->length > COMPRESS_AT_ONCE)
		return compress_body(x, coding, NULL);
	if (!compress_bytes(coding, body->bytes, &x->arena, &body->bytes))
		return false;
	body->length = body->bytes.n;
	return true;
}

void compress_response(const struct conf_common *conf, struct exchange *x)
{
	struct response *r = &x->response;
	struct described d = {.type = STR("")};
	enum conf_coding coding;

	if (!can_compress(x))
		return;
	if (r->prepared != NULL)
		describe(&d, r->prepared);
	describe(&d, &r->fields);
	if (d.is_coded || d.is_fixed ||
	    !compress_wants(conf, d.type, r->body.length))
		return;
	if (!d.varies)
		fields_add(&r->fields, &x->arena, STR("Vary"),
			   STR("Accept-Encoding"));
	if (request_has(&x->request, FIELD_RANGE) ||
	    !codings_choose(&x->request, &conf->compress, ~0u, &coding))
		return;
	if (compress(x, coding))
		change_fields(x, coding);
}
