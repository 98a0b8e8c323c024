/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types of settings that hold text: strings, names, addresses and templates.
 * See conf/schema/types.h. Each type stands behind its functions.
 */
#include "conf/schema/types.h"

#include "base/addr.h"
#include "base/codec/octet.h"
#include "conf/conf.h"
#include "conf/suggest.h"
#include "conf/template.h"
#include "conf/values.h"

static const char *read_string(const struct setting_field *f,
			       struct setting_value value)
{
	const char *why = setting_is_left_empty(f, value.text)
				  ? NULL
				  : setting_check_line(value.text);

	if (why == NULL)
		*(const char **)f->field =
			arena_cstr(f->context->arena, value.text);
	return why;
}

static void show_string(const struct setting_field *f, struct buf *out)
{
	setting_put_quoted(out, str_of(*(const char *const *)f->field));
}

const struct setting_type type_string = {
	.name = "string",
	.expects = "a string",
	.forms = SETTING_TEXT,
	.read = read_string,
	.show = show_string,
};

static const char *read_token(const struct setting_field *f,
			      struct setting_value value)
{
	if (!setting_is_left_empty(f, value.text) && !octet_is_token(value.text))
		return "must be letters, digits, and signs such as \"-\"";
	return read_string(f, value);
}

const struct setting_type type_token = {
	.name = "name",
	.expects = "a name in quotes",
	.forms = SETTING_TEXT,
	.read = read_token,
	.show = show_string,
};

/* RFC 9110 section 8.3.1; parameters are not checked. */
static const char *read_media_type(const struct setting_field *f,
				   struct setting_value value)
{
	const char *why = setting_check_line(value.text);
	struct str rest = value.text;
	struct str essence = str_trim(str_cut(&rest, ';'));
	struct str type = str_cut(&essence, '/');

	if (why != NULL)
		return why;
	if (!octet_is_token(type) || essence.p == NULL || !octet_is_token(essence))
		return "a media type is written as \"text/html\" or "
		       "\"text/html; charset=utf-8\"";
	return read_string(f, value);
}

const struct setting_type type_media_type = {
	.name = "media type",
	.expects = "a media type such as \"text/html\"",
	.forms = SETTING_TEXT,
	.read = read_media_type,
	.show = show_string,
};

static const char *read_field_name(const struct setting_field *f,
				   struct setting_value value)
{
	if (!octet_is_token(value.text))
		return "is not the name of a field";
	return read_string(f, value);
}

const struct setting_type type_field_name = {
	.name = "name of a field",
	.expects = "the name of a field in quotes",
	.forms = SETTING_TEXT,
	.read = read_field_name,
	.show = show_string,
};

static const char *read_name(const struct setting_field *f,
			     struct setting_value value)
{
	size_t word;

	if (!setting_find_word(f->setting, value.text, &word))
		return setting_not_a_word(f, value);
	*(const char **)f->field = arena_cstr(f->context->arena, value.text);
	return NULL;
}

const struct setting_type type_name = {
	.name = "name",
	.expects = "a name in quotes",
	.forms = SETTING_TEXT,
	.read = read_name,
	.show = show_string,
};

static bool handler_word(size_t i, struct str *word_out)
{
	for (size_t k = 0; schema_handlers[k] != NULL; k++) {
		if (k == i) {
			*word_out = str_of(schema_handlers[k]->name);
			return true;
		}
	}
	return false;
}

const struct setting_type type_handler = {
	.name = "name",
	.expects = "the name of a handler in quotes",
	.forms = SETTING_TEXT,
	.word = handler_word,
	.read = read_name,
	.show = show_string,
};

static const char *read_address(const struct setting_field *f,
				struct setting_value value)
{
	static const struct str scheme = STR_INIT("unix:");
	struct arena *arena = f->context->arena;
	struct str text = value.text, path = str_tail(text, scheme.n);
	struct addr addr;
	char canonical[ADDR_TEXT];
	const char *why = setting_check_line(text);

	if (why != NULL)
		return why;
	if (str_starts_with(text, scheme) && path.n > 0 && path.p[0] != '@') {
		path = setting_absolute(f, path);
		text = arena_printf(arena, "unix:%" STR_FMT, STR_ARG(path));
	}
	why = addr_parse(text, &addr);
	if (why != NULL)
		return why;
	*(const char **)f->field =
		arena_cstr(arena, str_of(addr_format(&addr, canonical)));
	*(struct addr *)f->also = addr;
	return NULL;
}

const struct setting_type type_address = {
	.name = "address",
	.expects = "an address in quotes such as \"127.0.0.1:8080\"",
	.forms = SETTING_TEXT,
	.read = read_address,
	.show = show_string,
};

static const char *read_server(const struct setting_field *f,
			       struct setting_value value)
{
	struct addr addr;

	if (value_is_named_server(value.text) &&
	    addr_parse(value.text, &addr) != NULL) {
		*(const char **)f->field =
			arena_cstr(f->context->arena, value.text);
		*(struct addr *)f->also = (struct addr){.length = 0};
		return NULL;
	}
	return read_address(f, value);
}

const struct setting_type type_server = {
	.name = "address",
	.expects = "an address in quotes such as \"127.0.0.1:9000\" or "
		   "\"app.internal:9000\"",
	.forms = SETTING_TEXT,
	.read = read_server,
	.show = show_string,
};

