/* SPDX-License-Identifier: BSD-2-Clause */
/* by_name of a listener: upstreams by the names that TLS clients ask for.
 * Worker. */
#ifndef WORKER_PROTO_STREAM_STREAM_NAMES_H
#define WORKER_PROTO_STREAM_STREAM_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "conf/conf.h"

struct stream_names;
struct stream_worker;

/* One for each listener that has by_name, NULL for the others. */
struct stream_names **stream_names_create_all(const struct conf *conf);
void stream_names_destroy_all(struct stream_names **names, const struct conf *conf);

/* Those of a listener, which may be gone: NULL then. */
const struct stream_names *stream_names_of(const struct stream_worker *worker,
					   const struct conf_listener *conf);

/* The place in conf->upstreams of the upstream for that name, which is in lower
 * case, or "" for none. False: there is none. */
bool stream_names_find(const struct stream_names *names, struct str name,
		       size_t *upstream_out);

#endif
