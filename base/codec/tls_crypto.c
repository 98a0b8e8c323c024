/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the contexts and how they are keyed, then sealing and opening, then the
 * two ways by which TLS derives keys. Contexts are found by the id of the key:
 * those of the two directions of a connection are neighbours, so that a
 * connection never takes its own context away. Nothing is fatal.
 */
#include "base/codec/tls_crypto.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

enum {
	TLS_CONTEXTS = 64, /* a power of two */
	LABEL_MAX = 64,
};

struct context {
	uint32_t key_id; /* 0: none */
	enum tls_aead aead;
	EVP_CIPHER_CTX *evp;
};

struct tls_crypto {
	uint32_t last_id;
	EVP_CIPHER *ciphers[TLS_AEADS];
	EVP_KDF *hkdf, *prf;
	struct context contexts[TLS_CONTEXTS];
};

static const char *const cipher_names[TLS_AEADS] = {
	[TLS_AES_128_GCM] = "AES-128-GCM",
	[TLS_AES_256_GCM] = "AES-256-GCM",
	[TLS_CHACHA20_POLY1305] = "ChaCha20-Poly1305",
};

struct tls_crypto *tls_crypto_create(void)
{
	struct tls_crypto *crypto = calloc(1, sizeof(*crypto));
	bool is_whole = crypto != NULL;

	if (crypto == NULL)
		return NULL;
	for (int i = 0; i < TLS_AEADS; i++) {
		crypto->ciphers[i] = EVP_CIPHER_fetch(NULL, cipher_names[i], NULL);
		is_whole = is_whole && crypto->ciphers[i] != NULL;
	}
	crypto->hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	crypto->prf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	if (!is_whole || crypto->hkdf == NULL || crypto->prf == NULL)
		tls_crypto_destroy(&crypto);
	return crypto;
}

void tls_crypto_destroy(struct tls_crypto **crypto)
{
	struct tls_crypto *c = *crypto;

	*crypto = NULL;
	if (c == NULL)
		return;
	for (int i = 0; i < TLS_CONTEXTS; i++)
		EVP_CIPHER_CTX_free(c->contexts[i].evp);
	for (int i = 0; i < TLS_AEADS; i++)
		EVP_CIPHER_free(c->ciphers[i]);
	EVP_KDF_free(c->hkdf);
	EVP_KDF_free(c->prf);
	free(c);
}

/* Contexts. */

void tls_crypto_name(struct tls_crypto *crypto, struct tls_key *key)
{
	if (++crypto->last_id == 0)
		crypto->last_id++;
	key->id = crypto->last_id;
}

static struct context *context_of(struct tls_crypto *crypto,
				  const struct tls_key *key)
{
	return &crypto->contexts[key->id % TLS_CONTEXTS];
}

void tls_crypto_wipe(struct tls_crypto *crypto, struct tls_key *key)
{
	static const uint8_t nothing[TLS_KEY_MAX];
	struct context *context = context_of(crypto, key);

	if (key->id != 0 && context->key_id == key->id) {
		(void)EVP_EncryptInit_ex(context->evp, NULL, NULL, nothing, NULL);
		context->key_id = 0;
	}
	OPENSSL_cleanse(key, sizeof(*key));
}

/* The context of the key, ready for the nonce; or NULL. */
static EVP_CIPHER_CTX *begin(struct tls_crypto *crypto, enum tls_aead aead,
			     const struct tls_key *key, const uint8_t *nonce,
			     bool seals)
{
	struct context *context = context_of(crypto, key);
	const EVP_CIPHER *cipher = NULL;
	const uint8_t *bytes = NULL;

	if (context->evp == NULL) {
		context->evp = EVP_CIPHER_CTX_new();
		if (context->evp == NULL)
			return NULL;
		cipher = crypto->ciphers[aead];
	}
	if (context->key_id != key->id) {
		if (context->aead != aead)
			cipher = crypto->ciphers[aead];
		bytes = key->bytes;
	}
	context->key_id = 0; /* until it has it */
	if (EVP_CipherInit_ex(context->evp, cipher, NULL, bytes, nonce, seals) != 1)
		return NULL;
	context->aead = aead;
	context->key_id = key->id;
	return context->evp;
}

