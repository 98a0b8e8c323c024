/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an upstream asks of a way to spread requests over its servers. To add
 * one: a file beside this that fills the struct, a line in worker/parts.c, and
 * a word in conf/schema/conf_upstreams.c. Worker.
 */
#ifndef WORKER_UPSTREAM_BALANCER_H
#define WORKER_UPSTREAM_BALANCER_H

#include <stddef.h>
#include <stdint.h>

struct server;

/* The servers that may be asked, at least one. */
struct candidates {
	struct server **items;
	size_t n;
	uint64_t hash; /* of the request, for those that use one */
};

struct balancer {
	const char *name; /* as in the configuration */

	/* One of the candidates. */
	struct server *(*pick)(const struct candidates *candidates);
};

extern const struct balancer round_robin_balancer;
extern const struct balancer least_conn_balancer;
extern const struct balancer random_balancer;
extern const struct balancer hash_balancer;

#endif
