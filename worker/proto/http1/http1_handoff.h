/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/1 connections that move to another worker: see net/handoff.h. */
#ifndef WORKER_PROTO_HTTP1_HTTP1_HANDOFF_H
#define WORKER_PROTO_HTTP1_HTTP1_HANDOFF_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct conn;

/* See struct protocol. */
bool http1_freeze(const struct conn *c, struct buf *state, int *file_out);
bool http1_thaw(struct conn *c, struct str state, int file);

#endif
