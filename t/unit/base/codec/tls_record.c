/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS records: published traces (RFC 8448 section 3) and those of openssl(1),
 * opened and sealed to the same bytes; then each rule of the RFCs, with a
 * client made of the same functions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/codec/tls_record.h"

enum { ROOM = 2 * TLS_RECORD_MAX };

static struct tls_crypto *crypto;

/* The server, and its peer. */
static struct tls_record us, peer;

static char wire[ROOM];
static size_t n_wire;

static int setup(void **state)
{
	(void)state;
	crypto = tls_crypto_create();
	assert_non_null(crypto);
	n_wire = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tls_crypto_destroy(&crypto);
	assert_null(crypto);
	return 0;
}

static size_t from_hex(const char *hex, void *into)
{
	size_t n = 0;
	unsigned byte;

	for (; *hex != '\0'; hex += 2) {
		while (*hex == ' ')
			hex++;
		assert_int_equal(sscanf(hex, "%2x", &byte), 1);
		((uint8_t *)into)[n++] = (uint8_t)byte;
	}
	return n;
}

static const uint16_t all_suites[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c,
				      0xc02f, 0xc030, 0xcca8, 0xcca9};

static void begin(uint16_t id)
{
	const struct tls_suite *suite = tls_suite_find(id);
	struct tls_master master = {.explicit_nonce = 77};
	uint8_t secrets[2][TLS_SECRET_MAX];

	assert_non_null(suite);
	for (int i = 0; i < TLS_SECRET_MAX; i++) {
		secrets[0][i] = (uint8_t)(i + 1);
		secrets[1][i] = master.secret[i] = (uint8_t)(i + 101);
	}
	if (suite->version == TLS_1_3) {
		assert_true(tls_record_init_13(&us, crypto, suite, secrets[0],
					       secrets[1], 0, 2));
		assert_true(tls_record_init_13(&peer, crypto, suite, secrets[1],
					       secrets[0], 2, 0));
	} else {
		assert_true(tls_record_init_12(&us, crypto, suite, &master, true));
		assert_true(
			tls_record_init_12(&peer, crypto, suite, &master, false));
	}
	n_wire = 0;
}

static struct str seal_at(struct tls_record *r, uint32_t now, struct str data)
{
	struct iovec piece = {(void *)(uintptr_t)data.p, data.n};
	struct tls_pieces pieces = {&piece, 1, 0};
	char *out = wire + n_wire;
	size_t n = tls_record_seal(r, crypto, now, &pieces, data.n, out);

	assert_int_equal(n, data.n + tls_record_overhead(r));
	n_wire += n;
	return (struct str){out, n};
}

static struct str seal(struct tls_record *r, const char *data)
{
	return seal_at(r, 0, str_of(data));
}

/* A record of TLS 1.3 with all that is in it, type and padding included. */
static void seal_inner(struct tls_record *r, const void *inner, size_t n)
{
	uint8_t *record = (uint8_t *)wire + n_wire, nonce[TLS_NONCE];
	size_t size = n + TLS_TAG;
	struct iovec piece = {(void *)(uintptr_t)inner, n};

	assert_int_equal(r->suite->version, TLS_1_3);
	memcpy(record, (uint8_t[]){23, 3, 3, (uint8_t)(size >> 8), (uint8_t)size},
	       TLS_HEADER);
	memcpy(nonce, r->write.key.iv, TLS_NONCE);
	nonce[TLS_NONCE - 1] ^= (uint8_t)r->write.sequence++;
	assert_true(tls_crypto_seal(crypto, r->suite->aead, &r->write.key, nonce,
				    (struct str){(char *)record, TLS_HEADER},
				    &piece, 1, record + TLS_HEADER));
	n_wire += TLS_HEADER + size;
}

#define INNER(bytes) seal_inner(&peer, bytes, sizeof(bytes) - 1)

static enum tls_opened open_at(struct tls_record *r, uint32_t now,
			       struct str *data_out)
{
	size_t used;
	enum tls_opened opened =
		tls_record_open(r, crypto, now, wire, n_wire, &used, data_out);
	static char copy[ROOM];

