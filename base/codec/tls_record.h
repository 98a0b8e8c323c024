/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS records after the handshake, of TLS 1.3 (RFC 8446 section 5) and TLS 1.2
 * (RFC 5246 section 6) with AEAD: bytes are sealed into records, records are
 * opened where they lie, keys are updated, alerts are made and understood. What
 * is remembered of a connection is a suite, secrets and sequence numbers; it is
 * plain data, which can go to another process.
 *
 * There is never more than one copy of it that is used: two that seal with the
 * same sequence number give the key away. Who has given it away wipes it.
 *
 * Handshakes are made elsewhere. This end is the server: of handshake messages
 * it takes KeyUpdate. Pure: no I/O, no clock, no log. Any process.
 */
#ifndef BASE_CODEC_TLS_RECORD_H
#define BASE_CODEC_TLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/codec/tls_crypto.h"
#include "base/codec/tls_suite.h"
#include "base/str.h"

enum tls_content {
	TLS_CHANGE_CIPHER_SPEC = 20,
	TLS_ALERT = 21,
	TLS_HANDSHAKE = 22,
	TLS_DATA = 23,
};

/* RFC 8446 section 6, RFC 5246 section 7.2. */
enum tls_alert {
	TLS_CLOSE_NOTIFY = 0,
	TLS_UNEXPECTED_MESSAGE = 10,
	TLS_BAD_RECORD_MAC = 20,
	TLS_RECORD_OVERFLOW = 22,
	TLS_ILLEGAL_PARAMETER = 47,
	TLS_DECODE_ERROR = 50,
	TLS_PROTOCOL_VERSION = 70,
	TLS_INTERNAL_ERROR = 80,
	TLS_USER_CANCELED = 90,
	TLS_NO_RENEGOTIATION = 100,
	TLS_NO_ALERT = 255, /* none is sent: the peer has sent one, or is gone */
};

enum {
	TLS_HEADER = 5,         /* bytes of a record before what is sealed */
	TLS_PLAIN_MAX = 16384,  /* bytes in a record */
	TLS_PLAIN_SMALL = 1350, /* in one that fits a packet */
	/* What the peer may send: more than we do (RFC 5246 section 6.2.3). */
	TLS_RECORD_MAX = TLS_HEADER + TLS_PLAIN_MAX + 2048,
	/* What a record of ours adds to what is in it. */
	TLS_OVERHEAD_MAX = TLS_HEADER + 8 + TLS_TAG,
	/* An alert or a KeyUpdate. */
	TLS_CONTROL_MAX = TLS_OVERHEAD_MAX + 8,
	TLS_MESSAGE = 5, /* of a handshake, that is understood */
	/* Sealed with one key. The bound for AES-GCM is 2^24.5 (RFC 8446
	 * section 5.5). */
	TLS_REKEY_RECORDS = 1 << 23,
};

struct tls_direction {
	uint8_t secret[TLS_SECRET_MAX]; /* of TLS 1.3: makes the next key */
	struct tls_key key;
	uint64_t sequence; /* of the next record */
};

/* Embedded. What is marked so moves with the connection, and the rest need not
 * be what it was. */
struct tls_record {
	const struct tls_suite *suite;    /* moves */
	struct tls_direction read, write; /* move, but for the keys' ids */
	uint64_t explicit_nonce;          /* moves: of the next record */
	uint16_t fragment_max;            /* moves: of plain bytes in a record */
	uint8_t message[TLS_MESSAGE];     /* moves: the begin of a handshake
					   * message */
	uint8_t n_message;                /* moves */
	bool must_answer;                 /* moves: the peer wants our key to
					   * be another */
	uint8_t alert;                    /* enum tls_alert: why opening failed */
	uint8_t n_vain;      /* records in a row that had nothing in them */
	uint8_t n_updates;   /* of keys, that the peer may not yet do again */
	uint32_t updates_at; /* ms: as of when */
	uint32_t sealed_at;  /* ms: the last one */
	uint32_t n_sealed;   /* bytes since it was silent for long */
};

