/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file that holds the master's process id. It is prepared under another
 * name, so that whatever is wrong with it fails the reload, and renamed when the
 * generation serves. Only a file that holds our own id is removed. Master.
 */
#ifndef MASTER_PID_FILE_H
#define MASTER_PID_FILE_H

#include <stdbool.h>

#include "base/safe_path.h"
#include "master/why.h"

struct pid_file {
	char *path;               /* written, or NULL */
	char *next;               /* prepared: NULL, nothing changes; "" for none */
	struct safe_path at;      /* of `next` */
	char temporary[NAME_MAX]; /* its name until then, or "" */
};

void pid_file_init(struct pid_file *file);

/*
 * Prepares `path`, "" for no file. 0, or -1 with why_out: among others when
 * something else than a file is there, or the file of another holdfast that
 * runs; `is_successor`: that one is about to end.
 */
int pid_file_prepare(struct pid_file *file, const char *path, bool is_successor,
		     char why_out[WHY_SIZE]) __attribute__((warn_unused_result));

/* The prepared file takes its name, or is removed; nothing without one. */
void pid_file_finish(struct pid_file *file, bool commit);

/* The path of the file under its other name; false when there is none. */
bool pid_file_temporary(const struct pid_file *file, char *path_out, size_t size);

/* Removes the file if it still holds our id: at the end, or when a new master has
 * written its own. */
void pid_file_remove(struct pid_file *file);

#endif
