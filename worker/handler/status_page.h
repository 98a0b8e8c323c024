/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of the workers as JSON over HTTP. */
#ifndef WORKER_HANDLER_STATUS_PAGE_H
#define WORKER_HANDLER_STATUS_PAGE_H

#include "worker/http/handler.h"

extern const struct handler status_handler;

#endif
