/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/names.h"

#include <string.h>

#include "conf/suggest.h"

static bool is_name_of(const struct schema_setting *setting, const char *name)
{
	return strcmp(setting->name, name) == 0 ||
	       (setting->old_name != NULL && strcmp(setting->old_name, name) == 0);
}

/* Whether a group with that handler has the setting. */
static bool has(const struct schema_group *group,
		const struct schema_handler *handler, const char *name)
{
	struct schema_walk walk = {.group = group, .handler = handler};

	while (schema_next(&walk))
		if (is_name_of(walk.setting, name))
			return true;
	return false;
}

/* The handler that has the setting, or NULL. */
static const struct schema_handler *handler_with(const char *name)
{
	for (size_t i = 0; schema_handlers[i] != NULL; i++)
		if (schema_handlers[i]->group != NULL &&
		    schema_find(schema_handlers[i]->group, name) != NULL)
			return schema_handlers[i];
	return NULL;
}

/* Sites and routes take in the same table; it is looked at in sites. */
static bool is_taken_in_again(const struct schema_setting *row,
			      const struct schema_group *group)
{
	return row->type == &type_common_settings && group != &schema_site;
}

/* Adds the titles of the groups, `group` and below, that have a setting of
 * that name. */
static void put_groups_with(const struct schema_group *group, const char *name,
			    struct buf *titles)
{
	const struct schema_setting *own = schema_find(group, name);

	if (own != NULL && !schema_is_group(own))
		buf_printf(titles, "%s%s", buf_length(titles) > 0 ? ", " : "",
			   group->title);
	for (size_t i = 0; i < group->n_settings; i++)
		if (group->settings[i].group != NULL &&
		    !is_taken_in_again(&group->settings[i], group))
			put_groups_with(group->settings[i].group, name, titles);
}

static bool takes_handlers(const struct tree_group *g)
{
	return g->schema == &schema_route;
}

/* Below the group, or else anywhere. */
static void put_homes(const struct tree_group *g, const char *name,
		      struct buf *titles)
{
	put_groups_with(g->schema, name, titles);
	if (buf_length(titles) == 0)
		put_groups_with(&schema_top, name, titles);
	if (buf_length(titles) == 0 && handler_with(name) != NULL)
		buf_put_cstr(titles, schema_route.title);
}

static bool belongs_elsewhere(struct tree *tree, const struct tree_group *g,
			      const config_setting_t *setting, const char *where)
{
	const char *name = config_setting_name(setting);
	const struct schema_handler *handler = handler_with(name);
	const struct schema_setting *top = schema_find(&schema_top, name);
	struct buf homes = {0};

	put_homes(g, name, &homes);
	bool is_found = buf_length(&homes) > 0;

	if (takes_handlers(g) && handler != NULL)
		tree_complain(tree, setting, where,
			      "\"%s\" belongs to handler %s; this is %s", name,
			      handler->name, g->handler->name);
	else if (top != NULL && !schema_is_group(top))
		tree_complain(tree, setting, where,
			      "unknown setting; \"%s\" belongs outside of any "
			      "group",
			      name);
	else if (is_found)
		tree_complain(tree, setting, where,
			      "unknown setting; \"%s\" belongs to %" STR_FMT, name,
			      STR_ARG(buf_str(&homes)));
	buf_release(&homes);
	return is_found || (top != NULL && !schema_is_group(top));
}

static void complain_unknown(struct tree *tree, const struct tree_group *g,
			     const config_setting_t *setting)
{
	const char *name = config_setting_name(setting);
	const char *where = tree_join(tree, g->where, name);
	struct suggest guess = {.wrong = str_of(name)};
	struct schema_walk walk = {.group = g->schema, .handler = g->handler};

	while (schema_next(&walk))
		suggest_offer(&guess, str_of(walk.setting->name));
	/* One letter off a name of this group is more likely than a setting
	 * of another group. */
	bool is_near = guess.best.n > 0 && guess.distance == 1;

	if (!is_near && belongs_elsewhere(tree, g, setting, where))
		return;
	if (guess.best.n > 0)
		tree_complain(tree, setting, where,
			      "unknown setting; did you mean \"%" STR_FMT "\"?",
			      STR_ARG(guess.best));
	else
		tree_complain(tree, setting, where, "unknown setting");
}

/* Without a valid handler, what belongs to any is not complained of: the one
 * error is the handler's. */
static bool is_known(const struct tree_group *g, const char *name)
{
	return has(g->schema, g->handler, name) ||
	       (takes_handlers(g) && g->handler == NULL &&
		handler_with(name) != NULL);
}

void names_check(struct tree *tree, const struct tree_group *g)
{
	int n = g->setting == NULL ? 0 : config_setting_length(g->setting);

	for (int i = 0; i < n; i++) {
		const config_setting_t *setting =
			config_setting_get_elem(g->setting, (unsigned)i);

		if (!is_known(g, config_setting_name(setting)))
			complain_unknown(tree, g, setting);
	}
}
