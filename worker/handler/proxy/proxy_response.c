/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/handler/proxy/proxy_response.h"

#include "base/codec/response_head.h"
#include "worker/http/exchange.h"

static bool goes_along(enum response_field kind)
{
	switch (kind) {
	case RESPONSE_FIELD_HOP:
	case RESPONSE_FIELD_CONNECTION:
	case RESPONSE_FIELD_CONTENT_LENGTH: /* it is said again */
	case RESPONSE_FIELD_TRANSFER_ENCODING:
	case RESPONSE_FIELD_UPGRADE:
		return false;
	default:
		return true;
	}
}

void proxy_response_fill(struct exchange *x, const struct response_head *head)
{
	struct response *r = &x->response;

	r->status = head->status;
	for (size_t i = 0; i < head->n_fields; i++) {
		enum response_field kind = (enum response_field)head->kinds[i];

		if (!goes_along(kind))
			continue;
		fields_add(&r->fields, &x->arena, head->fields[i].name,
			   head->fields[i].value);
		r->has_own_date |= kind == RESPONSE_FIELD_DATE;
		r->has_own_server |= kind == RESPONSE_FIELD_SERVER;
		r->is_coded |= kind == RESPONSE_FIELD_CONTENT_ENCODING;
	}
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
