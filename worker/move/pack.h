/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection as a message of the handoff: what is the same for every protocol
 * here, the rest by its protocol. The format is base/shared/frozen.h. Packing
 * neither allocates nor calls the system, if the protocol's freeze() does not:
 * a worker that crashes packs in its signal handler. Worker.
 */
#ifndef WORKER_MOVE_PACK_H
#define WORKER_MOVE_PACK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/shared/frozen.h"
#include "worker/net/conn.h"

/*
 * Freezes `c` into the `room` bytes at `bytes`, for readers of that table.
 * False while its protocol is in the middle of something; what else can be
 * wrong is in writer->result. The connection is not changed.
 */
bool pack_conn(struct frozen_writer *writer, const struct conn *c, char *bytes,
	       size_t room, const struct frozen_table *readers, unsigned crashes)
	__attribute__((warn_unused_result));

/* What a message says of its connection. Strings point into the message. */
struct unpacked {
	struct str listener, protocol, transport;
	struct conn_origin origin;
};

/* Reads all that is not the protocol's own: FROZEN_OK or FROZEN_DAMAGED. */
enum frozen_result unpack_conn(struct frozen_reader *reader,
			       struct unpacked *unpacked_out)
	__attribute__((warn_unused_result));

#endif
