/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection with more on it than a message of the handoff carries, such as a
 * tunnel that is blocked both ways: the whole message is in a file without a
 * name, and the one that is sent consists of a record that says so. Worker.
 */
#ifndef WORKER_MOVE_STORED_H
#define WORKER_MOVE_STORED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/shared/frozen.h"

enum { STORED_BYTES = 512 * 1024 }; /* the largest message in a file */

/*
 * Puts `whole` into a new file, and makes the message for it in the `room`
 * bytes at `bytes`: `writer_out` is that of all that is sent, and has the
 * descriptors of both. *file_out is the file, the caller's to close. False when
 * there is no file, or the readers do not know the record: writer_out->result.
 */
bool stored_put(struct frozen_writer *writer_out, const struct frozen_writer *whole,
		char *bytes, size_t room, int *file_out)
	__attribute__((warn_unused_result));

/*
 * The whole message of one that is in a file: it is read into `bytes`, and
 * `reader` goes on in it. FROZEN_OK also for any other message, whose `bytes` stay
 * empty. The descriptor stays the reader's, as a message may have to be sent on.
 */
enum frozen_result stored_get(struct frozen_reader *reader, struct buf *bytes)
	__attribute__((warn_unused_result));

#endif
