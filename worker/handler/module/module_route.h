/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers by a module, a shared object that was made with holdfast/module.h.
 * This is the route's side of it: the module's life in a worker, from load()
 * to unload(). Worker.
 */
#ifndef WORKER_HANDLER_MODULE_MODULE_ROUTE_H
#define WORKER_HANDLER_MODULE_MODULE_ROUTE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/loop.h"
#include "worker/holdfast/module.h"
#include "worker/http/handler.h"

struct conf_module;
struct http;
struct post;

enum module_phase {
	MODULE_LOADING, /* load() runs, or has run in `holdfast check` */
	MODULE_LOADED,
	MODULE_STARTED, /* start() runs, or has run */
};

/* The `instance` that the handler's functions get. */
struct holdfast_route {
	struct holdfast_module module; /* what it exports, copied */
	enum module_phase phase;
	struct http *http;
	const struct conf_module *conf;
	void *data;         /* the module's */
	const char *why;    /* reason given to holdfast_fail(), in http->arena */
	bool *option_asked; /* for each of conf->options */
	struct timer timer;
	unsigned mistakes; /* of the module's, logged */
	struct watch wake; /* an eventfd: `posted` has something */
	pthread_mutex_t lock;
	struct post *posted, **posted_end; /* by `lock` */
};

/* The module calls a function of ours as it must not: logged, but not
 * without an end. */
void module_blame(struct holdfast_route *route, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The part of the API that is about routes; see holdfast/module.h. */
const char *module_option(struct holdfast_route *route, const char *name, size_t i);
void module_fail(struct holdfast_route *route, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
void module_set_route_data(struct holdfast_route *route, void *data);
void *module_route_data(struct holdfast_route *route);
int module_route_timer(struct holdfast_route *route, uint64_t ms);
int module_post(struct holdfast_route *route,
		void (*run)(struct holdfast_route *route, void *argument),
		void *argument);
void module_log(struct holdfast_route *route, int level, const char *format,
		va_list args) __attribute__((format(printf, 3, 0)));

extern const struct handler module_handler;

#endif
