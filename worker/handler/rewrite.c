/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values put into the template are encoded, and the result is decoded and
 * normalised like the path of a request: nothing is decoded twice, a question
 * mark in a value begins no query, and dots lead nowhere that a request could
 * not name itself. Worker.
 */
#include "worker/handler/rewrite.h"

#include <stdlib.h>

#include "base/codec/uri.h"
#include "base/mem.h"
#include "conf/schema/conf_rewrite.h"
#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/variables.h"

/* Bytes of a path with its query: repeated rewriting must not make it grow
 * without bound. */
enum { REWRITE_MAX = 64 * 1024 };

struct rewrite {
	const struct template *to;
};

static void *rewrite_create(struct http *http, const struct conf_route *route,
			    const char **why_out)
{
	const struct conf_rewrite *conf = route->settings;
	struct rewrite *r = mem_zalloc(1, sizeof(*r));

	(void)http;
	(void)why_out;
	r->to = &conf->to;
	return r;
}

static unsigned rewrite_reroute(struct exchange *x, void *instance)
{
	const struct rewrite *r = instance;
	struct str query, path;
	size_t n;

	if (!template_evaluate(r->to, x, ESCAPE_URI, &query) ||
	    query.n > REWRITE_MAX) {
		failure_set(x, FAILURE_TOO_LARGE,
			    "it was rewritten to over %d bytes", REWRITE_MAX);
		return 414;
	}
	path = str_cut(&query, '?');
	char *text = arena_bytes(&x->arena, path.n);

	if (!uri_normalise_path(path, text, &n)) {
		failure_set(x, FAILURE_MALFORMED,
			    "it was rewritten to a path that must not be resolved, "
			    "%s",
			    failure_quote(x, path));
		return 400;
	}
	x->request.path = (struct str){text, n};
	if (query.p != NULL)
		x->request.query = query;
	return 0;
}

const struct handler rewrite_handler = {
	.name = "rewrite",
	.create = rewrite_create,
	.destroy = free,
	.reroute = rewrite_reroute,
};
