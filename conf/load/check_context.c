/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/check_context.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/load/errors.h"

void check_complain(struct check *c, const struct location *at, const char *format,
		    ...)
{
	va_list args;

	va_start(args, format);
	struct str what = arena_vprintf(&c->conf->arena, format, args);

	va_end(args);
	conf_errors_add(c->errors, at->file, at->line, "%s: %" STR_FMT, at->where,
			STR_ARG(what));
}

struct location check_location(struct check *c, const void *field,
			       const char *where)
{
	const struct location *found = locations_find(c->locations, field);

	if (found != NULL)
		return *found;
	return (struct location){.where = where, .file = c->main_file};
}

const char *check_spot(struct check *c, struct conf_origin origin)
{
	return arena_printf(&c->conf->arena, "%s:%d", origin.file, origin.line).p;
}

bool check_is_given(struct check *c, const void *field)
{
	return locations_find(c->locations, field) != NULL;
}

bool check_is_bad(struct check *c, const void *field)
{
	const struct location *found = locations_find(c->locations, field);

	return found != NULL && found->is_bad;
}

/* The directory of a path that has one; in the arena. */
static const char *directory_of(struct check *c, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path
		       ? "/"
		       : arena_cstr(&c->conf->arena,
				    (struct str){path, (size_t)(slash - path)});
}

void check_directory(struct check *c, const void *field, const char *where,
		     const char *path)
{
	struct location at = check_location(c, field, where);
	struct stat st;

	if (path[0] != '/')
		return;
	const char *directory = directory_of(c, path);

	if (stat(directory, &st) == -1) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
			check_complain(c, &at, "%s: %s", directory,
				       strerror(errno));
	} else if (!S_ISDIR(st.st_mode)) {
		check_complain(c, &at, "%s: %s", directory, strerror(ENOTDIR));
	} else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		check_complain(c, &at, "%s: %s", path, strerror(EISDIR));
	}
}
