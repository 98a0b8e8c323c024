/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The three libraries behind one interface: for each coding begin, run and end.
 * Worker.
 */
#include "worker/http/policy/compressor.h"

#include <stdlib.h>

#include <zlib.h>
#ifdef HAVE_LIBBROTLIENC
#include <brotli/encode.h>
#endif
#ifdef HAVE_LIBZSTD
#include <zstd.h>
#endif

#include "base/log.h"
#include "base/mem.h"

enum {
	COMPRESSORS_MAX = 128, /* at a time, for the memory's sake */

	/* Fast levels: the content is compressed while it is sent. */
	GZIP_LEVEL = 5,
	GZIP_HURRIED_LEVEL = 1,
	GZIP_FORMAT = 15 + 16, /* the largest window, and gzip's own header */
	GZIP_MEMORY = 8,
	BROTLI_LEVEL = 4,
	ZSTD_LEVEL = 3,
	WINDOW_LOG = 18, /* of brotli and zstd, 2^ bytes */
	BLOCK_LOG = 16,  /* of brotli, which takes a block at once */
};

static unsigned in_use;

struct compressor {
	enum conf_coding coding;
	bool hurries; /* its level has to change still */
	union {
		z_stream gzip;
#ifdef HAVE_LIBBROTLIENC
		BrotliEncoderState *brotli;
#endif
#ifdef HAVE_LIBZSTD
		ZSTD_CCtx *zstd;
#endif
	};
};

/* These libraries know no constants. */
static uint8_t *bytes_of(const char *p)
{
	return (uint8_t *)(size_t)p;
}

