/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8 (RFC 3629), for writing valid text from input that may not be. Pure. */
#ifndef BASE_CODEC_UTF8_H
#define BASE_CODEC_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { UTF8_REPLACEMENT = 0xfffd };

/*
 * Cuts the first character off *rest, which is not empty. For a sequence that
 * is not UTF-8, *valid_out is false, the result is UTF8_REPLACEMENT, and its
 * longest prefix that could begin a character is cut off (Unicode, "maximal
 * subparts"), as browsers do.
 */
uint32_t utf8_next(struct str *rest, bool *valid_out);

#endif
