/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the functions of the interface that belong to a route and not to a
 * request (options, logging, posting from other threads); then the life of a
 * route: its options, loading the object, init(), start(), and the end. Worker.
 */
#include "worker/handler/module/module_route.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/schema/conf_module.h"
#include "worker/handler/module/module_object.h"
#include "worker/handler/module/module_request.h"
#include "worker/http/http.h"

enum {
	MODULE_LINE = 1024,   /* bytes of a line that it logs */
	MODULE_MISTAKES = 20, /* that are logged */
};

/* What another thread wants to be run here. */
struct post {
	struct post *next;
	void (*run)(struct holdfast_route *route, void *argument);
	void *argument;
};

/* What a module calls. */

static struct str option_name(struct str *option)
{
	return str_cut(option, '='); /* what is left is the value */
}

const char *module_option(struct holdfast_route *route, const char *name, size_t i)
{
	const struct conf_strings *options = &route->conf->options;

	if (route->phase != MODULE_LOADING) {
		module_blame(route, "holdfast_option() is for load()");
		return NULL;
	}
	for (size_t k = 0; k < options->n; k++) {
		struct str value = options->items[k];

		if (!str_equal(option_name(&value), str_of(name)) || i-- > 0)
			continue;
		route->option_asked[k] = true;
		return arena_cstr(&route->http->arena, value);
	}
	return NULL;
}

void module_fail(struct holdfast_route *route, const char *format, va_list args)
{
	route->why = arena_vprintf(&route->http->arena, format, args).p;
}

void module_set_route_data(struct holdfast_route *route, void *data)
{
	route->data = data;
}

void *module_route_data(struct holdfast_route *route)
{
	return route->data;
}

int module_route_timer(struct holdfast_route *route, uint64_t ms)
{
	if (route->phase != MODULE_STARTED || route->module.tick == NULL) {
		module_blame(route, "holdfast_route_timer() is for modules with "
				    "tick(), from start() on");
		return HOLDFAST_ERROR;
	}
	if (ms == 0)
		timer_disarm(&route->timer);
	else
		loop_timer(route->http->loop, &route->timer, ms);
	return HOLDFAST_OK;
}

/* In any thread. */
int module_post(struct holdfast_route *route,
		void (*run)(struct holdfast_route *route, void *argument),
		void *argument)
{
	bool was_empty;

	if (route->wake.fd == -1) {
		module_blame(route, "holdfast_post() before start()");
		return HOLDFAST_ERROR;
	}
	struct post *post = mem_alloc(sizeof(*post));

	*post = (struct post){.run = run, .argument = argument};
	pthread_mutex_lock(&route->lock);
	was_empty = route->posted == NULL;
	*route->posted_end = post;
	route->posted_end = &post->next;
	pthread_mutex_unlock(&route->lock);
	/* It cannot fail: the counter is far from full. */
	return !was_empty || eventfd_write(route->wake.fd, 1) == 0 ? HOLDFAST_OK
								   : HOLDFAST_ERROR;
}

void module_log(struct holdfast_route *route, int level, const char *format,
		va_list args)
{
	char text[MODULE_LINE];

	if (level < LOG_LEVEL_ERROR || level > LOG_LEVEL_DEBUG ||
	    !log_wants((enum log_level)level))
		return;
	vsnprintf(text, sizeof(text), format, args);
	log_line((enum log_level)level, "module %s: %s", route->module.name, text);
}

void module_blame(struct holdfast_route *route, const char *format, ...)
{
	char text[MODULE_LINE];
	va_list args;

	if (++route->mistakes > MODULE_MISTAKES)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error("module %s: %s%s", route->module.name, text,
		  route->mistakes == MODULE_MISTAKES ? "; and so on" : "");
}

/* What comes from the loop. */

static void on_tick(struct timer *timer)
{
	struct holdfast_route *route =
		CONTAINER_OF(timer, struct holdfast_route, timer);

	route->module.tick(route);
}

static void run_posted(struct holdfast_route *route)
{
	pthread_mutex_lock(&route->lock);
	struct post *post = route->posted;

	route->posted = NULL;
	route->posted_end = &route->posted;
	pthread_mutex_unlock(&route->lock);
	while (post != NULL) {
		struct post *next = post->next;

		post->run(route, post->argument);
		free(post);
		post = next;
	}
}

static void on_wake(struct watch *watch, uint32_t events)
{
	struct holdfast_route *route =
		CONTAINER_OF(watch, struct holdfast_route, wake);
	eventfd_t n;

	(void)events;
	(void)eventfd_read(watch->fd, &n); /* 0 or not: it is empty now */
	run_posted(route);
}

