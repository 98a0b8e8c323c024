/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First keys, their beginning and their succession; then sealing; then opening:
 * a record is measured, decrypted, and what is in it goes to the part for its
 * type of content. Bytes from the peer are checked, never asserted; how each
 * fault is answered is the RFCs' choice of alert. Nothing is fatal.
 */
#include "base/codec/tls_record.h"

#include <string.h>

#include <openssl/crypto.h>

enum {
	/* Records in a row that carry nothing: as OpenSSL bounds them. */
	VAIN_MAX = 32,
	/* Of keys by the peer: so many at once, and one more for each of these
	 * times. A bound of their number would end long connections. */
	UPDATES_MAX = 32,
	UPDATE_MS = 250,
	/* A connection that was silent for so long is new to the network again:
	 * its window may have shrunk (RFC 6298 section 5.7 has 1 s). */
	SILENT_MS = 1000,
	/* And until so much was sent its records are small: about what the
	 * initial window takes (RFC 6928). */
	SMALL_BYTES = 16 * 1024,
	PIECES_MAX = 16, /* that a record is made of */
	MESSAGE_KEY_UPDATE = 24,
	MESSAGE_CLIENT_HELLO = 1,
};

static bool is_13(const struct tls_record *r)
{
	return r->suite->version == TLS_1_3;
}

/* Keys. */

static struct str bytes_of(const uint8_t *p, size_t n)
{
	return (struct str){(const char *)p, n};
}

/* RFC 8446 section 7.3. */
static bool make_key(const struct tls_suite *suite, struct tls_crypto *crypto,
		     struct tls_direction *d)
{
	struct str secret = bytes_of(d->secret, suite->secret_size);

	tls_crypto_wipe(crypto, &d->key);
	d->sequence = 0;
	if (!tls_crypto_expand(crypto, suite->digest, secret, "key", d->key.bytes,
			       suite->key_size) ||
	    !tls_crypto_expand(crypto, suite->digest, secret, "iv", d->key.iv,
			       TLS_NONCE))
		return false;
	tls_crypto_name(crypto, &d->key);
	return true;
}

/* RFC 8446 section 7.2. */
static bool next_key(const struct tls_suite *suite, struct tls_crypto *crypto,
		     struct tls_direction *d)
{
	uint8_t next[TLS_SECRET_MAX];
	bool is_done = tls_crypto_expand(crypto, suite->digest,
					 bytes_of(d->secret, suite->secret_size),
					 "traffic upd", next, suite->secret_size);

	if (is_done)
		memcpy(d->secret, next, suite->secret_size);
	OPENSSL_cleanse(next, sizeof(next));
	return is_done && make_key(suite, crypto, d);
}

static void begin(struct tls_record *r, const struct tls_suite *suite)
{
	memset(r, 0, sizeof(*r));
	r->suite = suite;
	r->fragment_max = TLS_PLAIN_MAX;
}

bool tls_record_init_13(struct tls_record *r, struct tls_crypto *crypto,
			const struct tls_suite *suite, const uint8_t *read_secret,
			const uint8_t *write_secret, uint64_t n_read,
			uint64_t n_written)
{
	begin(r, suite);
	memcpy(r->read.secret, read_secret, suite->secret_size);
	memcpy(r->write.secret, write_secret, suite->secret_size);
	if (!make_key(suite, crypto, &r->read) ||
	    !make_key(suite, crypto, &r->write)) {
		tls_record_wipe(r, crypto);
		return false;
	}
	r->read.sequence = n_read;
	r->write.sequence = n_written;
	return true;
}

/* RFC 5246 section 6.3: keys, then the parts of the nonces that are not sent,
 * the client's first; there are no MAC keys. */
