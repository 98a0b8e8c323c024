/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf_load(): the source is read, libconfig makes a tree of it, and the tree
 * is walked along the schema. Each value goes to the reader; what is wrong is
 * collected and the walk goes on. Then come the checks that look at the whole.
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
#include "conf/load/places.h"
#include "conf/load/reader.h"
#include "conf/load/source.h"
#include "conf/schema/common.h"
#include "conf/schema/schema.h"
#include "conf/suggest.h"
#include "conf/values.h"

struct loader {
	struct conf *conf;
	struct conf_errors *errors;
	struct source source;
	struct places places;
	struct reader reader;
};

/* A group of the file that is being read, and the struct it goes into. */
struct group {
	enum schema_section_id section;
	const config_setting_t *setting; /* NULL: absent, all is default */
	void *base;
	const char *where;   /* "sites[0]" */
	const char *handler; /* of a route; NULL when not known */
	const struct group *parent;
};

static int line_of(const struct loader *l, const config_setting_t *setting)
{
	int line = (int)config_setting_source_line(setting);

	return source_origin(&l->source, line).line;
}

static const char *file_of(const struct loader *l, const config_setting_t *setting)
{
	return source_file(&l->source, (int)config_setting_source_line(setting));
}

static void complain(struct loader *l, const config_setting_t *setting,
		     const char *where, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void complain(struct loader *l, const config_setting_t *setting,
		     const char *where, const char *format, ...)
{
	struct arena *arena = &l->conf->arena;
	va_list args;

	va_start(args, format);
	struct str what = arena_vprintf(arena, format, args);

	va_end(args);
	conf_errors_add(l->errors, file_of(l, setting), line_of(l, setting),
			"%s: %" STR_FMT, where, STR_ARG(what));
}

static const char *join(struct loader *l, const char *where, const char *name)
{
	return arena_printf(&l->conf->arena, "%s%s%s", where,
			    where[0] != '\0' ? "." : "", name)
		.p;
}

static const char *found(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		return "a number";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	case CONFIG_TYPE_STRING:
		return "a string";
	case CONFIG_TYPE_BOOL:
		return "a boolean";
	case CONFIG_TYPE_GROUP:
		return "a group { }";
	case CONFIG_TYPE_ARRAY:
		return "an array [ ]";
	default:
		return "a list ( )";
	}
}

static void add_place(struct loader *l, const config_setting_t *setting,
		      const char *where, const void *field, bool is_bad)
{
	places_add(&l->places, (struct place){.field = field,
					      .where = where,
					      .file = file_of(l, setting),
					      .line = line_of(l, setting),
					      .is_bad = is_bad});
}

static bool get_value(const config_setting_t *setting, enum schema_type type,
		      struct reader_value *value_out)
{
	int found_type = config_setting_type(setting);

	*value_out = (struct reader_value){0};
	if (found_type == CONFIG_TYPE_STRING) {
		value_out->form = READER_TEXT;
		value_out->text = str_of(config_setting_get_string(setting));
	} else if (found_type == CONFIG_TYPE_BOOL) {
		value_out->form = READER_BOOLEAN;
		value_out->boolean = config_setting_get_bool(setting);
	} else if (found_type == CONFIG_TYPE_INT) {
		value_out->form = READER_NUMBER;
		value_out->number = config_setting_get_int(setting);
	} else if (found_type == CONFIG_TYPE_INT64) {
		value_out->form = READER_NUMBER;
		value_out->number = config_setting_get_int64(setting);
	} else {
		return false;
	}
	return reader_takes(type, value_out->form);
}

/* False when the value was wrong. */
static bool read_scalar(struct loader *l, void *base,
			const struct schema_setting *row,
			const config_setting_t *setting, const char *where)
{
	struct reader_value value;

	if (!get_value(setting, row->type, &value)) {
		complain(l, setting, where, "expected %s, found %s",
			 schema_expects(row->type), found(setting));
		return false;
	}
	const char *why = reader_read(&l->reader, row, base, value);

	if (why != NULL)
		complain(l, setting, where, "%s", why);
	return why == NULL;
}

