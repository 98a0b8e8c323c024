/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server's response becomes for the client. Worker. */
#ifndef WORKER_HANDLER_PROXY_PROXY_RESPONSE_H
#define WORKER_HANDLER_PROXY_PROXY_RESPONSE_H

#include <stdbool.h>

#include "base/str.h"

struct exchange;
struct response_head;

/* Fills x->response but for its content: the status, and the fields that are
 * not of the server's connection only, by the rules of proxy_rewrite.h. */
void proxy_response_fill(struct exchange *x, const struct response_head *head,
			 struct str rules);

/* RFC 9110 section 6.5.1: trailers are for clients that say that they take
 * them. */
bool proxy_response_may_have_trailers(const struct exchange *x);
/* Those of the server's, as they came, that the client gets. */
void proxy_response_put_trailers(struct exchange *x, struct str section);

/* Passes on a response that comes before the final one, such as 103. */
void proxy_response_pass_interim(struct exchange *x,
				 const struct response_head *head);

#endif
