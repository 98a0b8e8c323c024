/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of a TLS connection besides its keys: for logs, fields and
 * routes. Plain data, small: every connection has it. Any process.
 */
#ifndef BASE_CODEC_TLS_FACTS_H
#define BASE_CODEC_TLS_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/codec/tls_suite.h"
#include "base/str.h"

/* Empty where there is none. */
enum tls_fact {
	TLS_FACT_NAME, /* that the client asked for (SNI) */
	/* Of the client's certificate, if it has one, and that is valid. */
	TLS_FACT_SUBJECT,     /* RFC 2253 */
	TLS_FACT_ISSUER,      /* RFC 2253 */
	TLS_FACT_SERIAL,      /* hexadecimal */
	TLS_FACT_FINGERPRINT, /* SHA-256 of it, hexadecimal */
	TLS_FACTS,
};

/* The last member of its owner, which has the bytes behind it. */
struct tls_facts {
	const struct tls_suite *suite;
	bool is_resumed;
	uint16_t n[TLS_FACTS]; /* bytes of each */
	char bytes[];
};

/* Bytes that the texts take behind the struct; each is cut to 1 KiB. */
size_t tls_facts_size(const struct str texts[TLS_FACTS]);

/* Copies them there. */
void tls_facts_set(struct tls_facts *facts, const struct str texts[TLS_FACTS]);

struct str tls_facts_get(const struct tls_facts *facts, enum tls_fact fact);

#endif
