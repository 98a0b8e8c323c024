/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a suite, a bound for fragments, and then what a peer sends: each
 * command makes a record of what comes next in the input - sealed as it should
 * be but with any type and padding, or changed, or no record at all. Opened
 * whole and in pieces it must come to the same, and what was sealed as data
 * must come out.
 */
#include "base/codec/tls_record.h"

#include "t/fuzz/must.h"

enum { WIRE = 200 * 1024 };

static struct tls_crypto *crypto;

static const uint16_t suites[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c,
				  0xc02f, 0xc030, 0xcca8, 0xcca9};

static void begin(struct tls_record *r, uint16_t id, bool is_server)
{
	const struct tls_suite *suite = tls_suite_find(id);
	uint8_t secrets[2][TLS_SECRET_MAX] = {{1}, {2}};
	struct tls_master master = {.secret = {3}, .explicit_nonce = 4};

	if (suite->version == TLS_1_3)
		MUST(tls_record_init_13(r, crypto, suite, secrets[!is_server],
					secrets[is_server], 0, 0));
	else
		MUST(tls_record_init_12(r, crypto, suite, &master, is_server));
}

static struct str take(struct str *input, size_t n)
{
	struct str taken = {input->p, n < input->n ? n : input->n};

	*input = str_tail(*input, taken.n);
	return taken;
}

static uint8_t take_byte(struct str *input)
{
	struct str byte = take(input, 1);

	return byte.n == 1 ? (uint8_t)byte.p[0] : 0;
}

/* As tls_record.c does, but with any type, in TLS 1.3 within `content`. */
static size_t seal(struct tls_record *r, uint8_t type, struct str content,
		   uint8_t *out)
{
	size_t explicit = r->suite->explicit_size;
	size_t n = explicit + content.n + TLS_TAG;
	uint8_t nonce[TLS_NONCE], aad[13];
	struct iovec piece = {(void *)(uintptr_t)content.p, content.n};
	bool is_13 = r->suite->version == TLS_1_3;

	memcpy(out, (uint8_t[]){type, 3, 3, (uint8_t)(n >> 8), (uint8_t)n}, 5);
	memcpy(nonce, r->write.key.iv, TLS_NONCE);
	for (int i = 0; i < 8; i++)
		aad[7 - i] = (uint8_t)(r->write.sequence >> 8 * i);
	memcpy(aad + 8, out, 3);
	aad[11] = (uint8_t)(content.n >> 8);
	aad[12] = (uint8_t)content.n;
	if (explicit > 0) {
		memset(out + 5, 9, explicit);
		memset(nonce + 4, 9, explicit);
	} else {
		for (int i = 0; i < 8; i++)
			nonce[TLS_NONCE - 8 + i] ^= aad[i];
	}
	r->write.sequence++;
	struct str extra = is_13 ? (struct str){(char *)out, 5}
				 : (struct str){(char *)aad, 13};

	MUST(tls_crypto_seal(crypto, r->suite->aead, &r->write.key, nonce, extra,
			     &piece, 1, out + 5 + explicit));
	return 5 + n;
}

/* What the peer sends, of which everything is well up to n_good bytes of
 * data. */
struct sent {
	uint8_t wire[WIRE];
	size_t n;
	uint64_t data; /* a hash */
	size_t n_data;
	bool is_good;
};

static void note(uint64_t *hash, size_t *n, struct str data)
{
	for (size_t i = 0; i < data.n; i++)
		*hash = *hash * 31 + (unsigned char)data.p[i];
	*n += data.n;
}

/* One record of `content`, with `kind` saying how. */
static void send_record(struct sent *s, struct tls_record *peer, uint8_t kind,
			struct str content)
{
	static char inner[TLS_PLAIN_MAX];
	size_t padding = kind >> 5;
	uint8_t type = (uint8_t[]){23, 22, 21, 20, 0, 24, 23, 23}[kind & 7];
	uint8_t *record = s->wire + s->n;

	if (peer->suite->version == TLS_1_3) {
		memcpy(inner, content.p, content.n);
		inner[content.n] = (char)type;
		memset(inner + content.n + 1, 0, padding);
		s->n += seal(peer, 23, (struct str){inner, content.n + 1 + padding},
			     record);
	} else {
		s->n += seal(peer, type, content, record);
	}
	if (kind & 8) {
		record[5 + kind % 16] ^= 0x10;
		s->is_good = false;
	}
	if (type != 23)
		s->is_good = false;
	if (s->is_good)
		note(&s->data, &s->n_data, content);
}

