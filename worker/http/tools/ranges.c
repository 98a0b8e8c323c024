/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/tools/ranges.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/codec/range.h"
#include "base/random.h"
#include "worker/http/http.h"

enum { BOUNDARY_BYTES = 16 }; /* random: no file can contain it on purpose */

static struct str content_range(struct exchange *x, struct range range,
				uint64_t size)
{
	return arena_printf(&x->arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
			    range.first, range.last, size);
}

static void add_content_range(struct exchange *x, struct str value)
{
	fields_add(&x->response.fields, &x->arena, STR("Content-Range"), value);
}

static void answer_one(struct exchange *x, struct range range)
{
	struct body *body = &x->response.body;

	add_content_range(x, content_range(x, range, body->length));
	body->length = range_length(range);
	if (body->kind == BODY_FILE)
		body->offset += (off_t)range.first;
	else
		body->bytes = (struct str){body->bytes.p + range.first,
					   (size_t)body->length};
}

static struct str make_boundary(struct exchange *x)
{
	unsigned char random[BOUNDARY_BYTES];
	char *text = arena_bytes(&x->arena, 2 * BOUNDARY_BYTES + 1);

	random_fill(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(text + 2 * i, 3, "%02x", random[i]);
	return (struct str){text, 2 * BOUNDARY_BYTES};
}

static void add_part(struct body *body, struct body_part part)
{
	body->parts[body->n_parts++] = part;
	body->length += part.length;
}

static void add_text(struct body *body, struct str text)
{
	add_part(body,
		 (struct body_part){.bytes = text, .file = -1, .length = text.n});
}

/* A range of the content `whole`. */
static void add_range(struct body *body, const struct body *whole,
		      struct range range)
{
	uint64_t length = range_length(range);

	if (whole->kind == BODY_FILE)
		add_part(body, (struct body_part){.file = whole->file,
						  .offset = whole->offset +
							    (off_t)range.first,
						  .length = length});
	else
		add_text(body, (struct str){whole->bytes.p + range.first,
					    (size_t)length});
}

/* RFC 9110 section 14.6. The first boundary, too, is on a line after another, an
 * empty preamble (RFC 2046 section 5.1.1): other servers send it so, and zsync
 * cannot do without. */
static void answer_many(struct exchange *x, const struct ranges *ranges,
			struct str type)
{
	struct body *body = &x->response.body, whole = *body;
	struct str boundary = make_boundary(x);
	size_t n = 2 * ranges->n + 1;

	body->kind = BODY_PARTS;
	body->parts = arena_alloc(&x->arena, n * sizeof(*body->parts));
	body->n_parts = 0;
	body->length = 0;
	for (size_t i = 0; i < ranges->n; i++) {
		struct range range = ranges->items[i];
		struct str place = content_range(x, range, whole.length);

		add_text(body,
			 arena_printf(
				 &x->arena,
				 "\r\n--%" STR_FMT "\r\nContent-Type: %" STR_FMT
				 "\r\nContent-Range: %" STR_FMT "\r\n\r\n",
				 STR_ARG(boundary), STR_ARG(type), STR_ARG(place)));
		add_range(body, &whole, range);
	}
	add_text(body, arena_printf(&x->arena, "\r\n--%" STR_FMT "--\r\n",
				    STR_ARG(boundary)));
	fields_add(&x->response.fields, &x->arena, STR("Content-Type"),
		   arena_printf(&x->arena,
				"multipart/byteranges; boundary=%" STR_FMT,
				STR_ARG(boundary)));
}

enum ranges_answer ranges_apply(struct exchange *x, struct str type,
				const struct fields *untyped)
{
	uint64_t size = x->response.body.length;
	size_t max = x->http->conf->limits.ranges;
	struct ranges ranges;
	struct str value;

	/* Section 14.2: other methods have no ranges. */
	if (x->request.method != METHOD_GET ||
	    !request_sole_field(&x->request, FIELD_RANGE, &value))
		return RANGES_WHOLE;
	ranges.items = arena_alloc(&x->arena,
				   ranges_room(value, max) * sizeof(*ranges.items));
	switch (ranges_parse(value, size, max, &ranges)) {
	case RANGES_OK:
		break;
	case RANGES_IGNORED:
		return RANGES_WHOLE;
	case RANGES_UNSATISFIABLE:
		add_content_range(
			x, arena_printf(&x->arena, "bytes */%" PRIu64, size));
		return RANGES_NONE;
	}
	x->response.status = 206;
	if (ranges.n == 1) {
		answer_one(x, ranges.items[0]);
	} else {
		x->response.prepared = untyped;
		answer_many(x, &ranges, type);
	}
	return RANGES_PARTIAL;
}
