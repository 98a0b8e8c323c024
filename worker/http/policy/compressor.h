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
	COMPRESSOR_TAKE,  /* the input; what comes out now is up to it */
	COMPRESSOR_FLUSH, /* and put out all that has been taken */
	COMPRESSOR_END,   /* and the end of it all */
};

/*
 * `size` is of all that will be compressed, neither more nor less, when it
 * comes to an end; UINT64_MAX if that is not known. NULL when the library has no
 * memory, or very many are in use; then the response goes as it is.
 */
struct compressor *compressor_create(enum conf_coding coding, uint64_t size)
	__attribute__((warn_unused_result));

/* Clears the caller's pointer; takes a pointer to NULL too. */
void compressor_destroy(struct compressor **compressor);

/*
 * Takes from the front of *in and puts up to `room` bytes at `out`. True when
 * the task is done; false when it is to be called again, with the same task
 * and what is left of *in, and more room.
 */
bool compressor_run(struct compressor *compressor, enum compressor_task task,
		    struct str *in, char *out, size_t room, size_t *n_out)
	__attribute__((warn_unused_result));

#endif
