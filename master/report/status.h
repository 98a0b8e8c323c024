/* SPDX-License-Identifier: BSD-2-Clause */
/* What `holdfast status` prints. Master. */
#ifndef MASTER_REPORT_STATUS_H
#define MASTER_REPORT_STATUS_H

#include "base/buf.h"
#include "master/master.h"

void status_text(struct master *m, struct buf *out);
/* For holdfast top. */
void status_lines(struct master *m, struct buf *out);
void status_json(struct master *m, struct buf *out);
/* One line for a monitor. False after a reload that failed, or when no worker
 * serves. */
bool status_check(struct master *m, struct buf *out);

#endif