static bool update(EVP_CIPHER_CTX *evp, uint8_t *out, const void *in, size_t n)
{
	int written;

	return n == 0 || EVP_CipherUpdate(evp, out, &written, in, (int)n) == 1;
}

bool tls_crypto_seal(struct tls_crypto *crypto, enum tls_aead aead,
		     const struct tls_key *key, const uint8_t nonce[TLS_NONCE],
		     struct str aad, const struct iovec *pieces, int n_pieces,
		     uint8_t *out)
{
	EVP_CIPHER_CTX *evp = begin(crypto, aead, key, nonce, true);
	int written;

	if (evp == NULL || !update(evp, NULL, aad.p, aad.n))
		return false;
	for (int i = 0; i < n_pieces; i++) {
		if (!update(evp, out, pieces[i].iov_base, pieces[i].iov_len))
			return false;
		out += pieces[i].iov_len;
	}
	return EVP_CipherFinal_ex(evp, out, &written) == 1 &&
	       EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_GET_TAG, TLS_TAG, out) == 1;
}

bool tls_crypto_open(struct tls_crypto *crypto, enum tls_aead aead,
		     const struct tls_key *key, const uint8_t nonce[TLS_NONCE],
		     struct str aad, uint8_t *bytes, size_t n)
{
	size_t plain = n - TLS_TAG;
	EVP_CIPHER_CTX *evp;
	int written;

	if (n < TLS_TAG)
		return false;
	evp = begin(crypto, aead, key, nonce, false);
	return evp != NULL &&
	       EVP_CIPHER_CTX_ctrl(evp, EVP_CTRL_AEAD_SET_TAG, TLS_TAG,
				   bytes + plain) == 1 &&
	       update(evp, NULL, aad.p, aad.n) &&
	       update(evp, bytes, bytes, plain) &&
	       EVP_CipherFinal_ex(evp, bytes + plain, &written) == 1;
}

/* Keys. */

static bool derive(EVP_KDF *kdf, const OSSL_PARAM *params, uint8_t *out, size_t n)
{
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
	bool is_done =
		context != NULL && EVP_KDF_derive(context, out, n, params) == 1;

	EVP_KDF_CTX_free(context);
	return is_done;
}

static OSSL_PARAM octets(const char *name, const void *p, size_t n)
{
	return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)p, n);
}

static OSSL_PARAM text(const char *name, const char *cstr)
{
	return OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)cstr, 0);
}

bool tls_crypto_expand(struct tls_crypto *crypto, const char *digest,
		       struct str secret, const char *label, uint8_t *out, size_t n)
{
	/* struct HkdfLabel: length, "tls13 " and the label, no context. */
	uint8_t info[4 + LABEL_MAX] = {(uint8_t)(n >> 8), (uint8_t)n};
	size_t n_label = strlen(label);
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		text(OSSL_KDF_PARAM_DIGEST, digest),
		octets(OSSL_KDF_PARAM_KEY, secret.p, secret.n),
		octets(OSSL_KDF_PARAM_INFO, info, 4 + 6 + n_label),
		OSSL_PARAM_construct_end(),
	};

	if (n_label > LABEL_MAX - 6)
		return false;
	info[2] = (uint8_t)(6 + n_label);
	memcpy(info + 3, "tls13 ", 6);
	memcpy(info + 9, label, n_label);
	return derive(crypto->hkdf, params, out, n);
}

bool tls_crypto_prf(struct tls_crypto *crypto, const char *digest,
		    struct str secret, const char *label, struct str seed,
		    uint8_t *out, size_t n)
{
	/* The seeds of one call follow each other. */
	OSSL_PARAM params[] = {
		text(OSSL_KDF_PARAM_DIGEST, digest),
		octets(OSSL_KDF_PARAM_SECRET, secret.p, secret.n),
		octets(OSSL_KDF_PARAM_SEED, label, strlen(label)),
		octets(OSSL_KDF_PARAM_SEED, seed.p, seed.n),
		OSSL_PARAM_construct_end(),
	};

	return derive(crypto->prf, params, out, n);
}
