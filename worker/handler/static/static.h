/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers with files below a root. */
#ifndef WORKER_HANDLER_STATIC_STATIC_H
#define WORKER_HANDLER_STATIC_STATIC_H

#include "worker/http/handler.h"

extern const struct handler static_handler;

#endif
