/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity(2) */
#endif
#include "conf/load/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/log.h"
#include "conf/conf.h"
#include "conf/schema/common.h"
#include "conf/suggest.h"
#include "conf/template.h"
#include "conf/values.h"

/* What a reading function gets; `field` is of the type schema.h says. */
struct field {
	const struct reader *reader;
	const struct schema_setting *setting;
	void *field;
	void *also;
};

static const char *say(const struct reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static const char *say(const struct reader *reader, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	struct str text = arena_vprintf(reader->arena, format, args);

	va_end(args);
	return text.p;
}

static bool find_word(const struct schema_setting *setting, struct str text,
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

/* "must be "a", "b" or "c", not "x"", with a guess at what was meant. */
static const char *not_a_word(const struct field *f, struct reader_value value)
{
	struct arena *arena = f->reader->arena;
	struct suggest guess = {.wrong = value.text};
	struct str word, next, all = {"", 0};
	const char *quote = f->setting->type == SCHEMA_CODE ? "" : "\"";

	for (size_t i = 0; schema_word(f->setting, i, &word); i++) {
		const char *glue = i == 0                                  ? ""
				   : schema_word(f->setting, i + 1, &next) ? ", "
									   : " or ";

		suggest_offer(&guess, word);
		all = arena_printf(arena, "%" STR_FMT "%s%s%" STR_FMT "%s",
				   STR_ARG(all), glue, quote, STR_ARG(word), quote);
	}
	if (value.form == READER_NUMBER)
		return say(f->reader, "must be %" STR_FMT ", not %" PRId64,
			   STR_ARG(all), value.number);
	if (guess.best.n > 0)
		return say(f->reader,
			   "must be %" STR_FMT ", not \"%" STR_FMT
			   "\"; did you mean \"%" STR_FMT "\"?",
			   STR_ARG(all), STR_ARG(value.text), STR_ARG(guess.best));
	return say(f->reader, "must be %" STR_FMT ", not \"%" STR_FMT "\"",
		   STR_ARG(all), STR_ARG(value.text));
}

static const char *check_line(struct str text)
{
	if (text.n == 0)
		return "must not be empty";
	if (value_has_control(text))
		return "must not hold control characters";
	return NULL;
}

/* Whether it may be empty, and is. */
static bool is_left_empty(const struct field *f, struct str text)
{
	return text.n == 0 && f->setting->fallback != NULL &&
	       f->setting->fallback[0] == '\0';
}

static const char *read_string(const struct field *f, struct reader_value value)
{
	const char *why =
		is_left_empty(f, value.text) ? NULL : check_line(value.text);

	if (why == NULL)
		*(const char **)f->field = arena_cstr(f->reader->arena, value.text);
	return why;
}

static struct str absolute(const struct reader *reader, struct str path)
{
	if (path.n > 0 && path.p[0] == '/')
		return value_file_path(reader->arena, path);
	return value_file_path(reader->arena,
			       arena_printf(reader->arena, "%s/%" STR_FMT,
					    reader->directory, STR_ARG(path)));
}

static const char *read_path(const struct field *f, struct reader_value value)
{
	const char **field = f->field;
	size_t word;

	if (find_word(f->setting, value.text, &word) ||
	    (value.text.n == 0 && f->setting->fallback != NULL &&
	     f->setting->fallback[0] == '\0')) {
		*field = arena_cstr(f->reader->arena, value.text);
		return NULL;
	}
	const char *why = check_line(value.text);

	if (why != NULL)
		return why;
	struct str path = absolute(f->reader, value.text);

	if (path.n >= PATH_MAX)
		return "the path is too long";
	*field = path.p;
	return NULL;
}

static const char *read_directory(const struct field *f, struct reader_value value)
{
	const char **field = f->field, *before = *field;
	const char *why = read_path(f, value);
	struct stat st;

	if (why != NULL)
		return why;
	if (stat(*field, &st) == -1)
		why = strerror(errno);
	else if (!S_ISDIR(st.st_mode))
		why = strerror(ENOTDIR);
	if (why != NULL) {
		why = say(f->reader, "%s: %s", *field, why);
		*field = before;
	}
	return why;
}

static const char *read_token(const struct field *f, struct reader_value value)
{
	if (!is_left_empty(f, value.text) && !value_is_token(value.text))
		return "must be letters, digits, and signs such as \"-\"";
	return read_string(f, value);
}

static const char *read_boolean(const struct field *f, struct reader_value value)
{
	*(bool *)f->field = value.boolean;
	return NULL;
}

/* Read as the path of a file that has to be there. */
static const char *read_module(const struct field *f, struct reader_value value)
{
	struct arena *arena = f->reader->arena;
	const char **field = f->field, *before = *field;
	struct stat st;

	if (value.text.n > 0 && memchr(value.text.p, '/', value.text.n) == NULL)
		value.text = arena_printf(arena, "%s/%" STR_FMT, HOLDFAST_MODULES,
					  STR_ARG(value.text));
	const char *why = read_path(f, value);

	if (why != NULL)
		return why;
	if (stat(*field, &st) == -1)
		why = strerror(errno);
	else if (S_ISDIR(st.st_mode))
		why = strerror(EISDIR);
	if (why != NULL) {
		why = say(f->reader, "%s: %s", *field, why);
		*field = before;
	}
	return why;
}

/* RFC 9110 section 8.3.1; parameters are taken on trust. */
static const char *read_media_type(const struct field *f, struct reader_value value)
{
	const char *why = check_line(value.text);
	struct str rest = value.text;
	struct str essence = str_trim(str_cut(&rest, ';'));
	struct str type = str_cut(&essence, '/');

	if (why != NULL)
		return why;
	if (!value_is_token(type) || essence.p == NULL || !value_is_token(essence))
		return "a media type is written as \"text/html\" or "
		       "\"text/html; charset=utf-8\"";
	return read_string(f, value);
}

static const char *read_field_name(const struct field *f, struct reader_value value)
{
	if (!value_is_token(value.text))
		return "is not the name of a field";
	return read_string(f, value);
}

static const char *read_name(const struct field *f, struct reader_value value)
{
	size_t word;

	if (!find_word(f->setting, value.text, &word))
		return not_a_word(f, value);
	*(const char **)f->field = arena_cstr(f->reader->arena, value.text);
	return NULL;
}

static const char *read_choice(const struct field *f, struct reader_value value)
{
	size_t word;

	if (!find_word(f->setting, value.text, &word))
		return not_a_word(f, value);
	*(int *)f->field = (int)word;
	return NULL;
}

static const char *set_number(const struct field *f, uint64_t number,
			      const char *as_written)
{
	const struct schema_setting *s = f->setting;
	char bound[VALUE_TEXT];

	if (number < s->least)
		return say(f->reader, "%s is below the least, %s", as_written,
			   schema_format_number(s, s->least, bound));
	if (number > s->most)
		return say(f->reader, "%s is above the most, %s", as_written,
			   schema_format_number(s, s->most, bound));
	*(uint64_t *)f->field = number;
	return NULL;
}

static const char *read_count(const struct field *f, struct reader_value value)
{
	char text[VALUE_TEXT];

	snprintf(text, sizeof(text), "%" PRId64, value.number);
	if (value.number < 0)
		return say(f->reader, "%s is below the least, %" PRIu64, text,
			   f->setting->least);
	return set_number(f, (uint64_t)value.number, text);
}

static const char *read_code(const struct field *f, struct reader_value value)
{
	size_t word;
	char text[VALUE_TEXT];

	snprintf(text, sizeof(text), "%" PRId64, value.number);
	if (!find_word(f->setting, str_of(text), &word))
		return not_a_word(f, value);
	*(uint64_t *)f->field = (uint64_t)value.number;
	return NULL;
}

/* CPUs that this process may run on, within what the setting allows. */
static uint64_t count_cpus(const struct schema_setting *setting)
{
	cpu_set_t set;
	long n;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	else /* more CPUs than the set has room for */
		n = sysconf(_SC_NPROCESSORS_ONLN);
	if (n < (long)setting->least)
		return setting->least;
	return n > (long)setting->most ? setting->most : (uint64_t)n;
}

static const char *read_workers(const struct field *f, struct reader_value value)
{
	bool is_auto = value.form == READER_TEXT;
	const char *why = NULL;

	if (value.form == READER_NUMBER)
		why = read_count(f, value);
	else if (str_equal(value.text, STR("auto")))
		*(uint64_t *)f->field = count_cpus(f->setting);
	else
		why = "must be a number or \"auto\"";
	if (why == NULL)
		*(bool *)f->also = is_auto;
	return why;
}

/* A size, or a duration, in which a bare number has its own unit. */
static const char *read_quantity(const struct field *f, struct reader_value value,
				 const char *(*parse)(struct str, uint64_t *))
{
	char text[VALUE_TEXT];
	uint64_t number;

	if (value.form == READER_NUMBER) {
		if (value.number < 0)
			return "must not be negative";
		snprintf(text, sizeof(text), "%" PRId64, value.number);
		value.text = str_of(text);
	}
	const char *why = parse(value.text, &number);

	if (why != NULL)
		return why;
	return set_number(f, number, value.text.p);
}

static const char *read_size(const struct field *f, struct reader_value value)
{
	return read_quantity(f, value, value_parse_size);
}

static const char *read_duration(const struct field *f, struct reader_value value)
{
	return read_quantity(f, value, value_parse_duration);
}

static const char *read_rate(const struct field *f, struct reader_value value)
{
	struct conf_rate rate;
	const char *why = value_parse_rate(value.text, &rate.n, &rate.period);

	if (why == NULL)
		*(struct conf_rate *)f->field = rate;
	return why;
}

static const char *read_mode(const struct field *f, struct reader_value value)
{
	return value_parse_mode(value.text, f->field);
}

static const char *read_address(const struct field *f, struct reader_value value)
{
	static const struct str scheme = STR_INIT("unix:");
	struct arena *arena = f->reader->arena;
	struct str text = value.text, path = str_tail(text, scheme.n);
	struct addr addr;
	char canonical[ADDR_TEXT];
	const char *why = check_line(text);

	if (why != NULL)
		return why;
	if (str_starts_with(text, scheme) && path.n > 0 && path.p[0] != '@') {
		path = absolute(f->reader, path);
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

/* What it may be is for a check that knows how it is matched. */
static const char *read_route_path(const struct field *f, struct reader_value value)
{
	const char *why = check_line(value.text);

	if (why == NULL)
		*(struct str *)f->field = arena_copy(f->reader->arena, value.text);
	return why;
}

static const char *read_template(const struct field *f, struct reader_value value)
{
	struct template template;
	const char *why;

	if (!template_compile(f->reader->arena, value.text, &template, &why))
		return why;
	*(struct template *)f->field = template;
	return NULL;
}

static const char *read_line(const struct field *f, struct reader_value value)
{
	const char *why = check_line(value.text);

	return why != NULL ? why : read_template(f, value);
}

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

static const char *not_a_format(const struct field *f, struct str text)
{
	struct suggest guess = {.wrong = text};
	struct str word;
	const char *hint = "";

	for (size_t i = 0; schema_word(f->setting, i, &word); i++)
		suggest_offer(&guess, word);
	if (guess.best.n > 0)
		hint = say(f->reader, "; did you mean \"%" STR_FMT "\"?",
			   STR_ARG(guess.best));
	return say(f->reader,
		   "must be \"combined\", \"json\" or a line with variables "
		   "such as \"${path}\", not \"%" STR_FMT "\"%s",
		   STR_ARG(text), hint);
}

static const char *read_log_format(const struct field *f, struct reader_value value)
{
	struct template template;
	size_t word;

	if (find_word(f->setting, value.text, &word)) {
		*(int *)f->field = (int)word;
		return NULL;
	}
	if (!has_variable(value.text))
		return not_a_format(f, value.text);
	const char *why = check_log_line(value.text);

	if (why != NULL || !template_compile_at(TEMPLATE_AT_END, f->reader->arena,
						value.text, &template, &why))
		return why;
	*(int *)f->field = CONF_LOG_TEMPLATE;
	*(struct template *)f->also = template;
	return NULL;
}

static const struct {
	const char *(*read)(const struct field *f, struct reader_value value);
	unsigned takes;
} kinds[SCHEMA_TYPES] = {
	[SCHEMA_STRING] = {read_string, READER_TEXT},
	[SCHEMA_PATH] = {read_path, READER_TEXT},
	[SCHEMA_DIRECTORY] = {read_directory, READER_TEXT},
	[SCHEMA_MODULE] = {read_module, READER_TEXT},
	[SCHEMA_MEDIA_TYPE] = {read_media_type, READER_TEXT},
	[SCHEMA_FIELD_NAME] = {read_field_name, READER_TEXT},
	[SCHEMA_NAME] = {read_name, READER_TEXT},
	[SCHEMA_HANDLER] = {read_name, READER_TEXT},
	[SCHEMA_CHOICE] = {read_choice, READER_TEXT},
	[SCHEMA_TOKEN] = {read_token, READER_TEXT},
	[SCHEMA_BOOLEAN] = {read_boolean, READER_BOOLEAN},
	[SCHEMA_COUNT] = {read_count, READER_NUMBER},
	[SCHEMA_CODE] = {read_code, READER_NUMBER},
	[SCHEMA_WORKERS] = {read_workers, READER_NUMBER | READER_TEXT},
	[SCHEMA_SIZE] = {read_size, READER_NUMBER | READER_TEXT},
	[SCHEMA_DURATION] = {read_duration, READER_NUMBER | READER_TEXT},
	[SCHEMA_RATE] = {read_rate, READER_TEXT},
	[SCHEMA_MODE] = {read_mode, READER_TEXT},
	[SCHEMA_ADDRESS] = {read_address, READER_TEXT},
	[SCHEMA_ROUTE_PATH] = {read_route_path, READER_TEXT},
	[SCHEMA_TEMPLATE] = {read_template, READER_TEXT},
	[SCHEMA_LINE] = {read_line, READER_TEXT},
	[SCHEMA_LOG_FORMAT] = {read_log_format, READER_TEXT},
};

bool reader_takes(enum schema_type type, enum reader_form form)
{
	return kinds[type].takes & form;
}

const char *reader_read(const struct reader *reader,
			const struct schema_setting *setting, void *base,
			struct reader_value value)
{
	struct field f = {reader, setting, (char *)base + setting->offset,
			  (char *)base + setting->also};

	return kinds[setting->type].read(&f, value);
}

static size_t item_size(enum schema_type type)
{
	switch (type) {
	case SCHEMA_NETWORKS:
		return sizeof(struct network);
	case SCHEMA_REQUEST_FIELDS:
	case SCHEMA_RESPONSE_FIELDS:
		return sizeof(struct conf_field_edit);
	case SCHEMA_ERROR_PAGES:
		return sizeof(struct conf_error_page);
	case SCHEMA_TRY:
		return sizeof(struct template);
	case SCHEMA_CODINGS:
		return sizeof(enum conf_coding);
	default:
		return sizeof(struct str);
	}
}

void reader_start_list(const struct reader *reader,
		       const struct schema_setting *setting, void *base, size_t n)
{
	void *field = (char *)base + setting->offset;

	if (setting->type == SCHEMA_METHODS) {
		*(unsigned *)field = 0;
		return;
	}
	/* All lists are a pointer to items and their number. */
	struct conf_strings *list = field;

	list->items = arena_zalloc(reader->arena, n, item_size(setting->type));
	list->n = 0;
}

static const char *read_try(const struct reader *reader, struct conf_try *try,
			    struct str item)
{
	const char *why = check_line(item);
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
	if (!template_compile(reader->arena, item, &try->items[try->n], &why))
		return why;
	if (try->items[try->n].uses_form)
		return "files are not looked for by a form";
	try->n++;
	return NULL;
}

static const char *read_coding(const struct reader *reader,
			       struct conf_codings *list, struct str name)
{
	size_t coding = 0;

	while (coding < CONF_CODINGS && !str_equal(conf_coding_names[coding], name))
		coding++;
	if (coding == CONF_CODINGS)
		return say(reader,
			   "must be \"zstd\", \"br\" or \"gzip\", not \"%" STR_FMT
			   "\"",
			   STR_ARG(name));
	for (size_t i = 0; i < list->n; i++)
		if (list->items[i] == (enum conf_coding)coding)
			return say(reader, "\"%" STR_FMT "\" is there twice",
				   STR_ARG(name));
	list->items[list->n++] = (enum conf_coding)coding;
	return NULL;
}

static const char *read_media_range(const struct reader *reader, struct str item,
				    struct str *range_out)
{
	struct str subtype = item, type = str_cut(&subtype, '/');
	bool is_suffix = str_starts_with(item, STR("*+")) &&
			 value_is_token(str_tail(item, 2));
	char *lower = arena_cstr(reader->arena, item);

	if (!is_suffix && (!value_is_token(type) || str_equal(type, STR("*")) ||
			   subtype.p == NULL || !value_is_token(subtype)))
		return "is written as \"text/html\", \"text/*\" or \"*+json\"";
	for (size_t i = 0; i < item.n; i++)
		lower[i] = ascii_lower(lower[i]);
	*range_out = (struct str){lower, item.n};
	return NULL;
}

static const char *read_method(const struct reader *reader, unsigned *set,
			       struct str name)
{
	struct suggest guess = {.wrong = name};

	for (unsigned i = 0; i < METHOD_COUNT; i++) {
		if (str_equal(conf_method_names[i], name)) {
			*set |= 1u << i;
			return NULL;
		}
		suggest_offer(&guess, conf_method_names[i]);
	}
	if (guess.best.n > 0)
		return say(reader,
			   "unknown method \"%" STR_FMT
			   "\"; did you mean \"%" STR_FMT "\"?",
			   STR_ARG(name), STR_ARG(guess.best));
	return say(reader, "unknown method \"%" STR_FMT "\"", STR_ARG(name));
}

static const char *read_file_name(const struct reader *reader, struct str name,
				  struct str *name_out)
{
	const char *why = check_line(name);

	if (why != NULL)
		return why;
	if (memchr(name.p, '/', name.n) != NULL || str_equal(name, STR(".")) ||
	    str_equal(name, STR("..")))
		return "must be the name of a file without a directory";
	*name_out = arena_copy(reader->arena, name);
	return NULL;
}

static const char *read_option(const struct reader *reader, struct str option,
			       struct str *option_out)
{
	struct str rest = option;
	struct str name = str_cut(&rest, '=');
	const char *why = check_line(option);

	if (why == NULL && (name.n == 0 || rest.p == NULL))
		why = "an option is written as \"name=value\"";
	if (why == NULL)
		*option_out = arena_copy(reader->arena, option);
	return why;
}

static const char *read_network(struct conf_networks *networks, struct str item)
{
	const char *why = network_parse(item, &networks->items[networks->n]);

	if (why == NULL)
		networks->n++;
	return why;
}

static const char *read_field_edit(const struct reader *reader,
				   struct conf_fields *fields, struct str item,
				   bool of_request)
{
	const char *why = check_line(item);

	if (why == NULL)
		why = common_parse_field(reader->arena, item, of_request,
					 &fields->items[fields->n]);
	if (why == NULL)
		why = common_check_field(reader->arena, fields);
	if (why == NULL)
		fields->n++;
	return why;
}

static const char *read_error_page(const struct reader *reader,
				   struct conf_error_pages *pages, struct str item)
{
	struct conf_error_page *page = &pages->items[pages->n];
	const char *why = check_line(item);
	struct str path;

	if (why == NULL)
		why = common_parse_error_page(item, page, &path);
	if (why != NULL)
		return why;
	page->path = absolute(reader, path).p;
	why = common_check_error_page(reader->arena, pages);
	if (why == NULL)
		pages->n++;
	return why;
}

const char *reader_read_item(const struct reader *reader,
			     const struct schema_setting *setting, void *base,
			     struct str item)
{
	void *field = (char *)base + setting->offset;
	struct conf_strings *list = field;
	const char *why;

	if (setting->type == SCHEMA_METHODS)
		return read_method(reader, field, item);
	if (setting->type == SCHEMA_NETWORKS)
		return read_network(field, item);
	if (setting->type == SCHEMA_REQUEST_FIELDS ||
	    setting->type == SCHEMA_RESPONSE_FIELDS)
		return read_field_edit(reader, field, item,
				       setting->type == SCHEMA_REQUEST_FIELDS);
	if (setting->type == SCHEMA_ERROR_PAGES)
		return read_error_page(reader, field, item);
	if (setting->type == SCHEMA_TRY)
		return read_try(reader, field, item);
	if (setting->type == SCHEMA_CODINGS)
		return read_coding(reader, field, item);
	if (setting->type == SCHEMA_OPTIONS)
		why = read_option(reader, item, &list->items[list->n]);
	else if (setting->type == SCHEMA_HOSTS)
		why = value_parse_host(reader->arena, item, &list->items[list->n]);
	else if (setting->type == SCHEMA_MEDIA_RANGES)
		why = read_media_range(reader, item, &list->items[list->n]);
	else
		why = read_file_name(reader, item, &list->items[list->n]);
	if (why == NULL)
		list->n++;
	return why;
}

/* The items of a list's default are separated by "|". */
static const char *read_default_list(const struct reader *reader,
				     const struct schema_setting *setting,
				     void *base)
{
	struct str rest = str_of(setting->fallback);
	const char *why = NULL;
	size_t n = 1;

	for (size_t i = 0; i < rest.n; i++)
		n += rest.p[i] == '|';
	reader_start_list(reader, setting, base, n);
	while (rest.n > 0 && why == NULL)
		why = reader_read_item(reader, setting, base, str_cut(&rest, '|'));
	return why;
}

void reader_set_default(const struct reader *reader,
			const struct schema_setting *setting, void *base)
{
	const char *why;
	struct reader_value value;

	if (setting->fallback == NULL)
		return;
	value.text = str_of(setting->fallback);
	value.number = strtoll(setting->fallback, NULL, 10);
	value.boolean = strcmp(setting->fallback, "true") == 0;
	value.form = kinds[setting->type].takes & READER_TEXT
			     ? READER_TEXT
			     : (enum reader_form)kinds[setting->type].takes;
	if (schema_is_list(setting->type))
		why = read_default_list(reader, setting, base);
	else
		why = reader_read(reader, setting, base, value);
	if (why != NULL)
		log_fatal("schema: the default of %s: %s", setting->name, why);
}
