/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TLS transport. A connection has a handshake first, by OpenSSL, and then
 * nothing but the state of its records: what is read is opened in a buffer of
 * the worker, what is written is sealed into another, and only what is left
 * over, a part of a record in either direction, is the connection's. So an
 * idle one has no buffers, and it moves as any other bytes do.
 *
 * In the order of a connection's life: handshake, reading, writing, the end,
 * moving. Bytes from the peer are never asserted. Worker.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/net/socket.h"
#include "worker/tls/handshake.h"
#include "worker/tls/tls.h"

enum {
	/* The records of one write; what the kernel does not take of them is
	 * kept. */
	SEAL_BYTES = 2 * (TLS_PLAIN_MAX + TLS_OVERHEAD_MAX) + TLS_CONTROL_MAX,
	SEAL_RECORDS = 64,
	READ_BYTES = 4 * TLS_PLAIN_MAX, /* of one read */
	FILE_BYTES = 2 * TLS_PLAIN_MAX, /* of a file, for one write */
	DRAIN_READS = 16,
	FIRST_BYTE = TLS_HANDSHAKE,
};
/* A record that is read does fit; what is left of sealed ones moves in a
 * message. */
_Static_assert((int)READ_BYTES >= 2 * (int)TLS_RECORD_MAX, "two records");

enum tls_phase {
	TLS_WAITING, /* for the first byte */
	TLS_SHAKING,
	TLS_OPEN,
	TLS_READ_ALL, /* the peer has sent close_notify */
	TLS_BROKEN,   /* an alert was sent, or came */
};

struct tls_conn {
	struct tls_record record;
	struct buf raw;    /* read, and not opened: a part of a record, mostly */
	struct buf sealed; /* and not sent */
	uint64_t given;    /* bytes to the kernel */
	uint32_t covers;   /* bytes of the owner's that `sealed` has */
	uint8_t phase;     /* enum tls_phase */
	bool has_ended;    /* close_notify is in `sealed`, or was sent */
	union {
		const struct tls_policy *policy; /* TLS_WAITING */
		struct handshake *handshake;     /* TLS_SHAKING */
	};
	struct tls_facts facts; /* from TLS_OPEN on; its texts come behind */
};

/* Of the worker: used within one call. */
static char read_bytes[READ_BYTES];
static char seal_bytes[SEAL_BYTES];
static char file_bytes[FILE_BYTES];

static struct tls_conn *state_of(const struct socket *s)
{
	ASSERT(s->state != NULL);
	return s->state;
}

static struct tls_crypto *crypto_of(const struct socket *s)
{
	return s->net->tls->crypto;
}

static uint32_t ms_of(const struct socket *s)
{
	return (uint32_t)(s->net->loop->now / NS_PER_MS);
}

/* The kernel. */

/* One read, behind what is in read_bytes already. */
static enum io receive(struct socket *s, size_t at, size_t room, size_t *n_out)
{
	return plain_transport.read(s, read_bytes + at, room, n_out);
}

/* How many of the bytes the kernel takes; less than all means that it waits.
 * *io_out is IO_OK or IO_ERROR. */
static size_t give(struct socket *s, const char *p, size_t n, bool more,
		   enum io *io_out)
{
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
	ssize_t sent;

	do {
		sent = send(s->watch.fd, p, n, flags);
	} while (sent == -1 && errno == EINTR);
	*io_out = sent >= 0 || errno == EAGAIN ? IO_OK : IO_ERROR;
	if (sent < (ssize_t)n)
		s->writable = false;
	state_of(s)->given += sent > 0 ? (uint64_t)sent : 0;
	return sent > 0 ? (size_t)sent : 0;
}

/* Sends what is sealed. IO_OK: all of it. */
static enum io push(struct socket *s, bool more)
{
	struct tls_conn *t = state_of(s);
	struct str rest = buf_str(&t->sealed);
	enum io io;

	if (rest.n == 0)
		return IO_OK;
	buf_consume(&t->sealed, give(s, rest.p, rest.n, more, &io));
	if (io != IO_OK)
		return io;
	if (buf_length(&t->sealed) > 0)
		return IO_AGAIN;
	buf_release(&t->sealed);
	return IO_OK;
}

