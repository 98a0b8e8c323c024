/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MD5 (RFC 1321) and SHA-1 (FIPS 180-4), for what was hashed with them long ago:
 * passwords in files that are still in use. Make nothing new with them.
 * Pure.
 */
#ifndef BASE_CODEC_DIGEST_H
#define BASE_CODEC_DIGEST_H

#include <stdint.h>

#include "base/str.h"

enum digest_kind { DIGEST_MD5, DIGEST_SHA1 };

enum { DIGEST_MD5_SIZE = 16, DIGEST_SHA1_SIZE = 20, DIGEST_MAX = 20 };

/* Embedded; by digest_init(). */
struct digest {
	enum digest_kind kind;
	uint32_t state[5];
	uint64_t n; /* bytes so far */
	unsigned char block[64];
};

void digest_init(struct digest *d, enum digest_kind kind);
void digest_add(struct digest *d, struct str s);

/* Writes the digest, of its kind's size. */
void digest_end(struct digest *d, unsigned char out[DIGEST_MAX]);

#endif
