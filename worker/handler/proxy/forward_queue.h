/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that wait for a server: see forward_queue.c. Worker. */
#ifndef WORKER_HANDLER_PROXY_FORWARD_QUEUE_H
#define WORKER_HANDLER_PROXY_FORWARD_QUEUE_H

#include <stdbool.h>

struct exchange;
struct forward;
struct frozen_reader;
struct frozen_writer;
struct server;

/* The server to ask. NULL: the request waits, and forward_try() is called when it
 * is its turn; or it was refused. */
struct server *forward_choose(struct forward *f);

/* Of one that waits; as in worker/http/handler.h. */
bool forward_queue_may_move(const struct forward *f);
void forward_queue_freeze(const struct forward *f, struct frozen_writer *message);
bool forward_queue_thaw(struct exchange *x, struct frozen_reader *message);

#endif
