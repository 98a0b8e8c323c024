/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens what is below a directory, whatever symbolic links are on the way, as
 * the setting `symlinks` has it. The magic links of /proc (proc(5), of
 * /proc/PID/fd and root) are never followed: they are not on the way to
 * anything, but lead to what a process has open. Any thread. Worker.
 */
#ifndef WORKER_HANDLER_STATIC_BELOW_H
#define WORKER_HANDLER_STATIC_BELOW_H

#include "base/str.h"
#include "conf/schema/conf_static.h"

/*
 * `path` is relative to the directory `root`, without a leading slash; empty is
 * the directory itself. `flags` are those of open(2); O_CLOEXEC and O_NOCTTY are
 * added. The descriptor, or -1 with errno: EXDEV when a link leads out of the
 * root, ELOOP when one may not be followed.
 */
int below_open(int root, enum conf_symlinks symlinks, struct str path, int flags)
	__attribute__((warn_unused_result));

#endif