/* The life of a route. */

static struct holdfast_route *route_alloc(struct http *http,
					  const struct conf_module *conf)
{
	struct holdfast_route *route = mem_zalloc(1, sizeof(*route));

	route->http = http;
	route->conf = conf;
	route->option_asked =
		arena_zalloc(&http->arena, conf->options.n, sizeof(bool));
	route->wake = (struct watch){.on_event = on_wake, .fd = -1};
	route->posted_end = &route->posted;
	timer_init(&route->timer, on_tick);
	pthread_mutex_init(&route->lock, NULL);
	return route;
}

static void route_free(struct holdfast_route *route)
{
	pthread_mutex_destroy(&route->lock);
	free(route);
}

/* "module hello: REASON", in the arena. */
static const char *reason(struct holdfast_route *route, const char *otherwise)
{
	return arena_printf(&route->http->arena, "module %s: %s",
			    route->module.name,
			    route->why != NULL ? route->why : otherwise)
		.p;
}

/* The options that the module does not know; NULL if it knows all. */
static const char *unknown_option(struct holdfast_route *route)
{
	const struct conf_strings *options = &route->conf->options;
	size_t k = 0;

	while (k < options->n && route->option_asked[k])
		k++;
	if (k == options->n)
		return NULL;
	struct str option = options->items[k], name = option_name(&option);

	for (size_t i = 0; i < k; i++) {
		struct str other = options->items[i];

		if (str_equal(option_name(&other), name))
			return arena_printf(&route->http->arena,
					    "module %s takes option \"%" STR_FMT
					    "\" only once",
					    route->module.name, STR_ARG(name))
				.p;
	}
	return arena_printf(&route->http->arena,
			    "module %s has no option \"%" STR_FMT "\"",
			    route->module.name, STR_ARG(name))
		.p;
}

/* NULL, or why it cannot be loaded. */
static const char *load(struct holdfast_route *route)
{
	const struct holdfast_module *m = &route->module;
	const char *why =
		module_object_open(&route->http->arena, route->conf->module,
				   &module_api, &route->module);

	if (why != NULL)
		return why;
	if (m->load != NULL && m->load(route) != 0)
		return reason(route, "load() failed without a reason");
	route->phase = MODULE_LOADED;
	why = unknown_option(route);
	if (why != NULL && m->unload != NULL)
		m->unload(route);
	return why;
}

static void *module_create(struct http *http, const struct conf_route *conf,
			   const char **why_out)
{
	struct holdfast_route *route = route_alloc(http, conf->settings);

	*why_out = load(route);
	if (*why_out == NULL)
		return route;
	route_free(route);
	return NULL;
}

/* The user of the workers has it from here on: it is started. */
static bool module_check(struct http *http, void *instance, const char **why_out)
{
	struct holdfast_route *route = instance;
	const struct holdfast_module *m = &route->module;

	route->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (route->wake.fd == -1 ||
	    loop_add(http->loop, &route->wake, EPOLLIN) == -1) {
		*why_out = arena_printf(&http->arena, "an eventfd: %s",
					strerror(errno))
				   .p;
		return false;
	}
	route->phase = MODULE_STARTED;
	if (m->start == NULL || m->start(route) == 0)
		return true;
	route->phase = MODULE_LOADED;
	*why_out = reason(route, "start() failed without a reason");
	return false;
}

static void module_drain(void *instance)
{
	struct holdfast_route *route = instance;

	if (route->module.leave != NULL)
		route->module.leave(route);
}

static void module_destroy(void *instance)
{
	struct holdfast_route *route = instance;
	const struct holdfast_module *m = &route->module;

	if (route->phase == MODULE_STARTED && m->stop != NULL)
		m->stop(route);
	run_posted(route);
	if (route->wake.fd != -1) {
		timer_detach(&route->http->loop->timers, &route->timer);
		loop_close(route->http->loop, &route->wake);
	}
	if (m->unload != NULL)
		m->unload(route);
	route_free(route);
}

static enum body_want module_wants_body(const void *instance)
{
	const struct holdfast_route *route = instance;

	if (route->module.flags & HOLDFAST_WHOLE_BODY)
		return BODY_WANT_WHOLE;
	return route->module.body != NULL ? BODY_WANT_PIECES : BODY_WANT_NOT;
}

const struct handler module_handler = {
	.name = "module",
	.runs_foreign_code = true,
	.create = module_create,
	.destroy = module_destroy,
	.check = module_check,
	.drain = module_drain,
	.wants_body = module_wants_body,
	.answer = module_answer,
	.body = module_body,
	.end_body = module_end_body,
};
