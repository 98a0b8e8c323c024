/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/handler/proxy/proxy.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "worker/handler/proxy/forward.h"
#include "worker/handler/proxy/forward_compact.h"
#include "worker/handler/proxy/forward_frozen.h"
#include "worker/http/exchange.h"
#include "worker/http/http.h"

static void *proxy_create(struct http *http, const struct conf_route *route,
			  const char **why_out)
{
	struct proxy *p = mem_zalloc(1, sizeof(*p));

	(void)why_out;
	p->route = route;
	p->conf = route->settings;
	while (strcmp(http->conf->upstreams[p->upstream].name, p->conf->upstream) !=
	       0)
		p->upstream++; /* the configuration was checked: it is there */
	return p;
}

static enum body_want proxy_wants_body(const void *instance)
{
	const struct proxy *p = instance;

	return p->conf->request_buffer ? BODY_WANT_WHOLE : BODY_WANT_PIECES;
}

static void proxy_answer(struct exchange *x, void *instance)
{
	forward_start(x, instance);
}

static bool proxy_body(struct exchange *x, void *instance, struct str piece)
{
	(void)instance;
	return forward_put_body(x, piece);
}

static void proxy_end_body(struct exchange *x, void *instance)
{
	(void)instance;
	forward_end_body(x);
}

const struct handler proxy_handler = {
	.name = "proxy",
	.create = proxy_create,
	.destroy = free,
	.wants_body = proxy_wants_body,
	.answer = proxy_answer,
	.body = proxy_body,
	.end_body = proxy_end_body,
	.may_move = forward_may_move,
	.rests = forward_rests,
	.freeze = forward_freeze,
	.thaw = forward_thaw,
	.compact = &forward_compact,
};
