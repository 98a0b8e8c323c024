/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types of settings that hold a number, a truth value or one of some words.
 * See conf/schema/types.h. Each type stands behind its functions.
 */
#include "conf/schema/types.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cpus.h"
#include "conf/conf.h"
#include "conf/values.h"

static const char *read_boolean(const struct setting_field *f,
				struct setting_value value)
{
	*(bool *)f->field = value.boolean;
	return NULL;
}

static void show_boolean(const struct setting_field *f, struct buf *out)
{
	buf_put_cstr(out, *(const bool *)f->field ? "true" : "false");
}

const struct setting_type type_boolean = {
	.name = "true or false",
	.expects = "true or false",
	.forms = SETTING_BOOLEAN,
	.read = read_boolean,
	.show = show_boolean,
};

static const char *set_number(const struct setting_field *f, uint64_t number,
			      const char *as_written)
{
	const struct schema_setting *s = f->setting;
	char bound[VALUE_TEXT];

	if (number < s->min)
		return arena_printf(f->context->arena,
				    "%s is below the minimum, %s", as_written,
				    schema_format_number(s, s->min, bound))
			.p;
	if (number > s->max)
		return arena_printf(f->context->arena,
				    "%s is above the maximum, %s", as_written,
				    schema_format_number(s, s->max, bound))
			.p;
	*(uint64_t *)f->field = number;
	return NULL;
}

static const char *read_count(const struct setting_field *f,
			      struct setting_value value)
{
	char text[VALUE_TEXT];

	snprintf(text, sizeof(text), "%" PRId64, value.number);
	if (value.number < 0)
		return arena_printf(f->context->arena,
				    "%s is below the minimum, %" PRIu64, text,
				    f->setting->min)
			.p;
	return set_number(f, (uint64_t)value.number, text);
}

static void show_number(const struct setting_field *f, struct buf *out)
{
	buf_printf(out, "%" PRIu64, *(const uint64_t *)f->field);
}

const struct setting_type type_count = {
	.name = "number",
	.expects = "a number",
	.forms = SETTING_NUMBER,
	.read = read_count,
	.show = show_number,
};

static const char *read_code(const struct setting_field *f,
			     struct setting_value value)
{
	size_t word;
	char text[VALUE_TEXT];

	snprintf(text, sizeof(text), "%" PRId64, value.number);
	if (!setting_find_word(f->setting, str_of(text), &word))
		return setting_not_a_word(f, value);
	*(uint64_t *)f->field = (uint64_t)value.number;
	return NULL;
}

const struct setting_type type_code = {
	.name = "number",
	.expects = "a number",
	.forms = SETTING_NUMBER,
	.read = read_code,
	.show = show_number,
};

/* CPUs that this process may use, within what the setting allows. */
static uint64_t count_cpus(const struct schema_setting *setting)
{
	uint64_t n = cpus_available();

	if (n < setting->min)
		return setting->min;
	return n > setting->max ? setting->max : n;
}

static const char *read_workers(const struct setting_field *f,
				struct setting_value value)
{
	bool is_auto = value.form == SETTING_TEXT;
	const char *why = NULL;

	if (!is_auto)
		why = read_count(f, value);
	else if (str_equal(value.text, STR("auto")))
		*(uint64_t *)f->field = count_cpus(f->setting);
	else
		why = "must be a number or \"auto\"";
	if (why == NULL)
		*(bool *)f->also = is_auto;
	return why;
}

static void show_workers(const struct setting_field *f, struct buf *out)
{
	if (*(const bool *)f->also)
		setting_put_quoted(out, STR("auto"));
	else
		show_number(f, out);
}

const struct setting_type type_workers = {
	.name = "number or name",
	.expects = "a number or \"auto\"",
	.forms = SETTING_NUMBER | SETTING_TEXT,
	.has_other_values = true,
	.read = read_workers,
	.show = show_workers,
};

/* A size or a duration; a bare number has the type's own unit. */
static const char *read_quantity(const struct setting_field *f,
				 struct setting_value value,
				 const char *(*parse)(struct str, uint64_t *))
{
	char text[VALUE_TEXT];
	uint64_t number;

	if (value.form == SETTING_NUMBER) {
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

static void show_quantity(const struct setting_field *f, struct buf *out)
{
	char text[VALUE_TEXT];

	setting_put_quoted(out, str_of(f->setting->type->format(
					*(const uint64_t *)f->field, text)));
}

static const char *read_size(const struct setting_field *f,
			     struct setting_value value)
{
	return read_quantity(f, value, value_parse_size);
}

const struct setting_type type_size = {
	.name = "size",
	.expects = "a size such as \"16k\"",
	.forms = SETTING_NUMBER | SETTING_TEXT,
	.read = read_size,
	.show = show_quantity,
	.format = value_format_size,
};

static const char *read_duration(const struct setting_field *f,
				 struct setting_value value)
{
	return read_quantity(f, value, value_parse_duration);
}

const struct setting_type type_duration = {
	.name = "duration",
	.expects = "a duration such as \"10s\"",
	.forms = SETTING_NUMBER | SETTING_TEXT,
	.read = read_duration,
	.show = show_quantity,
	.format = value_format_duration,
};

static const char *read_mode(const struct setting_field *f,
			     struct setting_value value)
{
	return value_parse_mode(value.text, f->field);
}

static void show_mode(const struct setting_field *f, struct buf *out)
{
	char text[VALUE_TEXT];

	setting_put_quoted(out,
			   str_of(value_format_mode(*(const int *)f->field, text)));
}

const struct setting_type type_mode = {
	.name = "octal digits in quotes",
	.expects = "a mode in quotes such as \"0660\"",
	.forms = SETTING_TEXT,
	.read = read_mode,
	.show = show_mode,
};

static const char *read_rate(const struct setting_field *f,
			     struct setting_value value)
{
	struct conf_rate rate;
	const char *why = value_parse_rate(value.text, &rate.n, &rate.period);

	if (why == NULL)
		*(struct conf_rate *)f->field = rate;
	return why;
}

static void show_rate(const struct setting_field *f, struct buf *out)
{
	const struct conf_rate *rate = f->field;
	char text[VALUE_TEXT];

	setting_put_quoted(out,
			   str_of(value_format_rate(rate->n, rate->period, text)));
}

const struct setting_type type_rate = {
	.name = "rate",
	.expects = "a rate such as \"10/s\"",
	.forms = SETTING_TEXT,
	.has_other_values = true,
	.read = read_rate,
	.show = show_rate,
};

static const char *read_choice(const struct setting_field *f,
			       struct setting_value value)
{
	size_t word;

	if (!setting_find_word(f->setting, value.text, &word))
		return setting_not_a_word(f, value);
	*(int *)f->field = (int)word;
	return NULL;
}

static void show_choice(const struct setting_field *f, struct buf *out)
{
	struct str word;

	if (schema_word(f->setting, (size_t) * (const int *)f->field, &word))
		setting_put_quoted(out, word);
}

const struct setting_type type_choice = {
	.name = "name",
	.expects = "a name in quotes",
	.forms = SETTING_TEXT,
	.read = read_choice,
	.show = show_choice,
};
