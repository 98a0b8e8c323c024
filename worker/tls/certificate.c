/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/tls/certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/read_file.h"
#include "worker/tls/keeper_provider.h"

enum {
	CERTIFICATE_FILE = 1 << 20, /* bytes */
	CERTIFICATE_NAME = 253,
};

static bool complain(char *why_out, size_t why_size, const char *path,
		     const char *why)
{
	snprintf(why_out, why_size, "%s: %s", path, why);
	return false;
}

/* The first certificate is the server's. */
static const char *read_chain(struct certificate *c, const char *path)
{
	struct buf text = {0};
	const char *why = read_file_safely(path, CERTIFICATE_FILE, &text);
	struct str s = buf_str(&text);
	BIO *bio = why == NULL ? BIO_new_mem_buf(s.p, (int)s.n) : NULL;
	X509 *x509;

	c->chain = sk_X509_new_null();
	while (bio != NULL &&
	       (x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (c->leaf == NULL)
			c->leaf = x509;
		else if (sk_X509_push(c->chain, x509) == 0)
			X509_free(x509);
	}
	ERR_clear_error();
	BIO_free(bio);
	buf_release(&text);
	if (why == NULL && c->leaf == NULL)
		why = "there is no certificate in PEM";
	return why;
}

static bool set_kind(struct certificate *c, EVP_PKEY *public_key)
{
	if (EVP_PKEY_is_a(public_key, "RSA"))
		c->kind = CERTIFICATE_RSA;
	else if (EVP_PKEY_is_a(public_key, "EC"))
		c->kind = CERTIFICATE_EC;
	else if (EVP_PKEY_is_a(public_key, "ED25519"))
		c->kind = CERTIFICATE_ED25519;
	else
		return false;
	return true;
}

/* False with `why`. */
static bool find_key(struct certificate *c, struct keeper_client *keeper,
		     const char *path, char why[KEEPER_WHY])
{
	EVP_PKEY *public_key = X509_get0_pubkey(c->leaf);
	uint8_t id[KEEPER_ID];

	snprintf(why, KEEPER_WHY,
		 "the certificate's key is neither RSA, ECDSA nor Ed25519");
	if (public_key == NULL || !set_kind(c, public_key))
		return false;
	if (keeper_provider_id(public_key, id) &&
	    !keeper_client_fits(keeper, id, path, why))
		return false;
	snprintf(why, KEEPER_WHY, "OpenSSL does not take the key");
	c->key = keeper_provider_key(public_key);
	return c->key != NULL;
}

static void read_end(struct certificate *c)
{
	int days, seconds;
	int64_t until = (int64_t)time(NULL);

	if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(c->leaf)) == 1)
		until += (int64_t)days * 24 * 3600 + seconds;
	c->until = until > 1 ? (uint64_t)until : 1;
}

static void add_name(struct certificate *c, const char *name, size_t n)
{
	char *copy;

	if (n == 0 || n > CERTIFICATE_NAME || memchr(name, '\0', n) != NULL)
		return;
	copy = mem_alloc(n + 1);
	for (size_t i = 0; i < n; i++)
		copy[i] = ascii_lower(name[i]);
	copy[n] = '\0';
	c->names = mem_resize(c->names, (c->n_names + 1) * sizeof(*c->names));
	c->names[c->n_names++] = copy;
}

/* RFC 6125 section 6.4.4: the common name, where there is no other. */
static void add_common_name(struct certificate *c)
{
	X509_NAME *subject = X509_get_subject_name(c->leaf);
	int i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	ASN1_STRING *name =
		i < 0 ? NULL
		      : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i));

	if (name != NULL)
		add_name(c, (const char *)ASN1_STRING_get0_data(name),
			 (size_t)ASN1_STRING_length(name));
}

static void read_names(struct certificate *c)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			add_name(c,
				 (const char *)ASN1_STRING_get0_data(
					 name->d.dNSName),
				 (size_t)ASN1_STRING_length(name->d.dNSName));
	}
	GENERAL_NAMES_free(names);
	if (c->n_names == 0)
		add_common_name(c);
}

static const char *read_ocsp(struct certificate *c, const char *path)
{
	struct buf bytes = {0};
	const char *why = read_file_safely(path, CERTIFICATE_FILE, &bytes);
	struct str s = buf_str(&bytes);

	if (why == NULL && s.n > 0) {
		c->ocsp = mem_alloc(s.n);
		c->n_ocsp = s.n;
		memcpy(c->ocsp, s.p, s.n);
	}
	buf_release(&bytes);
	return why;
}

bool certificate_init(struct certificate *c, const struct conf_certificate *conf,
		      struct keeper_client *keeper, char *why_out, size_t why_size)
{
	const char *why;
	char key_why[KEEPER_WHY];

	*c = (struct certificate){0};
	why = read_chain(c, conf->chain);
	if (why != NULL)
		return complain(why_out, why_size, conf->chain, why);
	if (!find_key(c, keeper, conf->key, key_why))
		return complain(why_out, why_size, conf->key, key_why);
	read_names(c);
	read_end(c);
	if (conf->ocsp[0] != '\0')
		why = read_ocsp(c, conf->ocsp);
	return why == NULL || complain(why_out, why_size, conf->ocsp, why);
}

void certificate_fini(struct certificate *c)
{
	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->key);
	for (size_t i = 0; i < c->n_names; i++)
		free(c->names[i]);
	free(c->names);
	free(c->ocsp);
	*c = (struct certificate){0};
}
