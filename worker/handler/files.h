/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files below a root, opened so that no path leads out of it, and kept
 * open for a while: what is asked for often costs no system call, with the
 * fields of its response ready and the content of small ones in memory. A
 * file is looked at again when it was not for a second. What is kept is
 * bounded for all roots of the worker together. Worker.
 */
#ifndef WORKER_HANDLER_FILES_H
#define WORKER_HANDLER_FILES_H

#include <stdint.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/mime.h"
#include "worker/http/conditions.h"
#include "worker/http/fields.h"

/* An open file. Held by the cache and by each exchange that sends it. */
struct file {
	struct map_node node; /* by its path below the root */
	struct list used;     /* in files.used, most recent last */
	unsigned holders;
	int fd; /* -1 when all of it is in `content` */
	struct stat st;
	struct str content; /* p == NULL when it is sent from fd */
	struct validators validators;
	struct str type;
	/* All of a 200; without Content-Type, which is the last of them; and
	 * the first of them, which a 304 has too. */
	struct fields fields, untyped, not_modified;
	uint64_t checked_at; /* CLOCK_MONOTONIC ns */
	uint64_t used_at;
	struct arena arena; /* of the path, the content and the fields */
};

struct files {
	int root; /* the directory */
	enum conf_symlinks symlinks;
	const struct mime_types *types;
	struct map by_path;
	struct list used;
	uint64_t complained_at; /* when a failure was last logged */
};

enum files_result {
	FILES_OK,
	FILES_MISSING,   /* or out of the root, or no regular file */
	FILES_DIRECTORY, /* it is one */
	FILES_DENIED,    /* we may not read it */
	FILES_FAILED,    /* logged: out of descriptors, a bad disk */
};

/*
 * Opens the root directory. 0, or -1 with errno. `types` is borrowed.
 */
int files_init(struct files *files, const char *root, enum conf_symlinks symlinks,
	       const struct mime_types *types) __attribute__((warn_unused_result));
void files_fini(struct files *files);

/* True when this process may list and enter the root. */
bool files_root_is_usable(const struct files *files);

/*
 * The file at `path`, relative to the root, without a leading slash, already
 * normalised; `now` is CLOCK_MONOTONIC ns. On FILES_OK the caller holds
 * *file_out until file_release().
 */
enum files_result files_get(struct files *files, struct str path, uint64_t now,
			    struct file **file_out)
	__attribute__((warn_unused_result));

void file_release(struct file *file);

/* Lets go of what was not asked for in the last seconds: of its memory, and of
 * the disk space of files that are deleted. True while some are left. */
bool files_expire(struct files *files, uint64_t now);

#endif
