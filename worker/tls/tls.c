/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/tls/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "worker/tls/keeper_provider.h"

static bool make_policies(struct tls *tls, const struct conf *conf,
			  char why_out[TLS_WHY])
{
	tls->policies = mem_zalloc(conf->n_listeners, sizeof(*tls->policies));
	tls->n_policies = conf->n_listeners;
	for (size_t i = 0; i < conf->n_listeners; i++) {
		const struct conf_listener *l = &conf->listeners[i];
		bool is_http = strcmp(l->protocol, "http") == 0;

		if (l->tls == NULL)
			continue;
		tls->policies[i] =
			tls_policy_create(l->tls, is_http ? "http/1.1" : NULL,
					  &tls->keeper, &tls->tickets, why_out);
		if (tls->policies[i] == NULL)
			return false;
	}
	return true;
}

struct tls *tls_create(struct loop *loop, const struct conf *conf, int keeper,
		       const struct ticket_keys *tickets, char why_out[TLS_WHY])
{
	struct tls *tls = mem_zalloc(1, sizeof(*tls));

	keeper_client_init(&tls->keeper, loop, keeper);
	tls->tickets = *tickets;
	if (keeper == -1)
		return tls;
	snprintf(why_out, TLS_WHY, "tls: OpenSSL cannot be used");
	if (tls_get_crypto(tls) == NULL || !keeper_provider_load(&tls->keeper) ||
	    !make_policies(tls, conf, why_out)) {
		tls_destroy(&tls);
	} else if (keeper_client_start(&tls->keeper) == -1) {
		snprintf(why_out, TLS_WHY, "tls: cannot watch the keeper");
		tls_destroy(&tls);
	}
	return tls;
}

uint64_t tls_valid_until(const struct tls *tls, bool says)
{
	uint64_t first = 0;

	for (size_t i = 0; i < tls->n_policies; i++) {
		uint64_t until =
			tls->policies[i] == NULL
				? 0
				: tls_policy_valid_until(tls->policies[i], says);

		if (until != 0 && (first == 0 || until < first))
			first = until;
	}
	return first;
}

struct tls_crypto *tls_get_crypto(struct tls *tls)
{
	if (tls->crypto == NULL)
		tls->crypto = tls_crypto_create();
	return tls->crypto;
}

void tls_destroy(struct tls **tls)
{
	struct tls *t = *tls;

	*tls = NULL;
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_policies; i++)
		tls_policy_destroy(&t->policies[i]);
	free(t->policies);
	keeper_client_fini(&t->keeper);
	keeper_provider_unload();
	tls_crypto_destroy(&t->crypto);
	explicit_bzero(t, sizeof(*t));
	free(t);
}
