/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of a configuration: the main file with its included files in place
 * of their @include lines, and the origin of each line.
 *
 * libconfig could include by itself, but it ends the process when it is given a
 * directory, mixes up absolute and relative paths, and does not say why a file
 * cannot be read. Reading also finds mistakes that libconfig lets pass
 * silently: a comment or string that is never closed, a NUL byte that would cut
 * a string short, an integer that would wrap around. Master only.
 */
#ifndef CONF_LOAD_SOURCE_H
#define CONF_LOAD_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "conf/conf.h"

struct source_line {
	int file; /* index of source.files */
	int line; /* from 1 */
};

/* Embedded; all zero except `arena` is an empty source. */
struct source {
	struct arena *arena; /* borrowed; file names live in it */
	struct buf text;     /* ends in a NUL */
	const char **files;  /* in the order in which they were opened */
	int n_files, files_room;
	struct source_line *lines; /* of text, from 0 */
	int n_lines, lines_room;
};

/*
 * Reads the file at `path` and those that it includes. Relative names of
 * included files are relative to the directory of `path`. False at the first
 * error, which is in *errors then.
 */
bool source_read(struct source *s, const char *path, struct conf_errors *errors)
	__attribute__((warn_unused_result));

/* Where line `line`, from 1, of the text came from. A line beyond the text,
 * where libconfig may report its end, is the last line. */
struct source_line source_origin(const struct source *s, int line);
const char *source_file(const struct source *s, int line);

/* Line `line` of the text without blanks around it, in the arena. */
struct str source_line_text(const struct source *s, int line);

void source_fini(struct source *s);

#endif