static bool read_item(struct loader *l, void *base,
		      const struct schema_setting *row,
		      const config_setting_t *item, const char *where)
{
	const char *why;

	if (config_setting_type(item) == CONFIG_TYPE_STRING) {
		struct str text = str_of(config_setting_get_string(item));

		why = reader_read_item(&l->reader, row, base, text);
		if (why != NULL)
			complain(l, item, where, "%s", why);
		return why == NULL;
	}
	complain(l, item, where, "expected a string, found %s", found(item));
	return false;
}

static bool read_strings(struct loader *l, void *base,
			 const struct schema_setting *row,
			 const config_setting_t *setting, const char *where)
{
	bool ok = true;

	if (!config_setting_is_array(setting) && !config_setting_is_list(setting)) {
		complain(l, setting, where, "expected %s, found %s",
			 schema_expects(row->type), found(setting));
		return false;
	}
	unsigned n = (unsigned)config_setting_length(setting);

	if (n == 0 && !schema_may_be_empty(row->type)) {
		complain(l, setting, where, "must not be empty");
		return false;
	}
	reader_start_list(&l->reader, row, base, n);
	for (unsigned i = 0; i < n; i++) {
		const char *item_where =
			arena_printf(&l->conf->arena, "%s[%u]", where, i).p;

		ok &= read_item(l, base, row, config_setting_get_elem(setting, i),
				item_where);
	}
	return ok;
}

static config_setting_t *member(const struct group *g, const char *name)
{
	return g->setting == NULL ? NULL
				  : config_setting_get_member(g->setting, name);
}

static bool has_common(const struct group *g)
{
	return g != NULL && schema_sections[g->section].has_common;
}

static struct conf_common *common_of(const struct group *g)
{
	return (void *)((char *)g->base + schema_sections[g->section].common);
}

/* A group within one that has common settings begins with those; one that is
 * not, with those that limits has. */
static void inherit(const struct loader *l, const struct group *g)
{
	if (!has_common(g))
		return;
	if (!has_common(g->parent)) {
		common_of(g)->body_limit = l->conf->limits.body;
		return;
	}
	*common_of(g) = *common_of(g->parent);
	common_of(g)->given = 0;
}

static bool is_inherited(const struct group *g, const struct schema_setting *row)
{
	return row->section == SCHEMA_COMMON && has_common(g->parent);
}

static void read_setting(struct loader *l, const struct group *g,
			 const struct schema_setting *row)
{
	const config_setting_t *setting = member(g, row->name);
	void *base = schema_base(g->section, row, g->base);
	bool ok;

	if (!is_inherited(g, row))
		reader_set_default(&l->reader, row, base);
	if (setting == NULL) {
		if (row->required)
			complain(l, g->setting, join(l, g->where, row->name),
				 "is required");
		return;
	}
	const char *where = join(l, g->where, row->name);

	if (schema_is_list(row->type))
		ok = read_strings(l, base, row, setting, where);
	else
		ok = read_scalar(l, base, row, setting, where);
	if (row->section == SCHEMA_COMMON)
		common_of(g)->given |= schema_common_bit(row);
	add_place(l, setting, where, (char *)base + row->offset, !ok);
}

/*
 * Which handler a route has decides which settings it may have. Without a
 * valid one NULL: then what belongs to some handler is not looked at, and the
 * one error is the handler's.
 */
static const char *find_handler(const struct group *g)
{
	const config_setting_t *setting = member(g, "handler");

	if (g->section != SCHEMA_ROUTES || setting == NULL ||
	    config_setting_type(setting) != CONFIG_TYPE_STRING)
		return NULL;
	const char *name = config_setting_get_string(setting);

	for (size_t i = 0; i < schema_n_handlers; i++)
		if (strcmp(schema_handlers[i].name, name) == 0)
			return schema_handlers[i].name;
	return NULL;
}

