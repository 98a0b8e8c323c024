/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of RFC 5424 on a datagram socket, one for each line. Worker.
 */
#ifndef WORKER_REPORT_SYSLOG_H
#define WORKER_REPORT_SYSLOG_H

#include "base/buf.h"
#include "base/str.h"

struct syslog;

/* For a target "syslog:..."; NULL for any other. To be freed. */
struct syslog *syslog_create(const char *target);

/* Puts what stands before the text of a message: "<190>1 TIME HOST ... - ". */
void syslog_put_head(const struct syslog *syslog, struct buf *out);

/*
 * Sends each line as a message, and cuts those that were sent off the front of
 * *lines. 0 or an errno. Waits a moment at most for a reader that is slow: for
 * a thread beside the loop.
 */
int syslog_send(const struct syslog *syslog, int fd, struct str *lines);

#endif
