/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all TLS connections of a worker share: the contexts of ciphers, the
 * keeper, the keys of tickets, and a policy for each listener that has one. One
 * per worker, of a configuration with TLS.
 */
#ifndef WORKER_TLS_TLS_H
#define WORKER_TLS_TLS_H

#include "base/codec/tls_crypto.h"
#include "base/shared/ticket_keys.h"
#include "conf/conf.h"
#include "worker/net/transport.h"
#include "worker/tls/keeper_client.h"
#include "worker/tls/tls_policy.h"

struct tls {
	struct tls_crypto *crypto; /* by tls_get_crypto() */
	struct keeper_client keeper;
	struct ticket_keys tickets;
	struct tls_policy **policies; /* one for each of conf->listeners; NULL:
				       * it has no TLS */
	size_t n_policies;
};

/*
 * Reads what is configured, as the user that can, and waits for the keeper.
 * Takes over `keeper`, -1 for a configuration without TLS: even then it takes
 * the connections that move from one that has it. NULL with why_out.
 */
struct tls *tls_create(struct loop *loop, const struct conf *conf, int keeper,
		       const struct ticket_keys *tickets, char why_out[TLS_WHY]);
void tls_destroy(struct tls **tls);

/* time(2), when the first certificate expires; 0 without any. With `says` the
 * log is told of each that does so in the next 21 days, or has. */
uint64_t tls_valid_until(const struct tls *tls, bool says);

/* Made when it is needed. NULL when OpenSSL fails. */
struct tls_crypto *tls_get_crypto(struct tls *tls);

extern const struct transport tls_transport;

#endif
