/* SPDX-License-Identifier: BSD-2-Clause */
/* How an HTTP/1 connection moves to another worker: see protocol.h. Worker. */
#ifndef WORKER_PROTO_HTTP1_HTTP1_HANDOFF_H
#define WORKER_PROTO_HTTP1_HTTP1_HANDOFF_H

#include <stdbool.h>

#include "base/shared/frozen.h"
#include "worker/net/conn.h"

enum movable http1_prepare(struct conn *c);
void http1_describe(const struct conn *c, struct buf *text);
bool http1_rests(const struct conn *c);
bool http1_freeze(const struct conn *c, struct frozen_writer *message);
bool http1_thaw(struct conn *c, struct frozen_reader *message);

#endif
