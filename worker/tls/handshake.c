/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First what OpenSSL tells while it goes on: secrets of TLS 1.3 as lines for a
 * key log, and records that are written. Then the steps of the handshake; then
 * its end, where the keys are taken out. What OpenSSL complains of is the
 * client's doing, or a failure of one handshake; nothing is fatal.
 */
#include "worker/tls/handshake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/log.h"
#include "base/mem.h"
#include "worker/tls/keeper_provider.h"
#include "worker/tls/tls_policy.h"

enum { MESSAGE_FINISHED = 20 };

struct handshake {
	SSL *ssl;
	BIO *in, *out; /* in memory; the SSL's */
	struct keeper_waiter waiter;
	void (*on_wake)(void *context);
	void *context;
	uint8_t client_secret[TLS_SECRET_MAX], server_secret[TLS_SECRET_MAX];
	bool has_finished;  /* ours was written */
	uint64_t n_written; /* records after that */
	bool has_changed;   /* we have written ChangeCipherSpec */
	bool has_nonce;
	uint64_t explicit_nonce; /* TLS 1.2: of the next record */
	char name[256];          /* that the client asks for, or empty */
	char failure[128];
};

/* What OpenSSL tells. */

static size_t get_secret(const char *hex, uint8_t *secret)
{
	size_t n = 0;

	while (n < TLS_SECRET_MAX && sscanf(hex + 2 * n, "%2hhx", &secret[n]) == 1)
		n++;
	return n;
}

static void on_key_log(const SSL *ssl, const char *line)
{
	struct handshake *h = SSL_get_app_data(ssl);
	const char *secret = strrchr(line, ' ');

	if (secret == NULL || h == NULL)
		return;
	if (strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", 24) == 0)
		get_secret(secret + 1, h->client_secret);
	else if (strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) == 0)
		get_secret(secret + 1, h->server_secret);
}

/* The header of the record with our Finished comes before the message. */
static void on_message(int is_written, int version, int type, const void *bytes,
		       size_t n, SSL *ssl, void *context)
{
	struct handshake *h = context;

	(void)version;
	(void)ssl;
	if (!is_written)
		return;
	if (type == SSL3_RT_HANDSHAKE && n > 0 &&
	    *(const uint8_t *)bytes == MESSAGE_FINISHED)
		h->has_finished = true;
	else if (type == SSL3_RT_HEADER && h->has_finished)
		h->n_written++;
}

static void on_signature(struct keeper_waiter *waiter)
{
	struct handshake *h = CONTAINER_OF(waiter, struct handshake, waiter);

	h->on_wake(h->context);
}

/* Its life. */

struct handshake *handshake_create(const struct tls_policy *policy,
				   void (*on_wake)(void *context), void *context)
{
	struct handshake *h = mem_zalloc(1, sizeof(*h));

	h->on_wake = on_wake;
	h->context = context;
	h->waiter.on_answered = on_signature;
	h->ssl = SSL_new(tls_policy_context(policy));
	h->in = BIO_new(BIO_s_mem());
	h->out = BIO_new(BIO_s_mem());
	if (h->ssl == NULL || h->in == NULL || h->out == NULL) {
		BIO_free(h->in);
		BIO_free(h->out);
		h->in = h->out = NULL;
		handshake_destroy(&h);
		return NULL;
	}
	BIO_set_mem_eof_return(h->in, -1); /* empty: there may be more */
	SSL_set_bio(h->ssl, h->in, h->out);
	SSL_set_accept_state(h->ssl);
	SSL_set_app_data(h->ssl, h);
	SSL_set_msg_callback(h->ssl, on_message);
	SSL_set_msg_callback_arg(h->ssl, h);
	return h;
}

void handshake_watch_secrets(SSL_CTX *context)
{
	SSL_CTX_set_keylog_callback(context, on_key_log);
}

/* A job that is paused has a stack, which only its end gives back. */
static void end_job(struct handshake *h)
{
	if (h->waiter.call == NULL)
		return;
	keeper_provider_give_up(&h->waiter);
	keeper_provider_set_waiter(&h->waiter);
	(void)SSL_do_handshake(h->ssl);
	keeper_provider_set_waiter(NULL);
}

void handshake_destroy(struct handshake **handshake)
{
	struct handshake *h = *handshake;

	*handshake = NULL;
	if (h == NULL)
		return;
	if (h->ssl != NULL) {
		end_job(h);
		/* Or a session of TLS 1.2 would count as broken. */
		SSL_set_shutdown(h->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(h->ssl);
	}
	ERR_clear_error();
	explicit_bzero(h, sizeof(*h));
	free(h);
}

void handshake_set_name(struct handshake *h, struct str name)
{
	snprintf(h->name, sizeof(h->name), "%" STR_FMT, STR_ARG(name));
}

void handshake_feed(struct handshake *h, struct str record)
{
	(void)BIO_write(h->in, record.p, (int)record.n);
}

/* In TLS 1.2 AES-GCM's explicit nonces begin where OpenSSL likes: that of our
 * Finished, the first record after ChangeCipherSpec, is in the record. */
static void note_nonce(struct handshake *h, struct str records)
{
	while (!h->has_nonce && records.n >= TLS_HEADER) {
		const uint8_t *record = (const uint8_t *)records.p;
		size_t n = tls_record_length(records.p, records.n);

		if (h->has_changed && record[0] == TLS_HANDSHAKE &&
		    records.n >= TLS_HEADER + 8) {
			for (int i = 0; i < 8; i++)
				h->explicit_nonce = h->explicit_nonce << 8 |
						    record[TLS_HEADER + i];
			h->explicit_nonce++;
			h->has_nonce = true;
		}
		h->has_changed |= record[0] == TLS_CHANGE_CIPHER_SPEC;
		records = str_tail(records, n);
	}
}

static void take_output(struct handshake *h, struct buf *out)
{
	char *bytes;
	long n = BIO_get_mem_data(h->out, &bytes);

	if (n <= 0)
		return;
	buf_put(out, (struct str){bytes, (size_t)n});
	note_nonce(h, (struct str){bytes, (size_t)n});
	(void)BIO_reset(h->out);
}

static enum handshake_result fail(struct handshake *h)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(error);

	snprintf(h->failure, sizeof(h->failure), "%s",
		 reason != NULL ? reason : "no reason is known");
	return HANDSHAKE_FAILED;
}