	/* What was opened lies in the wire, which moves on. */
	if (data_out->n > 0) {
		memcpy(copy, data_out->p, data_out->n);
		data_out->p = copy;
	}
	n_wire -= used;
	memmove(wire, wire + used, n_wire);
	return opened;
}

static void opens(struct tls_record *r, const char *text)
{
	struct str data;

	assert_int_equal(open_at(r, 0, &data), TLS_OPENED_DATA);
	assert_int_equal(data.n, strlen(text));
	assert_memory_equal(data.p, text, data.n);
}

static void gives(enum tls_opened wanted)
{
	struct str data;

	assert_int_equal(open_at(&us, 0, &data), wanted);
	assert_int_equal(data.n, 0);
}

static void fails(enum tls_alert alert)
{
	gives(TLS_OPENED_FAILED);
	assert_int_equal(us.alert, alert);
}

/* RFC 8448 section 3. */

static const char client_secret[] = "9e40646ce79a7f9dc05af8889bce6552"
				    "875afa0b06df0087f792ebb7c17504a5";
static const char server_secret[] = "a11af9f05531f856ad47116b45a95032"
				    "8204b4f44bfb6b3a4b4f1f3fcb631643";
static const char client_record[] =
	"1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f"
	"2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae6"
	"3aeebb21694915e4";
static const char server_record[] =
	"17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36"
	"e30efaf97d90e6dffc602dcb501a59a8fcc49c4bf2e5f0a21c0047c2abf33254"
	"0dd032e167c2955d";
static const char client_alert[] = "1703030013c9872760655666b74d7ff1153efd6d"
				   "b6d0b0e3";
static const char server_alert[] = "1703030013b58fd67166ebf599d24720cfbe7efa"
				   "7a8864a9";

static void trace_begin(void)
{
	uint8_t client[32], server[32];
	const struct tls_suite *suite = tls_suite_find(0x1301);

	from_hex(client_secret, client);
	from_hex(server_secret, server);
	/* One ticket was sent. */
	assert_true(tls_record_init_13(&us, crypto, suite, client, server, 0, 1));
	assert_true(tls_record_init_13(&peer, crypto, suite, server, client, 1, 0));
}

static void is_record(struct str record, const char *hex)
{
	uint8_t wanted[256];

	assert_int_equal(record.n, from_hex(hex, wanted));
	assert_memory_equal(record.p, wanted, record.n);
}

static void the_trace_is_opened(void **state)
{
	struct str data;

	(void)state;
	trace_begin();
	n_wire = from_hex(client_record, wire);
	n_wire += from_hex(client_alert, wire + n_wire);
	assert_int_equal(open_at(&us, 0, &data), TLS_OPENED_DATA);
	assert_int_equal(data.n, 50);
	for (int i = 0; i < 50; i++)
		assert_int_equal(data.p[i], i);
	gives(TLS_OPENED_END);
	n_wire = from_hex(server_record, wire);
	assert_int_equal(open_at(&peer, 0, &data), TLS_OPENED_DATA);
	assert_int_equal(data.n, 50);
}

static void the_trace_is_sealed(void **state)
{
	char data[51];

	(void)state;
	trace_begin();
	for (int i = 0; i < 51; i++)
		data[i] = (char)i;
	is_record(seal_at(&us, 0, (struct str){data, 50}), server_record);
	is_record(seal_at(&peer, 0, (struct str){data, 50}), client_record);
	size_t n = tls_record_alert(&us, crypto, TLS_CLOSE_NOTIFY, wire);

	is_record((struct str){wire, n}, server_alert);
	n = tls_record_alert(&peer, crypto, TLS_CLOSE_NOTIFY, wire);
	is_record((struct str){wire, n}, client_alert);
}

/* openssl(1). */

static const struct vector {
	uint16_t suite;
	const char *master, *client_random, *server_random;
	const char *client_finished, *client_data;
	const char *server_finished, *server_data;
} vectors[] = {
#include "t/unit/base/codec/tls12_vectors.inc"
};

