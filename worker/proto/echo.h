/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The echo protocol (RFC 862): every byte comes back. Worker.
 */
#ifndef WORKER_PROTO_ECHO_H
#define WORKER_PROTO_ECHO_H

#include "worker/net/protocol.h"

extern const struct protocol echo_protocol;

#endif
