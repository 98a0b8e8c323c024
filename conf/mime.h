/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MIME type of a file by the suffix of its name. The built-in table is
 * made from conf/mime.types when holdfast is built. Any process; the table
 * lives in the arena it was loaded into.
 */
#ifndef CONF_MIME_H
#define CONF_MIME_H

#include "base/arena.h"
#include "base/str.h"

struct mime_types;

/*
 * Loads `path`, in the format of /etc/mime.types ("type suffix suffix..."),
 * or the built-in table for "". Returns NULL with *why_out (in `arena`) and
 * *line_out set when the file cannot be read (line 0) or a line is wrong.
 */
struct mime_types *mime_types_load(struct arena *arena, const char *path,
				   const char **why_out, int *line_out)
	__attribute__((warn_unused_result));

/* "text/html", or "application/octet-stream" for a suffix that is not in the
 * table. The suffix is the part after the last dot, in any case. */
struct str mime_type_of(const struct mime_types *types, struct str file_name);

#endif