/* For the log: of the peer, which may be a proxy. */
static const char *peer_text(const struct socket *s, char ip[ADDR_TEXT])
{
	struct addr peer = {.length = sizeof(struct sockaddr_un)};

	if (getpeername(s->watch.fd, &peer.any, &peer.length) == -1)
		return "a client that has gone";
	struct endpoint endpoint = endpoint_of(&peer);

	return endpoint_ip(&endpoint, ip);
}

/* An alert, if the kernel takes it now. */
static void send_alert(struct socket *s, enum tls_alert alert)
{
	struct tls_conn *t = state_of(s);
	char bytes[TLS_CONTROL_MAX];
	size_t n;

	if (alert == TLS_NO_ALERT || push(s, false) != IO_OK)
		return;
	n = tls_record_alert(&t->record, crypto_of(s), alert, bytes);
	if (n > 0)
		buf_put(&t->sealed, (struct str){bytes, n});
	(void)push(s, false);
}

/* Before it is closed: what is not read makes the kernel send a reset, which
 * overtakes what we sent. */
static void drain(struct socket *s)
{
	(void)shutdown(s->watch.fd, SHUT_WR);
	for (int i = 0; i < DRAIN_READS; i++)
		if (recv(s->watch.fd, read_bytes, sizeof(read_bytes),
			 MSG_DONTWAIT) <= 0)
			return;
}

/* The handshake. */

static void on_wake(void *context)
{
	struct socket *s = context;

	batch_join_later(&s->net->batch, s);
}

static struct tls_conn *make_state(struct socket *s)
{
	struct tls_conn *t = mem_zalloc(1, sizeof(*t));

	s->state = t;
	return t;
}

static void tls_open(struct socket *s, const void *policy)
{
	struct tls_conn *t = make_state(s);

	t->policy = policy;
	buf_put(&t->raw, buf_str(&s->in));
	buf_release(&s->in);
}

static void tls_close(struct socket *s)
{
	struct tls_conn *t = s->state;

	if (t == NULL)
		return;
	if (t->phase == TLS_SHAKING)
		handshake_destroy(&t->handshake);
	if (s->net->tls->crypto != NULL)
		tls_record_wipe(&t->record, crypto_of(s));
	buf_release(&t->raw);
	buf_release(&t->sealed);
	explicit_bzero(t, sizeof(*t));
	free(t);
	s->state = NULL;
}

/* Adds to `raw` what has come. */
static enum io fill(struct socket *s)
{
	struct tls_conn *t = state_of(s);
	size_t n;
	enum io io;

	if (!s->readable)
		return IO_WANT_READ;
	io = receive(s, 0, TLS_RECORD_MAX, &n);
	if (n > 0)
		buf_put(&t->raw, (struct str){read_bytes, n});
	return io == IO_AGAIN ? IO_WANT_READ : io == IO_EOF ? IO_ERROR : io;
}

/* The client speaks without TLS: as it should, then, or else it is told. */
static enum io speak_plainly(struct socket *s)
{
	static const char answer[] =
		"HTTP/1.1 400 Bad Request\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Length: 60\r\n"
		"Connection: close\r\n"
		"\r\n"
		"This port speaks HTTPS. The request was sent to it as HTTP.\n";
	struct tls_conn *t = state_of(s);
	struct str raw = buf_str(&t->raw);
	enum io io;

	if (tls_policy_is_optional(t->policy)) {
		buf_put(&s->in, raw);
		tls_close(s);
		s->transport = &plain_transport;
		return IO_OK;
	}
	if (raw.p[0] >= 'A' && raw.p[0] <= 'Z') {
		(void)give(s, answer, sizeof(answer) - 1, false, &io);
		drain(s);
	}
	return IO_ERROR;
}

static enum io fail_handshake(struct socket *s, const char *why)
{
	char ip[ADDR_TEXT];

	log_client(LOG_LEVEL_INFO, "a TLS handshake with %s has failed: %s",
		   peer_text(s, ip), why);
	if (push(s, false) == IO_OK)
		drain(s);
	return IO_ERROR;
}

