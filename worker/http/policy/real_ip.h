/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a request comes from that other servers have passed on. Each of them
 * adds to a field whom it was asked by; what stands there is worth as much as
 * the server that wrote it. Worker.
 */
#ifndef WORKER_HTTP_POLICY_REAL_IP_H
#define WORKER_HTTP_POLICY_REAL_IP_H

#include "base/addr.h"

struct exchange;

/*
 * Walks back from the connection's peer along the field as long as those that
 * it comes to are believed: the first that is not, or the last there is. What
 * is no address ends the walk before it. Only when http->proxies is there.
 */
struct endpoint real_ip_of(const struct exchange *x);

#endif
