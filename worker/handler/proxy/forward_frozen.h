/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests on their way that move to another process: see struct handler. */
#ifndef WORKER_HANDLER_PROXY_FORWARD_FROZEN_H
#define WORKER_HANDLER_PROXY_FORWARD_FROZEN_H

#include <stdbool.h>

#include "base/shared/frozen.h"

struct exchange;

bool forward_may_move(const struct exchange *x);
bool forward_rests(const struct exchange *x);
void forward_freeze(const struct exchange *x, struct frozen_writer *message);
bool forward_thaw(struct exchange *x, struct frozen_reader *message);

#endif