/* With room for the texts. What the state has of keys comes after this: no copy
 * of it is left in memory that is given back. */
static struct tls_conn *put_facts(struct socket *s, bool is_resumed,
				  const struct str texts[TLS_FACTS])
{
	struct tls_conn *t =
		mem_resize(s->state, sizeof(*t) + tls_facts_size(texts));

	t->facts.is_resumed = is_resumed;
	tls_facts_set(&t->facts, texts);
	s->state = t;
	return t;
}

static enum io finish_handshake(struct socket *s)
{
	struct tls_conn *t = state_of(s);
	struct handshake_facts facts;

	handshake_get_facts(t->handshake, &facts);
	t = put_facts(s, facts.is_resumed, facts.texts);
	if (!handshake_take(t->handshake, crypto_of(s), &t->record))
		return fail_handshake(s, handshake_failure(t->handshake));
	handshake_destroy(&t->handshake);
	t->facts.suite = t->record.suite;
	t->phase = TLS_OPEN;
	buf_shrink(&t->raw);
	return IO_OK;
}

/* Feeds the next record, when it is there. IO_WANT_READ: it is not. */
static enum io feed(struct socket *s)
{
	struct tls_conn *t = state_of(s);
	struct str raw = buf_str(&t->raw);
	size_t size = tls_record_length(raw.p, raw.n);

	if (size > TLS_RECORD_MAX)
		return fail_handshake(s, "a record is too long");
	if (size == 0 || size > raw.n)
		return IO_WANT_READ;
	handshake_feed(t->handshake, (struct str){raw.p, size});
	buf_consume(&t->raw, size);
	return IO_OK;
}

/* The first step: whether it is TLS at all. */
static enum io begin(struct socket *s)
{
	struct tls_conn *t = state_of(s);

	while (buf_length(&t->raw) == 0) {
		enum io io = fill(s);

		if (io != IO_OK)
			return io;
	}
	if (buf_str(&t->raw).p[0] != FIRST_BYTE)
		return speak_plainly(s);
	struct handshake *handshake = handshake_create(t->policy, on_wake, s);

	if (handshake == NULL)
		return fail_handshake(s, "OpenSSL fails");
	t->handshake = handshake;
	t->phase = TLS_SHAKING;
	return IO_OK;
}

/* After a record was fed, or a signature has come. */
static enum io run(struct socket *s, bool *wants_record_out)
{
	struct tls_conn *t = state_of(s);
	enum handshake_result result = handshake_run(t->handshake, &t->sealed);
	enum io io;

	*wants_record_out = result == HANDSHAKE_MORE;
	if (result == HANDSHAKE_FAILED)
		return fail_handshake(s, handshake_failure(t->handshake));
	io = push(s, false);
	if (io == IO_ERROR)
		return io;
	if (result == HANDSHAKE_DONE)
		return finish_handshake(s);
	/* We have not spoken yet: one that has ended will not go on. */
	if (result == HANDSHAKE_PAUSED)
		return s->peer_ended || s->hung_up ? IO_ERROR : IO_AGAIN;
	return io == IO_AGAIN ? IO_WANT_WRITE : IO_WANT_READ;
}

static enum io tls_step(struct socket *s)
{
	struct tls_conn *t = state_of(s);
	bool wants_record = false;
	enum io io;

	if (t->phase == TLS_WAITING) {
		io = begin(s);
		if (io != IO_OK || s->transport != &tls_transport)
			return io;
		wants_record = true;
	}
	for (;;) {
		/* What is not sent keeps the client from going on. */
		io = push(s, false);
		if (io != IO_OK)
			return io == IO_AGAIN ? IO_WANT_WRITE : io;
		if (!wants_record) {
			io = run(s, &wants_record);
			if (io != IO_WANT_READ || !wants_record)
				return io;
		}
		io = feed(s);
		if (io == IO_WANT_READ) {
			io = fill(s);
			if (io != IO_OK)
				return io;
			continue;
		}
		if (io != IO_OK)
			return io;
		wants_record = false;
	}
}

/* Reading. */

