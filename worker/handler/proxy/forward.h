/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request on its way to a server, and its response on the way back. Lives
 * in the exchange's arena, which it holds (x->holder) until it has answered;
 * then it is the owner of the response's content. Worker.
 */
#ifndef WORKER_HANDLER_PROXY_FORWARD_H
#define WORKER_HANDLER_PROXY_FORWARD_H

#include <stdbool.h>

#include "base/str.h"

struct exchange;
struct proxy;

/* Picks a server and asks it; answers the exchange, now or later. */
void forward_start(struct exchange *x, const struct proxy *proxy);

/* Of struct handler: body() and end_body(). In a tunnel, what comes from the
 * client, and its end. */
bool forward_put_body(struct exchange *x, struct str piece);
void forward_end_body(struct exchange *x);

#endif
