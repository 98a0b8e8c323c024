/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the keeper of private keys is told and asked, each in one message of a
 * channel (base/shared/channel.h). All processes are of one program: no
 * version. A key goes by the SHA-256 digest of its public half, as in
 * certificates (SubjectPublicKeyInfo). Master, keeper and workers.
 */
#ifndef BASE_SHARED_KEEPER_WIRE_H
#define BASE_SHARED_KEEPER_WIRE_H

#include <stdint.h>

enum {
	KEEPER_ID = 32,          /* bytes of the digest */
	KEEPER_DATA = 512,       /* the largest message that is signed */
	KEEPER_SIGNATURE = 1024, /* RSA of 8192 bits */
};

/* From the master; each with a descriptor. */
enum keeper_order_type {
	KEEPER_LOAD = 1, /* a file with a private key in PEM, and perhaps more */
	KEEPER_RESTORE,  /* what an earlier keeper has sent as KEEPER_MEMORY */
	KEEPER_CLIENT,   /* a channel of one more worker */
};

/* To the master; with a descriptor. */
enum { KEEPER_MEMORY = 100 }; /* all keys: for the next keeper */

struct keeper_order {
	uint32_t type; /* enum keeper_order_type */
	uint32_t unused;
	char path[KEEPER_DATA]; /* of the file; ends in NUL */
};

enum keeper_digest {
	KEEPER_DIGEST_NONE, /* Ed25519 */
	KEEPER_SHA256,
	KEEPER_SHA384,
	KEEPER_SHA512,
	KEEPER_DIGESTS,
};

enum keeper_padding {
	KEEPER_PADDING_NONE, /* not RSA */
	KEEPER_PKCS1,
	KEEPER_PSS, /* the salt is as long as the digest */
	KEEPER_PADDINGS,
};

/* From a worker. There is no other use of a key: RSA decryption is not to be
 * had. */
enum keeper_request_type {
	KEEPER_SIGN = 1, /* data: what is to be signed */
	KEEPER_FITS,     /* data: the path of a file, as in KEEPER_LOAD; whether
			  * the key is the one in it */
};

struct keeper_request {
	uint32_t type;   /* enum keeper_request_type */
	uint32_t number; /* chosen by the worker */
	uint16_t n_data;
	uint8_t digest;  /* enum keeper_digest */
	uint8_t padding; /* enum keeper_padding */
	uint8_t key[KEEPER_ID];
	uint8_t data[KEEPER_DATA];
};

struct keeper_answer {
	uint32_t number; /* of the request */
	uint16_t is_done;
	uint16_t n_signature;
	/* Or, when it is not done, why: text, perhaps empty. */
	uint8_t signature[KEEPER_SIGNATURE];
};

#endif
