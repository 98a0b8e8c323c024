/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the common settings of a site or route ask for, beside what its handler
 * does: who is let in. Made once when the worker starts. A route that asks for
 * nothing of it has none, which is all that its requests look at. Worker.
 */
#ifndef WORKER_HTTP_POLICY_H
#define WORKER_HTTP_POLICY_H

#include "conf/conf.h"

struct exchange;
struct http;
struct policy;

/* In the arena of `http`; *policy_out is NULL when nothing is asked for. As
 * http_init(), but *why_out is without the place in the file. */
int policy_create(struct http *http, const struct conf_common *conf,
		  struct policy **policy_out, const char **why_out)
	__attribute__((warn_unused_result));

/* 0 when the request is let in, or the status of the error that answers it. */
unsigned policy_admit(const struct policy *policy, struct exchange *x)
	__attribute__((warn_unused_result));

#endif
