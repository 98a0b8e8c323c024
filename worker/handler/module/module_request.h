/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request that a module answers: between the exchange and the functions of
 * holdfast/module.h. Worker.
 */
#ifndef WORKER_HANDLER_MODULE_MODULE_REQUEST_H
#define WORKER_HANDLER_MODULE_MODULE_REQUEST_H

#include <stdbool.h>

#include "base/str.h"
#include "worker/holdfast/module.h"

struct exchange;

/* Those of struct handler; `instance` is a struct holdfast_route. */
void module_answer(struct exchange *x, void *instance);
bool module_body(struct exchange *x, void *instance, struct str piece);
void module_end_body(struct exchange *x, void *instance);

/* All that a module can call. */
extern const struct holdfast_api module_api;

#endif
