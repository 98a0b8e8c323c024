/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names and passwords (HTTP Basic, RFC 7617). A hash takes long by design, so
 * it is computed in a thread, and a verified password is remembered for a while
 * by a keyed hash. An unknown name takes as long as a known one. Worker.
 */
#ifndef WORKER_HTTP_POLICY_AUTH_H
#define WORKER_HTTP_POLICY_AUTH_H

#include "conf/conf.h"

struct auth;
struct exchange;
struct hasher;
struct http;

/* In the arena of `http`; *auth_out is NULL when no password is asked for. As
 * policy_create(). */
int auth_create(struct http *http, const struct conf_common *conf,
		struct auth **auth_out, const char **why_out)
	__attribute__((warn_unused_result));

/*
 * 0 when the client may come in, and then x->user is its name; 401, with the
 * field that asks for a password; 503, when too many wait for an answer; or
 * EXCHANGE_LATER.
 */
unsigned auth_admit(const struct auth *auth, struct exchange *x)
	__attribute__((warn_unused_result));

/* For http_fini(), when no exchange waits any more; takes NULL too. */
void hasher_destroy(struct hasher **hasher);

#endif
