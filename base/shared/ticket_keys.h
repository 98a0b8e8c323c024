/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys by which TLS session tickets are sealed (RFC 5077 section 4): made
 * by the master, the same in all workers of all generations, and handed on in
 * an upgrade, so that a ticket of one worker is good for every other. Any
 * process.
 */
#ifndef BASE_SHARED_TICKET_KEYS_H
#define BASE_SHARED_TICKET_KEYS_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TICKET_KEYS = 3, /* the one in use, and those before it */
	TICKET_KEY_NAME = 16,
	TICKET_KEYS_TEXT = 2 * TICKET_KEYS * (TICKET_KEY_NAME + 32 + 32) + 1,
	/* A key seals for so long, and opens for as long as it is there. */
	TICKET_KEY_MS = 12 * 3600 * 1000,
};

struct ticket_key {
	uint8_t name[TICKET_KEY_NAME];
	uint8_t cipher[32]; /* AES-256-CBC */
	uint8_t mac[32];    /* HMAC-SHA-256 */
};

/* The newest comes first. */
struct ticket_keys {
	uint32_t n;
	struct ticket_key keys[TICKET_KEYS];
};

/* One more, in the place of the oldest. False when there is no randomness. */
bool ticket_keys_rotate(struct ticket_keys *keys);

/* As text for another process. Returns `text_out`. */
const char *ticket_keys_format(const struct ticket_keys *keys,
			       char text_out[TICKET_KEYS_TEXT]);

/* False, and nothing changed, when it is not what format() writes. */
bool ticket_keys_parse(struct ticket_keys *keys_out, const char *text);

#endif