static void send_all(struct sent *s, struct tls_record *peer, struct str input)
{
	while (input.n > 0 && s->n < WIRE - TLS_RECORD_MAX) {
		uint8_t kind = take_byte(&input), n = take_byte(&input);
		struct str content = take(&input, n);

		if ((kind & 0x17) == 0x16) { /* as it is */
			memcpy(s->wire + s->n, content.p, content.n);
			s->n += content.n;
			s->is_good = false;
		} else if ((kind & 0x17) == 0x17 &&
			   peer->suite->version == TLS_1_3) {
			size_t size = tls_record_update(peer, crypto, kind & 8,
							(char *)s->wire + s->n);

			MUST(size > 0);
			s->n += size;
		} else {
			send_record(s, peer, kind, content);
		}
	}
}

struct outcome {
	enum tls_opened opened;
	uint64_t data;
	size_t n_data, used;
	uint8_t alert, n_message;
	bool must_answer;
	uint64_t sequence;
};

/* Opens it as it comes, `step` bytes at a time. */
static struct outcome receive(const struct sent *s, uint16_t suite,
			      uint16_t fragment_max, size_t step)
{
	struct outcome o = {.opened = TLS_OPENED_MORE};
	struct tls_record us;
	char *got = malloc(s->n + 1);

	MUST(got != NULL);
	memcpy(got, s->wire, s->n);
	begin(&us, suite, true);
	us.fragment_max = fragment_max;
	for (size_t n = 0; n < s->n && o.opened < TLS_OPENED_END;) {
		n = step < s->n - n ? n + step : s->n;
		do {
			/* In memory that ends where they end. */
			struct str there = {got + o.used, n - o.used}, data;
			struct str copy = copy_of(there);
			size_t used;

			o.opened = tls_record_open(&us, crypto, 0,
						   (char *)(uintptr_t)copy.p,
						   copy.n, &used, &data);
			MUST(used <= copy.n && is_within(data, copy));
			MUST((data.n > 0) == (o.opened == TLS_OPENED_DATA));
			MUST(data.n <= fragment_max);
			MUST((used == 0) == (o.opened == TLS_OPENED_MORE) ||
			     o.opened == TLS_OPENED_FAILED);
			note(&o.data, &o.n_data, data);
			o.used += used;
			free((char *)(uintptr_t)copy.p);
		} while (o.opened < TLS_OPENED_MORE);
	}
	o.alert = us.alert;
	o.n_message = us.n_message;
	o.must_answer = us.must_answer;
	o.sequence = us.read.sequence;
	MUST(o.n_message <= TLS_MESSAGE);
	MUST(o.opened != TLS_OPENED_FAILED || o.alert != TLS_CLOSE_NOTIFY);
	tls_record_wipe(&us, crypto);
	free(got);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sent sent;
	struct str input = {(const char *)data, size};
	uint16_t suite = suites[take_byte(&input) % 9];
	uint16_t fragment_max = take_byte(&input) & 1 ? TLS_PLAIN_MAX : 64;
	struct tls_record peer;

	if (crypto == NULL)
		crypto = tls_crypto_create();
	MUST(crypto != NULL);
	begin(&peer, suite, false);
	sent.n = sent.n_data = 0;
	sent.data = 0;
	sent.is_good = true;
	send_all(&sent, &peer, input);
	tls_record_wipe(&peer, crypto);

	struct outcome whole = receive(&sent, suite, fragment_max, sent.n);
	struct outcome bits =
		receive(&sent, suite, fragment_max,
			1 + str_hash((struct str){(const char *)data, size}) % 50);

	MUST(whole.data == bits.data && whole.n_data == bits.n_data);
	MUST(whole.opened == bits.opened && whole.alert == bits.alert);
	MUST(whole.used == bits.used && whole.sequence == bits.sequence);
	MUST(whole.n_message == bits.n_message);
	MUST(whole.must_answer == bits.must_answer);
	MUST(whole.n_data >= sent.n_data || whole.opened == TLS_OPENED_FAILED);
	if (sent.is_good && whole.opened != TLS_OPENED_FAILED)
		MUST(whole.data == sent.data && whole.n_data == sent.n_data);
	return 0;
}
