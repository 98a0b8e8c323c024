/* SPDX-License-Identifier: BSD-2-Clause */
/* Tunnels that are silent: see struct handler_compact. */
#ifndef WORKER_HANDLER_PROXY_FORWARD_COMPACT_H
#define WORKER_HANDLER_PROXY_FORWARD_COMPACT_H

#include <stdbool.h>

#include "worker/http/handler.h"

struct forward;
struct peer;

/* Whether the peer tells what happens to `f`, or to the tunnel that `f` was made
 * of to be looked at. */
bool forward_is_of(const struct forward *f, const struct peer *peer);

extern const struct handler_compact forward_compact;

#endif
