/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/ranges.h"

#include <inttypes.h>

#include "worker/codec/range.h"

static void add_content_range(struct exchange *x, struct str value)
{
	fields_add(&x->response.fields, &x->arena, STR("Content-Range"), value);
}

static void cut_to(struct exchange *x, struct range range)
{
	struct body *body = &x->response.body;

	add_content_range(x, arena_printf(&x->arena,
					  "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
					  range.first, range.last, body->length));
	x->response.status = 206;
	body->length = range_length(range);
	if (body->kind == BODY_FILE)
		body->offset += (off_t)range.first;
	else
		body->bytes = (struct str){body->bytes.p + range.first,
					   (size_t)body->length};
}

enum ranges_answer ranges_apply(struct exchange *x)
{
	uint64_t size = x->response.body.length;
	struct ranges ranges;
	struct str value;

	/* Section 14.2: other methods have no ranges. */
	if (x->request.method != METHOD_GET ||
	    !request_sole_field(&x->request, FIELD_RANGE, &value))
		return RANGES_WHOLE;
	switch (ranges_parse(value, size, &ranges)) {
	case RANGES_OK:
		if (ranges.n > 1)
			return RANGES_WHOLE;
		cut_to(x, ranges.items[0]);
		return RANGES_PARTIAL;
	case RANGES_IGNORED:
		break;
	case RANGES_UNSATISFIABLE:
		add_content_range(
			x, arena_printf(&x->arena, "bytes */%" PRIu64, size));
		return RANGES_NONE;
	}
	return RANGES_WHOLE;
}
