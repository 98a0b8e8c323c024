/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 200 while the server serves, 503 from the moment it is told to quit: with
 * timeouts.linger a load balancer sees that and goes elsewhere before the
 * listeners close. Reloads and upgrades are invisible here. Worker.
 */
#include "worker/handler/ready.h"

#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/http.h"

static void *ready_create(struct http *http, const struct conf_route *conf,
			  const char **why_out)
{
	(void)conf;
	(void)why_out;
	return http;
}

static void ready_destroy(void *instance)
{
	(void)instance;
}

static void ready_answer(struct exchange *x, void *instance)
{
	const struct http *http = instance;

	x->response.status = http->is_quitting ? 503 : 200;
	if (http->is_quitting)
		failure_set(x, FAILURE_CONFIGURED, "the server is shutting down");
	fields_add(&x->response.fields, &x->arena, STR("Cache-Control"),
		   STR("no-store"));
	exchange_set_bytes(x, STR("text/plain; charset=utf-8"),
			   http->is_quitting ? STR("quitting\n") : STR("ready\n"));
	exchange_answer(x);
}

const struct handler ready_handler = {
	.name = "ready",
	.create = ready_create,
	.destroy = ready_destroy,
	.answer = ready_answer,
};
