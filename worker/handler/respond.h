/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers with a text from the configuration, filled in from the request. */
#ifndef WORKER_HANDLER_RESPOND_H
#define WORKER_HANDLER_RESPOND_H

#include "worker/http/handler.h"

extern const struct handler respond_handler;

#endif
