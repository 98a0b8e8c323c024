/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker's HTTP side without a worker: a configuration by conf_load() of a
 * file in a scratch folder, handlers that answer with what they were told,
 * and an exchange whose protocol does nothing.
 */
#ifndef T_UNIT_WORKER_HTTP_FIXTURE_H
#define T_UNIT_WORKER_HTTP_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "base/shared/scoreboard.h"
#include "conf/conf.h"
#include "conf/schema/conf_respond.h"
#include "t/unit/base/scratch.h"
#include "worker/http/exchange.h"
#include "worker/http/http.h"
#include "worker/http/router.h"

/* Of the fake handlers. */
static int fake_created, fake_destroyed, fake_checked, fake_answered;
static const char *fake_refuses; /* the path of the route that fails */
static const char *fake_check_refuses;

/* Of the fake protocol. */
static int fake_on_answer;
static unsigned fake_admitted;

static struct loop fixture_loop;
static struct counters fixture_counters;
static struct conf *fixture_conf;
static struct http fixture_http;

static inline void *fake_create(struct http *http, const struct conf_route *conf,
				const char **why_out)
{
	assert_ptr_equal(http, &fixture_http);
	if (fake_refuses != NULL && str_equal(conf->path, str_of(fake_refuses))) {
		*why_out = arena_printf(&http->arena, "refused %d", 1).p;
		return NULL;
	}
	fake_created++;
	/* An allocation of its own, so that one which is forgotten shows. */
	const struct conf_route **instance = malloc(sizeof(conf));

	assert_non_null(instance);
	*instance = conf;
	return instance;
}

static inline void fake_destroy(void *instance)
{
	fake_destroyed++;
	free(instance);
}

static inline bool fake_check(struct http *http, void *instance,
			      const char **why_out)
{
	const struct conf_route *conf = *(const struct conf_route **)instance;

	assert_ptr_equal(http, &fixture_http);
	fake_checked++;
	if (fake_check_refuses == NULL ||
	    !str_equal(conf->path, str_of(fake_check_refuses)))
		return true;
	*why_out = "may not";
	return false;
}

/* Settings of a route for respond; of others, such as answer nothing. */
static inline const struct conf_respond *body_of(const struct conf_route *conf)
{
	static const struct conf_respond nothing = {.status = 302, .type = ""};

	return strcmp(conf->handler, "respond") == 0 ? conf->settings : &nothing;
}

static inline enum body_want fake_wants_body(const void *instance)
{
	const struct conf_route *conf = *(const struct conf_route *const *)instance;

	return body_of(conf)->status == 201 ? BODY_WANT_WHOLE : BODY_WANT_NOT;
}

static inline void fake_answer(struct exchange *x, void *instance)
{
	const struct conf_route *conf = *(const struct conf_route **)instance;

	fake_answered++;
	x->response.status = (unsigned)body_of(conf)->status;
	exchange_set_bytes(x, STR("text/plain"), body_of(conf)->body.source);
	exchange_answer(x);
}

static const struct handler fake_respond = {
	.name = "respond",
	.create = fake_create,
	.destroy = fake_destroy,
	.check = fake_check,
	.wants_body = fake_wants_body,
	.answer = fake_answer,
};

/* As little as a handler may be. */
static const struct handler fake_redirect = {
	.name = "redirect",
	.create = fake_create,
	.destroy = fake_destroy,
	.answer = fake_answer,
};

static const struct handler *const fake_handlers[] = {&fake_redirect, &fake_respond,
						      NULL};
static const struct handler *const *fixture_handlers = fake_handlers;

static inline void fake_protocol_on_answer(struct exchange *x)
{
	assert_int_equal(x->state, EXCHANGE_ANSWERED);
	fake_on_answer++;
}

static inline void fake_protocol_on_admitted(struct exchange *x, unsigned status)
{
	assert_int_equal(x->state, EXCHANGE_REQUEST);
	fake_admitted = status;
}

static const struct exchange_protocol fake_protocol = {
	.on_answer = fake_protocol_on_answer,
	.on_admitted = fake_protocol_on_admitted,
};

/* An exchange on a connection that is not secured. */
static inline void fixture_exchange(struct exchange *x,
				    const struct exchange_protocol *protocol)
{
	static const struct exchange_connection connection;

	exchange_init(x, &fixture_http, protocol, &connection);
}

/* What http_init() says of a configuration with those sites. */
static inline int fixture_try(const char *sites, const char **why_out)
{
	static const char listeners[] =
		"listeners = ( { address = \"127.0.0.1:8\"; } );\n";
	struct conf_errors errors;
	char *text = malloc(sizeof(listeners) + strlen(sites));

	assert_non_null(text);
	strcat(strcpy(text, listeners), sites);
	fixture_conf = conf_load(scratch_write("a.conf", text), &errors);
	free(text);
	if (fixture_conf == NULL)
		fail_msg("line %d: %s", errors.items[0].line, errors.items[0].text);
	conf_errors_fini(&errors);
	fake_created = fake_destroyed = fake_checked = fake_answered = 0;
	fake_on_answer = 0;
	fake_admitted = 0;
	memset(&fixture_counters, 0, sizeof(fixture_counters));
	assert_int_equal(loop_init(&fixture_loop), 0);
	return http_init(&fixture_http, &fixture_loop, fixture_conf,
			 &fixture_counters, fixture_handlers, why_out);
}

static inline void fixture_make(const char *sites)
{
	const char *why = "";

	if (fixture_try(sites, &why) == -1)
		fail_msg("%s", why);
}

static inline void fixture_free(void)
{
	http_fini(&fixture_http);
	loop_fini(&fixture_loop);
	conf_destroy(&fixture_conf);
	assert_int_equal(fake_created, fake_destroyed);
}

/* Fills a request as a protocol does; what exchange_begin() says of it. */
static inline unsigned fixture_begin(struct exchange *x, const char *method,
				     const char *host, const char *path)
{
	x->request.method_text = str_of(method);
	x->request.target = x->request.raw_path = str_of(path);
	x->request.version = "HTTP/1.1";
	return exchange_begin(x, str_of(host));
}

#endif
