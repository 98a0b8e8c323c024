/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tells one version of a file from the next (RFC 9110 section 8.8). Its
 * time and size do, which are the same on every machine that the file is copied
 * to; but not where a build has given it a time that says nothing: one day after
 * the epoch of Unix or before (reproducible builds, Nix), or that of the archive
 * formats, 1 January 1980. Then it is a hash of the content, and of a file that
 * is large its inode and the time of its last change. Worker.
 */
#ifndef WORKER_HANDLER_STATIC_VERSION_H
#define WORKER_HANDLER_STATIC_VERSION_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/str.h"

enum { VERSION_HASHED_MAX = 256 * 1024 }; /* bytes of a file that are hashed */

/* Whether the time of its last modification says anything. */
bool version_has_date(const struct stat *st);

/*
 * The text that stands for the version in an entity tag, in the arena. `content`
 * is the file's if that is in memory; p == NULL: it is read from `fd` if need be.
 */
struct str version_tag(struct arena *arena, const struct stat *st,
		       struct str content, int fd);

#endif
