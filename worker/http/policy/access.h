/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access by the network that a request comes from: of all allowed or denied
 * networks that contain the address, the narrowest one decides. If none does,
 * the request is allowed where there are denied networks only, and refused
 * where there are allowed ones. Worker.
 */
#ifndef WORKER_HTTP_POLICY_ACCESS_H
#define WORKER_HTTP_POLICY_ACCESS_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/arena.h"
#include "conf/conf.h"

struct access;

/* In the arena; NULL when both lists are empty. */
struct access *access_create(struct arena *arena, const struct conf_networks *allow,
			     const struct conf_networks *deny);

bool access_allows(const struct access *access, const struct endpoint *peer);

/* Of a peer that is not allowed: the denied network that it is in. False when it
 * is in none, only not in an allowed one. */
bool access_denied_by(const struct access *access, const struct endpoint *peer,
		      struct network *network_out);

#endif
