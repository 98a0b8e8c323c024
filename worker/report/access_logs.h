/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All access logs of a worker: which of them an exchange that is over goes to, by
 * its route and site and by the conditions of each. Worker.
 */
#ifndef WORKER_REPORT_ACCESS_LOGS_H
#define WORKER_REPORT_ACCESS_LOGS_H

#include "worker/report/access_log.h"

struct access_logs {
	const struct conf *conf;
	struct access_log *items; /* one for each of conf->log_targets */
	bool is_common;           /* a site or route has its own */
};

/* Takes the descriptors over; `fds` has one for each of conf->log_targets. */
void access_logs_init(struct access_logs *logs, struct loop *loop, const int *fds,
		      const struct conf *conf, struct counters *counters);

void access_logs_add(struct access_logs *logs, struct exchange *x);

/* As access_log_reopen(), of one of conf->log_targets; closes `fd` if there is
 * none such. */
void access_logs_reopen(struct access_logs *logs, size_t target, int fd);

/* As access_log_fini(); all of them within `ms` milliseconds. */
bool access_logs_fini(struct access_logs *logs, uint64_t ms)
	__attribute__((warn_unused_result));

#endif
