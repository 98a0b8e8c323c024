/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The common settings of a site or route in action, before and after its
 * handler: who gets in, and changes to requests and responses. Created once
 * when the worker starts. A route without any has no policy, and its requests
 * check no more than that. Worker.
 */
#ifndef WORKER_HTTP_POLICY_POLICY_H
#define WORKER_HTTP_POLICY_POLICY_H

#include "base/addr.h"
#include "base/str.h"
#include "conf/conf.h"

struct exchange;
struct http;
struct policy;

/* A page that is sent with an error in place of the built-in one. */
struct error_page {
	struct str type;
	struct str content;
};

/* The state that the policies of a worker share: created before the first of
 * them, and destroyed after the last exchange. */
void policy_open(struct http *http);
void policy_close(struct http *http);

/* In the arena of `http`; *policy_out is NULL when nothing is asked for. As
 * http_init(), but *why_out is without the place in the file. */
int policy_create(struct http *http, const struct conf_common *conf,
		  struct policy **policy_out, const char **why_out)
	__attribute__((warn_unused_result));

/* 0 when the request is let in, or the status of the error that answers it, or
 * EXCHANGE_LATER. */
unsigned policy_admit(const struct policy *policy, struct exchange *x)
	__attribute__((warn_unused_result));

/* After that: as policy_admit(), for `authorize`. */
unsigned policy_authorize(const struct policy *policy, struct exchange *x)
	__attribute__((warn_unused_result));

/* The address that the request comes from, where real_ip is configured: the
 * connection's, or the one that a trusted proxy gives. */
struct endpoint policy_peer(const struct exchange *x);

/* Whether that is a proxy which may say where a request comes from. */
bool policy_trusts(const struct http *http, const struct endpoint *peer);

/* The counted exchange (x->concurrent_key) is over, or moves to another
 * process. */
void policy_release(struct exchange *x);
/* Counts an exchange that was counted under `key` in another process, and goes
 * on here. */
void policy_resume(struct exchange *x, uint64_t key);

/* The request is let in: changes it for its handler. */
void policy_change_request(const struct policy *policy, struct exchange *x);

/* The response is complete: changes it for the client. */
void policy_change_response(const struct policy *policy, struct exchange *x);

/* The page for that error, or NULL. */
const struct error_page *policy_error_page(const struct policy *policy,
					   unsigned status);

#endif
