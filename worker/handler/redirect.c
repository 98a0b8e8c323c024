/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fixed target of a prefix route moves a whole tree: the rest of the path and
 * the query are appended to it. A target with variables, or with a query of its
 * own, is used as it is. Worker.
 */
#include "worker/handler/redirect.h"

#include <stdlib.h>

#include "base/codec/uri.h"
#include "base/mem.h"
#include "conf/schema/conf_redirect.h"
#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/form_fields.h"
#include "worker/http/router.h"
#include "worker/http/variables.h"

struct redirect {
	unsigned status;
	const struct template *to;
	bool moves_tree;
};

/* What has a query or a fragment of its own does not go on with a path. */
static bool has_query(struct str url)
{
	return url.n > 0 && (memchr(url.p, '?', url.n) != NULL ||
			     memchr(url.p, '#', url.n) != NULL);
}

static void *redirect_create(struct http *http, const struct conf_route *route,
			     const char **why_out)
{
	const struct conf_redirect *conf = route->settings;
	struct redirect *r = mem_zalloc(1, sizeof(*r));

	(void)http;
	(void)why_out;
	r->status = (unsigned)conf->status;
	r->to = &conf->to;
	r->moves_tree = conf->to.is_literal && !has_query(conf->to.source) &&
			route->match == CONF_MATCH_PREFIX;
	return r;
}

static struct str moved(struct exchange *x, struct str to)
{
	struct str rest = route_rest(x->route, x->request.path);
	const char *slash = "";
	struct str query = x->request.query;
	char *text = arena_bytes(&x->arena, 3 * rest.n);

	/* The path was decoded: encode it, or its "?" would be another. */
	rest = (struct str){text, uri_encode(rest, URI_PATH, text)};
	/* One slash between the two: with none the rest would go on with the
	 * host of `to`, and two at the beginning would name a host. */
	if (rest.n > 0 && rest.p[0] == '/' && str_ends_with(to, STR("/")))
		rest = str_tail(rest, 1);
	else if (rest.n > 0 && rest.p[0] != '/' && !str_ends_with(to, STR("/")))
		slash = "/";
	return arena_printf(&x->arena, "%" STR_FMT "%s%" STR_FMT "%s%" STR_FMT,
			    STR_ARG(to), slash, STR_ARG(rest),
			    query.p != NULL ? "?" : "", STR_ARG(query));
}

/* A value must not name another host where the template names none: what
 * begins with two slashes does (RFC 3986 section 4.2). */
static struct str keep_host(const struct template *t, struct str to)
{
	bool meant = t->n_pieces > 0 && t->pieces[0].variable == TEMPLATE_LITERAL &&
		     str_starts_with(t->pieces[0].text, STR("//"));

	while (!meant && str_starts_with(to, STR("//")))
		to = str_tail(to, 1);
	return to;
}

static void answer(struct exchange *x)
{
	const struct redirect *r = x->route->instance;
	struct str to;

	if (!template_evaluate(r->to, x, ESCAPE_URI, &to)) {
		failure_set(
			x, FAILURE_TOO_LARGE,
			"the target is too long with the values of the request");
		exchange_answer_error(x, 414);
		return;
	}
	if (r->moves_tree)
		to = moved(x, to);
	to = keep_host(r->to, to);
	exchange_answer_redirect(x, r->status, to);
}

static enum body_want redirect_wants_body(const void *instance)
{
	const struct redirect *r = instance;

	return r->to->uses_form ? BODY_WANT_WHOLE : BODY_WANT_NOT;
}

static void redirect_answer(struct exchange *x, void *instance)
{
	const struct redirect *r = instance;

	if (r->to->uses_form)
		form_fields_await(x, answer);
	else
		answer(x);
}

const struct handler redirect_handler = {
	.name = "redirect",
	.create = redirect_create,
	.destroy = free,
	.wants_body = redirect_wants_body,
	.answer = redirect_answer,
};
