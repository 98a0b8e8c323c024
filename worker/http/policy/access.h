/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may ask, by the network that the request comes from: of all networks
 * that are allowed or denied and hold the address, the narrowest one decides.
 * When none does, everyone may where only some are denied, and nobody where
 * some are allowed. Worker.
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

#endif
