/* SPDX-License-Identifier: BSD-2-Clause */
/* The handler "rewrite": another path, for another route. Worker. */
#ifndef WORKER_HANDLER_REWRITE_H
#define WORKER_HANDLER_REWRITE_H

#include "worker/http/handler.h"

extern const struct handler rewrite_handler;

#endif
