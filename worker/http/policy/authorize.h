/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests that another resource of the site lets in (`authorize`): before the
 * handler has one, a sub-request is made, which has its fields but not its
 * body, and whose response decides. The sub-request is an exchange of its own,
 * on no connection: it is routed and handled as others are, and neither counted
 * nor logged. Worker.
 */
#ifndef WORKER_HTTP_POLICY_AUTHORIZE_H
#define WORKER_HTTP_POLICY_AUTHORIZE_H

#include "base/str.h"

struct exchange;

/*
 * As policy_admit(): 0 after a response of 2xx, whose fields are in
 * x->authorized then; 401, 403, 302, 303 or 307 as it was answered; 500 after
 * any other response.
 */
unsigned authorize_admit(struct str path, struct exchange *x)
	__attribute__((warn_unused_result));

#endif
