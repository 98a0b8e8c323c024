/* SPDX-License-Identifier: BSD-2-Clause */
/* A certificate with its chain, its key at the keeper and its OCSP response, as
 * read from files. Worker. */
#ifndef WORKER_TLS_CERTIFICATE_H
#define WORKER_TLS_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "conf/conf.h"
#include "worker/tls/keeper_client.h"

/* Of each a context has one at most: OpenSSL chooses by what the client takes. */
enum certificate_kind {
	CERTIFICATE_RSA,
	CERTIFICATE_EC,
	CERTIFICATE_ED25519,
	CERTIFICATE_KINDS,
};

struct certificate {
	enum certificate_kind kind;
	X509 *leaf;
	STACK_OF(X509) * chain; /* without it */
	EVP_PKEY *key;          /* the keeper's */
	char **names;           /* in lower case; "*.example.com" */
	size_t n_names;
	uint64_t until;      /* time(2): it expires then */
	unsigned char *ocsp; /* DER; or NULL */
	size_t n_ocsp;
};

/* Embedded. False with why_out; certificate_fini() then, too. */
bool certificate_init(struct certificate *c, const struct conf_certificate *conf,
		      struct keeper_client *keeper, char *why_out, size_t why_size);
void certificate_fini(struct certificate *c);

#endif
