/* SPDX-License-Identifier: BSD-2-Clause */
/* The concrete parts that this worker is made of, by their names. */
#ifndef WORKER_PARTS_H
#define WORKER_PARTS_H

#include "conf/conf.h"
#include "worker/http/handler.h"
#include "worker/net/protocol.h"
#include "worker/net/transport.h"
#include "worker/upstream/balancer.h"

/* Each ends in NULL. */
extern const struct handler *const parts_handlers[];
extern const struct protocol *const parts_protocols[];
extern const struct balancer *const parts_balancers[];
extern const struct transport *const parts_transports[];

/* The transport of a listener's connections. */
const struct transport *parts_transport(const struct conf_listener *conf);

/* NULL if there is none of that name. */
const struct handler *parts_handler(const char *name);
const struct protocol *parts_protocol(const char *name);

#endif
