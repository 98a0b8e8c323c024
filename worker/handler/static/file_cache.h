/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files below a root, opened so that no path leads out of it, and kept
 * open for a while: what is asked for often costs no system call. A file, with
 * the compressed ones beside it, is looked at again when it was not for a
 * second; one that is not in memory before each answer, by its descriptor. So is
 * the root, whose path may name another directory then. What is kept is bounded
 * for all roots of the worker together. Worker.
 */
#ifndef WORKER_HANDLER_STATIC_FILE_CACHE_H
#define WORKER_HANDLER_STATIC_FILE_CACHE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/mime.h"
#include "conf/schema/conf_static.h"
#include "worker/handler/static/file.h"

struct file_cache {
	int root; /* the directory */
	const struct conf_route *route;
	const struct conf_static *conf;
	const struct mime_types *types;
	struct map by_path;
	struct list used;
	dev_t root_dev; /* which directory it is */
	ino_t root_ino;
	uint64_t root_checked_at; /* CLOCK_MONOTONIC ns */
	bool root_is_missing;     /* that was logged */
	/* Of the last look-up that failed: what was opened (the caller's bytes;
	 * empty: a file that was there before), and errno, or 0 for what is
	 * no file. */
	struct str failed;
	int error;
};

enum file_cache_result {
	FILE_CACHE_OK,
	FILE_CACHE_MISSING,   /* or out of the root, or no regular file */
	FILE_CACHE_DIRECTORY, /* it is one */
	FILE_CACHE_DENIED,    /* we may not read it */
	FILE_CACHE_FAILED,    /* out of descriptors, a bad disk */
};

/*
 * Opens the root directory of a static route. 0, or -1 with errno. `route` and
 * `types` are borrowed.
 */
int file_cache_init(struct file_cache *files, const struct conf_route *route,
		    const struct mime_types *types)
	__attribute__((warn_unused_result));
void file_cache_fini(struct file_cache *files);

/* True when this process may list and enter the root. */
bool file_cache_root_is_usable(const struct file_cache *files);

/*
 * The file at `path`, relative to the root, without a leading slash, already
 * normalised; `now` is CLOCK_MONOTONIC ns. On FILE_CACHE_OK the caller holds
 * *file_out until file_release().
 */
enum file_cache_result file_cache_get(struct file_cache *files, struct str path,
				      uint64_t now, struct file **file_out)
	__attribute__((warn_unused_result));

/* Opens `path`, as it is for file_cache_get(), with open(2) flags; O_CLOEXEC and
 * O_NOCTTY are added. The descriptor, or -1 with errno. Any thread may. */
int file_cache_open(const struct file_cache *files, struct str path, int flags)
	__attribute__((warn_unused_result));

/* True when what is held, and is not in memory, is still what it was: as of
 * this tick, whose time is `now`. */
bool file_cache_is_current(struct file *file, uint64_t now);

/* In place of a file that is held and not current: the file that is there now,
 * as by file_cache_get(). */
enum file_cache_result file_cache_get_again(struct file_cache *files,
					    struct file **file, uint64_t now)
	__attribute__((warn_unused_result));

/* A file that is held has `n` more bytes of content in memory. */
void file_cache_count_more(struct file_cache *files, const struct file *file,
			   uint64_t n);

/* Lets go of what was not asked for in the last seconds: of its memory, and of
 * the disk space of files that are deleted. True while some are left. */
bool file_cache_expire(struct file_cache *files, uint64_t now);

#endif
