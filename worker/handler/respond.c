/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The values that come from the request are escaped for the type of the text
 * they go into: no markup in HTML, no end of a string in JSON. Worker.
 */
#include "worker/handler/respond.h"

#include <stdlib.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "worker/http/exchange.h"
#include "worker/http/variables.h"

struct respond {
	unsigned status;
	struct str type;
	const struct template *body;
	enum escape escape;
};

static enum escape escape_for(struct str type)
{
	struct str media = str_trim(str_cut(&type, ';'));

	if (str_equal_nocase(media, STR("text/html")) ||
	    str_equal_nocase(media, STR("application/xhtml+xml")) ||
	    str_equal_nocase(media, STR("image/svg+xml")) ||
	    str_equal_nocase(media, STR("application/xml")) ||
	    str_equal_nocase(media, STR("text/xml")))
		return ESCAPE_HTML;
	if (str_equal_nocase(media, STR("application/json")))
		return ESCAPE_JSON;
	return ESCAPE_NONE;
}

static void *respond_create(struct http *http, const struct conf_route *conf,
			    const char **why_out)
{
	struct respond *r = mem_zalloc(1, sizeof(*r));

	(void)http;
	(void)why_out;
	r->status = (unsigned)conf->status;
	r->type = str_of(conf->type);
	r->body = &conf->body;
	r->escape = escape_for(r->type);
	return r;
}

static bool respond_wants_body(const void *instance)
{
	const struct respond *r = instance;

	return r->body->uses_form;
}

static void respond_answer(struct exchange *x, void *instance)
{
	const struct respond *r = instance;

	x->response.status = r->status;
	exchange_set_bytes(x, r->type, template_evaluate(r->body, x, r->escape));
	exchange_answer(x);
}

const struct handler respond_handler = {
	.name = "respond",
	.create = respond_create,
	.destroy = free,
	.wants_body = respond_wants_body,
	.answer = respond_answer,
};
