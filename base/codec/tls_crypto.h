/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cryptography of TLS records, by libcrypto: AEAD ciphers and the
 * derivation of keys. A keyed context of libcrypto takes more than 1 KiB, so
 * connections have none: they have keys, and a process has a few contexts,
 * each keyed for the connection that was served last with it. No I/O, no clock,
 * no log. Any process, one thread.
 */
#ifndef BASE_CODEC_TLS_CRYPTO_H
#define BASE_CODEC_TLS_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/str.h"

enum tls_aead {
	TLS_AES_128_GCM,
	TLS_AES_256_GCM,
	TLS_CHACHA20_POLY1305,
	TLS_AEADS,
};

enum {
	TLS_KEY_MAX = 32,
	TLS_NONCE = 12,
	TLS_TAG = 16,
	TLS_SECRET_MAX = 48, /* a digest of SHA-384; or a master secret */
};

/* Of one direction. */
struct tls_key {
	uint8_t bytes[TLS_KEY_MAX];
	uint8_t iv[TLS_NONCE];
	/* By tls_crypto_name(), in this process only. It may come again after
	 * 2^32 others: no context has it any more then. */
	uint32_t id;
};

struct tls_crypto;

/* NULL when libcrypto has not what is needed, or no memory. */
struct tls_crypto *tls_crypto_create(void);
void tls_crypto_destroy(struct tls_crypto **crypto);

/* bytes and iv of the key are set: from now on it is one of its own. */
void tls_crypto_name(struct tls_crypto *crypto, struct tls_key *key);

/* Overwrites the key, here and in a context that is keyed with it. */
void tls_crypto_wipe(struct tls_crypto *crypto, struct tls_key *key);

/*
 * Encrypts the pieces, one after the other, to `out`, which takes as many bytes
 * and TLS_TAG more. Pieces may overlap with `out` where they lie in it already.
 * False when libcrypto fails.
 */
bool tls_crypto_seal(struct tls_crypto *crypto, enum tls_aead aead,
		     const struct tls_key *key, const uint8_t nonce[TLS_NONCE],
		     struct str aad, const struct iovec *pieces, int n_pieces,
		     uint8_t *out) __attribute__((warn_unused_result));

/* Decrypts `n` bytes in place, of which the last TLS_TAG are the tag. False
 * when they are not what was sealed: the bytes mean nothing then. */
bool tls_crypto_open(struct tls_crypto *crypto, enum tls_aead aead,
		     const struct tls_key *key, const uint8_t nonce[TLS_NONCE],
		     struct str aad, uint8_t *bytes, size_t n)
	__attribute__((warn_unused_result));

/* HKDF-Expand-Label(secret, label, "", n) of RFC 8446 section 7.1; `digest` is a
 * name that libcrypto knows. */
bool tls_crypto_expand(struct tls_crypto *crypto, const char *digest,
		       struct str secret, const char *label, uint8_t *out, size_t n)
	__attribute__((warn_unused_result));

/* PRF(secret, label, seed) of RFC 5246 section 5. */
bool tls_crypto_prf(struct tls_crypto *crypto, const char *digest,
		    struct str secret, const char *label, struct str seed,
		    uint8_t *out, size_t n) __attribute__((warn_unused_result));

#endif
