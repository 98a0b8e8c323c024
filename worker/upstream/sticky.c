/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/upstream/sticky.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/siphash.h"
#include "worker/upstream/server.h"
#include "worker/upstream/upstream.h"

/* The names of the server and its upstream, keyed with the secret. */
void sticky_value(const struct conf_upstream *conf, const char *server,
		  char value_out[STICKY_VALUE])
{
	const struct siphash_key secret = {
		{str_hash(str_of(conf->sticky->secret)), 0}};
	const struct siphash_key key = {
		{siphash(&secret, str_of(conf->name)),
		 siphash(&secret, str_of(conf->sticky->secret))}};

	snprintf(value_out, STICKY_VALUE, "%016" PRIx64,
		 siphash(&key, str_of(server)));
}

struct server *sticky_find(const struct upstream *u, struct str value)
{
	if (value.n != STICKY_VALUE - 1)
		return NULL;
	for (size_t i = 0; i < u->n_servers; i++)
		if (str_equal(str_of(u->servers[i]->sticky), value))
			return server_takes_bound(u->servers[i]) ? u->servers[i]
								 : NULL;
	return NULL;
}
