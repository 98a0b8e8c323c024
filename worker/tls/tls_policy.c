/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A policy has a context of OpenSSL for each set of certificates that serve a
 * name: one of each kind of key at most. First the names; then what OpenSSL
 * calls while a handshake is made; then contexts; then the policy itself.
 */
#include "worker/tls/tls_policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/codec/tls_suite.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/tls/certificate.h"
#include "worker/tls/handshake.h"

enum {
	SERVER_NAME_MAX = 253,
	EXPIRY_DAYS = 21, /* before which the log says nothing */
};

/* One of each kind, or NULL. */
struct certificate_set {
	const struct certificate *of_kind[CERTIFICATE_KINDS];
};

struct context {
	struct certificate_set set;
	SSL_CTX *ssl;
};

struct name {
	const char *text; /* a certificate's */
	struct context *context;
};

struct tls_policy {
	const struct conf_tls *conf;
	const struct ticket_keys *tickets;
	unsigned char alpn[32]; /* as in the extension; [0] is its length */
	struct certificate *certificates;
	size_t n_certificates;
	struct context **contexts; /* the first is for clients that name no name */
	size_t n_contexts;
	struct name *names; /* sorted */
	size_t n_names;
};

static struct tls_policy *policy_of(const SSL *ssl)
{
	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* Names. */

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text,
		      ((const struct name *)b)->text);
}

static struct context *find_exactly(const struct tls_policy *policy,
				    const char *text)
{
	struct name key = {.text = text};
	struct name *name = bsearch(&key, policy->names, policy->n_names,
				    sizeof(key), compare_names);

	return name == NULL ? NULL : name->context;
}

/* RFC 6125 section 6.4.3: a star stands for the first label, and all of it. */
static struct context *find_name(const struct tls_policy *policy, const char *name)
{
	struct context *context = find_exactly(policy, name);
	const char *dot = strchr(name, '.');
	char wild[SERVER_NAME_MAX + 2];

	if (context != NULL || dot == NULL)
		return context;
	snprintf(wild, sizeof(wild), "*%s", dot);
	return find_exactly(policy, wild);
}

/* What OpenSSL calls. */

/* RFC 6066 section 3: one name, of a host, in lower case. False when it is no
 * name. */
static bool read_name(const unsigned char *p, size_t n,
		      char name[SERVER_NAME_MAX + 1])
{
	size_t size;

	if (n < 5 || p[2] != TLSEXT_NAMETYPE_host_name)
		return false;
	size = (size_t)(p[3] << 8 | p[4]);
	if (size == 0 || size > n - 5 || size > SERVER_NAME_MAX)
		return false;
	for (size_t i = 0; i < size; i++) {
		unsigned char c = p[5 + i];

		if (c <= ' ' || c >= 0x7f)
			return false;
		name[i] = ascii_lower((char)c);
	}
	if (name[size - 1] == '.')
		size--;
	name[size] = '\0';
	return size > 0;
}

/* Before OpenSSL looks at a session: that is of the context it is for. */
static int on_hello(SSL *ssl, int *alert, void *unused)
{
	struct tls_policy *policy = policy_of(ssl);
	struct context *context;
	const unsigned char *p;
	char name[SERVER_NAME_MAX + 1];
	size_t n;

	(void)unused;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n) != 1)
		return SSL_CLIENT_HELLO_SUCCESS;
	if (!read_name(p, n, name)) {
		*alert = SSL_AD_DECODE_ERROR;
		return SSL_CLIENT_HELLO_ERROR;
	}
	handshake_set_name(SSL_get_app_data(ssl), str_of(name));
	context = find_name(policy, name);
	if (context != NULL)
		SSL_set_SSL_CTX(ssl, context->ssl);
	else if (policy->conf->unknown_name == CONF_UNKNOWN_NAME_REFUSE) {
		*alert = SSL_AD_UNRECOGNIZED_NAME;
		return SSL_CLIENT_HELLO_ERROR;
	}
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* RFC 7301 section 3.2. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *n_out,
		   const unsigned char *in, unsigned n_in, void *unused)
{
	struct tls_policy *policy = policy_of(ssl);

	(void)unused;
	if (policy->alpn[0] == 0)
		return SSL_TLSEXT_ERR_NOACK;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, n_out,
				  policy->alpn, policy->alpn[0] + 1u, in,
				  n_in) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

static int on_status(SSL *ssl, void *unused)
{
	struct tls_policy *policy = policy_of(ssl);
	X509 *used = SSL_get_certificate(ssl);

	(void)unused;
	for (size_t i = 0; i < policy->n_certificates; i++) {
		const struct certificate *c = &policy->certificates[i];

		if (c->leaf != used || c->ocsp == NULL)
			continue;
		unsigned char *copy = OPENSSL_memdup(c->ocsp, c->n_ocsp);

		if (copy == NULL)
			break;
		SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)c->n_ocsp);
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

