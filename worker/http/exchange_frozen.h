/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An exchange that is answered, as records of a message to another process:
 * what of its content is still to be sent, and all that the log says of it in
 * the end. The records are of the waist; what the protocol has to remember it
 * puts beside them. The format is base/shared/frozen.h. Worker.
 */
#ifndef WORKER_HTTP_EXCHANGE_FROZEN_H
#define WORKER_HTTP_EXCHANGE_FROZEN_H

#include <stdbool.h>

#include "base/shared/frozen.h"

struct exchange;

/* For one that is MOVING_READY (see moving.h), or that exchange_may_move(). Neither
 * changes anything, nor allocates. */
void exchange_freeze(const struct exchange *x, struct frozen_writer *message);

/*
 * Goes on with an exchange that was frozen: `x` is idle and becomes
 * EXCHANGE_ANSWERED; its head was sent. The route that it had need not be in
 * our configuration. False when the records are damaged.
 */
bool exchange_thaw(struct exchange *x, struct frozen_reader *message)
	__attribute__((warn_unused_result));

/* The same for one that its handler held, and holds again. */
bool exchange_thaw_held(struct exchange *x, struct frozen_reader *message)
	__attribute__((warn_unused_result));

#endif
