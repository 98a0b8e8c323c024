/* SPDX-License-Identifier: BSD-2-Clause */
/* The head of the request that a server gets. Worker. */
#ifndef WORKER_HANDLER_PROXY_PROXY_REQUEST_H
#define WORKER_HANDLER_PROXY_PROXY_REQUEST_H

#include "base/buf.h"

struct exchange;
struct proxy;

/* How the body that follows is framed. */
enum proxy_framing {
	PROXY_NO_BODY, /* no field says anything of a body */
	PROXY_LENGTH,
	PROXY_CHUNKED,
};

struct proxy_body {
	enum proxy_framing framing;
	uint64_t length; /* PROXY_LENGTH */
};

/* What the request says of its body: all of it is in x->request.body, or it is
 * to come. */
struct proxy_body proxy_request_body(const struct exchange *x, bool is_whole);

/* Whether it asks to go on with another protocol, and the route allows that. */
bool proxy_request_upgrades(const struct exchange *x, const struct proxy *proxy);

/* The Host of a server with that address. */
struct str proxy_request_host(const char *address);

/*
 * Puts the head, made anew from what was understood of the client's: nothing
 * is passed through as it came. `address` is the server's, for a Host of its
 * own. False when a template could not be evaluated (413).
 */
bool proxy_request_put_head(struct buf *out, struct exchange *x,
			    const struct proxy *proxy, struct proxy_body body,
			    const char *address);

#endif
