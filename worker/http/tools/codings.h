/* SPDX-License-Identifier: BSD-2-Clause */
/* Which content coding a client gets (RFC 9110 section 12.5.3). Worker. */
#ifndef WORKER_HTTP_TOOLS_CODINGS_H
#define WORKER_HTTP_TOOLS_CODINGS_H

#include <stdbool.h>

#include "conf/conf.h"
#include "worker/http/exchange.h"

/*
 * The coding among `offered` that Accept-Encoding prefers, of equal ones the
 * first; only those in `there`, a set of 1u << enum conf_coding, count. False
 * if the answer is no coding.
 */
bool codings_choose(const struct request *request,
		    const struct conf_codings *offered, unsigned there,
		    enum conf_coding *coding_out)
	__attribute__((warn_unused_result));

#endif
