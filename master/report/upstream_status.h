/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The servers of upstreams, for `holdfast status`: which there are is known
 * from the configuration, and what workers think of them from the scoreboard.
 * Master.
 */
#ifndef MASTER_REPORT_UPSTREAM_STATUS_H
#define MASTER_REPORT_UPSTREAM_STATUS_H

#include "base/buf.h"
#include "master/master.h"

/* A table; nothing where there are no upstreams. */
void upstream_status_text(struct master *m, struct buf *out);
/* A member of an object, with a comma before it. */
void upstream_status_json(struct master *m, struct buf *out);

#endif
