/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf_reference(): the schema as the middle of holdfast.conf(5), in man(7)
 * macros. Run when holdfast is built, by conf/print/reference_main.c.
 */
#include "conf/print/reference.h"

#include "conf/conf.h"
#include "conf/schema/types.h"

enum { REFERENCE_COLUMNS = 78 };

/* Text with what roff would turn into typography kept as ASCII. */
static void put_text(struct buf *line, struct str s)
{
	static const struct {
		char c;
		const char *roff;
	} escapes[] = {
		{'\\', "\\e"},  {'-', "\\-"},   {'"', "\\(dq"},
		{'~', "\\(ti"}, {'^', "\\(ha"},
	};

	for (size_t i = 0; i < s.n; i++) {
		const char *roff = NULL;

		for (size_t e = 0; e < sizeof(escapes) / sizeof(escapes[0]); e++)
			if (escapes[e].c == s.p[i])
				roff = escapes[e].roff;
		if (roff != NULL)
			buf_put_cstr(line, roff);
		else
			buf_put(line, (struct str){s.p + i, 1});
	}
}

/* Moves a sentence to `out`, broken into lines. No line begins with what roff
 * takes for a macro. */
static void end_sentence(struct buf *out, struct buf *sentence)
{
	struct str rest = buf_str(sentence);
	size_t column = 0;

	while (rest.p != NULL && sentence->end > 0) {
		struct str word = str_cut(&rest, ' ');

		if (column > 0 && column + 1 + word.n > REFERENCE_COLUMNS) {
			buf_put_cstr(out, "\n");
			column = 0;
		}
		if (column > 0)
			buf_put_cstr(out, " ");
		else if (word.n > 0 && (word.p[0] == '.' || word.p[0] == '\''))
			buf_put_cstr(out, "\\&");
		buf_put(out, word);
		column += word.n + 1;
	}
	buf_put_cstr(out, "\n");
	buf_release(sentence);
}

/* Each sentence begins a line: roff sets the space between them. */
static void put_sentences(struct buf *out, const char *text)
{
	struct str rest = str_of(text);

	while (rest.n > 0) {
		struct buf line = {0};
		size_t n = 0;

		while (n < rest.n && !(rest.p[n] == '.' && n + 1 < rest.n &&
				       rest.p[n + 1] == ' '))
			n++;
		n += n < rest.n;
		put_text(&line, (struct str){rest.p, n});
		end_sentence(out, &line);
		rest = str_tail(rest, n + 1);
	}
}

static const char *name_of_type(const struct schema_setting *setting)
{
	const struct setting_type *type = setting->type;

	return setting->words != NULL && type->name_or_word != NULL
		       ? type->name_or_word
		       : type->name;
}

/* Whether its values stand in the file without quotes. */
static bool is_bare(const struct schema_setting *setting)
{
	return !setting_is_list(setting->type) &&
	       !(setting->type->forms & SETTING_TEXT);
}

static void put_value(struct buf *line, const struct schema_setting *setting,
		      struct str value)
{
	const char *quote = is_bare(setting) ? "" : "\\(dq";

	buf_printf(line, "\\fB%s", quote);
	put_text(line, value);
	buf_printf(line, "%s\\fR", quote);
}

static void put_words(struct buf *out, const struct schema_setting *setting)
{
	struct buf line = {0};
	struct str word, next;

	if (!schema_word(setting, 0, &word))
		return;
	buf_put_cstr(&line, setting->type->has_other_values  ? "Names: "
			    : setting_is_list(setting->type) ? "One or more of "
							     : "One of ");
	for (size_t i = 0; schema_word(setting, i, &word); i++) {
		if (i > 0)
			buf_put_cstr(&line, schema_word(setting, i + 1, &next)
						    ? ", "
						    : " or ");
		put_value(&line, setting, word);
	}
	buf_put_cstr(&line, ".");
	end_sentence(out, &line);
}

static void put_default_list(struct buf *line, const struct schema_setting *setting)
{
	struct str rest = str_of(setting->fallback);
	const char *glue = " ";

	buf_put_cstr(line, "[");
	while (rest.n > 0) {
		buf_put_cstr(line, glue);
		put_value(line, setting, str_cut(&rest, '|'));
		glue = ", ";
	}
	buf_put_cstr(line, " ]");
}

