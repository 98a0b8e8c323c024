/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf_load(): the source is read, libconfig makes a tree of it, the tree is
 * read along the schema (conf/load/tree.h), and checks look at the whole.
 * Master only.
 */
#include "conf/conf.h"

#include <errno.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/load/checks.h"
#include "conf/load/errors.h"
#include "conf/load/locations.h"
#include "conf/load/source.h"
#include "conf/load/tree.h"
#include "conf/schema/schema.h"
#include "conf/values.h"

struct loader {
	struct conf *conf;
	struct source source;
	struct tree tree;
	bool parsed; /* it is libconfig's syntax */
};

/* libconfig stops at the first syntax error. */
static void complain_syntax(struct loader *l, const config_t *config)
{
	int line = config_error_line(config);
	const char *what = config_error_text(config);
	struct str near = source_line_text(&l->source, line);

	if (near.n > 60)
		near.n = 60;
	conf_errors_add(l->tree.errors, source_file(&l->source, line),
			source_origin(&l->source, line).line,
			near.n > 0 ? "%s near: %" STR_FMT : "%s",
			what != NULL ? what : "syntax error", STR_ARG(near));
}

/* The path as the operator gave it, made absolute but without resolving
 * symbolic links: relative paths in the file are relative to its directory. */
static bool set_file(struct loader *l, const char *path)
{
	struct arena *arena = &l->conf->arena;
	struct str given = str_of(path), file;

	if (path[0] != '/') {
		char *here = getcwd(NULL, 0);

		if (here == NULL) {
			conf_errors_add(l->tree.errors, path, 0,
					"cannot find the working directory: "
					"%s",
					strerror(errno));
			return false;
		}
		given = arena_printf(arena, "%s/%s", here, path);
		free(here);
	}
	file = value_file_path(arena, given);
	l->conf->file = file.p;

	size_t n = file.n;

	while (n > 1 && file.p[n - 1] != '/')
		n--;
	l->tree.context.directory =
		arena_cstr(arena, (struct str){file.p, n > 1 ? n - 1 : n});
	return true;
}

static void load_tree(struct loader *l)
{
	config_t config;

	config_init(&config);
	/* No line is left that libconfig would include itself. If it sees one
	 * where we did not, it must not find a file. */
	config_set_include_dir(&config, "/dev/null");
	if (config_read_string(&config, buf_str(&l->source.text).p) ==
	    CONFIG_TRUE) {
		tree_read(&l->tree, &schema_top, config_root_setting(&config),
			  l->conf);
		conf_check(l->conf, l->source.files[0], &l->tree.locations,
			   l->tree.errors);
		l->parsed = true;
	} else {
		complain_syntax(l, &config);
	}
	config_destroy(&config);
}

/* With errors, the settings that are right, and defaults for the rest. */
static struct conf *load_what_can_be(const char *path, struct conf_errors *errors,
				     bool *parsed_out)
{
	struct conf *conf = mem_zalloc(1, sizeof(*conf));
	struct loader l = {.conf = conf,
			   .source = {.arena = &conf->arena},
			   .tree = {.context = {.arena = &conf->arena},
				    .errors = errors,
				    .source = &l.source}};

	*errors = (struct conf_errors){0};
	if (set_file(&l, path) && source_read(&l.source, path, errors))
		load_tree(&l);
	if (errors->n > 0)
		conf_errors_sort(errors, l.source.files, (size_t)l.source.n_files);
	if (conf->control.path == NULL) /* the checks, which set it, were not
					 * reached */
		conf->control.path = conf_default_control(&conf->arena);
	*parsed_out = l.parsed;
	locations_fini(&l.tree.locations);
	source_fini(&l.source);
	return conf;
}

struct conf *conf_load(const char *path, struct conf_errors *errors)
{
	bool parsed;
	struct conf *conf = load_what_can_be(path, errors, &parsed);

	if (errors->n > 0)
		conf_destroy(&conf);
	return conf;
}

char *conf_find_control(const char *path, struct conf_errors *errors)
{
	bool parsed;
	struct conf *conf = load_what_can_be(path, errors, &parsed);
	char *control = parsed ? mem_strdup(conf->control.path) : NULL;

	conf_destroy(&conf);
	return control;
}

void conf_destroy(struct conf **conf)
{
	if (*conf == NULL)
		return;
	arena_fini(&(*conf)->arena);
	free(*conf);
	*conf = NULL;
}