bool tls_record_init_12(struct tls_record *r, struct tls_crypto *crypto,
			const struct tls_suite *suite,
			const struct tls_master *master, bool is_server)
{
	size_t n_key = suite->key_size, n_iv = TLS_NONCE - suite->explicit_size;
	uint8_t block[2 * (TLS_KEY_MAX + TLS_NONCE)];
	uint8_t seed[64];

	begin(r, suite);
	memcpy(seed, master->server_random, 32);
	memcpy(seed + 32, master->client_random, 32);
	if (!tls_crypto_prf(crypto, suite->digest,
			    bytes_of(master->secret, TLS_SECRET_MAX),
			    "key expansion", bytes_of(seed, sizeof(seed)), block,
			    2 * (n_key + n_iv)))
		return false;
	struct tls_direction *client = is_server ? &r->read : &r->write;
	struct tls_direction *server = is_server ? &r->write : &r->read;

	memcpy(client->key.bytes, block, n_key);
	memcpy(server->key.bytes, block + n_key, n_key);
	memcpy(client->key.iv, block + 2 * n_key, n_iv);
	memcpy(server->key.iv, block + 2 * n_key + n_iv, n_iv);
	OPENSSL_cleanse(block, sizeof(block));
	r->read.sequence = r->write.sequence = 1;
	r->explicit_nonce = master->explicit_nonce;
	tls_record_resume(r, crypto);
	return true;
}

void tls_record_resume(struct tls_record *r, struct tls_crypto *crypto)
{
	tls_crypto_name(crypto, &r->read.key);
	tls_crypto_name(crypto, &r->write.key);
}

void tls_record_wipe(struct tls_record *r, struct tls_crypto *crypto)
{
	tls_crypto_wipe(crypto, &r->read.key);
	tls_crypto_wipe(crypto, &r->write.key);
	OPENSSL_cleanse(r, sizeof(*r));
}

/* What both directions have in common. */

static void put_u64(uint8_t *p, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		p[i] = (uint8_t)value;
}

static void put_header(uint8_t *p, uint8_t type, size_t n)
{
	p[0] = type;
	p[1] = 3; /* TLS 1.2, in TLS 1.3, too */
	p[2] = 3;
	p[3] = (uint8_t)(n >> 8);
	p[4] = (uint8_t)n;
}

/* RFC 8446 section 5.3, RFC 7905 section 2; with `sent` RFC 5288 section 3. */
static void make_nonce(const struct tls_suite *suite, const struct tls_direction *d,
		       const uint8_t *sent, uint8_t nonce[TLS_NONCE])
{
	memcpy(nonce, d->key.iv, TLS_NONCE);
	if (suite->explicit_size > 0) {
		memcpy(nonce + TLS_NONCE - suite->explicit_size, sent,
		       suite->explicit_size);
		return;
	}
	for (int i = 0; i < 8; i++)
		nonce[TLS_NONCE - 1 - i] ^= (uint8_t)(d->sequence >> 8 * i);
}

/* RFC 5246 section 6.2.3.3. */
static struct str aad_12(uint8_t aad[13], const struct tls_direction *d,
			 uint8_t type, size_t n)
{
	put_u64(aad, d->sequence);
	put_header(aad + 8, type, n);
	return bytes_of(aad, 13);
}

/* Sealing. */

size_t tls_record_overhead(const struct tls_record *r)
{
	return TLS_HEADER + TLS_TAG +
	       (is_13(r) ? 1 : (size_t)r->suite->explicit_size);
}

/* One record of pieces, n bytes; the array has room for another piece. */
static size_t seal(struct tls_record *r, struct tls_crypto *crypto, uint8_t type,
		   struct iovec *pieces, int n_pieces, size_t n, char *out)
{
	size_t size = tls_record_overhead(r) + n;
	uint8_t *record = (uint8_t *)out, *sent = record + TLS_HEADER;
	uint8_t nonce[TLS_NONCE], buffer[13];
	struct str aad;

