/* SPDX-License-Identifier: BSD-2-Clause */
/* The handler of that name. Worker. */
#ifndef WORKER_HANDLER_METRICS_PAGE_H
#define WORKER_HANDLER_METRICS_PAGE_H

#include "worker/http/handler.h"

extern const struct handler metrics_handler;

#endif
