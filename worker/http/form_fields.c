/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First adding fields within the limits, then the two kinds of forms, each read
 * a piece a tick, and at the end waiting for the fields and finding them.
 * Worker.
 */
#include "worker/http/form_fields.h"

#include <stdint.h>

#include "base/codec/form.h"
#include "base/codec/multipart.h"
#include "base/log.h"
#include "base/loop.h"
#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/http.h"

enum {
	FORM_STEP = 4 * 1024 * 1024, /* bytes of a body, in one tick */
	FORM_ROOM = 16,              /* fields, at first */
	/* Of an encoded name: a longer one matches no variable. */
	FORM_NAME_MAX = 16384,
};

/* In the exchange's arena, which ends it. */
struct form_reader {
	struct form_fields fields;
	struct exchange *exchange;
	size_t room;
	struct str rest; /* of a urlencoded body; p == NULL: at its end */
	size_t searched; /* bytes of it that have no "&" */
	struct multipart *multipart;
	struct task task; /* while it is read over many ticks */
	void (*ready)(struct exchange *x);
};

static void refuse(struct form_reader *r, unsigned status, const char *why)
{
	r->fields = (struct form_fields){.status = status, .why = why};
}

/* False when there may not be one more. */
static bool add(struct form_reader *r, struct form_field field)
{
	struct form_fields *fields = &r->fields;
	struct arena *arena = &r->exchange->arena;

	if (fields->n == r->exchange->http->conf->limits.form_fields) {
		refuse(r, 413, "the form has more than limits.form_fields");
		return false;
	}
	if (fields->n == r->room) {
		size_t room = r->room > 0 ? 2 * r->room : FORM_ROOM;
		struct form_field *items =
			arena_zalloc(arena, room, sizeof(*items));

		if (fields->n > 0)
			memcpy(items, fields->items, fields->n * sizeof(*items));
		fields->items = items;
		r->room = room;
	}
	fields->items[fields->n++] = field;
	return true;
}

static bool add_pair(struct form_reader *r, struct str pair)
{
	struct str name = pair;

	if (pair.n == 0)
		return true;
	if (name.n > FORM_NAME_MAX)
		name.n = FORM_NAME_MAX;

	const char *equals = memchr(name.p, '=', name.n);

	name.n = equals != NULL ? (size_t)(equals - name.p) : pair.n;
	return add(r, (struct form_field){
			      .name = name,
			      .value = str_tail(pair, name.n + 1),
		      });
}

/* Whether the end was found within `budget` bytes. As form_next(), which
 * knows no budget. */
static bool read_urlencoded(struct form_reader *r, size_t budget)
{
	while (r->rest.p != NULL) {
		struct str unseen = str_tail(r->rest, r->searched);
		struct str seen = {unseen.p, unseen.n < budget ? unseen.n : budget};
		const char *end = seen.n > 0 ? memchr(seen.p, '&', seen.n) : NULL;

		if (end == NULL && seen.n < unseen.n) {
			r->searched += seen.n;
			return false;
		}
		if (end != NULL)
			seen.n = (size_t)(end - seen.p);

		struct str pair = {r->rest.p, r->searched + seen.n};

		r->rest = end != NULL ? str_tail(r->rest, pair.n + 1)
				      : (struct str){NULL, 0};
		r->searched = 0;
		/* Empty pairs are work, too. */
		budget -= seen.n < budget ? seen.n + 1 : budget;
		if (!add_pair(r, pair))
			return true;
	}
	return true;
}

static struct str copy(struct form_reader *r, struct str s)
{
	return s.p != NULL ? arena_copy(&r->exchange->arena, s) : s;
}

static bool add_part(struct form_reader *r, const struct multipart_part *part)
{
	return add(r, (struct form_field){
			      .name = copy(r, part->name),
			      .value = part->content,
			      .filename = copy(r, part->filename),
			      .type = copy(r, part->type),
		      });
}

static bool read_multipart(struct form_reader *r, size_t budget)
{
	struct multipart_part part;

	r->multipart->budget = budget;
	for (;;) {
		switch (multipart_next(r->multipart, &part)) {
		case MULTIPART_PART:
			if (!add_part(r, &part))
				return true;
			break;
		case MULTIPART_MORE:
			return false;
		case MULTIPART_END:
			return true;
		case MULTIPART_BAD:
			refuse(r, 400, r->multipart->why);
			return true;
		}
	}
}

