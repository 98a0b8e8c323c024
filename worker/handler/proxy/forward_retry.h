/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a request that failed, or whose response is not wanted, is sent again:
 * only where that can do no harm. Worker. */
#ifndef WORKER_HANDLER_PROXY_FORWARD_RETRY_H
#define WORKER_HANDLER_PROXY_FORWARD_RETRY_H

#include <stdbool.h>

#include "conf/conf.h"

struct forward;

/* RFC 9110 section 9.2.2 */
bool forward_is_idempotent(const struct forward *f);

/* All of it is still here, and it is idempotent or nothing of it was sent; or
 * the configuration says that it may be sent twice. */
bool forward_is_repeatable(const struct forward *f);

/* After a failure of that kind: if the configuration names it, and nothing of a
 * response has come, or what came is the failure. */
bool forward_may_try_again(const struct forward *f, enum conf_retry cause);

/* After a response with that status: if the configuration names it and there is
 * a server that was not asked. The last one's is passed on, whatever it is. */
bool forward_asks_another(const struct forward *f, unsigned status);

/* timeouts.total has passed. */
bool forward_is_too_late(const struct forward *f);

#endif
