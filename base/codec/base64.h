/* SPDX-License-Identifier: BSD-2-Clause */
/* Base64 (RFC 4648 section 4). Pure. */
#ifndef BASE_CODEC_BASE64_H
#define BASE_CODEC_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Decodes into `out`, which has room for s.n bytes. False unless `s` is padded
 * Base64 without any other characters. */
bool base64_decode(struct str s, char *out, size_t *n_out)
	__attribute__((warn_unused_result));

#endif
