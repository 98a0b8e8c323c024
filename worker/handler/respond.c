/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The values that come from the request are escaped for the type of the text
 * they go into: no markup in HTML, no end of a string in JSON. Worker.
 */
#include "worker/handler/respond.h"

#include <stdlib.h>

#include "base/mem.h"
#include "conf/schema/conf_respond.h"
#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/form_fields.h"
#include "worker/http/router.h"
#include "worker/http/variables.h"

struct respond {
	unsigned status;
	struct str type;
	const struct template *body;
	enum escape escape;
};

/* By the end of the media type: "application/problem+json" is JSON, too. In
 * a script a value can only stand in a string. */
static const struct {
	struct str ending;
	enum escape escape;
} escapes[] = {
	{STR_INIT("/html"), ESCAPE_HTML},
	{STR_INIT("/xml"), ESCAPE_HTML},
	{STR_INIT("+xml"), ESCAPE_HTML},
	{STR_INIT("/json"), ESCAPE_JSON},
	{STR_INIT("/x-ndjson"), ESCAPE_JSON},
	{STR_INIT("+json"), ESCAPE_JSON},
	{STR_INIT("/javascript"), ESCAPE_JSON},
	{STR_INIT("/x-javascript"), ESCAPE_JSON},
	{STR_INIT("/ecmascript"), ESCAPE_JSON},
};

static enum escape escape_for(struct str type)
{
	struct str media = str_trim(str_cut(&type, ';'));

	for (size_t i = 0; i < sizeof(escapes) / sizeof(*escapes); i++) {
		struct str ending = escapes[i].ending;

		if (media.n >= ending.n &&
		    str_equal_nocase(str_tail(media, media.n - ending.n), ending))
			return escapes[i].escape;
	}
	return ESCAPE_NONE;
}

static void *respond_create(struct http *http, const struct conf_route *route,
			    const char **why_out)
{
	const struct conf_respond *conf = route->settings;
	struct respond *r = mem_zalloc(1, sizeof(*r));

	(void)http;
	(void)why_out;
	r->status = (unsigned)conf->status;
	r->type = str_of(conf->type);
	r->body = &conf->body;
	r->escape = escape_for(r->type);
	return r;
}

static enum body_want respond_wants_body(const void *instance)
{
	const struct respond *r = instance;

	return r->body->uses_form ? BODY_WANT_WHOLE : BODY_WANT_NOT;
}

static void answer(struct exchange *x)
{
	const struct respond *r = x->route->instance;
	struct str text;

	if (!template_evaluate(r->body, x, r->escape, &text)) {
		failure_set(x, FAILURE_TOO_LARGE,
			    "the body is too large with the values of the request");
		exchange_answer_error(x, 413);
		return;
	}
	x->response.status = r->status;
	if (r->status >= 400)
		failure_set(x, FAILURE_CONFIGURED, "it is the status of the route");
	exchange_set_bytes(x, r->type, text);
	exchange_answer(x);
}

static void respond_answer(struct exchange *x, void *instance)
{
	const struct respond *r = instance;

	if (r->body->uses_form)
		form_fields_await(x, answer);
	else
		answer(x);
}

const struct handler respond_handler = {
	.name = "respond",
	.restarts = true,
	.create = respond_create,
	.destroy = free,
	.wants_body = respond_wants_body,
	.answer = respond_answer,
};