	put_header(record, is_13(r) ? TLS_DATA : type, size - TLS_HEADER);
	if (is_13(r)) {
		pieces[n_pieces++] = (struct iovec){&type, 1};
		aad = bytes_of(record, TLS_HEADER);
	} else {
		aad = aad_12(buffer, &r->write, type, n);
		if (r->suite->explicit_size > 0)
			put_u64(sent, r->explicit_nonce);
	}
	make_nonce(r->suite, &r->write, sent, nonce);
	/* Used, whatever comes of it. */
	r->write.sequence++;
	if (r->suite->explicit_size > 0)
		r->explicit_nonce++;
	if (!tls_crypto_seal(crypto, r->suite->aead, &r->write.key, nonce, aad,
			     pieces, n_pieces, sent + r->suite->explicit_size))
		return 0;
	return size;
}

size_t tls_record_size(const struct tls_record *r, uint32_t now)
{
	bool is_fresh = r->n_sealed < SMALL_BYTES || now - r->sealed_at > SILENT_MS;

	return is_fresh && r->fragment_max > TLS_PLAIN_SMALL ? TLS_PLAIN_SMALL
							     : r->fragment_max;
}

static void note_sealed(struct tls_record *r, uint32_t now, size_t n)
{
	if (now - r->sealed_at > SILENT_MS)
		r->n_sealed = 0;
	if (r->n_sealed < SMALL_BYTES)
		r->n_sealed += (uint32_t)n;
	r->sealed_at = now;
}

size_t tls_record_seal(struct tls_record *r, struct tls_crypto *crypto,
		       uint32_t now, struct tls_pieces *from, size_t n, char *out)
{

	struct iovec pieces[PIECES_MAX + 1];
	int n_pieces = 0;
	size_t left = n;

	while (left > 0 && from->n > 0 && n_pieces < PIECES_MAX) {
		size_t is_there = from->pieces->iov_len - from->used;
		size_t m = is_there < left ? is_there : left;

		pieces[n_pieces++] = (struct iovec){
			(char *)from->pieces->iov_base + from->used, m};
		left -= m;
		from->used += m;
		if (m == is_there) {
			from->pieces++;
			from->n--;
			from->used = 0;
		}
	}
	if (left > 0)
		return 0;
	note_sealed(r, now, n);
	return seal(r, crypto, TLS_DATA, pieces, n_pieces, n, out);
}

bool tls_record_must_update(const struct tls_record *r)
{
	return r->must_answer ||
	       (is_13(r) && r->write.sequence >= TLS_REKEY_RECORDS);
}

/* RFC 8446 section 4.6.3. */
size_t tls_record_update(struct tls_record *r, struct tls_crypto *crypto,
			 bool asks_for_one, char *out)
{
	uint8_t message[TLS_MESSAGE] = {MESSAGE_KEY_UPDATE, 0, 0, 1, asks_for_one};
	struct iovec pieces[2] = {{message, sizeof(message)}};
	size_t n = seal(r, crypto, TLS_HANDSHAKE, pieces, 1, sizeof(message), out);

	r->must_answer = false;
	return n > 0 && next_key(r->suite, crypto, &r->write) ? n : 0;
}

size_t tls_record_alert(struct tls_record *r, struct tls_crypto *crypto,
			enum tls_alert alert, char *out)
{
	bool is_fatal = alert != TLS_CLOSE_NOTIFY && alert != TLS_USER_CANCELED &&
			alert != TLS_NO_RENEGOTIATION;
	uint8_t message[2] = {is_fatal ? 2 : 1, (uint8_t)alert};
	struct iovec pieces[2] = {{message, sizeof(message)}};

	return seal(r, crypto, TLS_ALERT, pieces, 1, sizeof(message), out);
}

/* Opening. */

static enum tls_opened fail(struct tls_record *r, enum tls_alert alert)
{
	r->alert = (uint8_t)alert;
	return TLS_OPENED_FAILED;
}

/* A record that carries nothing. */
static enum tls_opened in_vain(struct tls_record *r)
{
	if (r->n_vain++ < VAIN_MAX)
		return TLS_OPENED_NOTHING;
	return fail(r, TLS_UNEXPECTED_MESSAGE);
}

