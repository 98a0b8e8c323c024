/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `holdfast connect`: a line client for any TCP server, to try one by hand or
 * from a pipe. It shows how a non-blocking connect goes.
 */
#ifndef MASTER_CLIENT_CONNECT_H
#define MASTER_CLIENT_CONNECT_H

#include <stdbool.h>

/*
 * Copies standard input to HOST:PORT (or unix:/path) and what comes back to
 * standard output, until the server closes. With `verbose`, the timeline of
 * the connect on standard error. 0, or 1 when it failed, with one line that
 * says why.
 */
int connect_run(const char *target, bool verbose);

#endif