static enum io fail(struct socket *s, enum tls_alert alert)
{
	struct tls_conn *t = state_of(s);

	char ip[ADDR_TEXT];

	if (alert != TLS_NO_ALERT)
		log_client(LOG_LEVEL_INFO,
			   "closing a connection of %s: TLS alert %d is sent",
			   peer_text(s, ip), (int)alert);
	t->phase = TLS_BROKEN;
	send_alert(s, alert);
	errno = EPROTO;
	return IO_ERROR;
}

/* Opens the records in read_bytes, n of them, as long as there is room for what
 * is in them. *used_out is how many were. */
static enum io open_records(struct socket *s, size_t n, size_t *used_out,
			    char *into, size_t room, size_t *n_out)
{
	struct tls_conn *t = state_of(s);

	for (;;) {
		char *record = read_bytes + *used_out;
		size_t size = tls_record_length(record, n - *used_out), used;
		struct str data;

		if (size > room - *n_out && *n_out > 0 && size <= TLS_RECORD_MAX)
			return IO_OK; /* the next time */
		enum tls_opened opened =
			tls_record_open(&t->record, crypto_of(s), ms_of(s), record,
					n - *used_out, &used, &data);

		*used_out += used;
		switch (opened) {
		case TLS_OPENED_DATA:
			ASSERT(data.n <= room - *n_out);
			memcpy(into + *n_out, data.p, data.n);
			*n_out += data.n;
			break;
		case TLS_OPENED_NOTHING:
			break;
		case TLS_OPENED_MORE:
			return IO_AGAIN;
		case TLS_OPENED_END:
			t->phase = TLS_READ_ALL;
			return IO_EOF;
		case TLS_OPENED_FAILED:
			return fail(s, t->record.alert);
		}
	}
}

static size_t tls_pending(const struct socket *s)
{
	const struct tls_conn *t = state_of(s);
	struct str raw = buf_str(&t->raw);
	size_t size = tls_record_length(raw.p, raw.n);

	/* One that is too long fails without being whole. */
	if (t->phase == TLS_READ_ALL || t->phase == TLS_BROKEN)
		return 1;
	if (t->phase <= TLS_SHAKING || size == 0)
		return 0;
	return size <= raw.n || size > TLS_RECORD_MAX ? raw.n : 0;
}

static enum io tls_read(struct socket *s, char *into, size_t room, size_t *n_out)
{
	struct tls_conn *t = state_of(s);
	struct str raw = buf_str(&t->raw);
	size_t n = raw.n, used = 0, more = 0;
	enum io io = IO_OK, opened;

	*n_out = 0;
	ASSERT(room >= TLS_PLAIN_MAX);
	if (t->phase != TLS_OPEN)
		return t->phase == TLS_READ_ALL ? IO_EOF : IO_ERROR;
	if (raw.n > 0) {
		memcpy(read_bytes, raw.p, raw.n);
		buf_consume(&t->raw, raw.n);
	}
	/* No more than what is returned at once, about. */
	if (tls_record_length(read_bytes, n) == 0 ||
	    tls_record_length(read_bytes, n) > n)
		io = s->readable ? receive(s, n,
					   sizeof(read_bytes) - n < room
						   ? sizeof(read_bytes) - n
						   : room,
					   &more)
				 : IO_AGAIN;
	n += more;
	opened = open_records(s, n, &used, into, room, n_out);
	if (t->phase == TLS_OPEN && used < n)
		buf_put(&t->raw, (struct str){read_bytes + used, n - used});
	else if (buf_length(&t->raw) == 0)
		buf_release(&t->raw);
	if (*n_out > 0)
		return IO_OK; /* what else there was, the next call finds */
	if (opened == IO_EOF || opened == IO_ERROR)
		return opened;
	return io;
}

/* Writing. */

/* What was sealed for one write. */
struct sealing {
	size_t n; /* bytes in seal_bytes */
	struct {
		uint32_t end;   /* in seal_bytes */
		uint32_t plain; /* bytes in the record */
	} records[SEAL_RECORDS];
	unsigned n_records;
};

/* One answer for all that have asked for it, before what comes next (RFC 8446
 * section 4.6.3); or because the key has sealed enough. */