/* Whether a name that is no setting of the group `g` is one elsewhere. */
static bool belongs_elsewhere(struct loader *l, const struct group *g,
			      const config_setting_t *setting, const char *where)
{
	const char *name = config_setting_name(setting);

	for (size_t i = 0; i < schema_n_settings; i++) {
		const struct schema_setting *row = &schema_settings[i];

		if (strcmp(row->name, name) != 0)
			continue;
		if (row->section == g->section && row->handler != NULL)
			complain(l, setting, where,
				 "\"%s\" belongs to handler %s; this is %s", name,
				 row->handler, g->handler);
		else if (row->section == SCHEMA_TOP)
			complain(l, setting, where,
				 "unknown setting; \"%s\" belongs outside of "
				 "any group",
				 name);
		else
			complain(l, setting, where,
				 "unknown setting; \"%s\" belongs to %s", name,
				 schema_sections[row->section].title);
		return true;
	}
	return false;
}

static void complain_unknown(struct loader *l, const struct group *g,
			     const config_setting_t *setting)
{
	const char *name = config_setting_name(setting);
	const char *where = join(l, g->where, name);
	struct suggest guess = {.wrong = str_of(name)};

	for (size_t i = 0; i < schema_n_settings; i++)
		if (schema_has(g->section, &schema_settings[i]) &&
		    schema_applies(&schema_settings[i], g->handler))
			suggest_offer(&guess, str_of(schema_settings[i].name));
	for (size_t i = SCHEMA_TOP + 1; i < SCHEMA_SECTIONS; i++)
		if (schema_sections[i].parent == g->section)
			suggest_offer(&guess, str_of(schema_sections[i].name));
	if (belongs_elsewhere(l, g, setting, where))
		return;
	if (guess.best.n > 0)
		complain(l, setting, where,
			 "unknown setting; did you mean \"%" STR_FMT "\"?",
			 STR_ARG(guess.best));
	else
		complain(l, setting, where, "unknown setting");
}

static bool is_known(const struct group *g, const char *name)
{
	for (size_t i = 0; i < schema_n_settings; i++) {
		const struct schema_setting *row = &schema_settings[i];

		if (schema_has(g->section, row) && strcmp(row->name, name) == 0 &&
		    (schema_applies(row, g->handler) || g->handler == NULL))
			return true;
	}
	for (size_t i = SCHEMA_TOP + 1; i < SCHEMA_SECTIONS; i++)
		if (schema_sections[i].parent == g->section &&
		    strcmp(schema_sections[i].name, name) == 0)
			return true;
	return false;
}

static void check_names(struct loader *l, const struct group *g)
{
	int n = g->setting == NULL ? 0 : config_setting_length(g->setting);

	for (int i = 0; i < n; i++) {
		const config_setting_t *setting =
			config_setting_get_elem(g->setting, (unsigned)i);

		if (!is_known(g, config_setting_name(setting)))
			complain_unknown(l, g, setting);
	}
}

static void read_section(struct loader *l, const struct group *parent,
			 enum schema_section_id id);

/* What a later message needs to know of where a group was. */
static void set_origin(struct loader *l, const struct group *g)
{
	struct conf_listener *listener = g->base;
	struct conf_site *site = g->base;
	struct conf_route *route = g->base;

	switch (g->section) {
	case SCHEMA_LISTENERS:
		listener->file = file_of(l, g->setting);
		listener->line = line_of(l, g->setting);
		break;
	case SCHEMA_SITES:
		site->where = g->where;
		site->file = file_of(l, g->setting);
		site->line = line_of(l, g->setting);
		break;
	case SCHEMA_ROUTES:
		route->where = g->where;
		route->file = file_of(l, g->setting);
		route->line = line_of(l, g->setting);
		break;
	default:
		break;
	}
}

/* What stays the same when others come and go in the file: "example.org" of a
 * site, "example.org prefix /path GET" of a route. */
static struct str name_of(struct loader *l, const struct group *g)
{
	const struct conf_site *site =
		g->section == SCHEMA_SITES ? g->base : g->parent->base;
	const struct conf_route *route = g->base;
	static const char *const kinds[] = {"prefix", "exact", "regex"};
	struct buf name = {0};