/* Whether all is read; it may also have been refused. */
static bool read_on(struct form_reader *r, size_t budget)
{
	if (r->fields.status != 0)
		return true;
	if (r->fields.is_encoded)
		return read_urlencoded(r, budget);
	return r->multipart == NULL || read_multipart(r, budget);
}

static void begin_multipart(struct form_reader *r, struct str type)
{
	struct exchange *x = r->exchange;

	r->multipart = arena_alloc(&x->arena, sizeof(*r->multipart));
	if (!multipart_init(r->multipart, type, x->request.body))
		refuse(r, 400, r->multipart->why);
}

static struct form_reader *begin(struct exchange *x)
{
	struct form_reader *r = arena_zalloc(&x->arena, 1, sizeof(*r));
	struct str coding = exchange_joined_field(x, STR("content-encoding"));
	struct str type = exchange_field(x, STR("content-type")), rest = type;
	struct str media = str_trim(str_cut(&rest, ';'));

	r->exchange = x;
	if (x->request.body.n == 0)
		return r;
	/* RFC 9110 section 8.3: it is one field, and to choose among several
	 * would be to guess. */
	if (request_has(&x->request, FIELD_CONTENT_TYPE) &&
	    !request_sole_field(&x->request, FIELD_CONTENT_TYPE, &type))
		refuse(r, 400, "a form with more than one Content-Type");
	/* RFC 9110 section 8.4: to read it as if it were not is no choice. */
	else if (coding.n > 0 && !str_equal_nocase(coding, STR("identity")))
		refuse(r, 415, "a form in a content coding");
	else if (str_equal_nocase(media, STR("multipart/form-data")))
		begin_multipart(r, type);
	else if (str_equal_nocase(media, STR("application/"
					     "x-www-form-urlencoded"))) {
		r->fields.is_encoded = true;
		r->rest = x->request.body;
	}
	return r;
}

static void log_odd(const struct form_reader *r)
{
	char ip[ADDR_TEXT];

	log_client(
		LOG_LEVEL_INFO,
		"%s: parts of a form that have no name, and are passed over: %zu",
		endpoint_ip(&r->exchange->peer, ip), r->multipart->n_odd);
}

static void finish(struct form_reader *r, void (*ready)(struct exchange *x))
{
	struct exchange *x = r->exchange;

	x->form = &r->fields;
	if (r->fields.status == 0) {
		if (r->multipart != NULL && r->multipart->n_odd > 0)
			log_odd(r);
		ready(x);
		return;
	}
	failure_set(x, failure_kind_of(r->fields.status), "%s", r->fields.why);
	exchange_answer_error(x, r->fields.status);
}

static void on_task(struct task *task)
{
	struct form_reader *r = CONTAINER_OF(task, struct form_reader, task);

	if (read_on(r, FORM_STEP))
		finish(r, r->ready);
	else
		loop_queue(r->exchange->http->loop, task);
}

static void on_cancel(struct exchange *x)
{
	struct form_reader *r = x->holder;

	task_cancel(&r->task);
}

void form_fields_await(struct exchange *x, void (*ready)(struct exchange *x))
{
	struct form_reader *r = begin(x);

	if (read_on(r, FORM_STEP)) {
		finish(r, ready);
		return;
	}
	r->ready = ready;
	task_init(&r->task, on_task);
	exchange_hold(x, on_cancel, r);
	loop_queue(x->http->loop, &r->task);
}

const struct form_fields *form_fields_of(struct exchange *x)
{
	static const struct form_fields none;

	if (x->state == EXCHANGE_REQUEST)
		return &none;
	if (x->form == NULL) {
		struct form_reader *r = begin(x);

		(void)read_on(r, SIZE_MAX);
		x->form = &r->fields;
	}
	return x->form;
}

const struct form_field *form_fields_find(const struct form_fields *fields,
					  struct str name)
{
	for (size_t i = 0; i < fields->n; i++) {
		const struct form_field *field = &fields->items[i];

		if (fields->is_encoded ? form_name_is(field->name, name)
				       : str_equal(field->name, name))
			return field;
	}
	return NULL;
}