static bool seal_update(struct socket *s, struct sealing *sealing)
{
	struct tls_conn *t = state_of(s);

	if (!tls_record_must_update(&t->record))
		return true;
	sealing->n = tls_record_update(&t->record, crypto_of(s), false, seal_bytes);
	return sealing->n > 0;
}

/* As much as goes into seal_bytes. */
static bool seal(struct socket *s, struct tls_pieces *from, size_t left,
		 struct sealing *sealing)
{
	struct tls_conn *t = state_of(s);
	uint32_t now = ms_of(s);

	sealing->n = sealing->n_records = 0;
	if (!seal_update(s, sealing))
		return false;
	while (left > 0 && sealing->n_records < SEAL_RECORDS) {
		size_t size = tls_record_size(&t->record, now);
		size_t plain = left < size ? left : size, n;

		if (plain + TLS_OVERHEAD_MAX > SEAL_BYTES - sealing->n)
			break;
		n = tls_record_seal(&t->record, crypto_of(s), now, from, plain,
				    seal_bytes + sealing->n);
		if (n == 0)
			return false;
		sealing->n += n;
		left -= plain;
		sealing->records[sealing->n_records].end = (uint32_t)sealing->n;
		sealing->records[sealing->n_records++].plain = (uint32_t)plain;
	}
	return true;
}

/* Sends what was sealed. *n_out is what is in the records that have gone as a
 * whole; the others are kept. */
static enum io send_sealed(struct socket *s, const struct sealing *sealing,
			   bool more, size_t *n_out)
{
	struct tls_conn *t = state_of(s);
	enum io io;
	size_t sent = give(s, seal_bytes, sealing->n, more, &io);

	if (io != IO_OK)
		return io;
	for (unsigned i = 0; i < sealing->n_records; i++) {
		if (sealing->records[i].end <= sent)
			*n_out += sealing->records[i].plain;
		else
			t->covers += sealing->records[i].plain;
	}
	if (sent < sealing->n)
		buf_put(&t->sealed,
			(struct str){seal_bytes + sent, sealing->n - sent});
	return *n_out > 0 ? IO_OK : IO_AGAIN;
}

/* What the last write has left comes first: it was counted nowhere yet. IO_OK
 * with *n_out 0: there was nothing. */
static enum io send_rest(struct socket *s, bool more, size_t *n_out)
{
	struct tls_conn *t = state_of(s);
	enum io io;

	*n_out = 0;
	if (t->phase == TLS_BROKEN || t->has_ended) {
		errno = EPIPE;
		return IO_ERROR;
	}
	io = push(s, more);
	if (io != IO_OK)
		return io;
	*n_out = t->covers;
	t->covers = 0;
	return IO_OK;
}

static enum io tls_write(struct socket *s, const struct iovec *pieces, int n_pieces,
			 bool more, size_t *n_out)
{
	struct tls_pieces from = {pieces, n_pieces, 0};
	struct sealing sealing;
	size_t wanted = 0;
	enum io io = send_rest(s, more, n_out);

	if (io != IO_OK || *n_out > 0)
		return io;
	for (int i = 0; i < n_pieces; i++)
		wanted += pieces[i].iov_len;
	if (!seal(s, &from, wanted, &sealing)) {
		errno = EIO;
		return IO_ERROR;
	}
	return send_sealed(s, &sealing, more, n_out);
}

static enum io tls_send_file(struct socket *s, int file, off_t *offset, size_t n,
			     size_t *n_out)
{
	enum io io = send_rest(s, false, n_out);
	struct sealing sealing;
	ssize_t got;

	*offset += (off_t)*n_out;
	if (io != IO_OK || *n_out > 0)
		return io;
	got = pread(file, file_bytes, n < FILE_BYTES ? n : FILE_BYTES, *offset);
	if (got == -1)
		log_client_errno(LOG_LEVEL_ERROR, "cannot read a file to send it");
	if (got <= 0)
		return got == 0 ? IO_EOF : IO_ERROR;
	struct iovec piece = {file_bytes, (size_t)got};
	struct tls_pieces from = {&piece, 1, 0};

	if (!seal(s, &from, (size_t)got, &sealing)) {
		errno = EIO;
		return IO_ERROR;
	}
	io = send_sealed(s, &sealing, n > (size_t)got, n_out);
	*offset += (off_t)*n_out;
	return io;
}

