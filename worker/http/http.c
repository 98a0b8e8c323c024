/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/http.h"

#include <time.h>

#include "worker/http/policy/policy.h"

int http_init(struct http *http, struct loop *loop, const struct conf *conf,
	      struct counters *counters, const struct handler *const *handlers,
	      const char **why_out)
{
	int line;

	*http = (struct http){
		.conf = conf,
		.handlers = handlers,
		.loop = loop,
		.counters = counters,
		.date_second = -1,
	};
	http->mime_types =
		mime_types_load(&http->arena, conf->mime_types, why_out, &line);
	if (http->mime_types == NULL) {
		*why_out = arena_printf(&http->arena, "%s:%d: %s", conf->mime_types,
					line, *why_out)
				   .p;
		return -1;
	}
	policy_open(http);
	return router_init(&http->router, http, handlers, why_out);
}

int http_check(struct http *http, const char **why_out)
{
	return router_check(&http->router, http, why_out);
}

void http_drain(struct http *http)
{
	router_drain(&http->router);
}

void http_fini(struct http *http)
{
	policy_close(http);
	router_fini(&http->router);
	arena_fini(&http->arena);
}

struct str http_date(struct http *http)
{
	time_t now = time(NULL);

	if (now != http->date_second) {
		http->date_second = now;
		http_date_format(now, http->date);
	}
	return (struct str){http->date, HTTP_DATE_SIZE};
}
