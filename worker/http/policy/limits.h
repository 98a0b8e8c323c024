/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How often, and how many at a time: the limits of a site or route, counted
 * for all workers together (base/shared/quota.h). Worker.
 */
#ifndef WORKER_HTTP_POLICY_LIMITS_H
#define WORKER_HTTP_POLICY_LIMITS_H

#include "conf/conf.h"

struct exchange;
struct http;
struct limits;

/* In the arena of `http`; NULL without limits. */
struct limits *limits_create(struct http *http, const struct conf_common *conf);

/*
 * 0 when the request is within them, or 429 or 503; then the response has its
 * Retry-After, and the request is counted as refused. A request that another
 * worker has let in before it moved here is let in again, and only counted
 * with those at a time. limits_release() is right after all.
 */
unsigned limits_admit(struct limits *limits, struct exchange *x)
	__attribute__((warn_unused_result));

/* The exchange is over, or goes on elsewhere. */
void limits_release(struct exchange *x);
/* As policy_resume(). */
void limits_resume(struct exchange *x, uint64_t key);

#endif
