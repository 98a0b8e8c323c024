/* SPDX-License-Identifier: BSD-2-Clause */
/* The cipher suites of TLS that are spoken: AEAD only, forward secret only. */
#ifndef BASE_CODEC_TLS_SUITE_H
#define BASE_CODEC_TLS_SUITE_H

#include <stddef.h>
#include <stdint.h>

#include "base/codec/tls_crypto.h"

enum tls_version {
	TLS_1_2 = 0x0303,
	TLS_1_3 = 0x0304,
};

struct tls_suite {
	uint16_t id;      /* of the IANA's registry */
	uint16_t version; /* enum tls_version */
	uint8_t aead;     /* enum tls_aead */
	uint8_t key_size;
	uint8_t secret_size; /* of the digest */
	/* Of TLS 1.2, where records of AES-GCM carry a part of their nonce
	 * (RFC 5288 section 3): its size; else 0. */
	uint8_t explicit_size;
	const char *digest;       /* as libcrypto names it */
	const char *name;         /* as the RFCs name it */
	const char *openssl_name; /* as OpenSSL does */
};

/* NULL for one that is not spoken. */
const struct tls_suite *tls_suite_find(uint16_t id);

/* By either name. */
const struct tls_suite *tls_suite_find_name(struct str name);

/* The i-th one; NULL when there are fewer. */
const struct tls_suite *tls_suite_at(size_t i);

#endif
