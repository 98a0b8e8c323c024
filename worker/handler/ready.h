/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers load balancers whether new requests are welcome. */
#ifndef WORKER_HANDLER_READY_H
#define WORKER_HANDLER_READY_H

#include "worker/http/handler.h"

extern const struct handler ready_handler;

#endif