/* Of the end that wrote the Finished. */
static struct tls_master master_of(const struct vector *v, const char *finished)
{
	struct tls_master master = {.explicit_nonce = 0};
	uint8_t record[256];

	from_hex(v->master, master.secret);
	from_hex(v->client_random, master.client_random);
	from_hex(v->server_random, master.server_random);
	from_hex(finished, record);
	for (int i = 0; i < 8; i++)
		master.explicit_nonce =
			master.explicit_nonce << 8 | record[TLS_HEADER + i];
	master.explicit_nonce++;
	return master;
}

static void openssl_is_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		const struct tls_suite *suite = tls_suite_find(v->suite);
		struct tls_master server = master_of(v, v->server_finished);
		struct tls_master client = master_of(v, v->client_finished);

		assert_true(tls_record_init_12(&us, crypto, suite, &server, true));
		assert_true(
			tls_record_init_12(&peer, crypto, suite, &client, false));
		n_wire = from_hex(v->client_data, wire);
		opens(&us, "What openssl says.\n");
		n_wire = from_hex(v->server_data, wire);
		opens(&peer, ".syas lssnepo tahW\n");
	}
}

static void openssl_would_have_written_it_so(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		const struct vector *v = &vectors[i];
		const struct tls_suite *suite = tls_suite_find(v->suite);
		struct tls_master server = master_of(v, v->server_finished);
		struct tls_master client = master_of(v, v->client_finished);

		n_wire = 0;
		assert_true(tls_record_init_12(&us, crypto, suite, &server, true));
		is_record(seal(&us, ".syas lssnepo tahW\n"), v->server_data);
		assert_true(tls_record_init_12(&us, crypto, suite, &client, false));
		is_record(seal(&us, "What openssl says.\n"), v->client_data);
	}
}

/* Sealing and opening. */

static void every_suite_goes_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(all_suites) / sizeof(all_suites[0]); i++) {
		begin(all_suites[i]);
		for (int n = 0; n < 3; n++) {
			seal(&peer, "a request");
			opens(&us, "a request");
			seal(&us, "and its response");
			opens(&peer, "and its response");
		}
	}
	assert_null(tls_suite_find(0xc013)); /* with AES-CBC */
}

static void pieces_become_one_record(void **state)
{
	static char parts[] = "HTTP/1.1 200 OK....";
	struct iovec pieces[] = {
		{parts, 8}, {parts, 0}, {parts + 8, 5}, {parts + 13, 6}};
	struct tls_pieces from = {pieces, 4, 0};

	(void)state;
	begin(0x1301);
	n_wire = tls_record_seal(&us, crypto, 0, &from, 10, wire);
	assert_int_equal(n_wire, 10 + tls_record_overhead(&us));
	opens(&peer, "HTTP/1.1 2");
	n_wire = tls_record_seal(&us, crypto, 0, &from, 5, wire);
	opens(&peer, "00 OK");
	assert_int_equal(from.n, 1);
	assert_int_equal(from.used, 2);
	/* As many as there are not. */
	assert_int_equal(tls_record_seal(&us, crypto, 0, &from, 5, wire), 0);
}

static void a_part_of_a_record_waits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(all_suites) / sizeof(all_suites[0]); i++) {
		begin(all_suites[i]);
		size_t whole = seal(&peer, "in pieces").n;

		for (size_t n = 0; n < whole; n++) {
			struct str data;
			size_t used = 1;

			assert_int_equal(tls_record_open(&us, crypto, 0, wire, n,
							 &used, &data),
					 TLS_OPENED_MORE);
			assert_int_equal(used, 0);
			assert_int_equal(tls_record_length(wire, n),
					 n < TLS_HEADER ? 0 : whole);
		}
		opens(&us, "in pieces");
	}
}

static void a_changed_byte_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(all_suites) / sizeof(all_suites[0]); i++) {
		begin(all_suites[i]);
		size_t whole = seal(&peer, "a record").n;

		for (size_t at = TLS_HEADER; at < whole; at++) {
			begin(all_suites[i]);
			seal(&peer, "a record");
			wire[at] ^= 1;
			fails(TLS_BAD_RECORD_MAC);
		}
	}
}

