/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The access logs of a configuration, wherever they are given: what they take
 * from `log`, and where all of them go to together. Master only.
 */
#ifndef CONF_LOAD_LOGS_H
#define CONF_LOAD_LOGS_H

#include "conf/load/check_context.h"

/* Formats that are not given are those of log.format; numbers the targets. */
void logs_settle(struct conf *conf);

void check_logs(struct check *c);

#endif
