/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the bottom up: values (read_scalar, read_strings), groups and lists of
 * groups (read_group_setting), one setting of any kind (read_setting), and a
 * group with all its settings (read_group).
 */
#include "conf/load/tree.h"

#include <stdarg.h>
#include <string.h>

#include "conf/load/errors.h"
#include "conf/load/merge.h"
#include "conf/load/names.h"

static int line_of(const struct tree *tree, const config_setting_t *setting)
{
	int line = (int)config_setting_source_line(setting);

	return source_origin(tree->source, line).line;
}

static const char *file_of(const struct tree *tree, const config_setting_t *setting)
{
	return source_file(tree->source, (int)config_setting_source_line(setting));
}

void tree_complain(struct tree *tree, const config_setting_t *setting,
		   const char *where, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	struct str what = arena_vprintf(tree->context.arena, format, args);

	va_end(args);
	conf_errors_add(tree->errors, file_of(tree, setting),
			line_of(tree, setting), "%s: %" STR_FMT, where,
			STR_ARG(what));
}

const char *tree_join(struct tree *tree, const char *where, const char *name)
{
	return arena_printf(tree->context.arena, "%s%s%s", where,
			    where[0] != '\0' ? "." : "", name)
		.p;
}

/* "listeners[0]" */
static const char *item_of(struct tree *tree, const char *where, unsigned i)
{
	return arena_printf(tree->context.arena, "%s[%u]", where, i).p;
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

static void add_location(struct tree *tree, const config_setting_t *setting,
			 const char *where, const void *field, bool is_bad)
{
	locations_add(&tree->locations,
		      (struct location){.field = field,
					.where = where,
					.file = file_of(tree, setting),
					.line = line_of(tree, setting),
					.is_bad = is_bad});
}

/* False for a value that is no scalar, or none that the type takes. */
static bool get_value(const config_setting_t *setting,
		      const struct setting_type *type,
		      struct setting_value *value_out)
{
	int found_type = config_setting_type(setting);

	*value_out = (struct setting_value){0};
	if (found_type == CONFIG_TYPE_STRING) {
		value_out->form = SETTING_TEXT;
		value_out->text = str_of(config_setting_get_string(setting));
	} else if (found_type == CONFIG_TYPE_BOOL) {
		value_out->form = SETTING_BOOLEAN;
		value_out->boolean = config_setting_get_bool(setting);
	} else if (found_type == CONFIG_TYPE_INT) {
		value_out->form = SETTING_NUMBER;
		value_out->number = config_setting_get_int(setting);
	} else if (found_type == CONFIG_TYPE_INT64) {
		value_out->form = SETTING_NUMBER;
		value_out->number = config_setting_get_int64(setting);
	} else {
		return false;
	}
	return type->forms & value_out->form;
}

/* These return false for a wrong value, which they have reported. */

static bool read_scalar(struct tree *tree, void *base,
			const struct schema_setting *row,
			const config_setting_t *setting, const char *where)
{
	struct setting_value value;

	if (!get_value(setting, row->type, &value)) {
		tree_complain(tree, setting, where, "expected %s, found %s",
			      row->type->expects, found(setting));
		return false;
	}
	const char *why = setting_read(&tree->context, row, base, value);

	if (why != NULL)
		tree_complain(tree, setting, where, "%s", why);
	return why == NULL;
}

static bool read_item(struct tree *tree, void *base,
		      const struct schema_setting *row,
		      const config_setting_t *item, const char *where)
{
	if (config_setting_type(item) != CONFIG_TYPE_STRING) {
		tree_complain(tree, item, where, "expected a string, found %s",
			      found(item));
		return false;
	}
	struct str text = str_of(config_setting_get_string(item));
	const char *why = setting_read_item(&tree->context, row, base, text);

	if (why != NULL)
		tree_complain(tree, item, where, "%s", why);
	return why == NULL;
}

static bool is_sequence(const config_setting_t *setting)
{
	return config_setting_is_array(setting) || config_setting_is_list(setting);
}

static bool read_strings(struct tree *tree, void *base,
			 const struct schema_setting *row,
			 const config_setting_t *setting, const char *where)
{
	bool ok = true;

	if (!is_sequence(setting)) {
		tree_complain(tree, setting, where, "expected %s, found %s",
			      row->type->expects, found(setting));
		return false;
	}
	unsigned n = (unsigned)config_setting_length(setting);

	if (n == 0 && !row->type->may_be_empty) {
		tree_complain(tree, setting, where, "must not be empty");
		return false;
	}
	setting_start_list(&tree->context, row, base, n);
	for (unsigned i = 0; i < n; i++)
		ok &= read_item(tree, base, row,
				config_setting_get_elem(setting, i),
				item_of(tree, where, i));
	return ok;
}

static bool read_value(struct tree *tree, void *base,
		       const struct schema_setting *row,
		       const config_setting_t *setting, const char *where)
{
	bool ok = setting_is_list(row->type)
			  ? read_strings(tree, base, row, setting, where)
			  : read_scalar(tree, base, row, setting, where);

	add_location(tree, setting, where, (char *)base + row->offset, !ok);
	return ok;
}

static void read_group(struct tree *tree, struct tree_group *g);

/*
 * Reads a group, or the value that stands in its place; `setting` is NULL if it
 * is absent. `row` describes the group, or the list that it is an element of.
 */
static void read_struct(struct tree *tree, const struct tree_group *parent,
			const struct schema_setting *row,
			const config_setting_t *setting, void *struct_at,
			const char *where)
{
	const struct schema_setting *brief = schema_brief(row);
	bool is_group = setting != NULL && config_setting_is_group(setting);
	struct tree_group g = {.schema = row->group,
			       .setting = is_group ? setting : NULL,
			       .struct_at = struct_at,
			       .where = where,
			       .parent = parent};
	struct setting_value value;
	bool is_value = brief != NULL && setting != NULL &&
			get_value(setting, brief->type, &value);

	/* A wrong element of a list is left zero. */
	if (setting == NULL || is_group || is_value || row->type != &type_groups)
		read_group(tree, &g);
	if (setting == NULL && brief != NULL)
		setting_set_default(&tree->context, brief, struct_at,
				    row->fallback);
	if (setting == NULL || is_group)
		return;
	if (is_value) {
		read_value(tree, struct_at, brief, setting, where);
		return;
	}
	tree_complain(tree, setting, where, "expected %s%sa group { }, found %s",
		      brief != NULL ? brief->type->expects : "",
		      brief != NULL ? " or " : "", found(setting));
	if (brief != NULL)
		add_location(tree, setting, where,
			     (char *)struct_at + brief->offset, true);
}

static void read_list(struct tree *tree, const struct tree_group *parent,
		      const struct schema_setting *row, void *base,
		      const config_setting_t *setting, const char *where)
{
	struct setting_field f = setting_field(&tree->context, row, base);
	const struct schema_setting *brief = schema_brief(row);
	struct setting_value value;
	/* One value stands for a list of one. */
	bool is_value = brief != NULL && get_value(setting, brief->type, &value);
	bool ok = config_setting_is_list(setting) ||
		  (brief != NULL && config_setting_is_array(setting)) || is_value;
	size_t n = is_value ? 1 : ok ? (size_t)config_setting_length(setting) : 0;
	size_t size = row->group->size;

	if (!ok)
		tree_complain(tree, setting, where, "expected %s%s%s, found %s",
			      brief != NULL ? brief->type->expects : "",
			      brief != NULL ? " or " : "", row->type->expects,
			      found(setting));
	else if (n == 0 && row->required)
		tree_complain(tree, setting, where, "must not be empty");
	add_location(tree, setting, where, f.field, !ok);
	if (n == 0)
		return;
	char *structs = arena_zalloc(tree->context.arena, n, size);

	memcpy(f.field, &structs, sizeof(structs));
	*(size_t *)f.also = n;
	for (unsigned i = 0; i < n; i++)
		read_struct(tree, parent, row,
			    is_value ? setting
				     : config_setting_get_elem(setting, i),
			    structs + i * size,
			    is_value ? where : item_of(tree, where, i));
}

static void read_optional(struct tree *tree, const struct tree_group *parent,
			  const struct schema_setting *row, void *base,
			  const config_setting_t *setting, const char *where)
{
	void *struct_at = arena_zalloc(tree->context.arena, 1, row->group->size);

	memcpy((char *)base + row->offset, &struct_at, sizeof(struct_at));
	read_struct(tree, parent, row, setting, struct_at, where);
}

static void read_group_setting(struct tree *tree, const struct tree_group *g,
			       const struct schema_setting *row, void *base,
			       const config_setting_t *setting)
{
	const char *where = tree_join(tree, g->where, row->name);

	if (row->type == &type_group)
		read_struct(tree, g, row, setting, (char *)base + row->offset,
			    where);
	else if (setting != NULL && row->type == &type_groups)
		read_list(tree, g, row, base, setting, where);
	else if (setting != NULL)
		read_optional(tree, g, row, base, setting, where);
	if (setting != NULL || !row->required || g->setting == NULL)
		return;
	if (g->parent == NULL)
		conf_errors_add(tree->errors, tree->source->files[0], 0,
				"%s: at least one is required", where);
	else
		tree_complain(tree, g->setting, where, "is required");
}

/* By its name or its old one. */
static const config_setting_t *find_setting(struct tree *tree,
					    const struct tree_group *g,
					    const struct schema_setting *row)
{
	if (g->setting == NULL)
		return NULL;
	const config_setting_t *setting =
		config_setting_get_member(g->setting, row->name);
	const config_setting_t *old =
		row->old_name == NULL
			? NULL
			: config_setting_get_member(g->setting, row->old_name);

	if (setting != NULL && old != NULL)
		tree_complain(tree, old, tree_join(tree, g->where, row->old_name),
			      "this is the old name of %s, which is given, too",
			      row->name);
	return setting != NULL ? setting : old;
}

/* Whether the default is the value of the enclosing group. */
static bool is_inherited(const struct tree_group *g, const struct schema_walk *at)
{
	return at->table == &schema_common && g->schema == &schema_route;
}

static void read_setting(struct tree *tree, const struct tree_group *g,
			 const struct schema_walk *at)
{
	const struct schema_setting *row = at->setting;
	const config_setting_t *setting = find_setting(tree, g, row);
	struct conf_common *common = at->base;

	if (schema_is_group(row)) {
		read_group_setting(tree, g, row, at->base, setting);
		if (at->table == &schema_common && setting != NULL)
			common->given |= schema_common_bit(row);
		return;
	}
	if (!is_inherited(g, at))
		setting_set_default(&tree->context, row, at->base, row->fallback);
	if (setting == NULL) {
		if (row->required && g->setting != NULL)
			tree_complain(tree, g->setting,
				      tree_join(tree, g->where, row->name),
				      "is required");
		return;
	}
	const char *where = tree_join(tree, g->where, config_setting_name(setting));

	read_value(tree, at->base, row, setting, where);
	if (at->table == &schema_common)
		common->given |= schema_common_bit(row);
	if (!schema_applies(row, g->struct_at))
		tree_complain(tree, setting, where, "%s", row->only_if_help);
}

/* A route's handler decides which settings it may have. NULL without a valid
 * one. */
static const struct schema_handler *find_handler(const struct tree_group *g)
{
	const config_setting_t *setting = NULL;

	if (g->schema == &schema_route && g->setting != NULL)
		setting = config_setting_get_member(g->setting, "handler");
	if (setting == NULL || config_setting_type(setting) != CONFIG_TYPE_STRING)
		return NULL;
	return schema_find_handler(config_setting_get_string(setting));
}

static void make_settings(struct tree *tree, const struct tree_group *g)
{
	struct conf_route *route = g->struct_at;

	if (g->handler != NULL && g->handler->group != NULL)
		route->settings = arena_zalloc(tree->context.arena, 1,
					       g->handler->group->size);
}

static void set_origin(struct tree *tree, const struct tree_group *g)
{
	struct conf_origin *origin =
		(void *)((char *)g->struct_at + g->schema->origin);

	if (g->schema->has_origin && g->setting != NULL)
		*origin = (struct conf_origin){g->where, file_of(tree, g->setting),
					       line_of(tree, g->setting)};
}

static void read_group(struct tree *tree, struct tree_group *g)
{
	const void *parent = g->parent == NULL ? NULL : g->parent->struct_at;
	struct schema_walk walk = {.group = g->schema, .struct_at = g->struct_at};

	g->handler = walk.handler = find_handler(g);
	set_origin(tree, g);
	names_check(tree, g);
	make_settings(tree, g);
	merge_begin(g->schema, g->struct_at, parent);
	while (schema_next(&walk))
		read_setting(tree, g, &walk);
	merge_end(tree->context.arena, g->schema, g->struct_at, parent);
}

void tree_read(struct tree *tree, const struct schema_group *schema,
	       const config_setting_t *setting, void *struct_at)
{
	struct tree_group top = {.schema = schema,
				 .setting = setting,
				 .struct_at = struct_at,
				 .where = ""};

	read_group(tree, &top);
}
