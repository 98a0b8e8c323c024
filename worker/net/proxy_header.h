/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is spoken on a connection from a proxy until its client is known: one
 * header of the PROXY protocol (base/codec/proxy_protocol.h), within
 * timeouts.header. Then the protocol of the listener takes over, and the
 * client's address is the header's. Worker.
 */
#ifndef WORKER_NET_PROXY_HEADER_H
#define WORKER_NET_PROXY_HEADER_H

#include <stdbool.h>

#include "worker/net/conn.h"

extern const struct protocol proxy_header_protocol;

/* Whether connections of that peer begin with one. */
bool proxy_header_is_due(const struct listener *listener,
			 const struct endpoint *peer);

/* Whether it has not come yet: c->peer is the proxy, and is not counted among
 * the clients by address. */
static inline bool proxy_header_is_awaited(const struct conn *c)
{
	return c->protocol == &proxy_header_protocol;
}

#endif