static enum io tls_finish(struct socket *s)
{
	struct tls_conn *t = state_of(s);
	enum io io;

	if (t->phase <= TLS_SHAKING || t->phase == TLS_BROKEN)
		return IO_OK;
	if (!t->has_ended) {
		char bytes[TLS_CONTROL_MAX];
		size_t n = tls_record_alert(&t->record, crypto_of(s),
					    TLS_CLOSE_NOTIFY, bytes);

		buf_put(&t->sealed, (struct str){bytes, n});
		t->has_ended = true;
	}
	io = push(s, false);
	return io == IO_AGAIN ? IO_WANT_WRITE : io;
}

/* Bytes of records, where the others count what is in them: nearly the same. */
static uint64_t tls_taken(const struct socket *s)
{
	return state_of(s)->given - socket_unsent(s);
}

/* Moving. */

struct frozen_tls {
	uint16_t suite;
	struct str read_secret, read_key, read_iv;
	struct str write_secret, write_key, write_iv;
	uint64_t n_read, n_written, explicit_nonce;
	uint16_t fragment_max;
	struct str message;
	bool must_answer, has_read_all, has_ended;
	struct str raw, sealed;
	uint32_t covers;
	bool is_resumed;
	struct str name, subject, issuer, serial, fingerprint;
};
static const struct frozen_field tls_fields[] = {
	FROZEN_FIELD(frozen_tls, suite),
	FROZEN_FIELD(frozen_tls, read_secret),
	FROZEN_FIELD(frozen_tls, read_key),
	FROZEN_FIELD(frozen_tls, read_iv),
	FROZEN_FIELD(frozen_tls, write_secret),
	FROZEN_FIELD(frozen_tls, write_key),
	FROZEN_FIELD(frozen_tls, write_iv),
	FROZEN_FIELD(frozen_tls, n_read),
	FROZEN_FIELD(frozen_tls, n_written),
	FROZEN_FIELD(frozen_tls, explicit_nonce),
	FROZEN_FIELD(frozen_tls, fragment_max),
	FROZEN_FIELD(frozen_tls, message),
	FROZEN_FIELD(frozen_tls, must_answer),
	FROZEN_FIELD(frozen_tls, has_read_all),
	FROZEN_FIELD(frozen_tls, has_ended),
	FROZEN_FIELD(frozen_tls, raw),
	FROZEN_FIELD(frozen_tls, sealed),
	FROZEN_FIELD(frozen_tls, covers),
	FROZEN_FIELD(frozen_tls, is_resumed),
	FROZEN_FIELD(frozen_tls, name),
	FROZEN_FIELD(frozen_tls, subject),
	FROZEN_FIELD(frozen_tls, issuer),
	FROZEN_FIELD(frozen_tls, serial),
	FROZEN_FIELD(frozen_tls, fingerprint),
};
static const struct frozen_layout tls_layout =
	FROZEN_LAYOUT(FROZEN_TLS, tls_fields);

#define BYTES(array)                                 \
	(struct str)                                 \
	{                                            \
		(const char *)(array), sizeof(array) \
	}

