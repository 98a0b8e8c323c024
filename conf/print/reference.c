/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf_reference(): the schema as the middle of holdfast.conf(5), in man(7)
 * macros. Run when holdfast is built, by conf/print/reference_main.c.
 */
#include "conf/conf.h"

#include "conf/schema/schema.h"

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

static const char *type_name(const struct schema_setting *setting)
{
	switch (setting->type) {
	case SCHEMA_STRING:
		return "string";
	case SCHEMA_PATH:
		return setting->words != NULL ? "path or name" : "path";
	case SCHEMA_DIRECTORY:
		return "path of a directory";
	case SCHEMA_MODULE:
		return "path of a file";
	case SCHEMA_MEDIA_TYPE:
		return "media type";
	case SCHEMA_FIELD_NAME:
		return "name of a field";
	case SCHEMA_NAME:
	case SCHEMA_HANDLER:
	case SCHEMA_CHOICE:
		return "name";
	case SCHEMA_TOKEN:
		return "name";
	case SCHEMA_BOOLEAN:
		return "true or false";
	case SCHEMA_COUNT:
	case SCHEMA_CODE:
		return "number";
	case SCHEMA_WORKERS:
		return "number or name";
	case SCHEMA_SIZE:
		return "size";
	case SCHEMA_DURATION:
		return "duration";
	case SCHEMA_RATE:
		return "rate";
	case SCHEMA_MODE:
		return "octal digits in quotes";
	case SCHEMA_ADDRESS:
		return "address";
	case SCHEMA_ROUTE_PATH:
		return "path of a URL";
	case SCHEMA_TEMPLATE:
	case SCHEMA_LINE:
		return "template";
	case SCHEMA_LOG_FORMAT:
		return "name or template";
	case SCHEMA_HOSTS:
		return "list of hosts";
	case SCHEMA_FILE_NAMES:
		return "list of file names";
	case SCHEMA_TRY:
		return "list of templates";
	case SCHEMA_CODINGS:
		return "list of codings";
	case SCHEMA_MEDIA_RANGES:
		return "list of media types";
	case SCHEMA_METHODS:
		return "list of methods";
	case SCHEMA_NETWORKS:
		return "list of networks";
	case SCHEMA_REQUEST_FIELDS:
	case SCHEMA_RESPONSE_FIELDS:
		return "list of fields";
	case SCHEMA_ERROR_PAGES:
		return "list of statuses and paths";
	case SCHEMA_OPTIONS:
		return "list of options";
	case SCHEMA_TYPES:
		break;
	}
	return "";
}

static bool is_number(const struct schema_setting *setting)
{
	return setting->type == SCHEMA_COUNT || setting->type == SCHEMA_CODE ||
	       setting->type == SCHEMA_BOOLEAN;
}

static void put_value(struct buf *line, const struct schema_setting *setting,
		      struct str value)
{
	const char *quote = is_number(setting) ? "" : "\\(dq";

	buf_printf(line, "\\fB%s", quote);
	put_text(line, value);
	buf_printf(line, "%s\\fR", quote);
}

static void put_words(struct buf *out, const struct schema_setting *setting)
{
	struct buf line = {0};
	struct str word, next;
	bool among_others =
		setting->type == SCHEMA_PATH || setting->type == SCHEMA_WORKERS ||
		setting->type == SCHEMA_RATE || setting->type == SCHEMA_LOG_FORMAT;

	if (!schema_word(setting, 0, &word))
		return;
	buf_put_cstr(&line, among_others ? "Names: " : "One of ");
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
	bool is_list = schema_is_list(setting->type) && setting->fallback != NULL;

	if (setting->fallback == NULL && setting->fallback_help == NULL)
		return;
	buf_put_cstr(&line, "Default: ");
	if (setting->fallback == NULL)
		put_text(&line, str_of(setting->fallback_help));
	else if (is_list)
		put_default_list(&line, setting);
	else
		put_value(&line, setting, str_of(setting->fallback));
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
	char least[32], most[32];

	if (setting->most == 0)
		return;
	buf_printf(out, "From %s to %s.\n",
		   schema_format_number(setting, setting->least, least),
		   schema_format_number(setting, setting->most, most));
}

static void put_setting(struct buf *out, const struct schema_setting *setting)
{
	buf_printf(out, ".TP\n\\fB%s\\fR (%s%s)\n", setting->name,
		   type_name(setting), setting->required ? ", required" : "");
	put_sentences(out, setting->help);
	put_words(out, setting);
	if (setting->type == SCHEMA_METHODS) {
		struct buf line = {0};

		buf_put_cstr(&line, "One or more of ");
		put_method_names(&line, (1u << METHOD_COUNT) - 1);
		end_sentence(out, &line);
	}
	put_bounds(out, setting);
	put_default(out, setting);
}

static void put_settings(struct buf *out, enum schema_section_id id,
			 const char *handler)
{
	for (size_t i = 0; i < schema_n_settings; i++) {
		const struct schema_setting *setting = &schema_settings[i];

		if (setting->section != id ||
		    (handler == NULL) != (setting->handler == NULL))
			continue;
		if (schema_applies(setting, handler))
			put_setting(out, setting);
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
	put_settings(out, SCHEMA_ROUTES, handler->name);
}

void conf_reference(struct buf *out)
{
	for (size_t i = 0; i < SCHEMA_SECTIONS; i++) {
		const struct schema_section *section = &schema_sections[i];

		buf_printf(out, ".SS \"%s%s\"\n",
			   section->title[0] == '\0' ? "Top level"
			   : i == SCHEMA_COMMON      ? "Common to "
			   : section->is_list        ? "List "
						     : "Group ",
			   section->title);
		put_sentences(out, section->help);
		put_settings(out, (enum schema_section_id)i, NULL);
	}
	for (size_t i = 0; i < schema_n_handlers; i++)
		put_handler(out, &schema_handlers[i]);
}