static bool may_update_again(struct tls_record *r, uint32_t now)
{
	uint32_t regained = (now - r->updates_at) / UPDATE_MS;

	if (regained >= r->n_updates) {
		r->n_updates = 0;
		r->updates_at = now;
	} else {
		r->n_updates -= (uint8_t)regained;
		r->updates_at += regained * UPDATE_MS;
	}
	return r->n_updates++ < UPDATES_MAX;
}

static enum tls_opened take_key_update(struct tls_record *r,
				       struct tls_crypto *crypto, uint32_t now)
{
	uint8_t asks_for_one = r->message[4];

	if (asks_for_one > 1)
		return fail(r, TLS_ILLEGAL_PARAMETER);
	if (!may_update_again(r, now))
		return fail(r, TLS_UNEXPECTED_MESSAGE);
	if (!next_key(r->suite, crypto, &r->read))
		return fail(r, TLS_INTERNAL_ERROR);
	r->n_message = 0;
	r->must_answer = r->must_answer || asks_for_one == 1;
	return TLS_OPENED_NOTHING;
}

/* What is wrong with a message as far as it has come; TLS_NO_ALERT: nothing. */
static enum tls_alert judge_message(const struct tls_record *r)
{
	static const uint8_t length[3] = {0, 0, 1};
	size_t n = r->n_message > 4 ? 3 : r->n_message - 1u;

	if (!is_13(r))
		return r->message[0] == MESSAGE_CLIENT_HELLO
			       ? TLS_NO_RENEGOTIATION
			       : TLS_UNEXPECTED_MESSAGE;
	if (r->message[0] != MESSAGE_KEY_UPDATE)
		return TLS_UNEXPECTED_MESSAGE;
	return memcmp(r->message + 1, length, n) == 0 ? TLS_NO_ALERT
						      : TLS_DECODE_ERROR;
}

/* Messages may be in pieces, over several records. */
static enum tls_opened take_handshake(struct tls_record *r,
				      struct tls_crypto *crypto, uint32_t now,
				      struct str content)
{
	if (content.n == 0)
		return fail(r, TLS_UNEXPECTED_MESSAGE);
	size_t n = TLS_MESSAGE - r->n_message;

	if (n > content.n)
		n = content.n;
	memcpy(r->message + r->n_message, content.p, n);
	r->n_message += (uint8_t)n;

	enum tls_alert alert = judge_message(r);

	if (alert != TLS_NO_ALERT)
		return fail(r, alert);
	/* What comes after it is sealed with the next key: it cannot be in
	 * the same record (RFC 8446 section 5.1). */
	if (content.n > n)
		return fail(r, TLS_UNEXPECTED_MESSAGE);
	if (r->n_message < TLS_MESSAGE)
		return TLS_OPENED_NOTHING;
	return take_key_update(r, crypto, now);
}

static enum tls_opened take_alert(struct tls_record *r, struct str content)
{
	if (content.n == 0)
		return fail(r, TLS_UNEXPECTED_MESSAGE);
	if (content.n != 2)
		return fail(r, TLS_DECODE_ERROR);
	uint8_t level = (uint8_t)content.p[0], alert = (uint8_t)content.p[1];

	if (alert == TLS_CLOSE_NOTIFY)
		return TLS_OPENED_END;
	/* In TLS 1.3 the level says nothing: RFC 8446 section 6. */
	if (alert == TLS_USER_CANCELED || (!is_13(r) && level == 1))
		return in_vain(r);
	return fail(r, TLS_NO_ALERT);
}

static enum tls_opened take_content(struct tls_record *r, struct tls_crypto *crypto,
				    uint32_t now, uint8_t type, struct str content,
				    struct str *data_out)
{
	/* RFC 8446 section 5.1: nothing comes between the pieces of a message. */
	if (r->n_message > 0 && type != TLS_HANDSHAKE)
		return fail(r, TLS_UNEXPECTED_MESSAGE);
	switch (type) {
	case TLS_DATA:
		if (content.n == 0)
			return in_vain(r);
		r->n_vain = 0;
		*data_out = content;
		return TLS_OPENED_DATA;
	case TLS_HANDSHAKE:
		return take_handshake(r, crypto, now, content);
	case TLS_ALERT:
		return take_alert(r, content);
	default:
		return fail(r, TLS_UNEXPECTED_MESSAGE);
	}
}

