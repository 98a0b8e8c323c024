/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all types of settings share: finding the field, defaults, lists, words
 * and the types made of groups. The types themselves are in types_*.c.
 */
#include "conf/schema/types.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/conf.h"
#include "conf/suggest.h"
#include "conf/values.h"

/* All fields of lists begin like this. */
struct list_field {
	void *items;
	size_t n;
};

const struct setting_type type_group = {.name = "group", .expects = "a group { }"};
const struct setting_type type_optional_group = {.name = "group",
						 .expects = "a group { }"};
const struct setting_type type_groups = {
	.name = "list of groups",
	.expects = "a list of groups ( { }, { } )",
};
const struct setting_type type_common_settings = {.name = ""};
const struct setting_type type_handler_settings = {.name = ""};

struct setting_field setting_field(const struct setting_context *context,
				   const struct schema_setting *setting,
				   const void *base)
{
	char *start = (char *)(size_t)base;

	return (struct setting_field){context, setting, start + setting->offset,
				      start + setting->also};
}

const char *setting_read(const struct setting_context *context,
			 const struct schema_setting *setting, void *base,
			 struct setting_value value)
{
	struct setting_field f = setting_field(context, setting, base);

	return setting->type->read(&f, value);
}

void setting_start_list(const struct setting_context *context,
			const struct schema_setting *setting, void *base, size_t n)
{
	struct setting_field f = setting_field(context, setting, base);
	const struct setting_type *type = setting->type;
	struct list_field *list = f.field;

	if (type->start != NULL)
		type->start(&f);
	if (type->item_size == 0)
		return;
	list->items = arena_zalloc(context->arena, n, type->item_size);
	list->n = 0;
}

const char *setting_read_item(const struct setting_context *context,
			      const struct schema_setting *setting, void *base,
			      struct str item)
{
	struct setting_field f = setting_field(context, setting, base);

	return setting->type->read_item(&f, item);
}

/* The items of a list's default are separated by "|". */
static const char *read_default_list(const struct setting_context *context,
				     const struct schema_setting *setting,
				     void *base, struct str rest)
{
	const char *why = NULL;
	size_t n = 1;

	for (size_t i = 0; i < rest.n; i++)
		n += rest.p[i] == '|';
	setting_start_list(context, setting, base, n);
	while (rest.n > 0 && why == NULL)
		why = setting_read_item(context, setting, base,
					str_cut(&rest, '|'));
	return why;
}

/* As text if the type takes text: it knows the words. */
static struct setting_value default_value(const struct setting_type *type,
					  const char *text)
{
	struct setting_value value = {.text = str_of(text)};

	value.boolean = strcmp(text, "true") == 0;
	value.number = strtoll(text, NULL, 10);
	if (type->forms & SETTING_BOOLEAN &&
	    (value.boolean || strcmp(text, "false") == 0))
		value.form = SETTING_BOOLEAN;
	else if (type->forms & SETTING_TEXT)
		value.form = SETTING_TEXT;
	else
		value.form = SETTING_NUMBER;
	return value;
}

void setting_set_default(const struct setting_context *context,
			 const struct schema_setting *setting, void *base,
			 const char *fallback)
{
	const char *why;

	if (fallback == NULL)
		return;
	if (setting_is_list(setting->type))
		why = read_default_list(context, setting, base, str_of(fallback));
	else
		why = setting_read(context, setting, base,
				   default_value(setting->type, fallback));
	if (why != NULL)
		log_fatal("schema: the default of %s: %s", setting->name, why);
}

void setting_put_quoted(struct buf *out, struct str s)
{
	buf_put_cstr(out, "\"");
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_put_cstr(out, "\\n");
		else if (c == '\t')
			buf_put_cstr(out, "\\t");
		else if (c < ' ' || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else /* from 0x80 on as it is */
			buf_put(out, (struct str){s.p + i, 1});
	}
	buf_put_cstr(out, "\"");
}

static void show_list(const struct setting_field *f, struct buf *out)
{
	struct buf text = {0};

	buf_put_cstr(out, "[");
	for (size_t i = 0; f->setting->type->show_item(f, i, &text); i++) {
		buf_put_cstr(out, i > 0 ? ", " : " ");
		setting_put_quoted(out, buf_str(&text));
		buf_release(&text);
	}
	buf_put_cstr(out, " ]");
}

void setting_show(const struct schema_setting *setting, const void *base,
		  struct buf *out)
{
	struct setting_field f = setting_field(NULL, setting, base);

	if (setting_is_list(setting->type))
		show_list(&f, out);
	else
		setting->type->show(&f, out);
}

bool setting_find_word(const struct schema_setting *setting, struct str text,
		       size_t *index_out)
{
	struct str word;

	for (size_t i = 0; schema_word(setting, i, &word); i++) {
		if (str_equal(word, text)) {
			*index_out = i;
			return true;
		}
	}
	return false;
}

const char *setting_not_a_word(const struct setting_field *f,
			       struct setting_value value)
{
	struct arena *arena = f->context->arena;
	struct suggest guess = {.wrong = value.text};
	struct str word, next, all = {"", 0}, hint = {"", 0};
	bool are_numbers = f->setting->type->forms == SETTING_NUMBER;
	const char *quote = are_numbers ? "" : "\"";

	for (size_t i = 0; schema_word(f->setting, i, &word); i++) {
		const char *glue = i == 0                                  ? ""
				   : schema_word(f->setting, i + 1, &next) ? ", "
									   : " or ";

		suggest_offer(&guess, word);
		all = arena_printf(arena, "%" STR_FMT "%s%s%" STR_FMT "%s",
				   STR_ARG(all), glue, quote, STR_ARG(word), quote);
	}
	if (value.form == SETTING_NUMBER)
		return arena_printf(arena, "must be %" STR_FMT ", not %" PRId64,
				    STR_ARG(all), value.number)
			.p;
	if (guess.best.n > 0)
		hint = arena_printf(arena, "; did you mean \"%" STR_FMT "\"?",
				    STR_ARG(guess.best));
	return arena_printf(arena,
			    "must be %" STR_FMT ", not \"%" STR_FMT "\"%" STR_FMT,
			    STR_ARG(all), STR_ARG(value.text), STR_ARG(hint))
		.p;
}

const char *setting_check_line(struct str text)
{
	if (text.n == 0)
		return "must not be empty";
	if (value_has_control(text))
		return "must not hold control characters";
	return NULL;
}

bool setting_is_left_empty(const struct setting_field *f, struct str text)
{
	return text.n == 0 && f->setting->fallback != NULL &&
	       f->setting->fallback[0] == '\0';
}

struct str setting_absolute(const struct setting_field *f, struct str path)
{
	struct arena *arena = f->context->arena;

	if (path.n == 0 || path.p[0] != '/')
		path = arena_printf(arena, "%s/%" STR_FMT, f->context->directory,
				    STR_ARG(path));
	return value_file_path(arena, path);
}
