/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends the client elsewhere. */
#ifndef WORKER_HANDLER_REDIRECT_H
#define WORKER_HANDLER_REDIRECT_H

#include "worker/http/handler.h"

extern const struct handler redirect_handler;

#endif