static void records_come_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(all_suites) / sizeof(all_suites[0]); i++) {
		begin(all_suites[i]);
		seal(&peer, "one");
		n_wire = 0;
		seal(&peer, "two");
		fails(TLS_BAD_RECORD_MAC);
	}
}

static void headers_are_checked(void **state)
{
	static const struct {
		uint16_t suite;
		const char *header;
		enum tls_alert alert;
	} cases[] = {
		{0x1301, "1703034101", TLS_RECORD_OVERFLOW},
		{0x1301, "1403030001", TLS_UNEXPECTED_MESSAGE},
		{0x1301, "1503030002", TLS_UNEXPECTED_MESSAGE},
		{0x1301, "4745542028", TLS_UNEXPECTED_MESSAGE}, /* GET */
		{0x1301, "1703030000", TLS_BAD_RECORD_MAC},
		{0xc02f, "1703034801", TLS_RECORD_OVERFLOW},
		{0xc02f, "1703010020", TLS_PROTOCOL_VERSION},
		{0xc02f, "1703040020", TLS_PROTOCOL_VERSION},
		{0xc02f, "1403030001", TLS_UNEXPECTED_MESSAGE},
		{0xc02f, "1803030010", TLS_UNEXPECTED_MESSAGE},
		{0xc02f, "1703030004", TLS_BAD_RECORD_MAC},
		{0xcca8, "1703030004", TLS_BAD_RECORD_MAC},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(cases[i].suite);
		memset(wire, 0, 64);
		from_hex(cases[i].header, wire);
		n_wire = 64;
		fails(cases[i].alert);
	}
	/* In TLS 1.3 the version says nothing. */
	begin(0x1301);
	INNER("hello\x17");
	opens(&us, "hello");
}

static const char *long_text(size_t n)
{
	static char text[TLS_PLAIN_MAX + 512];

	memset(text, 'x', n);
	text[n] = '\0';
	return text;
}

static void a_record_has_so_much_and_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(all_suites) / sizeof(all_suites[0]); i++) {
		begin(all_suites[i]);
		seal(&peer, long_text(TLS_PLAIN_MAX));
		opens(&us, long_text(TLS_PLAIN_MAX));
		seal(&peer, long_text(TLS_PLAIN_MAX + 1));
		fails(TLS_RECORD_OVERFLOW);
	}
	begin(0x1301);
	us.fragment_max = 512;
	seal(&peer, long_text(512));
	opens(&us, long_text(512));
	seal(&peer, long_text(513));
	fails(TLS_RECORD_OVERFLOW);
}

static void padding_is_no_content(void **state)
{
	static char inner[TLS_PLAIN_MAX + 2] = "hello\x17";

	(void)state;
	begin(0x1301);
	INNER("hello\x17\0\0\0\0");
	opens(&us, "hello");
	seal_inner(&peer, inner, TLS_PLAIN_MAX + 1);
	opens(&us, "hello");
	seal_inner(&peer, inner, TLS_PLAIN_MAX + 2);
	fails(TLS_RECORD_OVERFLOW);
	begin(0x1301);
	INNER("\0\0\0\0");
	fails(TLS_UNEXPECTED_MESSAGE);
	begin(0x1301);
	seal_inner(&peer, "", 0);
	fails(TLS_UNEXPECTED_MESSAGE);
	begin(0x1301);
	INNER("hello\x18");
	fails(TLS_UNEXPECTED_MESSAGE);
}

static void empty_records_are_bounded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(all_suites) / sizeof(all_suites[0]); i++) {
		begin(all_suites[i]);
		for (int round = 0; round < 3; round++) {
			for (int n = 0; n < 32; n++) {
				seal(&peer, "");
				gives(TLS_OPENED_NOTHING);
			}
			seal(&peer, "something");
			opens(&us, "something");
		}
		for (int n = 0; n < 32; n++) {
			seal(&peer, "");
			gives(TLS_OPENED_NOTHING);
		}
		seal(&peer, "");
		fails(TLS_UNEXPECTED_MESSAGE);
	}
}

/* Alerts. */

