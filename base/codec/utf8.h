/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8 (RFC 3629), for who must write text that others can read, whatever it
 * was made of. Pure.
 */
#ifndef BASE_CODEC_UTF8_H
#define BASE_CODEC_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum { UTF8_REPLACEMENT = 0xfffd };

/*
 * Takes the first character off *rest, which is not empty. What is no UTF-8 is
 * taken as far as one could have begun (Unicode, "maximal subparts"), which is
 * what browsers do, and is *valid_out = false and UTF8_REPLACEMENT.
 */
uint32_t utf8_take(struct str *rest, bool *valid_out);

#endif
