/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/1.1 and 1.0 on a connection (RFC 9112). Worker. */
#ifndef WORKER_PROTO_HTTP1_HTTP1_H
#define WORKER_PROTO_HTTP1_HTTP1_H

#include "worker/net/protocol.h"

extern const struct protocol http1_protocol;

#endif
