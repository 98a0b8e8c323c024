/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/schema/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "conf/schema/types.h"

static void *field_at(void *base, size_t offset)
{
	return base == NULL ? NULL : (char *)base + offset;
}

/* Begins to walk the table that a row takes in. */
static void enter(struct schema_walk *w, const struct schema_setting *row)
{
	void *field = field_at(w->struct_at, row->offset);

	w->k = 0;
	w->inner = row->group;
	w->inner_base = field;
	if (row->type != &type_handler_settings)
		return;
	w->inner = w->handler == NULL ? NULL : w->handler->group;
	w->inner_base = field == NULL ? NULL : *(void **)field;
}

bool schema_next(struct schema_walk *w)
{
	for (;;) {
		if (w->inner != NULL && w->k < w->inner->n_settings) {
			w->setting = &w->inner->settings[w->k++];
			w->table = w->inner;
			w->base = w->inner_base;
			return true;
		}
		w->inner = NULL;
		if (w->i == w->group->n_settings)
			return false;
		w->setting = &w->group->settings[w->i++];
		if (w->setting->type != &type_common_settings &&
		    w->setting->type != &type_handler_settings)
			break;
		enter(w, w->setting);
	}
	w->table = w->group;
	w->base = w->struct_at;
	return true;
}

bool schema_is_group(const struct schema_setting *setting)
{
	return setting->type == &type_group ||
	       setting->type == &type_optional_group ||
	       setting->type == &type_groups;
}

const struct schema_setting *schema_find(const struct schema_group *group,
					 const char *name)
{
	for (size_t i = 0; i < group->n_settings; i++)
		if (group->settings[i].name != NULL &&
		    strcmp(group->settings[i].name, name) == 0)
			return &group->settings[i];
	return NULL;
}

const struct schema_setting *schema_brief(const struct schema_setting *setting)
{
	return setting->brief == NULL ? NULL
				      : schema_find(setting->group, setting->brief);
}

const struct schema_handler *schema_find_handler(const char *name)
{
	for (size_t i = 0; schema_handlers[i] != NULL; i++)
		if (strcmp(schema_handlers[i]->name, name) == 0)
			return schema_handlers[i];
	return NULL;
}

unsigned conf_handler_methods(const char *handler)
{
	const struct schema_handler *found = schema_find_handler(handler);

	return found == NULL ? 0 : found->methods;
}

uint64_t schema_common_bit(const struct schema_setting *setting)
{
	size_t i = (size_t)(setting - schema_common.settings);

	ASSERT(i < schema_common.n_settings && i < 64);
	return (uint64_t)1 << i;
}

bool conf_gives(const struct conf_common *common, const void *field)
{
	size_t offset = (size_t)((const char *)field - (const char *)common);

	for (size_t i = 0; i < schema_common.n_settings; i++)
		if (schema_common.settings[i].offset == offset)
			return common->given & (uint64_t)1 << i;
	return false;
}

const char *conf_giver(const struct conf_common *common, const void *field)
{
	size_t offset = (size_t)((const char *)field - (const char *)common);
	const struct conf_common *site = common->site;

	if (site != NULL && !conf_gives(common, field) &&
	    conf_gives(site, (const char *)site + offset))
		return site->where;
	return common->where;
}

bool schema_word(const struct schema_setting *setting, size_t i,
		 struct str *word_out)
{
	if (setting->type->word != NULL)
		return setting->type->word(i, word_out);
	if (setting->words == NULL)
		return false;
	struct str rest = str_of(setting->words);

	*word_out = str_cut(&rest, '|');
	while (i-- > 0) {
		if (rest.p == NULL)
			return false;
		*word_out = str_cut(&rest, '|');
	}
	return true;
}

const char *schema_format_number(const struct schema_setting *setting,
				 uint64_t number, char text_out[32])
{
	if (setting->type->format != NULL)
		return setting->type->format(number, text_out);
	snprintf(text_out, 32, "%" PRIu64, number);
	return text_out;
}
