/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf_show(): a configuration written back along the schema, in the syntax
 * that libconfig reads. Values are written by their types; here are groups and
 * lists of groups. Master only.
 */
#include "conf/print/show.h"

#include <string.h>

#include "base/mem.h"
#include "conf/conf.h"
#include "conf/schema/types.h"

static void put_indent(struct buf *out, int depth)
{
	while (depth-- > 0)
		buf_put_cstr(out, "\t");
}

/* Whether it is an optional group that is absent, or an empty list of groups.
 * */
static bool is_absent(const struct schema_setting *row, const void *base)
{
	struct setting_field f = setting_field(NULL, row, base);

	return (row->type == &type_optional_group &&
		*(void *const *)f.field == NULL) ||
	       (row->type == &type_groups && *(const size_t *)f.also == 0);
}

/*
 * Whether the value that may stand in place of the group says the same: all
 * other settings of the group have their defaults. A group within it counts as
 * more, unless it is absent.
 */
static bool is_brief(const struct schema_setting *row, const void *struct_at)
{
	const struct schema_setting *brief = schema_brief(row);
	struct schema_walk walk = {.group = row->group,
				   .struct_at = (void *)(size_t)struct_at};
	struct arena arena = {0};
	struct setting_context context = {&arena, "/"};
	void *defaults;
	bool same = brief != NULL;

	if (brief == NULL)
		return false;
	defaults = arena_zalloc(&arena, 1, row->group->size);
	while (same && schema_next(&walk)) {
		struct buf is = {0}, would_be = {0};

		if (walk.setting == brief)
			continue;
		if (is_absent(walk.setting, struct_at))
			continue;
		same = !schema_is_group(walk.setting) &&
		       walk.setting->fallback != NULL;
		if (!same)
			break;
		setting_set_default(&context, walk.setting, defaults,
				    walk.setting->fallback);
		setting_show(walk.setting, struct_at, &is);
		setting_show(walk.setting, defaults, &would_be);
		same = str_equal(buf_str(&is), buf_str(&would_be));
		buf_release(&is);
		buf_release(&would_be);
	}
	arena_fini(&arena);
	return same;
}

/* A group in braces, or the value that may stand in its place. */
static void put_struct(struct buf *out, const struct schema_setting *row,
		       const void *struct_at, int depth)
{
	if (is_brief(row, struct_at)) {
		setting_show(schema_brief(row), struct_at, out);
		return;
	}
	buf_put_cstr(out, "{\n");
	show_group(out, row->group, struct_at, depth + 1);
	put_indent(out, depth);
	buf_put_cstr(out, "}");
}

static void put_list(struct buf *out, const struct schema_setting *row,
		     const char *structs, size_t n, int depth)
{
	if (n == 1 && is_brief(row, structs)) {
		put_struct(out, row, structs, depth);
		return;
	}
	buf_put_cstr(out, "(");
	for (size_t i = 0; i < n; i++) {
		buf_put_cstr(out, i > 0 ? ",\n" : "\n");
		put_indent(out, depth + 1);
		put_struct(out, row, structs + i * row->group->size, depth + 1);
	}
	if (n > 0) {
		buf_put_cstr(out, "\n");
		put_indent(out, depth);
	}
	buf_put_cstr(out, ")");
}

static void put_setting(struct buf *out, const struct schema_setting *row,
			const void *base, int depth)
{
	struct setting_field f = setting_field(NULL, row, base);

	if (row->type == &type_group)
		put_struct(out, row, f.field, depth);
	else if (row->type == &type_optional_group)
		put_struct(out, row, *(void *const *)f.field, depth);
	else if (row->type == &type_groups)
		put_list(out, row, *(const char *const *)f.field,
			 *(const size_t *)f.also, depth);
	else
		setting_show(row, base, out);
}

/* Whether to show the setting: the loader would refuse one that does not apply,
 * and a route inherits common settings, which its site shows. */
static bool is_shown(const struct schema_walk *at)
{
	const struct conf_common *common = at->base;
	struct setting_field f = setting_field(NULL, at->setting, at->base);

	if (at->table == &schema_common && at->group == &schema_route)
		return common->given & schema_common_bit(at->setting);
	if (at->setting->type == &type_optional_group)
		return *(void *const *)f.field != NULL;
	return schema_applies(at->setting, at->struct_at);
}

static const struct schema_handler *handler_of(const struct schema_group *group,
					       const void *struct_at)
{
	const struct conf_route *route = struct_at;

	return group == &schema_route ? schema_find_handler(route->handler) : NULL;
}

void show_group(struct buf *out, const struct schema_group *group,
		const void *struct_at, int depth)
{
	struct schema_walk walk = {.group = group,
				   .handler = handler_of(group, struct_at),
				   .struct_at = (void *)(size_t)struct_at};

	while (schema_next(&walk)) {
		if (!is_shown(&walk))
			continue;
		if (depth == 0 && schema_is_group(walk.setting) &&
		    walk.setting->brief == NULL)
			buf_put_cstr(out, "\n");
		put_indent(out, depth);
		buf_printf(out, "%s = ", walk.setting->name);
		put_setting(out, walk.setting, walk.base, depth);
		buf_put_cstr(out, ";\n");
	}
}

void conf_show(const struct conf *conf, struct buf *out)
{
	show_group(out, &schema_top, conf, 0);
}
