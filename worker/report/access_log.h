/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The access log: a line for each exchange, gathered and written in batches
 * by size and by time, never one write a line. Nothing that a client sends
 * can forge a line or leave its quotes. Worker.
 */
#ifndef WORKER_REPORT_ACCESS_LOG_H
#define WORKER_REPORT_ACCESS_LOG_H

#include <time.h>

#include "base/buf.h"
#include "base/loop.h"
#include "conf/conf.h"
#include "worker/http/exchange.h"

struct access_log {
	int fd; /* owned; appended to by all workers */
	enum conf_log_format format;
	struct loop *loop;
	struct timer timer; /* armed while something waits in `lines` */
	struct buf lines;
	uint64_t lost; /* lines that could not be written, since it was said */
	time_t second; /* of `stamp` */
	char stamp[40];
};

void access_log_init(struct access_log *log, struct loop *loop, int fd,
		     enum conf_log_format format);

void access_log_add(struct access_log *log, const struct exchange *x);

/* Writes what waits. */
void access_log_flush(struct access_log *log);

/* Writes what waits to the old file; what comes now goes to `fd`. */
void access_log_reopen(struct access_log *log, int fd);

void access_log_fini(struct access_log *log);

#endif
