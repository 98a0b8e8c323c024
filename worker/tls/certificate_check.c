/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Of each certificate of each listener: the chain, from the server's certificate
 * on; the key; the OCSP response; then whose certificates clients need.
 */
#include "worker/tls/certificate_check.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/read_file.h"

enum { FILE_MAX = 1 << 20, RSA_BITS_MIN = 2048 };

struct finding {
	const struct conf_origin *origin;
	struct buf *said;
	unsigned n;
};

static void complain(struct finding *f, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void complain(struct finding *f, const char *path, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_printf(f->said, "%s:%d: %s: %s: %s\n", f->origin->file, f->origin->line,
		   f->origin->where, path, text);
	f->n++;
}

/* A file in memory; NULL with a complaint. */
static BIO *open_file(struct finding *f, const char *path, struct buf *bytes)
{
	const char *why = read_file_safely(path, FILE_MAX, bytes);
	struct str s = buf_str(bytes);

	if (why == NULL)
		return BIO_new_mem_buf(s.p, (int)s.n);
	complain(f, path, "%s", why);
	return NULL;
}

static void close_file(BIO *bio, struct buf *bytes)
{
	struct str s = buf_str(bytes);

	BIO_free(bio);
	if (s.n > 0)
		explicit_bzero((char *)(uintptr_t)s.p, s.n);
	buf_release(bytes);
	ERR_clear_error();
}

static STACK_OF(X509) * read_certificates(struct finding *f, const char *path)
{
	STACK_OF(X509) *all = sk_X509_new_null();
	struct buf bytes = {0};
	BIO *bio = open_file(f, path, &bytes);
	X509 *x509;

	if (bio == NULL)
		return all;
	while ((x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		sk_X509_push(all, x509);
	close_file(bio, &bytes);
	if (sk_X509_num(all) == 0)
		complain(f, path, "there is no certificate in PEM");
	return all;
}

/* "the certificate", or which of the others. */
static const char *which(int i, char text[48])
{
	if (i == 0)
		return "the certificate";
	snprintf(text, 48, "certificate %d of the chain", i + 1);
	return text;
}

static void check_times(struct finding *f, const char *path, X509 *x509, int i)
{
	char text[48];
	int days, seconds;

	if (X509_cmp_current_time(X509_get0_notBefore(x509)) > 0)
		complain(f, path, "%s is not valid yet", which(i, text));
	if (X509_cmp_current_time(X509_get0_notAfter(x509)) > 0)
		return;
	if (ASN1_TIME_diff(&days, &seconds, X509_get0_notAfter(x509), NULL) == 1)
		complain(f, path, "%s has expired, %d days ago", which(i, text),
			 days);
}

/* One that signs itself is believed for what it is. */
static void check_strength(struct finding *f, const char *path, X509 *x509, int i)
{
	EVP_PKEY *key = X509_get0_pubkey(x509);
	bool is_root = X509_check_issued(x509, x509) == X509_V_OK;
	char text[48];
	int digest;

	if (key != NULL && EVP_PKEY_is_a(key, "RSA") &&
	    EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
		complain(f, path, "%s has an RSA key of less than 2048 bits",
			 which(i, text));
	if (!is_root &&
	    X509_get_signature_info(x509, &digest, NULL, NULL, NULL) == 1 &&
	    (digest == NID_sha1 || digest == NID_md5))
		complain(f, path, "%s is signed with %s, which clients refuse",
			 which(i, text), digest == NID_md5 ? "MD5" : "SHA-1");
}

static void check_chain(struct finding *f, const char *path, STACK_OF(X509) * all)
{
	char one[48], next[48];

	for (int i = 0; i < sk_X509_num(all); i++) {
		X509 *x509 = sk_X509_value(all, i);

		check_times(f, path, x509, i);
		check_strength(f, path, x509, i);
		if (i + 1 < sk_X509_num(all) &&
		    X509_check_issued(sk_X509_value(all, i + 1), x509) != X509_V_OK)
			complain(f, path,
				 "%s is not signed by %s: the order is wrong, or "
				 "one is missing",
				 which(i, one), which(i + 1, next));
	}
}

static int no_password(char *buffer, int size, int is_for_writing, void *context)
{
	(void)buffer;
	(void)size;
	(void)is_for_writing;
	*(bool *)context = true; /* it was asked for */
	return -1;
}

static void check_key(struct finding *f, const char *path, X509 *leaf)
{
	struct buf bytes = {0};
	BIO *bio = open_file(f, path, &bytes);
	bool is_encrypted = false;
	EVP_PKEY *key;
	struct stat st;

	if (bio == NULL)
		return;
	key = PEM_read_bio_PrivateKey(bio, NULL, no_password, &is_encrypted);
	if (key == NULL)
		complain(f, path,
			 is_encrypted ? "the key is encrypted"
				      : "there is no private key in PEM");
	else if (leaf != NULL && X509_check_private_key(leaf, key) != 1)
		complain(f, path, "the private key does not fit the certificate");
	if (key != NULL && stat(path, &st) == 0 && st.st_mode & S_IRWXO)
		complain(f, path, "everybody can use this key: its mode is %04o",
			 (unsigned)(st.st_mode & 07777));
	EVP_PKEY_free(key);
	close_file(bio, &bytes);
}

static void check_ocsp(struct finding *f, const char *path)
{
	struct buf bytes = {0};
	BIO *bio = open_file(f, path, &bytes);
	OCSP_RESPONSE *response;

	if (bio == NULL)
		return;
	response = d2i_OCSP_RESPONSE_bio(bio, NULL);
	if (response == NULL)
		complain(f, path, "this is no OCSP response in DER");
	OCSP_RESPONSE_free(response);
	close_file(bio, &bytes);
}

static void check_certificate(struct finding *f, const struct conf_certificate *c)
{
	STACK_OF(X509) *all = read_certificates(f, c->chain);

	check_chain(f, c->chain, all);
	check_key(f, c->key, sk_X509_value(all, 0));
	if (c->ocsp[0] != '\0')
		check_ocsp(f, c->ocsp);
	sk_X509_pop_free(all, X509_free);
}

static void check_clients(struct finding *f, const struct conf_tls_client *client)
{
	if (client->verify == CONF_CLIENT_NONE)
		return;
	sk_X509_pop_free(read_certificates(f, client->ca), X509_free);
	if (client->crl[0] == '\0')
		return;
	struct buf bytes = {0};
	BIO *bio = open_file(f, client->crl, &bytes);

	if (bio == NULL)
		return;
	X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);

	if (crl == NULL)
		complain(f, client->crl, "there is no list of certificates in PEM");
	X509_CRL_free(crl);
	close_file(bio, &bytes);
}

/* Whether an earlier listener has the same ones. */
static bool is_checked(const struct conf *conf, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (conf->listeners[k].tls != NULL &&
		    conf->listeners[k].tls->certificates ==
			    conf->listeners[i].tls->certificates)
			return true;
	return false;
}

unsigned certificate_check(const struct conf *conf, struct buf *said)
{
	struct finding f = {.said = said};

	for (size_t i = 0; i < conf->n_listeners; i++) {
		const struct conf_tls *tls = conf->listeners[i].tls;

		if (tls == NULL)
			continue;
		for (size_t k = 0; k < tls->n_certificates && !is_checked(conf, i);
		     k++) {
			f.origin = &tls->certificates[k].origin;
			check_certificate(&f, &tls->certificates[k]);
		}
		f.origin = &conf->listeners[i].origin;
		check_clients(&f, &tls->client);
	}
	return f.n;
}
