/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of the access log, in each of its formats. Nothing that a client
 * sends can forge a line or end its quotes. Worker.
 */
#ifndef WORKER_REPORT_ACCESS_LINE_H
#define WORKER_REPORT_ACCESS_LINE_H

#include "base/buf.h"
#include "conf/conf.h"
#include "worker/http/exchange.h"

/* Puts the line of an exchange that is over, with its newline. */
void access_line_put(const struct conf_access_log *conf, struct exchange *x,
		     struct buf *out);

#endif
