/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths at which a privileged process makes or writes files: logs, the pid file,
 * the control socket. A folder of such a path may be somebody else's, who could
 * put a symbolic link there that leads to a file of ours. So a link is followed
 * if it belongs to root or to this process's user and nobody else can write the
 * folder it is in, like /var/run; any other is an error that names it. Any
 * process.
 */
#ifndef BASE_SAFE_PATH_H
#define BASE_SAFE_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* The last component of a path in its folder, both opened without a link that
 * others could change. */
struct safe_path {
	int folder; /* O_PATH; -1 */
	char name[NAME_MAX + 1];
	bool is_descriptor; /* a link of proc(5) to an open file, to be followed:
			     * /dev/stdout leads to one */
};

/*
 * Walks `path`; its last component need not exist. 0, or -1 with why_out, a
 * sentence that names the component. safe_path_close() after either.
 */
int safe_path_open(struct safe_path *path_out, const char *path, char *why_out,
		   size_t why_size) __attribute__((warn_unused_result));
void safe_path_close(struct safe_path *path);

/* The flags with which openat(2) opens the last component. */
int safe_path_flags(const struct safe_path *path);

/* True if nobody but root and our user can make or replace names in the folder
 * (in one like /tmp, replace ours). */
bool safe_path_is_private(const struct safe_path *path);

#endif