static void alerts_are_understood(void **state)
{
	(void)state;
	begin(0x1301);
	INNER("\2\x5a\x15"); /* the level does not matter */
	gives(TLS_OPENED_NOTHING);
	INNER("\1\0\x15");
	gives(TLS_OPENED_END);
	INNER("\1\x28\x15");
	fails(TLS_NO_ALERT);
	begin(0x1301);
	INNER("\x15");
	fails(TLS_UNEXPECTED_MESSAGE);
	begin(0x1301);
	INNER("\1\x15");
	fails(TLS_DECODE_ERROR);
	begin(0x1301);
	INNER("\1\0\1\0\x15");
	fails(TLS_DECODE_ERROR);
}

static void alerts_are_as_severe_as_they_are(void **state)
{
	static const struct {
		enum tls_alert alert;
		enum tls_opened opened;
	} cases[] = {
		{TLS_CLOSE_NOTIFY, TLS_OPENED_END},
		{TLS_NO_RENEGOTIATION, TLS_OPENED_NOTHING}, /* a warning */
		{TLS_BAD_RECORD_MAC, TLS_OPENED_FAILED},
		{TLS_INTERNAL_ERROR, TLS_OPENED_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str data;

		begin(0xc02f);
		n_wire = tls_record_alert(&us, crypto, cases[i].alert, wire);
		assert_true(n_wire > 0 && n_wire <= TLS_CONTROL_MAX);
		assert_int_equal(open_at(&peer, 0, &data), cases[i].opened);
	}
}

/* KeyUpdate. */

static void update(struct tls_record *r, bool asks_for_one)
{
	size_t n = tls_record_update(r, crypto, asks_for_one, wire + n_wire);

	assert_true(n > 0 && n <= TLS_CONTROL_MAX);
	n_wire += n;
}

static void keys_are_updated_both_ways(void **state)
{
	struct str data;

	(void)state;
	for (uint16_t suite = 0x1301; suite <= 0x1303; suite++) {
		begin(suite);
		struct tls_direction before = us.read;

		update(&peer, true);
		seal(&peer, "with the next");
		gives(TLS_OPENED_NOTHING);
		assert_memory_not_equal(us.read.secret, before.secret, 32);
		assert_memory_not_equal(us.read.key.bytes, before.key.bytes, 16);
		opens(&us, "with the next");
		assert_int_equal(us.read.sequence, 1);
		assert_true(tls_record_must_update(&us));
		update(&us, false);
		assert_false(tls_record_must_update(&us));
		assert_int_equal(open_at(&peer, 0, &data), TLS_OPENED_NOTHING);
		assert_false(tls_record_must_update(&peer));
		seal(&us, "and back");
		opens(&peer, "and back");
	}
}

static void many_that_ask_get_one_answer(void **state)
{
	(void)state;
	begin(0x1301);
	for (int i = 0; i < 5; i++) {
		update(&peer, true);
		gives(TLS_OPENED_NOTHING);
	}
	assert_true(tls_record_must_update(&us));
	update(&us, false);
	assert_false(tls_record_must_update(&us));
}

static void an_update_may_be_in_pieces(void **state)
{
	(void)state;
	begin(0x1301);
	for (int i = 0; i < 4; i++) {
		char piece[2] = {"\x18\0\0\1"[i], 0x16};

		seal_inner(&peer, piece, 2);
		gives(TLS_OPENED_NOTHING);
		assert_int_equal(us.read.sequence, i + 1);
	}
	INNER("\0\x16");
	gives(TLS_OPENED_NOTHING);
	assert_int_equal(us.read.sequence, 0);
	assert_false(tls_record_must_update(&us));
	/* And nothing may come between. */
	begin(0x1301);
	INNER("\x18\0\x16");
	INNER("hello\x17");
	gives(TLS_OPENED_NOTHING);
	fails(TLS_UNEXPECTED_MESSAGE);
}

static void other_messages_are_refused(void **state)
{
	static const struct {
		const char *inner;
		size_t n;
		enum tls_alert alert;
	} cases[] = {
		{"\x16", 1, TLS_UNEXPECTED_MESSAGE},
		{"\x18\0\0\1\2\x16", 6, TLS_ILLEGAL_PARAMETER},
		{"\x18\0\0\2\0\0\x16", 7, TLS_DECODE_ERROR},
		{"\x18\0\0\0\x16", 5, TLS_DECODE_ERROR},
		{"\x18\1\x16", 3, TLS_DECODE_ERROR},
		/* Not at the end of its record. */
		{"\x18\0\0\1\0\x18\x16", 7, TLS_UNEXPECTED_MESSAGE},
		{"\x18\0\0\1\0\x18\0\0\1\0\x16", 11, TLS_UNEXPECTED_MESSAGE},
		{"\1\0\0\1\0\x16", 6, TLS_UNEXPECTED_MESSAGE},
		{"\x0b\0\0\1\0\x16", 6, TLS_UNEXPECTED_MESSAGE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(0x1301);
		seal_inner(&peer, cases[i].inner, cases[i].n);
		fails(cases[i].alert);
	}
}

static void seal_as(struct tls_record *r, uint8_t type, const char *p, size_t n)
{
	uint8_t *record = (uint8_t *)wire, nonce[TLS_NONCE] = {0}, aad[13] = {0};
	struct iovec piece = {(void *)(uintptr_t)p, n};
	size_t size = 8 + n + TLS_TAG;

	memcpy(nonce, r->write.key.iv, 4);
	memset(record, 0, TLS_HEADER + 8);
	memcpy(record, (uint8_t[]){type, 3, 3, 0, (uint8_t)size}, TLS_HEADER);
	aad[7] = (uint8_t)r->write.sequence++;
	memcpy(aad + 8, (uint8_t[]){type, 3, 3, 0, (uint8_t)n}, TLS_HEADER);
	assert_true(tls_crypto_seal(crypto, r->suite->aead, &r->write.key, nonce,
				    (struct str){(char *)aad, 13}, &piece, 1,
				    record + TLS_HEADER + 8));
	n_wire = TLS_HEADER + size;
}

static void nothing_is_negotiated_again(void **state)
{
	(void)state;
	begin(0xc02f);
	seal_as(&peer, TLS_HANDSHAKE, "\1\0\0\xff", 4);
	fails(TLS_NO_RENEGOTIATION);
	begin(0xc02f);
	seal_as(&peer, TLS_HANDSHAKE, "\x18\0\0\1\1", 5);
	fails(TLS_UNEXPECTED_MESSAGE);
	begin(0xc02f);
	seal_as(&peer, TLS_HANDSHAKE, "", 0);
	fails(TLS_UNEXPECTED_MESSAGE);
}

static void updates_are_bounded_by_their_rate(void **state)
{
	struct str data;
	uint32_t now = UINT32_MAX - 10000; /* it wraps around */

	(void)state;
	begin(0x1301);
	for (int i = 0; i < 1000; i++, now += 250) {
		update(&peer, false);
		assert_int_equal(open_at(&us, now, &data), TLS_OPENED_NOTHING);
	}
	begin(0x1301);
	for (int i = 0; i < 32; i++) {
		update(&peer, false);
		assert_int_equal(open_at(&us, now, &data), TLS_OPENED_NOTHING);
	}
	update(&peer, false);
	assert_int_equal(open_at(&us, now + 249, &data), TLS_OPENED_FAILED);
	assert_int_equal(us.alert, TLS_UNEXPECTED_MESSAGE);
}

static void a_key_is_not_used_for_ever(void **state)
{
	(void)state;
	begin(0x1301);
	us.write.sequence = peer.read.sequence = TLS_REKEY_RECORDS - 1;
	assert_false(tls_record_must_update(&us));
	seal(&us, "the last but one");
	opens(&peer, "the last but one");
	assert_true(tls_record_must_update(&us));
	update(&us, false);
	assert_false(tls_record_must_update(&us));
	assert_int_equal(us.write.sequence, 0);
	/* In TLS 1.2 there is nothing to be done. */
	begin(0xc02f);
	us.write.sequence = TLS_REKEY_RECORDS;
	assert_false(tls_record_must_update(&us));
}

/* Sizes. */

static void records_are_small_at_first(void **state)
{
	uint32_t now = UINT32_MAX - 100;
	struct str small = {long_text(TLS_PLAIN_SMALL), TLS_PLAIN_SMALL};

	(void)state;
	begin(0x1301);
	for (size_t n = 0; n < 16384; n += TLS_PLAIN_SMALL) {
		assert_int_equal(tls_record_size(&us, now), TLS_PLAIN_SMALL);
		n_wire = 0;
		seal_at(&us, now, small);
	}
	assert_int_equal(tls_record_size(&us, now), TLS_PLAIN_MAX);
	assert_int_equal(tls_record_size(&us, now + 1000), TLS_PLAIN_MAX);
	seal_at(&us, now + 1000, small);
	assert_int_equal(tls_record_size(&us, now + 2000), TLS_PLAIN_MAX);
	assert_int_equal(tls_record_size(&us, now + 2001), TLS_PLAIN_SMALL);
	n_wire = 0;
	seal_at(&us, now + 2001, small);
	assert_int_equal(tls_record_size(&us, now + 2001), TLS_PLAIN_SMALL);
	us.fragment_max = 512;
	assert_int_equal(tls_record_size(&us, now), 512);
}

/* The state. */

static void it_goes_on_elsewhere(void **state)
{
	struct tls_crypto *other;

	(void)state;
	for (size_t i = 0; i < sizeof(all_suites) / sizeof(all_suites[0]); i++) {
		begin(all_suites[i]);
		seal(&peer, "here");
		opens(&us, "here");
		struct tls_record moved = us;

		tls_record_wipe(&us, crypto);
		other = crypto;
		crypto = tls_crypto_create();
		tls_record_resume(&moved, crypto);
		seal(&moved, "and there");
		struct tls_crypto *there = crypto;

		crypto = other;
		opens(&peer, "and there");
		tls_record_wipe(&moved, there);
		tls_crypto_destroy(&there);
	}
}

static void nothing_is_left_of_it(void **state)
{
	static const struct tls_record nothing;

	(void)state;
	begin(0x1301);
	seal(&us, "with a keyed context");
	tls_record_wipe(&us, crypto);
	assert_memory_equal(&us, &nothing, sizeof(us));
	/* And it can be wiped again. */
	tls_record_wipe(&us, crypto);
}

/* More keys than there are contexts. */
static void contexts_are_shared(void **state)
{
	enum { PAIRS = 200 };
	static struct tls_record ours[PAIRS], theirs[PAIRS];

	(void)state;
	for (int i = 0; i < PAIRS; i++) {
		begin(all_suites[i % 9]);
		ours[i] = us;
		theirs[i] = peer;
	}
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < PAIRS; i++) {
			seal(&ours[i], "mine");
			opens(&theirs[i], "mine");
		}
}

static void it_is_small(void **state)
{
	(void)state;
	assert_true(sizeof(struct tls_record) <= 280);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_trace_is_opened),
		TEST(the_trace_is_sealed),
		TEST(openssl_is_understood),
		TEST(openssl_would_have_written_it_so),
		TEST(every_suite_goes_both_ways),
		TEST(pieces_become_one_record),
		TEST(a_part_of_a_record_waits),
		TEST(a_changed_byte_is_found),
		TEST(records_come_in_order),
		TEST(headers_are_checked),
		TEST(a_record_has_so_much_and_no_more),
		TEST(padding_is_no_content),
		TEST(empty_records_are_bounded),
		TEST(alerts_are_understood),
		TEST(alerts_are_as_severe_as_they_are),
		TEST(keys_are_updated_both_ways),
		TEST(many_that_ask_get_one_answer),
		TEST(an_update_may_be_in_pieces),
		TEST(other_messages_are_refused),
		TEST(nothing_is_negotiated_again),
		TEST(updates_are_bounded_by_their_rate),
		TEST(a_key_is_not_used_for_ever),
		TEST(records_are_small_at_first),
		TEST(it_goes_on_elsewhere),
		TEST(nothing_is_left_of_it),
		TEST(contexts_are_shared),
		TEST(it_is_small),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