static bool tls_freeze(const struct socket *s, struct frozen_writer *message)
{
	const struct tls_conn *t = state_of(s);
	const struct tls_record *r = &t->record;
	struct frozen_tls frozen = {
		.n_read = r->read.sequence,
		.n_written = r->write.sequence,
		.explicit_nonce = r->explicit_nonce,
		.fragment_max = r->fragment_max,
		.read_secret = BYTES(r->read.secret),
		.read_key = BYTES(r->read.key.bytes),
		.read_iv = BYTES(r->read.key.iv),
		.write_secret = BYTES(r->write.secret),
		.write_key = BYTES(r->write.key.bytes),
		.write_iv = BYTES(r->write.key.iv),
		.message = {(const char *)r->message, r->n_message},
		.must_answer = r->must_answer,
		.has_read_all = t->phase == TLS_READ_ALL,
		.has_ended = t->has_ended,
		.raw = buf_str(&t->raw),
		.sealed = buf_str(&t->sealed),
		.covers = t->covers,
	};

	if (t->phase != TLS_OPEN && t->phase != TLS_READ_ALL)
		return false;
	frozen.suite = r->suite->id;
	frozen.is_resumed = t->facts.is_resumed;
	frozen.name = tls_facts_get(&t->facts, TLS_FACT_NAME);
	frozen.subject = tls_facts_get(&t->facts, TLS_FACT_SUBJECT);
	frozen.issuer = tls_facts_get(&t->facts, TLS_FACT_ISSUER);
	frozen.serial = tls_facts_get(&t->facts, TLS_FACT_SERIAL);
	frozen.fingerprint = tls_facts_get(&t->facts, TLS_FACT_FINGERPRINT);
	frozen_put(message, &tls_layout, &frozen);
	return true;
}

static bool get_bytes(uint8_t *into, size_t n, struct str from)
{
	if (from.n != n)
		return false;
	memcpy(into, from.p, n);
	return true;
}

static bool get_direction(struct tls_direction *d, struct str secret,
			  struct str key, struct str iv, uint64_t sequence)
{
	d->sequence = sequence;
	return get_bytes(d->secret, sizeof(d->secret), secret) &&
	       get_bytes(d->key.bytes, sizeof(d->key.bytes), key) &&
	       get_bytes(d->key.iv, sizeof(d->key.iv), iv);
}

static bool get_record(struct tls_record *r, const struct frozen_tls *f)
{
	r->suite = tls_suite_find(f->suite);
	if (r->suite == NULL || f->message.n >= TLS_MESSAGE ||
	    f->fragment_max == 0 || f->fragment_max > TLS_PLAIN_MAX)
		return false;
	r->explicit_nonce = f->explicit_nonce;
	r->fragment_max = f->fragment_max;
	r->n_message = (uint8_t)f->message.n;
	r->must_answer = f->must_answer;
	if (f->message.n > 0)
		memcpy(r->message, f->message.p, f->message.n);
	return get_direction(&r->read, f->read_secret, f->read_key, f->read_iv,
			     f->n_read) &&
	       get_direction(&r->write, f->write_secret, f->write_key, f->write_iv,
			     f->n_written);
}

static bool tls_thaw(struct socket *s, struct frozen_reader *message)
{
	struct frozen_tls f = {0};
	struct tls_crypto *crypto = tls_get_crypto(s->net->tls);
	struct tls_conn *t;

	if (frozen_get(message, &tls_layout, &f) != FROZEN_OK || crypto == NULL)
		return false;
	make_state(s);
	t = put_facts(s, f.is_resumed,
		      (struct str[TLS_FACTS]){
			      [TLS_FACT_NAME] = f.name,
			      [TLS_FACT_SUBJECT] = f.subject,
			      [TLS_FACT_ISSUER] = f.issuer,
			      [TLS_FACT_SERIAL] = f.serial,
			      [TLS_FACT_FINGERPRINT] = f.fingerprint,
		      });
	if (!get_record(&t->record, &f))
		return false;
	tls_record_resume(&t->record, crypto);
	t->facts.suite = t->record.suite;
	t->phase = f.has_read_all ? TLS_READ_ALL : TLS_OPEN;
	t->has_ended = f.has_ended;
	t->covers = f.covers;
	buf_put(&t->raw, f.raw);
	buf_put(&t->sealed, f.sealed);
	return true;
}

static const struct tls_facts *tls_facts(const struct socket *s)
{
	return &state_of(s)->facts;
}

const struct transport tls_transport = {
	.name = "tls",
	.is_secure = true,
	.open = tls_open,
	.step = tls_step,
	.read = tls_read,
	.pending = tls_pending,
	.write = tls_write,
	.send_file = tls_send_file,
	.finish = tls_finish,
	.taken = tls_taken,
	.facts = tls_facts,
	.close = tls_close,
	.freeze = tls_freeze,
	.thaw = tls_thaw,
};
