/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compresses responses: the setting `compress`. Short content at once, long
 * content and streams while they are sent, piece by piece. Worker.
 */
#ifndef WORKER_HTTP_POLICY_COMPRESS_H
#define WORKER_HTTP_POLICY_COMPRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "conf/conf.h"
#include "worker/http/exchange.h"

/* Whether content of that type and length (or BODY_LENGTH_UNKNOWN) is to be
 * compressed by the settings. */
bool compress_wants(const struct conf_common *conf, struct str type,
		    uint64_t length);

/* True when a value of Cache-Control has no-transform (RFC 9111 section
 * 5.2.2.6). */
bool compress_is_forbidden(struct str cache_control);

/* Compresses short content into `arena`; false when that does not make it
 * shorter. */
bool compress_bytes(enum conf_coding coding, struct str content,
		    struct arena *arena, struct str *out)
	__attribute__((warn_unused_result));

/* A receiver of the whole compressed content, if that is at most `max` bytes
 * long. `context` has to live as long as the owner of the content is held. */
struct compress_keeper {
	size_t max;
	void (*keep)(void *context, struct str content);
	void *context;
};

/* Puts a stream that compresses it in the place of the body of x->response.
 * `keeper` may be NULL. False, and nothing is changed, when too much is being
 * compressed. */
bool compress_body(struct exchange *x, enum conf_coding coding,
		   const struct compress_keeper *keeper)
	__attribute__((warn_unused_result));

/* The response is complete, and its handler knows nothing of codings. */
void compress_response(const struct conf_common *conf, struct exchange *x);

#endif
