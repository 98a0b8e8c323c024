/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/policy/edits.h"

#include "base/codec/http1_fields.h"
#include "worker/http/exchange.h"
#include "worker/http/variables.h"

/* Whether the edit removes existing fields of that name. */
static bool is_replaced(const struct conf_fields *edits, struct str name)
{
	for (size_t i = 0; i < edits->n; i++)
		if (edits->items[i].kind != CONF_FIELD_ADD &&
		    str_equal_nocase(edits->items[i].name, name))
			return true;
	return false;
}

/* No control character gets into a field (RFC 9110 section 5.5), wherever the
 * value comes from. */
static struct str clean(struct exchange *x, struct str value)
{
	struct str copy = arena_copy(&x->arena, value);

	for (size_t i = 0; i < copy.n; i++) {
		char *c = (char *)copy.p + i;

		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	}
	return str_trim(copy);
}

/* False when there is no value, and so no field. */
static bool evaluate(const struct conf_field_edit *edit, struct exchange *x,
		     struct str *value_out)
{
	if (edit->kind == CONF_FIELD_REMOVE ||
	    !template_evaluate(&edit->value, x, ESCAPE_NONE, value_out))
		return false;
	if (!edit->value.is_literal)
		*value_out = clean(x, *value_out);
	return value_out->n > 0;
}

void edits_change_request(const struct conf_fields *edits, struct exchange *x)
{
	struct request *r = &x->request;
	struct field *fields =
		arena_zalloc(&x->arena, r->n_fields + edits->n, sizeof(*fields));
	size_t n = 0;

	for (size_t i = 0; i < r->n_fields; i++)
		if (!is_replaced(edits, r->fields[i].name))
			fields[n++] = r->fields[i];
	for (size_t i = 0; i < edits->n; i++) {
		struct str name = edits->items[i].name, value;

		if (evaluate(&edits->items[i], x, &value))
			fields[n++] = (struct field){
				.name = name,
				.value = value,
				.id = http1_field_identify(name),
			};
	}
	r->fields = fields;
	r->n_fields = n;
	r->known = 0;
	for (size_t i = 0; i < n; i++)
		r->known |= 1u << fields[i].id;
}

/* The Content-Type of several ranges names the boundary between them (RFC 9110
 * section 14.6): without it they cannot be told apart. */
static bool is_needed(const struct exchange *x, struct str name)
{
	return x->response.body.kind == BODY_PARTS &&
	       str_equal_nocase(name, STR("Content-Type"));
}

/* Those of `from` that stay. */
static void copy_fields(const struct conf_fields *edits, const struct fields *from,
			struct exchange *x, struct fields *to)
{
	struct str rest = fields_str(from), name, value;

	while (fields_next(&rest, &name, &value))
		if (!is_replaced(edits, name) || is_needed(x, name))
			fields_add(to, &x->arena, name, value);
}

void edits_change_response(const struct conf_fields *edits, struct exchange *x)
{
	struct response *r = &x->response;
	struct fields fields = {0};

	if (r->prepared != NULL)
		copy_fields(edits, r->prepared, x, &fields);
	copy_fields(edits, &r->fields, x, &fields);
	for (size_t i = 0; i < edits->n; i++) {
		struct str name = edits->items[i].name, value;

		if (!is_needed(x, name) && evaluate(&edits->items[i], x, &value))
			fields_add(&fields, &x->arena, name, value);
	}
	r->prepared = NULL;
	r->fields = fields;
	r->has_own_server = is_replaced(edits, STR("Server"));
}
