/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types of settings that name a file or a directory. Relative paths are
 * relative to the directory of the main file. See conf/schema/types.h.
 */
#include "conf/schema/types.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/addr.h"

static const char *read_path(const struct setting_field *f,
			     struct setting_value value)
{
	const char **field = f->field;
	size_t word;

	if (setting_find_word(f->setting, value.text, &word) ||
	    setting_is_left_empty(f, value.text)) {
		*field = arena_cstr(f->context->arena, value.text);
		return NULL;
	}
	const char *why = setting_check_line(value.text);

	if (why != NULL)
		return why;
	struct str path = setting_absolute(f, value.text);

	if (path.n >= PATH_MAX)
		return "the path is too long";
	*field = path.p;
	return NULL;
}

static void show_path(const struct setting_field *f, struct buf *out)
{
	setting_put_quoted(out, str_of(*(const char *const *)f->field));
}

const struct setting_type type_path = {
	.name = "path",
	.name_or_word = "path or name",
	.expects = "a path in quotes",
	.forms = SETTING_TEXT,
	.has_other_values = true,
	.read = read_path,
	.show = show_path,
};

/* "syslog:unix:/dev/log", "syslog:udp:192.0.2.1:514" */
static const char *read_syslog(struct str target, struct arena *arena)
{
	struct addr addr;
	const char *why;

	if (str_starts_with(target, STR("udp:")))
		target = str_tail(target, 4);
	else if (!str_starts_with(target, STR("unix:")))
		return "a syslog is \"syslog:unix:/PATH\" or "
		       "\"syslog:udp:HOST:PORT\"";
	why = addr_parse(target, &addr);
	return why == NULL ? NULL
			   : arena_printf(arena, "%" STR_FMT ": %s",
					  STR_ARG(target), why)
				     .p;
}

static const char *read_log_target(const struct setting_field *f,
				   struct setting_value value)
{
	static const struct str prefix = STR_INIT("syslog:");
	const char *why;

	if (!str_starts_with(value.text, prefix))
		return read_path(f, value);
	why = read_syslog(str_tail(value.text, prefix.n), f->context->arena);
	if (why == NULL)
		*(const char **)f->field =
			arena_cstr(f->context->arena, value.text);
	return why;
}

const struct setting_type type_log_target = {
	.name = "path or syslog",
	.name_or_word = "path, syslog or name",
	.expects = "a path in quotes",
	.forms = SETTING_TEXT,
	.has_other_values = true,
	.read = read_log_target,
	.show = show_path,
};

/* Reads the path of something that exists: a directory, or anything else. */
static const char *read_existing(const struct setting_field *f,
				 struct setting_value value, bool is_directory)
{
	const char **field = f->field, *before = *field;
	const char *why = read_path(f, value);
	struct stat st;

	if (why != NULL)
		return why;
	if (stat(*field, &st) == -1)
		why = strerror(errno);
	else if (S_ISDIR(st.st_mode) != is_directory)
		why = strerror(is_directory ? ENOTDIR : EISDIR);
	if (why != NULL) {
		why = arena_printf(f->context->arena, "%s: %s", *field, why).p;
		*field = before;
	}
	return why;
}

static const char *read_directory(const struct setting_field *f,
				  struct setting_value value)
{
	return read_existing(f, value, true);
}

const struct setting_type type_directory = {
	.name = "path of a directory",
	.expects = "a path in quotes",
	.forms = SETTING_TEXT,
	.read = read_directory,
	.show = show_path,
};

static const char *read_module(const struct setting_field *f,
			       struct setting_value value)
{
	if (value.text.n > 0 && memchr(value.text.p, '/', value.text.n) == NULL)
		value.text = arena_printf(f->context->arena, "%s/%" STR_FMT,
					  HOLDFAST_MODULES, STR_ARG(value.text));
	return read_existing(f, value, false);
}

const struct setting_type type_module = {
	.name = "path of a file",
	.expects = "a path in quotes",
	.forms = SETTING_TEXT,
	.read = read_module,
	.show = show_path,
};
