/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all workers have counted, for Prometheus and whatever reads its form, by
 * whichever worker is asked. In the moment of an upgrade in which the new master
 * does not have the numbers of the old one yet, the answer is 503: a counter
 * that falls would be worse than one that is missing once. Worker.
 */
#include "worker/handler/metrics_page.h"

#include "base/codec/weight.h"
#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/http.h"
#include "worker/report/metrics.h"

static void *metrics_create(struct http *http, const struct conf_route *conf,
			    const char **why_out)
{
	(void)conf;
	(void)why_out;
	return http;
}

static void metrics_destroy(void *instance)
{
	(void)instance;
}

/* Only a client that names it gets it. */
static bool wants_openmetrics(struct exchange *x)
{
	struct str accept = exchange_joined_field(x, STR("accept"));

	return accept.n > 0 &&
	       weight_in(accept, STR("application/openmetrics-text")) >
		       WEIGHT_NEVER;
}

static void answer_later(struct exchange *x)
{
	failure_set(x, FAILURE_CONFIGURED,
		    "an upgrade is under way: not all numbers are here yet");
	fields_add(&x->response.fields, &x->arena, STR("Retry-After"), STR("1"));
	exchange_answer_error(x, 503);
}

static void metrics_answer(struct exchange *x, void *instance)
{
	const struct http *http = instance;
	bool is_openmetrics = wants_openmetrics(x);
	struct buf text = {0};

	if (http->loop->now < http->board->master.counting_until) {
		answer_later(x);
		return;
	}
	metrics_put(http->board, http->conf, is_openmetrics, &text);
	x->response.status = 200;
	fields_add(&x->response.fields, &x->arena, STR("Cache-Control"),
		   STR("no-store"));
	fields_add(&x->response.fields, &x->arena, STR("Vary"), STR("Accept"));
	exchange_set_bytes(
		x,
		is_openmetrics ? STR("application/openmetrics-text; version=1.0.0; "
				     "charset=utf-8")
			       : STR("text/plain; version=0.0.4; charset=utf-8"),
		arena_copy(&x->arena, buf_str(&text)));
	buf_release(&text);
	exchange_answer(x);
}

const struct handler metrics_handler = {
	.name = "metrics",
	.restarts = true,
	.create = metrics_create,
	.destroy = metrics_destroy,
	.answer = metrics_answer,
};