static void put_default(struct buf *out, const struct schema_setting *setting)
{
	struct buf line = {0};
	bool is_list = setting_is_list(setting->type) && setting->fallback != NULL;

	if (setting->fallback == NULL && setting->fallback_help == NULL)
		return;
	buf_put_cstr(&line, "Default: ");
	if (setting->fallback == NULL)
		put_text(&line, str_of(setting->fallback_help));
	else if (is_list)
		put_default_list(&line, setting);
	else
		put_value(&line,
			  setting->brief != NULL ? schema_brief(setting) : setting,
			  str_of(setting->fallback));
	buf_put_cstr(&line, ".");
	end_sentence(out, &line);
}

static void put_method_names(struct buf *line, unsigned set)
{
	const char *glue = "";

	for (size_t i = 0; i < METHOD_COUNT; i++) {
		if ((set & 1u << i) == 0)
			continue;
		buf_printf(line, "%s\\fB%s\\fR", glue, conf_method_names[i].p);
		glue = ", ";
	}
	buf_put_cstr(line, ".");
}

static void put_bounds(struct buf *out, const struct schema_setting *setting)
{
	char min[32], max[32];

	if (setting->max == 0)
		return;
	buf_printf(out, "From %s to %s.\n",
		   schema_format_number(setting, setting->min, min),
		   schema_format_number(setting, setting->max, max));
}

/* A setting that is a group, if a value may stand in its place. */
static void put_brief(struct buf *out, const struct schema_setting *setting)
{
	bool is_list = setting->type == &type_groups;

	buf_printf(out, ".TP\n\\fB%s\\fR (%s, or a %s)\n", setting->name,
		   name_of_type(schema_brief(setting)), setting->type->name);
	put_sentences(out, setting->help);
	put_words(out, schema_brief(setting));
	put_default(out, setting);
	buf_printf(out, "See %s \\fB%s\\fR below.\n", is_list ? "list" : "group",
		   setting->group->title);
}

static void put_setting(struct buf *out, const struct schema_setting *setting)
{
	if (schema_is_group(setting)) {
		if (setting->brief != NULL)
			put_brief(out, setting);
		return;
	}
	buf_printf(out, ".TP\n\\fB%s\\fR (%s%s)\n", setting->name,
		   name_of_type(setting), setting->required ? ", required" : "");
	put_sentences(out, setting->help);
	if (setting->old_name != NULL)
		buf_printf(out, "It was \\fB%s\\fR, which is still accepted.\n",
			   setting->old_name);
	put_words(out, setting);
	put_bounds(out, setting);
	put_default(out, setting);
}

static void put_group(struct buf *out, const struct schema_group *group,
		      const char *kind)
{
	buf_printf(out, ".SS \"%s%s\"\n", kind, group->title);
	put_sentences(out, group->help);
	for (size_t i = 0; i < group->n_settings; i++)
		if (group->settings[i].name != NULL)
			put_setting(out, &group->settings[i]);
}

void reference_put(struct buf *out, const struct schema_group *group,
		   const char *kind)
{
	put_group(out, group, kind);
	for (size_t i = 0; i < group->n_settings; i++) {
		const struct schema_setting *row = &group->settings[i];

		if (schema_is_group(row))
			reference_put(out, row->group,
				      row->type == &type_groups ? "List "
								: "Group ");
	}
}

static void put_handler(struct buf *out, const struct schema_handler *handler)
{
	struct buf line = {0};

	buf_printf(out, ".SS \"Handler %s\"\n", handler->name);
	put_sentences(out, handler->help);
	buf_put_cstr(&line, "Methods, when the route names none: ");
	put_method_names(&line, handler->methods);
	end_sentence(out, &line);
	for (size_t i = 0; handler->group != NULL && i < handler->group->n_settings;
	     i++)
		put_setting(out, &handler->group->settings[i]);
}

void conf_reference(struct buf *out)
{
	reference_put(out, &schema_top, "Top level");
	put_group(out, &schema_common, "Common to ");
	for (size_t i = 0; schema_handlers[i] != NULL; i++)
		put_handler(out, schema_handlers[i]);
}