static bool start_gzip(struct compressor *c)
{
	return deflateInit2(&c->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_FORMAT,
			    GZIP_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK;
}

static bool run_gzip(struct compressor *c, enum compressor_task task,
		     struct str *in, char *out, size_t room, size_t *n_out)
{
	static const int flush[] = {
		[COMPRESSOR_TAKE] = Z_NO_FLUSH,
		[COMPRESSOR_FLUSH] = Z_SYNC_FLUSH,
		[COMPRESSOR_END] = Z_FINISH,
	};

	c->gzip.next_in = bytes_of(in->p);
	c->gzip.avail_in = (unsigned)in->n;
	c->gzip.next_out = bytes_of(out);
	c->gzip.avail_out = (unsigned)room;
	/* It flushes what went in before: without room for that, later. */
	if (c->hurries &&
	    deflateParams(&c->gzip, GZIP_HURRIED_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK)
		c->hurries = false;
	int result = deflate(&c->gzip, flush[task]);

	ASSERT(result != Z_STREAM_ERROR);
	*in = str_tail(*in, in->n - c->gzip.avail_in);
	*n_out = room - c->gzip.avail_out;
	if (task == COMPRESSOR_END)
		return result == Z_STREAM_END;
	return in->n == 0 && (task == COMPRESSOR_TAKE || c->gzip.avail_out > 0);
}

#ifdef HAVE_LIBBROTLIENC
static bool start_brotli(struct compressor *c, uint64_t size)
{
	c->brotli = BrotliEncoderCreateInstance(NULL, NULL, NULL);
	if (c->brotli == NULL)
		return false;
	BrotliEncoderSetParameter(c->brotli, BROTLI_PARAM_QUALITY, BROTLI_LEVEL);
	BrotliEncoderSetParameter(c->brotli, BROTLI_PARAM_LGWIN, WINDOW_LOG);
	BrotliEncoderSetParameter(c->brotli, BROTLI_PARAM_LGBLOCK, BLOCK_LOG);
	if (size < UINT32_MAX)
		BrotliEncoderSetParameter(c->brotli, BROTLI_PARAM_SIZE_HINT,
					  (uint32_t)size);
	return true;
}

static bool run_brotli(struct compressor *c, enum compressor_task task,
		       struct str *in, char *out, size_t room, size_t *n_out)
{
	static const BrotliEncoderOperation operations[] = {
		[COMPRESSOR_TAKE] = BROTLI_OPERATION_PROCESS,
		[COMPRESSOR_FLUSH] = BROTLI_OPERATION_FLUSH,
		[COMPRESSOR_END] = BROTLI_OPERATION_FINISH,
	};
	size_t in_left = in->n, out_left = room;
	const uint8_t *from = bytes_of(in->p);
	uint8_t *to = bytes_of(out);

	ASSERT(BrotliEncoderCompressStream(c->brotli, operations[task], &in_left,
					   &from, &out_left, &to, NULL));
	*in = str_tail(*in, in->n - in_left);
	*n_out = room - out_left;
	if (task == COMPRESSOR_END)
		return BrotliEncoderIsFinished(c->brotli);
	return in_left == 0 && !BrotliEncoderHasMoreOutput(c->brotli);
}
#endif

#ifdef HAVE_LIBZSTD
static bool start_zstd(struct compressor *c, uint64_t size)
{
	c->zstd = ZSTD_createCCtx();
	if (c->zstd == NULL)
		return false;
	ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_windowLog, WINDOW_LOG);
	if (size != UINT64_MAX)
		ZSTD_CCtx_setPledgedSrcSize(c->zstd, size);
	return true;
}

static bool run_zstd(struct compressor *c, enum compressor_task task,
		     struct str *in, char *out, size_t room, size_t *n_out)
{
	static const ZSTD_EndDirective directives[] = {
		[COMPRESSOR_TAKE] = ZSTD_e_continue,
		[COMPRESSOR_FLUSH] = ZSTD_e_flush,
		[COMPRESSOR_END] = ZSTD_e_end,
	};
	ZSTD_inBuffer from = {in->p, in->n, 0};
	ZSTD_outBuffer to = {out, room, 0};
	size_t left = ZSTD_compressStream2(c->zstd, &to, &from, directives[task]);

	if (ZSTD_isError(left))
		log_fatal("zstd: %s", ZSTD_getErrorName(left));
	*in = str_tail(*in, from.pos);
	*n_out = to.pos;
	return in->n == 0 && (task == COMPRESSOR_TAKE || left == 0);
}
#endif

static bool start(struct compressor *c, uint64_t size)
{
	(void)size;
	switch (c->coding) {
	case CONF_CODING_GZIP:
		return start_gzip(c);
#ifdef HAVE_LIBBROTLIENC
	case CONF_CODING_BR:
		return start_brotli(c, size);
#endif
#ifdef HAVE_LIBZSTD
	case CONF_CODING_ZSTD:
		return start_zstd(c, size);
#endif
	default:
		log_fatal("no such coding: %d", (int)c->coding);
	}
}

struct compressor *compressor_create(enum conf_coding coding, uint64_t size)
{
	if (in_use == COMPRESSORS_MAX)
		return NULL;
	struct compressor *c = mem_zalloc(1, sizeof(*c));

	c->coding = coding;
	if (!start(c, size)) {
		free(c);
		return NULL;
	}
	in_use++;
	return c;
}

void compressor_destroy(struct compressor **compressor)
{
	struct compressor *c = *compressor;

	if (c == NULL)
		return;
	switch (c->coding) {
#ifdef HAVE_LIBBROTLIENC
	case CONF_CODING_BR:
		BrotliEncoderDestroyInstance(c->brotli);
		break;
#endif
#ifdef HAVE_LIBZSTD
	case CONF_CODING_ZSTD:
		ZSTD_freeCCtx(c->zstd);
		break;
#endif
	default:
		deflateEnd(&c->gzip);
	}
	free(c);
	*compressor = NULL;
	in_use--;
}

void compressor_hurry(struct compressor *c)
{
	c->hurries = c->coding == CONF_CODING_GZIP;
}

bool compressor_run(struct compressor *c, enum compressor_task task, struct str *in,
		    char *out, size_t room, size_t *n_out)
{
	switch (c->coding) {
#ifdef HAVE_LIBBROTLIENC
	case CONF_CODING_BR:
		return run_brotli(c, task, in, out, room, n_out);
#endif
#ifdef HAVE_LIBZSTD
	case CONF_CODING_ZSTD:
		return run_zstd(c, task, in, out, room, n_out);
#endif
	default:
		return run_gzip(c, task, in, out, room, n_out);
	}
}
