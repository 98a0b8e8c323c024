/* SPDX-License-Identifier: BSD-2-Clause */
/* What a site or route asks for about TLS: that requests come with it, and that
 * browsers remember that (RFC 6797). Worker. */
#ifndef WORKER_HTTP_POLICY_SECURE_H
#define WORKER_HTTP_POLICY_SECURE_H

#include "worker/http/exchange.h"

struct secure;

/* In the arena of `http`; NULL when nothing is asked for. */
struct secure *secure_create(struct http *http, const struct conf_common *conf);

/* 0, or the status of the answer: where to ask with TLS. */
unsigned secure_admit(const struct secure *secure, struct exchange *x);

void secure_change_response(const struct secure *secure, struct exchange *x);

#endif
