/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that is counted, in the text form of Prometheus and of OpenMetrics, from the
 * scoreboard: of the workers that there are and those that are gone. Labels
 * have names of the configuration only, whatever clients send. Worker.
 */
#ifndef WORKER_REPORT_METRICS_H
#define WORKER_REPORT_METRICS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/shared/scoreboard.h"
#include "conf/conf.h"

/* What all workers have counted, in one moment: also those that are gone. */
void metrics_total(const struct scoreboard *board, struct counters *total_out);

void metrics_put(const struct scoreboard *board, const struct conf *conf,
		 bool is_openmetrics, struct buf *out);

#endif
