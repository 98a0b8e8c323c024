/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients that stay with a server by a cookie. Worker. */
#ifndef WORKER_HANDLER_PROXY_FORWARD_STICKY_H
#define WORKER_HANDLER_PROXY_FORWARD_STICKY_H

struct forward;
struct server;

/* The server that the client is bound to, if it may be asked; else NULL. */
struct server *forward_sticky_server(const struct forward *f);

/* Sets the cookie in the response, if the client does not have it yet. */
void forward_sticky_set(struct forward *f);

#endif