/* Whether it is a path or a pattern is known, and checked, once the whole route
 * is read: check_match() in conf/load/checks_sites.c. */
static const char *read_route_path(const struct setting_field *f,
				   struct setting_value value)
{
	const char *why = setting_check_line(value.text);

	if (why == NULL)
		*(struct str *)f->field = arena_copy(f->context->arena, value.text);
	return why;
}

static void show_route_path(const struct setting_field *f, struct buf *out)
{
	setting_put_quoted(out, *(const struct str *)f->field);
}

const struct setting_type type_route_path = {
	.name = "path of a URL",
	.expects = "a path in quotes such as \"/\"",
	.forms = SETTING_TEXT,
	.read = read_route_path,
	.show = show_route_path,
};

static const char *read_template(const struct setting_field *f,
				 struct setting_value value)
{
	struct template template;
	const char *why;

	if (!template_compile(f->context->arena, value.text, &template, &why))
		return why;
	*(struct template *)f->field = template;
	return NULL;
}

static void show_template(const struct setting_field *f, struct buf *out)
{
	setting_put_quoted(out, ((const struct template *)f->field)->source);
}

static struct template *template_at(const struct setting_field *f, size_t i)
{
	return i == 0 ? f->field : NULL;
}

const struct setting_type type_template = {
	.name = "template",
	.expects = "a string",
	.forms = SETTING_TEXT,
	.read = read_template,
	.show = show_template,
	.template_at = template_at,
};

static const char *read_line(const struct setting_field *f,
			     struct setting_value value)
{
	const char *why = setting_check_line(value.text);

	return why != NULL ? why : read_template(f, value);
}

const struct setting_type type_line = {
	.name = "template",
	.expects = "a string",
	.forms = SETTING_TEXT,
	.read = read_line,
	.show = show_template,
	.template_at = template_at,
};

/* A line of a log is one line, whatever is in it; tabs are welcome. */
static const char *check_log_line(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return "must not hold control characters but tabs";
	}
	return NULL;
}

static bool has_variable(struct str text)
{
	for (; text.n > 1; text = str_tail(text, 1))
		if (str_starts_with(text, STR("${")))
			return true;
	return false;
}

static const char *not_a_format(const struct setting_field *f, struct str text)
{
	struct arena *arena = f->context->arena;
	struct suggest guess = {.wrong = text};
	struct str word, hint = {"", 0};

	for (size_t i = 0; schema_word(f->setting, i, &word); i++)
		suggest_offer(&guess, word);
	if (guess.best.n > 0)
		hint = arena_printf(arena, "; did you mean \"%" STR_FMT "\"?",
				    STR_ARG(guess.best));
	return arena_printf(arena,
			    "must be \"combined\", \"json\" or a line with "
			    "variables such as \"${path}\", not \"%" STR_FMT
			    "\"%" STR_FMT,
			    STR_ARG(text), STR_ARG(hint))
		.p;
}

static const char *read_log_format(const struct setting_field *f,
				   struct setting_value value)
{
	struct template template;
	size_t word;

	if (setting_find_word(f->setting, value.text, &word)) {
		*(int *)f->field = (int)word;
		return NULL;
	}
	if (!has_variable(value.text))
		return not_a_format(f, value.text);
	const char *why = check_log_line(value.text);

	if (why != NULL || !template_compile_at(TEMPLATE_AT_END, f->context->arena,
						value.text, &template, &why))
		return why;
	*(int *)f->field = CONF_LOG_TEMPLATE;
	*(struct template *)f->also = template;
	return NULL;
}

static void show_log_format(const struct setting_field *f, struct buf *out)
{
	struct str word;

	if (schema_word(f->setting, (size_t) * (const int *)f->field, &word))
		setting_put_quoted(out, word);
	else
		setting_put_quoted(out, ((const struct template *)f->also)->source);
}

const struct setting_type type_log_format = {
	.name = "name or template",
	.expects = "a name or a template in quotes",
	.forms = SETTING_TEXT,
	.has_other_values = true,
	.read = read_log_format,
	.show = show_log_format,
};

/* The number after the last word is a template. */
static const char *read_choice_or_line(const struct setting_field *f,
				       struct setting_value value)
{
	struct template template;
	struct str none;
	size_t word;
	const char *why;

	if (!setting_find_word(f->setting, value.text, &word)) {
		why = setting_check_line(value.text);
		if (why != NULL || !template_compile(f->context->arena, value.text,
						     &template, &why))
			return why;
		*(struct template *)f->also = template;
		word = 0;
		while (schema_word(f->setting, word, &none))
			word++;
	}
	*(int *)f->field = (int)word;
	return NULL;
}

static struct template *also_template_at(const struct setting_field *f, size_t i)
{
	struct str word;

	return i == 0 && !schema_word(f->setting, (size_t) * (const int *)f->field,
				      &word)
		       ? f->also
		       : NULL;
}

const struct setting_type type_choice_or_line = {
	.name = "template",
	.name_or_word = "template or word",
	.expects = "a string",
	.forms = SETTING_TEXT,
	.has_other_values = true,
	.read = read_choice_or_line,
	.show = show_log_format,
	.template_at = also_template_at,
};
