/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passes requests on to the servers of an upstream, and their responses back,
 * both as they come. proxy.c is the route, forward.c one request on its way,
 * proxy_request.c and proxy_response.c its head and its response's. Worker.
 */
#ifndef WORKER_HANDLER_PROXY_PROXY_H
#define WORKER_HANDLER_PROXY_PROXY_H

#include "conf/schema/conf_proxy.h"
#include "worker/http/handler.h"

/* A route's. */
struct proxy {
	const struct conf_route *route;
	const struct conf_proxy *conf; /* the route's own settings */
	size_t upstream;               /* its place in conf->upstreams */
};

extern const struct handler proxy_handler;

#endif