static bool set_mac(EVP_MAC_CTX *mac, const struct ticket_key *key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
						  (void *)(uintptr_t)key->mac,
						  sizeof(key->mac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
						 (char[]){"SHA256"}, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int seal_ticket(const struct ticket_key *key, unsigned char *name,
		       unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	memcpy(name, key->name, sizeof(key->name));
	if (RAND_bytes(iv, EVP_MAX_IV_LENGTH) != 1 ||
	    EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) !=
		    1 ||
	    !set_mac(mac, key))
		return -1;
	return 1;
}

/* 0: not one of ours; 2: it should be sealed anew. */
static int open_ticket(const struct ticket_keys *keys, const unsigned char *name,
		       const unsigned char *iv, EVP_CIPHER_CTX *cipher,
		       EVP_MAC_CTX *mac)
{
	for (uint32_t i = 0; i < keys->n; i++) {
		const struct ticket_key *key = &keys->keys[i];

		if (memcmp(name, key->name, sizeof(key->name)) != 0)
			continue;
		if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher,
				       iv) != 1 ||
		    !set_mac(mac, key))
			return -1;
		return i == 0 ? 1 : 2;
	}
	return 0;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
		     EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seals)
{
	const struct ticket_keys *keys = policy_of(ssl)->tickets;

	if (keys->n == 0)
		return 0;
	return seals ? seal_ticket(&keys->keys[0], name, iv, cipher, mac)
		     : open_ticket(keys, name, iv, cipher, mac);
}

/* Contexts. */

static bool use_certificates(SSL_CTX *ssl, const struct certificate_set *set)
{
	for (int kind = 0; kind < CERTIFICATE_KINDS; kind++) {
		const struct certificate *c = set->of_kind[kind];

		if (c != NULL && SSL_CTX_use_cert_and_key(ssl, c->leaf, c->key,
							  c->chain, 1) != 1)
			return false;
	}
	return true;
}

/* The suites of one version, as OpenSSL wants them. */
static struct str join_suites(const struct conf_tls *conf, uint16_t version,
			      struct buf *out)
{
	buf_consume(out, buf_length(out));
	for (size_t i = 0; i < conf->ciphers.n; i++) {
		const struct tls_suite *suite =
			tls_suite_find_name(conf->ciphers.items[i]);

		if (suite == NULL || suite->version != version)
			continue;
		if (buf_length(out) > 0)
			buf_put(out, STR(":"));
		buf_put_cstr(out, suite->openssl_name);
	}
	buf_put(out, (struct str){"", 1});
	return buf_str(out);
}

static bool set_suites(SSL_CTX *ssl, const struct conf_tls *conf)
{
	struct buf text = {0};
	bool is_set = true;
	struct str names = join_suites(conf, TLS_1_2, &text);

	/* Without one of a version OpenSSL does not take the list; the version
	 * is off then. */
	if (names.n > 1)
		is_set = SSL_CTX_set_cipher_list(ssl, names.p) == 1;
	names = join_suites(conf, TLS_1_3, &text);
	is_set = is_set && SSL_CTX_set_ciphersuites(ssl, names.p) == 1;
	buf_release(&text);
	return is_set;
}

static bool set_curves(SSL_CTX *ssl, const struct conf_tls *conf)
{
	struct buf text = {0};
	bool is_set;

	for (size_t i = 0; i < conf->curves.n; i++)
		buf_printf(&text, "%s%" STR_FMT, i > 0 ? ":" : "",
			   STR_ARG(conf->curves.items[i]));
	buf_put(&text, (struct str){"", 1});
	is_set = SSL_CTX_set1_groups_list(ssl, buf_str(&text).p) == 1;
	buf_release(&text);
	return is_set;
}

static bool set_versions(SSL_CTX *ssl, const struct conf_tls *conf)
{
	bool has_12 = (conf->versions & CONF_TLS_1_2) != 0;
	bool has_13 = (conf->versions & CONF_TLS_1_3) != 0;

	return SSL_CTX_set_min_proto_version(ssl, has_12 ? TLS1_2_VERSION
							 : TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(ssl, has_13 ? TLS1_3_VERSION
							 : TLS1_2_VERSION) == 1;
}

/* Which clients are asked for a certificate, and whose is trusted. */
static const char *set_clients(SSL_CTX *ssl, const struct conf_tls_client *client)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ssl);
	int mode = SSL_VERIFY_PEER;

	if (client->verify == CONF_CLIENT_NONE)
		return NULL;
	if (client->verify == CONF_CLIENT_REQUIRED)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(ssl, mode, NULL);
	if (SSL_CTX_load_verify_file(ssl, client->ca) != 1)
		return client->ca;
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(client->ca);

	if (names == NULL)
		return client->ca;
	SSL_CTX_set_client_CA_list(ssl, names); /* which has it */
	if (client->crl[0] == '\0')
		return NULL;
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

	if (lookup == NULL ||
	    X509_load_crl_file(lookup, client->crl, X509_FILETYPE_PEM) <= 0)
		return client->crl;
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
	return NULL;
}

