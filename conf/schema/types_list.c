/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types of settings that are a list of strings in the file. See
 * conf/schema/types.h. Each type stands behind its functions.
 */
#include "conf/schema/types.h"

#include <string.h>

#include "base/addr.h"
#include "base/codec/octet.h"
#include "conf/conf.h"
#include "conf/suggest.h"
#include "conf/values.h"

/* The place of the next item of a struct conf_strings. */
static struct str *next_string(const struct setting_field *f)
{
	struct conf_strings *list = f->field;

	return &list->items[list->n];
}

/* Keeps it, if nothing is wrong with it. */
static const char *keep_string(const struct setting_field *f, const char *why)
{
	if (why == NULL)
		((struct conf_strings *)f->field)->n++;
	return why;
}

static bool show_string(const struct setting_field *f, size_t i, struct buf *text)
{
	const struct conf_strings *list = f->field;

	if (i < list->n)
		buf_put(text, list->items[i]);
	return i < list->n;
}

static const char *read_host(const struct setting_field *f, struct str item)
{
	return keep_string(
		f, value_parse_host(f->context->arena, item, next_string(f)));
}

const struct setting_type type_hosts = {
	.name = "list of hosts",
	.expects = "a list of hosts such as [ \"example.org\" ]",
	.item_size = sizeof(struct str),
	.read_item = read_host,
	.show_item = show_string,
};

static const char *read_file_name(const struct setting_field *f, struct str name)
{
	const char *why = setting_check_line(name);

	if (why != NULL)
		return why;
	if (memchr(name.p, '/', name.n) != NULL || str_equal(name, STR(".")) ||
	    str_equal(name, STR("..")))
		return "must be the name of a file without a directory";
	*next_string(f) = arena_copy(f->context->arena, name);
	return keep_string(f, NULL);
}

const struct setting_type type_file_names = {
	.name = "list of file names",
	.expects = "a list of file names such as [ \"index.html\" ]",
	.may_be_empty = true,
	.item_size = sizeof(struct str),
	.read_item = read_file_name,
	.show_item = show_string,
};

static const char *read_media_range(const struct setting_field *f, struct str item)
{
	struct str subtype = item, type = str_cut(&subtype, '/');
	bool is_suffix = str_starts_with(item, STR("*+")) &&
			 octet_is_token(str_tail(item, 2));
	char *lower = arena_cstr(f->context->arena, item);

	if (!is_suffix && (!octet_is_token(type) || str_equal(type, STR("*")) ||
			   subtype.p == NULL || !octet_is_token(subtype)))
		return "is written as \"text/html\", \"text/*\" or \"*+json\"";
	for (size_t i = 0; i < item.n; i++)
		lower[i] = ascii_lower(lower[i]);
	*next_string(f) = (struct str){lower, item.n};
	return keep_string(f, NULL);
}

const struct setting_type type_media_ranges = {
	.name = "list of media types",
	.expects = "a list of media types such as [ \"text/*\" ]",
	.may_be_empty = true,
	.item_size = sizeof(struct str),
	.read_item = read_media_range,
	.show_item = show_string,
};

static const char *read_option(const struct setting_field *f, struct str option)
{
	struct str rest = option;
	struct str name = str_cut(&rest, '=');
	const char *why = setting_check_line(option);

	if (why == NULL && (name.n == 0 || rest.p == NULL))
		why = "an option is written as \"name=value\"";
	if (why == NULL)
		*next_string(f) = arena_copy(f->context->arena, option);
	return keep_string(f, why);
}

const struct setting_type type_options = {
	.name = "list of options",
	.expects = "a list of options such as [ \"name=value\" ]",
	.may_be_empty = true,
	.item_size = sizeof(struct str),
	.read_item = read_option,
	.show_item = show_string,
};

static const char *read_try(const struct setting_field *f, struct str item)
{
	struct conf_try *try = f->field;
	const char *why = setting_check_line(item);
	uint64_t status;

	if (why != NULL)
		return why;
	if (try->status != 0)
		return "nothing comes after a status";
	if (item.p[0] == '=') {
		if (!str_to_u64(str_tail(item, 1), &status) || status < 400 ||
		    status > 599)
			return "after \"=\" there is a status from 400 to 599";
		try->status = (unsigned)status;
		return NULL;
	}
	if (!template_compile(f->context->arena, item, &try->items[try->n], &why))
		return why;
	if (try->items[try->n].uses_form)
		return "\"${form.NAME}\" cannot be used here: files are found "
		       "before the body is read";
	try->n++;
	return NULL;
}

