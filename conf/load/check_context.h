/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What checks of a loaded configuration have in common: where a setting was
 * given, and complaining of it there. Settings that could not be read are in
 * the configuration as their defaults or as zero, and checks pass them over.
 * Master only.
 */
#ifndef CONF_LOAD_CHECK_CONTEXT_H
#define CONF_LOAD_CHECK_CONTEXT_H

#include <stdbool.h>

#include "conf/conf.h"
#include "conf/load/locations.h"

struct check {
	struct conf *conf;
	struct locations *locations;
	struct conf_errors *errors;
	const char *main_file;
};

void check_complain(struct check *c, const struct location *at, const char *format,
		    ...) __attribute__((format(printf, 3, 4)));

/* Where a field was given; when it was not, `where` in the main file. */
struct location check_location(struct check *c, const void *field,
			       const char *where);

/* "FILE:LINE", in the arena. */
const char *check_spot(struct check *c, struct conf_origin origin);

/* Whether the file gives the field, and whether its value could not be read. */
bool check_is_given(struct check *c, const void *field);
bool check_is_bad(struct check *c, const void *field);

/*
 * The directory of a log or socket has to exist, as nothing makes it, and
 * `path` must not be a directory. What may not be looked at now is left for
 * the process that opens it. Paths that are not absolute are words.
 */
void check_directory(struct check *c, const void *field, const char *where,
		     const char *path);

#endif