/* A session is resumed only where a new handshake would ask for the same: the
 * certificates of the same files, the same of the client. */
static bool set_session_context(SSL_CTX *ssl, const struct tls_policy *policy,
				const struct certificate_set *set)
{
	const struct conf_tls *conf = policy->conf;
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct buf text = {0};
	unsigned n;
	bool is_set;

	buf_printf(&text, "%d|%s|%s|%u|%s", conf->client.verify, conf->client.ca,
		   conf->client.crl, conf->versions, (const char *)policy->alpn);
	for (int kind = 0; kind < CERTIFICATE_KINDS; kind++)
		if (set->of_kind[kind] != NULL)
			buf_printf(&text, "|%s",
				   conf->certificates[set->of_kind[kind] -
						      policy->certificates]
					   .chain);
	struct str s = buf_str(&text);

	is_set = EVP_Digest(s.p, s.n, digest, &n, EVP_sha256(), NULL) == 1 &&
		 SSL_CTX_set_session_id_context(ssl, digest, n) == 1;
	buf_release(&text);
	return is_set;
}

static void set_callbacks(SSL_CTX *ssl, struct tls_policy *policy)
{
	SSL_CTX_set_app_data(ssl, policy);
	SSL_CTX_set_client_hello_cb(ssl, on_hello, NULL);
	SSL_CTX_set_alpn_select_cb(ssl, on_alpn, NULL);
	SSL_CTX_set_tlsext_status_cb(ssl, on_status);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket);
	handshake_watch_secrets(ssl);
}

static void set_options(SSL_CTX *ssl)
{
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ssl, SSL_MODE_ASYNC | SSL_MODE_RELEASE_BUFFERS);
	/* Sessions are in tickets, so that every worker can resume them. */
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ssl, (TICKET_KEYS - 1) * (TICKET_KEY_MS / 1000));
}

/* NULL with why_out. */
static SSL_CTX *make_context(struct tls_policy *policy,
			     const struct certificate_set *set,
			     char why_out[TLS_WHY])
{
	SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
	const char *path = NULL;
	bool is_made = ssl != NULL;

	if (is_made) {
		set_options(ssl);
		set_callbacks(ssl, policy);
		is_made = set_versions(ssl, policy->conf) &&
			  set_suites(ssl, policy->conf) &&
			  set_curves(ssl, policy->conf) &&
			  use_certificates(ssl, set) &&
			  set_session_context(ssl, policy, set);
	}
	if (is_made)
		path = set_clients(ssl, &policy->conf->client);
	if (is_made && path == NULL)
		return ssl;
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	snprintf(why_out, TLS_WHY, "%s: %s", path != NULL ? path : "tls",
		 reason != NULL ? reason : "OpenSSL fails");
	ERR_clear_error();
	SSL_CTX_free(ssl);
	return NULL;
}

/* The context of a set, which may be there; NULL with why_out. */
static struct context *get_context(struct tls_policy *policy,
				   const struct certificate_set *set,
				   char why_out[TLS_WHY])
{
	for (size_t i = 0; i < policy->n_contexts; i++)
		if (memcmp(&policy->contexts[i]->set, set, sizeof(*set)) == 0)
			return policy->contexts[i];
	SSL_CTX *ssl = make_context(policy, set, why_out);

	if (ssl == NULL)
		return NULL;
	struct context *context = mem_zalloc(1, sizeof(*context));

	context->set = *set;
	context->ssl = ssl;
	policy->contexts =
		mem_resize(policy->contexts,
			   (policy->n_contexts + 1) * sizeof(*policy->contexts));
	policy->contexts[policy->n_contexts++] = context;
	return context;
}

/* The policy. */

/* A certificate of a name, while names are gathered. */
struct claim {
	const char *name;
	const struct certificate *certificate;
};

/* By name, and in the order of the configuration. */
static int compare_claims(const void *a, const void *b)
{
	const struct claim *one = a, *other = b;
	int difference = strcmp(one->name, other->name);

	if (difference != 0)
		return difference;
	return one->certificate < other->certificate
		       ? -1
		       : one->certificate > other->certificate;
}

static struct claim *gather_claims(const struct tls_policy *policy, size_t *n_out)
{
	struct claim *claims;
	size_t n = 0;

