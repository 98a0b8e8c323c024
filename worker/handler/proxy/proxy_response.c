/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/handler/proxy/proxy_response.h"

#include "base/codec/response_head.h"
#include "base/codec/trailers.h"
#include "worker/handler/proxy/proxy_rewrite.h"
#include "worker/http/exchange.h"

static bool goes_along(enum response_field kind)
{
	switch (kind) {
	case RESPONSE_FIELD_HOP:
	case RESPONSE_FIELD_CONNECTION:
	case RESPONSE_FIELD_CONTENT_LENGTH: /* it is said again */
	case RESPONSE_FIELD_TRANSFER_ENCODING:
	case RESPONSE_FIELD_UPGRADE:
	case RESPONSE_FIELD_TRAILER: /* see proxy_response_fill() */
		return false;
	default:
		return true;
	}
}

/* Whether the line of the field is in the head as we would write it, right
 * behind `lines`, which it prolongs then. */
static bool prolongs(struct str *lines, const struct field *field)
{
	const char *p = field->name.p, *end = field->value.p + field->value.n;

	if ((lines->n > 0 && p != lines->p + lines->n) ||
	    field->value.p != p + field->name.n + 2 || field->value.p[-1] != ' ' ||
	    *end != '\r')
		return false;
	if (lines->n == 0)
		lines->p = p;
	lines->n = (size_t)(end + 2 - lines->p);
	return true;
}

static void put_lines(struct exchange *x, struct str *lines)
{
	if (lines->n > 0)
		fields_add_lines(&x->response.fields, &x->arena, *lines);
	lines->n = 0;
}

/* The fields that go along, as many at once as lie together. */
static void put_fields(struct exchange *x, const struct response_head *head,
		       struct str rules)
{
	struct str lines = {NULL, 0};

	for (size_t i = 0; i < head->n_fields; i++) {
		enum response_field kind = (enum response_field)head->kinds[i];
		struct field field = head->fields[i];

		if (!goes_along(kind))
			continue;
		field.value = proxy_rewrite_field(x, rules, &field, kind);
		if (prolongs(&lines, &field))
			continue;
		put_lines(x, &lines);
		if (!prolongs(&lines, &field))
			fields_add(&x->response.fields, &x->arena, field.name,
				   field.value);
	}
	put_lines(x, &lines);
}

bool proxy_response_may_have_trailers(const struct exchange *x)
{
	return trailers_are_taken(exchange_field(x, STR("te")));
}

void proxy_response_put_trailers(struct exchange *x, struct str section)
{
	struct str name, value;

	if (!proxy_response_may_have_trailers(x))
		return;
	while (trailers_next(&section, &name, &value))
		fields_add(&x->response.trailers, &x->arena, name, value);
}

void proxy_response_fill(struct exchange *x, const struct response_head *head,
			 struct str rules)
{
	struct response *r = &x->response;

	r->status = head->status;
	for (size_t i = 0; i < head->n_fields; i++) {
		enum response_field kind = (enum response_field)head->kinds[i];

		r->has_own_date |= kind == RESPONSE_FIELD_DATE;
		r->has_own_server |= kind == RESPONSE_FIELD_SERVER;
		r->is_coded |= kind == RESPONSE_FIELD_CONTENT_ENCODING;
		if (kind == RESPONSE_FIELD_TRAILER &&
		    head->framing == RESPONSE_CHUNKED &&
		    proxy_response_may_have_trailers(x))
			fields_add(&r->fields, &x->arena, head->fields[i].name,
				   head->fields[i].value);
	}
	put_fields(x, head, rules);
	fields_add(&r->fields, &x->arena, STR("Via"),
		   head->minor == 0 ? STR("1.0 holdfast") : STR("1.1 holdfast"));
	if (head->framing == RESPONSE_TUNNEL)
		fields_add(&r->fields, &x->arena, STR("Upgrade"), head->upgrade);
}

void proxy_response_pass_interim(struct exchange *x,
				 const struct response_head *head)
{
	struct fields fields = {0};

	for (size_t i = 0; i < head->n_fields; i++)
		if (goes_along((enum response_field)head->kinds[i]))
			fields_add(&fields, &x->arena, head->fields[i].name,
				   head->fields[i].value);
	exchange_interim(x, head->status, &fields);
}
