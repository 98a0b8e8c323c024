/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol stream: the bytes of a connection go to a server of an upstream,
 * and what that sends comes back, whatever they mean. stream.c is the choice of
 * the server and the connection to it, stream_pass.c the passing on,
 * stream_names.c the upstreams by the name that a TLS client asks for,
 * stream_frozen.c moves, stream_log.c the line in the access log. Worker.
 */
#ifndef WORKER_PROTO_STREAM_STREAM_H
#define WORKER_PROTO_STREAM_STREAM_H

#include "worker/net/protocol.h"

extern const struct protocol stream_protocol;

#endif