enum handshake_result handshake_run(struct handshake *h, struct buf *out)
{
	int result;

	ERR_clear_error();
	keeper_provider_set_waiter(&h->waiter);
	result = SSL_do_handshake(h->ssl);
	keeper_provider_set_waiter(NULL);
	take_output(h, out);
	if (result == 1)
		return HANDSHAKE_DONE;
	switch (SSL_get_error(h->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return HANDSHAKE_MORE;
	case SSL_ERROR_WANT_ASYNC:
	case SSL_ERROR_WANT_ASYNC_JOB:
		return HANDSHAKE_PAUSED;
	default:
		return fail(h);
	}
}

const char *handshake_failure(const struct handshake *h)
{
	return h->failure;
}

/* The end. */

static bool take_13(struct handshake *h, struct tls_crypto *crypto,
		    const struct tls_suite *suite, struct tls_record *record)
{
	return tls_record_init_13(record, crypto, suite, h->client_secret,
				  h->server_secret, 0, h->n_written);
}

static bool take_12(struct handshake *h, struct tls_crypto *crypto,
		    const struct tls_suite *suite, struct tls_record *record)
{
	struct tls_master master = {.explicit_nonce = h->explicit_nonce};
	const SSL_SESSION *session = SSL_get0_session(h->ssl);
	bool is_taken;

	if (suite->explicit_size > 0 && !h->has_nonce)
		return false;
	is_taken = session != NULL &&
		   SSL_SESSION_get_master_key(session, master.secret,
					      sizeof(master.secret)) ==
			   sizeof(master.secret) &&
		   SSL_get_client_random(h->ssl, master.client_random, 32) == 32 &&
		   SSL_get_server_random(h->ssl, master.server_random, 32) == 32 &&
		   tls_record_init_12(record, crypto, suite, &master, true);
	explicit_bzero(&master, sizeof(master));
	return is_taken;
}

static uint16_t fragment_max(const SSL *ssl)
{
	const SSL_SESSION *session = SSL_get0_session(ssl);
	uint8_t mode = session == NULL
			       ? TLSEXT_max_fragment_length_DISABLED
			       : SSL_SESSION_get_max_fragment_length(session);

	/* RFC 6066 section 4: 1 is 2^9, 4 is 2^12. */
	return mode >= 1 && mode <= 4 ? (uint16_t)(1 << (8 + mode)) : TLS_PLAIN_MAX;
}

static struct str name_text(X509_NAME *name, char *text, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = 0;

	if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0)
		n = BIO_read(bio, text, (int)size);
	BIO_free(bio);
	return (struct str){text, n > 0 ? (size_t)n : 0};
}

static struct str hex_text(const uint8_t *bytes, size_t n, char *text)
{
	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return (struct str){text, 2 * n};
}

static void get_certificate(X509 *certificate, struct handshake_facts *f)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
	int n_serial = ASN1_STRING_length(serial);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n;

	f->texts[TLS_FACT_SUBJECT] = name_text(X509_get_subject_name(certificate),
					       f->subject, sizeof(f->subject));
	f->texts[TLS_FACT_ISSUER] = name_text(X509_get_issuer_name(certificate),
					      f->issuer, sizeof(f->issuer));
	if (n_serial <= 32)
		f->texts[TLS_FACT_SERIAL] = hex_text(ASN1_STRING_get0_data(serial),
						     (size_t)n_serial, f->serial);
	if (X509_digest(certificate, EVP_sha256(), digest, &n) == 1)
		f->texts[TLS_FACT_FINGERPRINT] =
			hex_text(digest, n, f->fingerprint);
}

void handshake_get_facts(const struct handshake *h,
			 struct handshake_facts *facts_out)
{
	X509 *certificate = SSL_get0_peer_certificate(h->ssl);

	for (int i = 0; i < TLS_FACTS; i++)
		facts_out->texts[i] = STR("");
	facts_out->is_resumed = SSL_session_reused(h->ssl) == 1;
	facts_out->texts[TLS_FACT_NAME] = str_of(h->name);
	if (certificate != NULL && SSL_get_verify_result(h->ssl) == X509_V_OK)
		get_certificate(certificate, facts_out);
}

bool handshake_take(struct handshake *h, struct tls_crypto *crypto,
		    struct tls_record *record_out)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(h->ssl);
	const struct tls_suite *suite =
		cipher == NULL ? NULL
			       : tls_suite_find(SSL_CIPHER_get_protocol_id(cipher));

	snprintf(h->failure, sizeof(h->failure), "the keys cannot be taken over");
	if (suite == NULL || SSL_version(h->ssl) != suite->version ||
	    SSL_has_pending(h->ssl) || BIO_pending(h->in) > 0 ||
	    BIO_pending(h->out) > 0)
		return false;
	if (!(suite->version == TLS_1_3 ? take_13 : take_12)(h, crypto, suite,
							     record_out))
		return false;
	record_out->fragment_max = fragment_max(h->ssl);
	return true;
}
