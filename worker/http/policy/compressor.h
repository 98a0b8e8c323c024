/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compresses a stream of bytes in pieces, by zlib, libbrotlienc or libzstd,
 * with windows that keep the memory of one near a megabyte. Worker.
 */
#ifndef WORKER_HTTP_POLICY_COMPRESSOR_H
#define WORKER_HTTP_POLICY_COMPRESSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "conf/conf.h"

struct compressor;

enum compressor_task {
	COMPRESSOR_TAKE,  /* consume the input; output may lag behind */
	COMPRESSOR_FLUSH, /* the output then decodes to all input so far */
	COMPRESSOR_END,   /* and ends the content */
};

/*
 * `size` is the exact size of the content, or UINT64_MAX if it is not known. NULL
 * when the library has no memory, or very many compressors are in use; then the
 * response is sent uncompressed.
 */
struct compressor *compressor_create(enum conf_coding coding, uint64_t size)
	__attribute__((warn_unused_result));

/* Clears the caller's pointer; takes a pointer to NULL too. */
void compressor_destroy(struct compressor **compressor);

/* From the next input on, time counts more than length. Only zlib's level can
 * change in the middle; the others' are fast ones. */
void compressor_hurry(struct compressor *compressor);

/*
 * Cuts input off the front of *in and puts up to `room` bytes at `out`. True
 * when the task is done; if false, call it again with the same task, the rest
 * of *in, and more room.
 */
bool compressor_run(struct compressor *compressor, enum compressor_task task,
		    struct str *in, char *out, size_t room, size_t *n_out)
	__attribute__((warn_unused_result));

#endif
