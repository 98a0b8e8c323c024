/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the handshakes of a listener are made, as its configuration says: which
 * certificate for which name, versions, suites, curves, clients' certificates.
 * Sessions are of one policy, and are resumed under no other. Owned by the
 * worker's struct tls. Worker.
 */
#ifndef WORKER_TLS_TLS_POLICY_H
#define WORKER_TLS_TLS_POLICY_H

#include "base/shared/ticket_keys.h"
#include "conf/conf.h"
#include "worker/tls/keeper_client.h"

struct tls_policy;
struct ssl_ctx_st;

enum { TLS_WHY = 320 };

/*
 * Reads certificates, and asks the keeper whether it has their keys; waits. All
 * that is given is borrowed. `alpn` is the protocol that is agreed on, NULL for
 * none. NULL with why_out, a sentence that begins with a path.
 */
struct tls_policy *tls_policy_create(const struct conf_tls *conf, const char *alpn,
				     struct keeper_client *keeper,
				     const struct ticket_keys *tickets,
				     char why_out[TLS_WHY]);
void tls_policy_destroy(struct tls_policy **policy);

/* With which a handshake begins; what the client asks for may make it another.
 */
struct ssl_ctx_st *tls_policy_context(const struct tls_policy *policy);

/* As tls_valid_until(). */
uint64_t tls_policy_valid_until(const struct tls_policy *policy, bool says);

/* Plain text is spoken, too, on the same port. */
bool tls_policy_is_optional(const struct tls_policy *policy);

#endif
