/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients that stay with a server, by a cookie that names it: by a hash of its
 * name, the same in every worker and generation, which does not tell its address.
 * Worker.
 */
#ifndef WORKER_UPSTREAM_STICKY_H
#define WORKER_UPSTREAM_STICKY_H

#include "base/str.h"
#include "conf/conf.h"

struct server;
struct upstream;

enum { STICKY_VALUE = 17 }; /* hexadecimal digits, with a NUL */

/* The value of the cookie for a server of that name. */
void sticky_value(const struct conf_upstream *conf, const char *server,
		  char value_out[STICKY_VALUE]);

/* The server that the value names, if it may be asked by those that are bound to
 * it: it may be drained, but has to be up and to have a connection to spare. Else
 * NULL. */
struct server *sticky_find(const struct upstream *upstream, struct str value);

#endif