/*
 * Begins after a handshake of TLS 1.3: the application traffic secrets, of the
 * suite's size, and how many records were read and written with them. False
 * when libcrypto fails; `r` is wiped then.
 */
bool tls_record_init_13(struct tls_record *r, struct tls_crypto *crypto,
			const struct tls_suite *suite, const uint8_t *read_secret,
			const uint8_t *write_secret, uint64_t n_read,
			uint64_t n_written) __attribute__((warn_unused_result));

/* What a handshake of TLS 1.2 leaves. */
struct tls_master {
	uint8_t secret[TLS_SECRET_MAX];
	uint8_t client_random[32];
	uint8_t server_random[32];
	/* With AES-GCM, the nonce that our Finished carried, plus 1: it must
	 * not be used again. */
	uint64_t explicit_nonce;
};

/* The same after one of TLS 1.2; both Finished are the first records. As the
 * server's end, or, for tests, the client's. */
bool tls_record_init_12(struct tls_record *r, struct tls_crypto *crypto,
			const struct tls_suite *suite,
			const struct tls_master *master, bool is_server)
	__attribute__((warn_unused_result));

/* All that moves has been set: goes on with it. */
void tls_record_resume(struct tls_record *r, struct tls_crypto *crypto);

/* Overwrites it, secrets and keys, in the contexts of libcrypto, too. */
void tls_record_wipe(struct tls_record *r, struct tls_crypto *crypto);

/* Opening. */

enum tls_opened {
	TLS_OPENED_DATA,    /* bytes of the peer */
	TLS_OPENED_NOTHING, /* a record that was not for the user */
	TLS_OPENED_MORE,    /* no whole record is there: *used_out is 0 */
	TLS_OPENED_END,     /* close_notify: nothing follows */
	TLS_OPENED_FAILED,  /* r->alert is to be sent, and it is over */
};

/*
 * Opens the record that begins at `bytes`, where it lies. *used_out is its
 * size; *data_out are bytes in it. `now` is any clock in ms that may wrap
 * around: it bounds how often the peer may update its key.
 */
enum tls_opened tls_record_open(struct tls_record *r, struct tls_crypto *crypto,
				uint32_t now, char *bytes, size_t n,
				size_t *used_out, struct str *data_out)
	__attribute__((warn_unused_result));

/* How long the record is that begins at `bytes`; 0 while that is not known. It
 * may be too long to be opened. */
size_t tls_record_length(const char *bytes, size_t n);

/* Sealing. All write to `out`, and return how many bytes; 0 when libcrypto
 * fails. */

/* Where the bytes lie that are to be sealed. */
struct tls_pieces {
	const struct iovec *pieces;
	int n;
	size_t used; /* of the first */
};

/* How many bytes the next record should have at most: few while the peer waits
 * for the first ones, which it can only use once the record is whole. */
size_t tls_record_size(const struct tls_record *r, uint32_t now);

/* The next `n` bytes of the pieces as one record: fragment_max at most, and in
 * 16 pieces. `out` takes TLS_OVERHEAD_MAX more. */
size_t tls_record_seal(struct tls_record *r, struct tls_crypto *crypto,
		       uint32_t now, struct tls_pieces *from, size_t n, char *out)
	__attribute__((warn_unused_result));

/* Whether a KeyUpdate is due before the next record: one for any number that
 * the peer has asked for, or because the key has sealed so much. */
bool tls_record_must_update(const struct tls_record *r);

/* That KeyUpdate, and the next key. `out` takes TLS_CONTROL_MAX. */
size_t tls_record_update(struct tls_record *r, struct tls_crypto *crypto,
			 bool asks_for_one, char *out)
	__attribute__((warn_unused_result));

/* An alert, as severe as it is by the RFCs. `out` takes TLS_CONTROL_MAX. */
size_t tls_record_alert(struct tls_record *r, struct tls_crypto *crypto,
			enum tls_alert alert, char *out)
	__attribute__((warn_unused_result));

/* What a record of ours adds to what is in it. */
size_t tls_record_overhead(const struct tls_record *r);

#endif
