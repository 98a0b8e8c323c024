/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A handshake of the server's side, made by OpenSSL in memory. It is fed whole
 * records, one at a time, so that what comes after the client's Finished never
 * gets into OpenSSL; when it is done the keys are taken out, the sequence
 * numbers with them, and OpenSSL is let go. Worker.
 */
#ifndef WORKER_TLS_HANDSHAKE_H
#define WORKER_TLS_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/codec/tls_facts.h"
#include "base/codec/tls_record.h"

struct handshake;
struct tls_policy;

enum handshake_result {
	HANDSHAKE_MORE,   /* it wants the next record */
	HANDSHAKE_PAUSED, /* it waits for a signature: on_wake() tells */
	HANDSHAKE_DONE,
	HANDSHAKE_FAILED, /* what there is to be sent is an alert */
};

struct ssl_ctx_st;

/* A context tells handshakes their secrets: for each that is made with it. */
void handshake_watch_secrets(struct ssl_ctx_st *context);

/* NULL when OpenSSL fails. `on_wake` tells that one that was paused may be run
 * again. */
struct handshake *handshake_create(const struct tls_policy *policy,
				   void (*on_wake)(void *context), void *context);
void handshake_destroy(struct handshake **handshake);

/* For the policy: the name that the client asks for. */
void handshake_set_name(struct handshake *h, struct str name);

/* The next record, whole. handshake_run() is next. */
void handshake_feed(struct handshake *h, struct str record);

/* As far as it goes. Adds what is to be sent to `out`. */
enum handshake_result handshake_run(struct handshake *h, struct buf *out);

/* After HANDSHAKE_FAILED: why, static text or OpenSSL's. */
const char *handshake_failure(const struct handshake *h);

/* What is known of the connection, as long as the handshake lives. */
struct handshake_facts {
	bool is_resumed;
	struct str texts[TLS_FACTS];
	char subject[1024], issuer[1024], serial[64 + 1], fingerprint[64 + 1];
};

/* After HANDSHAKE_DONE. */
void handshake_get_facts(const struct handshake *h,
			 struct handshake_facts *facts_out);

/* After HANDSHAKE_DONE: the state of the connection. False for a suite that is
 * not spoken, or when OpenSSL fails. */
bool handshake_take(struct handshake *h, struct tls_crypto *crypto,
		    struct tls_record *record_out)
	__attribute__((warn_unused_result));

#endif
