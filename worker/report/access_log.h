/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The access log: lines are gathered, and written in batches by size and by
 * time in a thread of their own, so that a disk or a reader that is stuck
 * never stops the worker. What cannot wait any longer is lost, and counted.
 * Worker.
 */
#ifndef WORKER_REPORT_ACCESS_LOG_H
#define WORKER_REPORT_ACCESS_LOG_H

#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"
#include "base/offload.h"
#include "base/shared/scoreboard.h"
#include "conf/conf.h"
#include "worker/http/exchange.h"

/* Bytes that wait to be written, at most. */
enum { ACCESS_LOG_MAX = 4 * 1024 * 1024 };

struct syslog;

/* An open file, and what waits for it. */
struct access_file {
	struct list link; /* in log->files */
	int fd;           /* owned but for 0, 1 and 2; all workers append */
	bool is_shared;   /* a pipe or socket: only small writes stay whole */
	bool is_torn;     /* it ends in the middle of a line */
	const struct syslog *syslog; /* the log's */
	struct buf lines;
};

/* What the thread has. */
struct access_write {
	struct job job;
	struct access_file *file;
	struct buf lines;
	struct str left; /* of them, not written yet */
	bool closes;     /* no more will come for the file */
	int error;       /* errno of what failed, or 0 */
};

struct access_log {
	const char *to; /* as in the configuration */
	struct loop *loop;
	struct counters *counters;
	struct offload offload;
	struct list files; /* the last one gets the lines; those before it are
			    * on their way out */
	struct access_file *file; /* the last */
	struct access_write write;
	bool is_writing;
	bool is_due; /* write again as soon as possible */
	bool is_ending;
	size_t waiting;     /* bytes not in file->lines: in `write`, and in
			     * the files before it */
	struct timer timer; /* a line has waited long enough */
	/* Lines that were lost. */
	uint64_t lost;           /* since it was said that all is well */
	uint64_t unsaid;         /* of these, those that nobody was told of */
	int error;               /* why, or 0: too many waited */
	bool has_recovered;      /* something was written since then */
	struct timer lost_timer; /* armed for a while after each message */
	struct syslog *syslog;   /* NULL for a file */
};

/* Takes `fd` over; `to`, where it leads, and `counters` stay the caller's. */
void access_log_init(struct access_log *log, struct loop *loop, int fd,
		     const char *to, struct counters *counters);

/* In the form that `conf` has. */
void access_log_add(struct access_log *log, const struct conf_access_log *conf,
		    struct exchange *x);

/* Has what waits written, soon. */
void access_log_flush(struct access_log *log);

/* Earlier lines go to the old file, later ones to `fd`. */
void access_log_reopen(struct access_log *log, int fd);

/*
 * Writes what waits. False when that was not done after `ms` milliseconds, and
 * is still being tried: then the process has to end without freeing anything.
 */
bool access_log_fini(struct access_log *log, uint64_t ms)
	__attribute__((warn_unused_result));

#endif