/* RFC 8446 section 5.4: after the content come its type and any number of
 * zeros. False when there is no type. */
static bool find_type(struct str *content, uint8_t *type_out)
{
	while (content->n > 0 && content->p[content->n - 1] == 0)
		content->n--;
	if (content->n == 0)
		return false;
	*type_out = (uint8_t)content->p[--content->n];
	return true;
}

size_t tls_record_length(const char *bytes, size_t n)
{
	const uint8_t *header = (const uint8_t *)bytes;

	return n < TLS_HEADER ? 0
			      : TLS_HEADER + (size_t)(header[3] << 8 | header[4]);
}

/* What is wrong with a record by its header; TLS_NO_ALERT: nothing. */
static enum tls_alert judge_header(const struct tls_record *r,
				   const uint8_t *header)
{
	size_t n = (size_t)(header[3] << 8 | header[4]);

	if (is_13(r)) {
		/* RFC 8446 section 5.2; its version does not matter (5.1). */
		if (header[0] != TLS_DATA)
			return TLS_UNEXPECTED_MESSAGE;
		return n > TLS_PLAIN_MAX + 256 ? TLS_RECORD_OVERFLOW : TLS_NO_ALERT;
	}
	if (header[1] != 3 || header[2] != 3)
		return TLS_PROTOCOL_VERSION;
	if (header[0] < TLS_ALERT || header[0] > TLS_DATA)
		return TLS_UNEXPECTED_MESSAGE;
	return n > TLS_PLAIN_MAX + 2048 ? TLS_RECORD_OVERFLOW : TLS_NO_ALERT;
}

/* The record, which is whole: its content, decrypted. */
static bool decrypt(struct tls_record *r, struct tls_crypto *crypto,
		    uint8_t *record, size_t n, struct str *content_out)
{
	size_t hidden = TLS_HEADER + (size_t)r->suite->explicit_size;
	uint8_t nonce[TLS_NONCE], buffer[13];
	struct str aad = bytes_of(record, TLS_HEADER);

	if (n < hidden + TLS_TAG)
		return false;
	size_t plain = n - hidden - TLS_TAG;

	if (!is_13(r))
		aad = aad_12(buffer, &r->read, record[0], plain);
	make_nonce(r->suite, &r->read, record + TLS_HEADER, nonce);
	if (!tls_crypto_open(crypto, r->suite->aead, &r->read.key, nonce, aad,
			     record + hidden, n - hidden))
		return false;
	r->read.sequence++;
	*content_out = bytes_of(record + hidden, plain);
	return true;
}

enum tls_opened tls_record_open(struct tls_record *r, struct tls_crypto *crypto,
				uint32_t now, char *bytes, size_t n,
				size_t *used_out, struct str *data_out)
{
	uint8_t *record = (uint8_t *)bytes;
	size_t size = tls_record_length(bytes, n);
	struct str content;

	*used_out = 0;
	*data_out = (struct str){NULL, 0};
	if (size == 0)
		return TLS_OPENED_MORE;

	enum tls_alert alert = judge_header(r, record);
	uint8_t type = record[0];

	if (alert != TLS_NO_ALERT)
		return fail(r, alert);
	if (size > n)
		return TLS_OPENED_MORE;
	*used_out = size;
	if (!decrypt(r, crypto, record, size, &content))
		return fail(r, TLS_BAD_RECORD_MAC);
	/* RFC 8446 section 5.4: of the type and padding, too. */
	if (content.n > TLS_PLAIN_MAX + (is_13(r) ? 1u : 0u))
		return fail(r, TLS_RECORD_OVERFLOW);
	if (is_13(r) && !find_type(&content, &type))
		return fail(r, TLS_UNEXPECTED_MESSAGE);
	if (content.n > r->fragment_max)
		return fail(r, TLS_RECORD_OVERFLOW);
	return take_content(r, crypto, now, type, content, data_out);
}
