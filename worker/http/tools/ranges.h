/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Range requests (RFC 9110 section 14) for a handler whose response has all
 * of the content. Worker.
 */
#ifndef WORKER_HTTP_TOOLS_RANGES_H
#define WORKER_HTTP_TOOLS_RANGES_H

#include "worker/http/exchange.h"

enum ranges_answer {
	RANGES_WHOLE,   /* the response is as it was */
	RANGES_PARTIAL, /* it is a 206 now, with the content asked for */
	RANGES_NONE,    /* no such bytes: 416; its Content-Range is there */
};

/*
 * Makes of x->response, a 200 with BODY_BYTES or BODY_FILE, what the Range
 * field of the request asks for. `type` is its Content-Type, and `untyped` its
 * prepared fields without that: many ranges go as multipart/byteranges.
 */
enum ranges_answer ranges_apply(struct exchange *x, struct str type,
				const struct fields *untyped)
	__attribute__((warn_unused_result));

#endif