	for (size_t i = 0; i < site->hosts.n; i++)
		buf_printf(&name, "%s%" STR_FMT, i > 0 ? "," : "",
			   STR_ARG(site->hosts.items[i]));
	if (g->section == SCHEMA_ROUTES)
		buf_printf(&name, " %s %" STR_FMT, kinds[route->match],
			   STR_ARG(route->path));
	for (int m = 0; g->section == SCHEMA_ROUTES && m < METHOD_COUNT; m++)
		if (route->methods & 1u << m)
			buf_printf(&name, " %s", conf_method_names[m].p);
	struct str copy = arena_copy(&l->conf->arena, buf_str(&name));

	buf_release(&name);
	return copy;
}

static void read_group(struct loader *l, struct group *g)
{
	g->handler = find_handler(g);
	set_origin(l, g);
	check_names(l, g);
	inherit(l, g);
	for (size_t i = 0; i < schema_n_settings; i++)
		if (schema_has(g->section, &schema_settings[i]) &&
		    schema_applies(&schema_settings[i], g->handler))
			read_setting(l, g, &schema_settings[i]);
	if (has_common(g) && has_common(g->parent))
		common_merge(&l->conf->arena, common_of(g->parent), common_of(g));
	if (has_common(g))
		common_name_zones(common_of(g), name_of(l, g));
	for (size_t i = SCHEMA_TOP + 1; i < SCHEMA_SECTIONS; i++)
		if (schema_sections[i].parent == g->section)
			read_section(l, g, (enum schema_section_id)i);

	struct conf_route *route = g->base;

	if (g->handler != NULL && route->methods == 0)
		route->methods = conf_handler_methods(g->handler);
}

static void read_elements(struct loader *l, const struct group *parent,
			  const config_setting_t *list, enum schema_section_id id,
			  char *elements, const char *where)
{
	unsigned n = (unsigned)config_setting_length(list);

	for (unsigned i = 0; i < n; i++) {
		config_setting_t *element = config_setting_get_elem(list, i);
		struct group g = {
			.section = id,
			.setting = element,
			.base = elements + i * schema_sections[id].size,
			.where =
				arena_printf(&l->conf->arena, "%s[%u]", where, i).p,
			.parent = parent,
		};

		if (config_setting_is_group(element))
			read_group(l, &g);
		else
			complain(l, element, g.where,
				 "expected a group { }, found %s", found(element));
	}
}

static void read_list(struct loader *l, const struct group *parent,
		      enum schema_section_id id, const config_setting_t *setting,
		      const char *where)
{
	const struct schema_section *section = &schema_sections[id];
	void *field = (char *)parent->base + section->offset;
	size_t *count = (void *)((char *)parent->base + section->count);
	bool ok = config_setting_is_list(setting);
	size_t n = ok ? (size_t)config_setting_length(setting) : 0;

	if (!ok)
		complain(l, setting, where,
			 "expected a list of groups ( { }, { } ), found %s",
			 found(setting));
	else if (n == 0 && section->required)
		complain(l, setting, where, "must not be empty");
	add_place(l, setting, where, field, !ok);
	if (n == 0)
		return;
	void *elements = arena_zalloc(&l->conf->arena, n, section->size);

	memcpy(field, &elements, sizeof(elements));
	*count = n;
	read_elements(l, parent, setting, id, elements, where);
}

static void read_section(struct loader *l, const struct group *parent,
			 enum schema_section_id id)
{
	const struct schema_section *section = &schema_sections[id];
	config_setting_t *setting = member(parent, section->name);
	const char *where = join(l, parent->where, section->name);
	struct group g = {.section = id,
			  .setting = setting,
			  .base = (char *)parent->base + section->offset,
			  .where = where};

