/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens the shared object of a module and checks the interface that it was
 * compiled for. It is never closed: threads of the module may still run in it
 * when the process ends. In a worker or a child of its own: never in the
 * master.
 */
#ifndef WORKER_HANDLER_MODULE_MODULE_OBJECT_H
#define WORKER_HANDLER_MODULE_MODULE_OBJECT_H

#include "base/arena.h"
#include "worker/holdfast/module.h"

/*
 * Opens the file at `path` and copies what it exports into *module_out, with
 * NULL for the functions that a later holdfast/module.h has and it does not
 * know. It gets `api` to call. Returns NULL, or why not, in `arena`.
 */
const char *module_object_open(struct arena *arena, const char *path,
			       const struct holdfast_api *api,
			       struct holdfast_module *module_out)
	__attribute__((warn_unused_result));

#endif