	for (size_t i = 0; i < policy->n_certificates; i++)
		n += policy->certificates[i].n_names;
	claims = mem_zalloc(n, sizeof(*claims));
	*n_out = 0;
	for (size_t i = 0; i < policy->n_certificates; i++) {
		const struct certificate *c = &policy->certificates[i];

		for (size_t k = 0; k < c->n_names; k++)
			claims[(*n_out)++] = (struct claim){c->names[k], c};
	}
	qsort(claims, n, sizeof(*claims), compare_claims);
	return claims;
}

/* The first certificate of each kind of key has the name. */
static void claim_name(struct certificate_set *set, const struct certificate *c)
{
	if (set->of_kind[c->kind] == NULL)
		set->of_kind[c->kind] = c;
}

static bool make_names(struct tls_policy *policy, char why_out[TLS_WHY])
{
	size_t n;
	struct claim *claims = gather_claims(policy, &n);
	bool is_made = true;

	policy->names = mem_zalloc(n, sizeof(*policy->names));
	for (size_t i = 0; is_made && i < n;) {
		struct certificate_set set = {0};
		const char *name = claims[i].name;

		for (; i < n && strcmp(claims[i].name, name) == 0; i++)
			claim_name(&set, claims[i].certificate);
		struct context *context = get_context(policy, &set, why_out);

		is_made = context != NULL;
		policy->names[policy->n_names++] = (struct name){name, context};
	}
	free(claims);
	return is_made;
}

/* For clients that ask for no name, or for one that nobody has: the first
 * certificate, and those of other keys that have its name. */
static bool make_fallback(struct tls_policy *policy, char why_out[TLS_WHY])
{
	const struct certificate *first = &policy->certificates[0];
	struct certificate_set set = {0};

	claim_name(&set, first);
	for (size_t i = 1; i < policy->n_certificates && first->n_names > 0; i++) {
		const struct certificate *c = &policy->certificates[i];

		for (size_t k = 0; k < c->n_names; k++)
			if (strcmp(c->names[k], first->names[0]) == 0)
				claim_name(&set, c);
	}
	return get_context(policy, &set, why_out) != NULL;
}

static bool read_certificates(struct tls_policy *policy,
			      struct keeper_client *keeper, char why_out[TLS_WHY])
{
	const struct conf_tls *conf = policy->conf;

	policy->certificates =
		mem_zalloc(conf->n_certificates, sizeof(*policy->certificates));
	for (size_t i = 0; i < conf->n_certificates; i++) {
		policy->n_certificates++;
		if (!certificate_init(&policy->certificates[i],
				      &conf->certificates[i], keeper, why_out,
				      TLS_WHY))
			return false;
	}
	return true;
}

struct tls_policy *tls_policy_create(const struct conf_tls *conf, const char *alpn,
				     struct keeper_client *keeper,
				     const struct ticket_keys *tickets,
				     char why_out[TLS_WHY])
{
	struct tls_policy *policy = mem_zalloc(1, sizeof(*policy));

	policy->conf = conf;
	policy->tickets = tickets;
	if (alpn != NULL)
		policy->alpn[0] = (unsigned char)snprintf((char *)policy->alpn + 1,
							  sizeof(policy->alpn) - 1,
							  "%s", alpn);
	if (!read_certificates(policy, keeper, why_out) ||
	    !make_fallback(policy, why_out) || !make_names(policy, why_out))
		tls_policy_destroy(&policy);
	return policy;
}

void tls_policy_destroy(struct tls_policy **policy)
{
	struct tls_policy *p = *policy;

	*policy = NULL;
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->n_contexts; i++) {
		SSL_CTX_free(p->contexts[i]->ssl);
		free(p->contexts[i]);
	}
	for (size_t i = 0; i < p->n_certificates; i++)
		certificate_fini(&p->certificates[i]);
	free(p->contexts);
	free(p->certificates);
	free(p->names);
	free(p);
}

struct ssl_ctx_st *tls_policy_context(const struct tls_policy *policy)
{
	return policy->contexts[0]->ssl;
}

static void warn_of(const char *path, int64_t left)
{
	int64_t day = 24 * 3600;

	if (left < 0)
		log_warn("%s: the certificate has expired", path);
	else if (left < EXPIRY_DAYS * day)
		log_warn("%s: the certificate expires in %jd days", path,
			 (intmax_t)(left / day));
}

uint64_t tls_policy_valid_until(const struct tls_policy *policy, bool says)
{
	int64_t now = (int64_t)time(NULL);
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < policy->n_certificates; i++) {
		uint64_t until = policy->certificates[i].until;

		if (says)
			warn_of(policy->conf->certificates[i].chain,
				(int64_t)until - now);
		first = until < first ? until : first;
	}
	return first;
}

bool tls_policy_is_optional(const struct tls_policy *policy)
{
	return policy->conf->on == CONF_TLS_ALSO;
}
