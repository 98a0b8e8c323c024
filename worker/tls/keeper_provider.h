/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A provider of OpenSSL for private keys that the keeper has: a key of it is a
 * public half and the name by which the keeper knows the other one, and what
 * it can do is to have the keeper sign. It does that in an ASYNC_JOB, which
 * pauses until the signature has come: the loop does not wait. Worker.
 */
#ifndef WORKER_TLS_KEEPER_PROVIDER_H
#define WORKER_TLS_KEEPER_PROVIDER_H

#include <stdbool.h>

#include <openssl/evp.h>

#include "worker/tls/keeper_client.h"

/* Once in a process. The client is asked for all signatures. False when OpenSSL
 * does not take the provider. */
bool keeper_provider_load(struct keeper_client *client);

/* Before the process ends. */
void keeper_provider_unload(void);

/* The id by which the keeper knows the private half. */
bool keeper_provider_id(EVP_PKEY *public_key, uint8_t id_out[KEEPER_ID]);

/* A private key for the public one; NULL for one of a kind that cannot be, or
 * when OpenSSL fails. */
EVP_PKEY *keeper_provider_key(EVP_PKEY *public_key);

/* Of the job that runs now: what is told when its signature has come. */
struct keeper_waiter {
	struct keeper_call *call; /* that it waits for, or NULL */
	void (*on_answered)(struct keeper_waiter *waiter);
};

/* Who asks, in jobs that are started or resumed from now on. */
void keeper_provider_set_waiter(struct keeper_waiter *waiter);

/* The call of a job that must end: it is resumed once more after that, and
 * fails. */
void keeper_provider_give_up(struct keeper_waiter *waiter);

#endif
