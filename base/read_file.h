/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a small file whole, whatever lies at its path. Any process. */
#ifndef BASE_READ_FILE_H
#define BASE_READ_FILE_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Adds the content of the regular file at `path` to `out`, at most `max` bytes.
 * Never blocks on a FIFO or a device, and never takes a terminal. Returns NULL,
 * or why it could not be read: a sentence that is valid until the next call in
 * this thread. `out` may have a part of the file then.
 */
const char *read_file(const char *path, size_t max, struct buf *out)
	__attribute__((warn_unused_result));

/* The same; root follows no link on the way that others could change (see
 * base/safe_path.h), which the sentence names then. */
const char *read_file_safely(const char *path, size_t max, struct buf *out)
	__attribute__((warn_unused_result));

#endif