static bool show_try(const struct setting_field *f, size_t i, struct buf *text)
{
	const struct conf_try *try = f->field;

	if (i < try->n)
		buf_put(text, try->items[i].source);
	else if (i == try->n && try->status != 0)
		buf_printf(text, "=%u", try->status);
	else
		return false;
	return true;
}

const struct setting_type type_try = {
	.name = "list of templates",
	.expects = "a list of templates such as [ \"${rest}\", \"=404\" ]",
	.may_be_empty = true,
	.item_size = sizeof(struct template),
	.read_item = read_try,
	.show_item = show_try,
};

static const char *read_coding(const struct setting_field *f, struct str name)
{
	struct conf_codings *list = f->field;
	size_t coding = 0;

	while (coding < CONF_CODINGS && !str_equal(conf_coding_names[coding], name))
		coding++;
	if (coding == CONF_CODINGS)
		return arena_printf(f->context->arena,
				    "must be \"zstd\", \"br\" or \"gzip\", not "
				    "\"%" STR_FMT "\"",
				    STR_ARG(name))
			.p;
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i] == (enum conf_coding)coding)
			return arena_printf(f->context->arena,
					    "duplicate \"%" STR_FMT "\"",
					    STR_ARG(name))
				.p;
	list->items[list->n++] = (enum conf_coding)coding;
	return NULL;
}

static bool show_coding(const struct setting_field *f, size_t i, struct buf *text)
{
	const struct conf_codings *list = f->field;

	if (i < list->n)
		buf_put(text, conf_coding_names[list->items[i]]);
	return i < list->n;
}

const struct setting_type type_codings = {
	.name = "list of codings",
	.expects = "a list of codings such as [ \"br\", \"gzip\" ]",
	.may_be_empty = true,
	.item_size = sizeof(enum conf_coding),
	.read_item = read_coding,
	.show_item = show_coding,
};

static const char *read_network(const struct setting_field *f, struct str item)
{
	struct conf_networks *networks = f->field;
	const char *why = network_parse(item, &networks->items[networks->n]);

	if (why == NULL)
		networks->n++;
	return why;
}

static bool show_network(const struct setting_field *f, size_t i, struct buf *text)
{
	const struct conf_networks *networks = f->field;
	char network[ADDR_TEXT];

	if (i < networks->n)
		buf_put_cstr(text, network_format(&networks->items[i], network));
	return i < networks->n;
}

const struct setting_type type_networks = {
	.name = "list of networks",
	.expects = "a list of networks such as [ \"192.0.2.0/24\" ]",
	.may_be_empty = true,
	.item_size = sizeof(struct network),
	.read_item = read_network,
	.show_item = show_network,
};

static void start_methods(const struct setting_field *f)
{
	*(unsigned *)f->field = 0;
}

static const char *read_method(const struct setting_field *f, struct str name)
{
	struct arena *arena = f->context->arena;
	struct suggest guess = {.wrong = name};

	for (unsigned i = 0; i < METHOD_COUNT; i++) {
		if (str_equal(conf_method_names[i], name)) {
			*(unsigned *)f->field |= 1u << i;
			return NULL;
		}
		suggest_offer(&guess, conf_method_names[i]);
	}
	if (guess.best.n > 0)
		return arena_printf(arena,
				    "unknown method \"%" STR_FMT
				    "\"; did you mean \"%" STR_FMT "\"?",
				    STR_ARG(name), STR_ARG(guess.best))
			.p;
	return arena_printf(arena, "unknown method \"%" STR_FMT "\"", STR_ARG(name))
		.p;
}

/* The i-th of those that are in the set. */
static bool show_method(const struct setting_field *f, size_t i, struct buf *text)
{
	unsigned set = *(const unsigned *)f->field;

	for (; i > 0; i--)
		set &= set - 1;
	if (set != 0)
		buf_put(text, conf_method_names[__builtin_ctz(set)]);
	return set != 0;
}

static bool method_word(size_t i, struct str *word_out)
{
	if (i < METHOD_COUNT)
		*word_out = conf_method_names[i];
	return i < METHOD_COUNT;
}