	if (section->is_list) {
		if (setting != NULL)
			read_list(l, parent, id, setting, where);
		else if (section->required)
			conf_errors_add(l->errors, l->source.files[0], 0,
					"%s: at least one is required", where);
		return;
	}
	if (setting != NULL && !config_setting_is_group(setting)) {
		complain(l, setting, where, "expected a group { }, found %s",
			 found(setting));
		g.setting = NULL;
	}
	read_group(l, &g);
}

/* libconfig stops at the first thing that it cannot read. */
static void complain_syntax(struct loader *l, const config_t *config)
{
	int line = config_error_line(config);
	const char *what = config_error_text(config);
	struct str near = source_line_text(&l->source, line);

	if (near.n > 60)
		near.n = 60;
	conf_errors_add(l->errors, source_file(&l->source, line),
			source_origin(&l->source, line).line,
			near.n > 0 ? "%s near: %" STR_FMT : "%s",
			what != NULL ? what : "syntax error", STR_ARG(near));
}

/* The path without symbolic links resolved: what is relative to the file is
 * relative to where the operator sees it. */
static bool set_file(struct loader *l, const char *path)
{
	struct arena *arena = &l->conf->arena;
	struct str given = str_of(path), file;

	if (path[0] != '/') {
		char *here = getcwd(NULL, 0);

		if (here == NULL) {
			conf_errors_add(l->errors, path, 0,
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
	l->reader.directory =
		arena_cstr(arena, (struct str){file.p, n > 1 ? n - 1 : n});
	return true;
}

/* What libconfig had read before it gave up may name the control socket, and
 * that is the one that conf_find_control() is after. */
static void salvage_control(struct loader *l, const config_t *config)
{
	const struct schema_setting *row = schema_settings;
	struct reader_value value = {0};
	const char *text;

	while (row->offset != offsetof(struct conf, control) ||
	       row->section != SCHEMA_TOP)
		row++;
	if (config_lookup_string(config, row->name, &text) != CONFIG_TRUE)
		return;
	value.text = str_of(text);
	if (reader_read(&l->reader, row, l->conf, value) != NULL)
		l->conf->control = NULL;
}

static void load_tree(struct loader *l)
{
	config_t config;

	config_init(&config);
	/* No line is left that libconfig would include itself. If it should
	 * see one where we did not, it is not to find a file. */
	config_set_include_dir(&config, "/dev/null");
	if (config_read_string(&config, buf_str(&l->source.text).p) ==
	    CONFIG_TRUE) {
		struct group top = {.section = SCHEMA_TOP,
				    .setting = config_root_setting(&config),
				    .base = l->conf,
				    .where = ""};

		read_group(l, &top);
		conf_check(l->conf, l->source.files[0], &l->places, l->errors);
	} else {
		complain_syntax(l, &config);
		salvage_control(l, &config);
	}
	config_destroy(&config);
}

/* With errors, what was right of it and defaults for the rest. */
static struct conf *load_what_can_be(const char *path, struct conf_errors *errors)
{
	struct conf *conf = mem_zalloc(1, sizeof(*conf));
	struct loader l = {.conf = conf,
			   .errors = errors,
			   .source = {.arena = &conf->arena},
			   .reader = {.arena = &conf->arena}};

	*errors = (struct conf_errors){0};
	if (set_file(&l, path) && source_read(&l.source, path, errors))
		load_tree(&l);
	if (errors->n > 0)
		conf_errors_sort(errors, l.source.files, (size_t)l.source.n_files);
	if (conf->control == NULL) /* it did not come as far as that */
		conf->control = conf_default_control(&conf->arena);
	places_fini(&l.places);
	source_fini(&l.source);
	return conf;
}

struct conf *conf_load(const char *path, struct conf_errors *errors)
{
	struct conf *conf = load_what_can_be(path, errors);

	if (errors->n > 0)
		conf_destroy(&conf);
	return conf;
}

char *conf_find_control(const char *path)
{
	struct conf_errors errors;
	struct conf *conf = load_what_can_be(path, &errors);
	char *control = mem_strdup(conf->control);

	conf_destroy(&conf);
	conf_errors_fini(&errors);
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
