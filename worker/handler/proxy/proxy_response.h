/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server's response becomes for the client. Worker. */
#ifndef WORKER_HANDLER_PROXY_PROXY_RESPONSE_H
#define WORKER_HANDLER_PROXY_PROXY_RESPONSE_H

#include "base/str.h"

struct exchange;
struct response_head;

/* Fills x->response but for its content: the status, and the fields that are
 * not of the server's connection only, by the rules of proxy_rewrite.h. */
void proxy_response_fill(struct exchange *x, const struct response_head *head,
			 struct str rules);

/* Passes on a response that comes before the final one, such as 103. */
void proxy_response_pass_interim(struct exchange *x,
				 const struct response_head *head);

#endif