const struct setting_type type_methods = {
	.name = "list of methods",
	.expects = "a list of methods such as [ \"GET\", \"HEAD\" ]",
	.word = method_word,
	.start = start_methods,
	.read_item = read_method,
	.show_item = show_method,
};

static const char *unknown_word(const struct setting_field *f, struct str name)
{
	struct suggest guess = {.wrong = name};
	struct str word;

	for (size_t i = 0; schema_word(f->setting, i, &word); i++)
		suggest_offer(&guess, word);
	if (guess.best.n > 0)
		return arena_printf(f->context->arena,
				    "unknown word \"%" STR_FMT
				    "\"; did you mean \"%" STR_FMT "\"?",
				    STR_ARG(name), STR_ARG(guess.best))
			.p;
	return arena_printf(f->context->arena,
			    "unknown word \"%" STR_FMT "\"; the words are %s",
			    STR_ARG(name), f->setting->words)
		.p;
}

static const char *read_one_word(const struct setting_field *f, struct str name)
{
	size_t word;

	if (!setting_find_word(f->setting, name, &word))
		return unknown_word(f, name);
	*(unsigned *)f->field |= 1u << word;
	return NULL;
}

/* The i-th of those that are in the set. */
static bool show_one_word(const struct setting_field *f, size_t i, struct buf *text)
{
	unsigned set = *(const unsigned *)f->field;
	struct str word;

	for (; i > 0; i--)
		set &= set - 1;
	if (set == 0 || !schema_word(f->setting, (size_t)__builtin_ctz(set), &word))
		return false;
	buf_put(text, word);
	return true;
}

const struct setting_type type_words = {
	.name = "list of words",
	.name_or_word = "list of words",
	.expects = "a list of words",
	.may_be_empty = true,
	.start = start_methods,
	.read_item = read_one_word,
	.show_item = show_one_word,
};

/* "FROM TO": the beginning has no spaces, the rest is a template. */
static const char *read_rewrite(const struct setting_field *f, struct str item)
{
	struct conf_replacements *list = f->field;
	struct conf_replacement *rewrite = &list->items[list->n];
	struct str to = item;
	struct str from = str_cut(&to, ' ');
	const char *why = setting_check_line(item);

	if (why == NULL && (from.n == 0 || to.p == NULL))
		why = "is written as \"FROM TO\", with a space between them";
	if (why == NULL &&
	    template_compile(f->context->arena, str_trim(to), &rewrite->to, &why)) {
		rewrite->from = arena_copy(f->context->arena, from);
		rewrite->source = arena_copy(f->context->arena, item);
		list->n++;
	}
	return why;
}

static bool show_rewrite(const struct setting_field *f, size_t i, struct buf *text)
{
	const struct conf_replacements *list = f->field;

	if (i < list->n)
		buf_put(text, list->items[i].source);
	return i < list->n;
}

static struct template *rewrite_template_at(const struct setting_field *f, size_t i)
{
	const struct conf_replacements *list = f->field;

	return i < list->n ? &list->items[i].to : NULL;
}

const struct setting_type type_replacements = {
	.name = "list of replacements",
	.expects = "a list such as [ \"http://app:8080/ /app/\" ]",
	.may_be_empty = true,
	.item_size = sizeof(struct conf_replacement),
	.read_item = read_rewrite,
	.show_item = show_rewrite,
	.template_at = rewrite_template_at,
};

static const char *read_condition(const struct setting_field *f, struct str item)
{
	struct conf_conditions *conditions = f->field;
	const char *why = setting_check_line(item);

	if (why == NULL)
		why = condition_parse(TEMPLATE_AT_END, f->context->arena, item,
				      &conditions->items[conditions->n]);
	if (why == NULL)
		conditions->n++;
	return why;
}

static bool show_condition(const struct setting_field *f, size_t i,
			   struct buf *text)
{
	const struct conf_conditions *conditions = f->field;

	if (i < conditions->n)
		buf_put(text, conditions->items[i].source);
	return i < conditions->n;
}

const struct setting_type type_conditions = {
	.name = "list of conditions",
	.expects = "a list of conditions such as [ \"${status} >= 400\" ]",
	.may_be_empty = true,
	.item_size = sizeof(struct conf_condition),
	.read_item = read_condition,
	.show_item = show_condition,
};
