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
 * Walks back from the connection's peer along the addresses in the field while
 * they are trusted, and returns the first one that is not, or the last. An
 * element that is no address ends the walk before it. Only if http->proxies is
 * set.
 */
struct endpoint real_ip_of(const struct exchange *x);

#endif
