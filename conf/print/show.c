/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conf_show(): a configuration written back along the schema, in the syntax
 * that libconfig reads. Master only.
 */
#include "conf/conf.h"

#include <inttypes.h>

#include "conf/schema/common.h"
#include "conf/schema/schema.h"
#include "conf/values.h"

static void put_indent(struct buf *out, int depth)
{
	while (depth-- > 0)
		buf_put_cstr(out, "\t");
}

/* A string of libconfig: bytes from 0x80 on stand as they are. */
static void put_quoted(struct buf *out, struct str s)
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
		else
			buf_put(out, (struct str){s.p + i, 1});
	}
	buf_put_cstr(out, "\"");
}

static void put_strings(struct buf *out, const struct conf_strings *list)
{
	buf_put_cstr(out, "[");
	for (size_t i = 0; i < list->n; i++) {
		buf_put_cstr(out, i > 0 ? ", " : " ");
		put_quoted(out, list->items[i]);
	}
	buf_put_cstr(out, " ]");
}

static void put_try(struct buf *out, const struct conf_try *try)
{
	const char *glue = " ";

	buf_put_cstr(out, "[");
	for (size_t i = 0; i < try->n; i++) {
		buf_put_cstr(out, glue);
		put_quoted(out, try->items[i].source);
		glue = ", ";
	}
	if (try->status != 0)
		buf_printf(out, "%s\"=%u\"", glue, try->status);
	buf_put_cstr(out, " ]");
}

static void put_codings(struct buf *out, const struct conf_codings *list)
{
	buf_put_cstr(out, "[");
	for (size_t i = 0; i < list->n; i++) {
		buf_put_cstr(out, i > 0 ? ", " : " ");
		put_quoted(out, conf_coding_names[list->items[i]]);
	}
	buf_put_cstr(out, " ]");
}

static void put_methods(struct buf *out, unsigned set)
{
	const char *glue = " ";

	buf_put_cstr(out, "[");
	for (size_t i = 0; i < METHOD_COUNT; i++) {
		if ((set & 1u << i) == 0)
			continue;
		buf_put_cstr(out, glue);
		put_quoted(out, conf_method_names[i]);
		glue = ", ";
	}
	buf_put_cstr(out, " ]");
}

static void put_networks(struct buf *out, const struct conf_networks *networks)
{
	char text[ADDR_TEXT];

	buf_put_cstr(out, "[");
	for (size_t i = 0; i < networks->n; i++) {
		buf_put_cstr(out, i > 0 ? ", " : " ");
		put_quoted(out, str_of(network_format(&networks->items[i], text)));
	}
	buf_put_cstr(out, " ]");
}

static void put_fields(struct buf *out, const struct conf_fields *fields)
{
	buf_put_cstr(out, "[");
	for (size_t i = 0; i < fields->n; i++) {
		buf_put_cstr(out, i > 0 ? ", " : " ");
		put_quoted(out, fields->items[i].source);
	}
	buf_put_cstr(out, " ]");
}

static void put_error_pages(struct buf *out, const struct conf_error_pages *pages)
{
	buf_put_cstr(out, "[");
	for (size_t i = 0; i < pages->n; i++) {
		struct buf text = {0};

		buf_put_cstr(out, i > 0 ? ", " : " ");
		common_put_error_page(&text, &pages->items[i]);
		put_quoted(out, buf_str(&text));
		buf_release(&text);
	}
	buf_put_cstr(out, " ]");
}

static void put_rate(struct buf *out, const struct conf_rate *rate)
{
	char text[VALUE_TEXT];

	put_quoted(out, str_of(value_format_rate(rate->n, rate->period, text)));
}

static void put_number(struct buf *out, const struct schema_setting *setting,
		       uint64_t number)
{
	char text[VALUE_TEXT];
	struct str s = str_of(schema_format_number(setting, number, text));

	if (setting->type == SCHEMA_SIZE || setting->type == SCHEMA_DURATION)
		put_quoted(out, s);
	else
		buf_put(out, s);
}

static void put_value(struct buf *out, const struct schema_setting *setting,
		      const void *base)
{
	const void *field = (const char *)base + setting->offset;
	const void *also = (const char *)base + setting->also;
	char text[VALUE_TEXT];
	struct str word;

	switch (setting->type) {
	case SCHEMA_STRING:
	case SCHEMA_TOKEN:
	case SCHEMA_PATH:
	case SCHEMA_DIRECTORY:
	case SCHEMA_MODULE:
	case SCHEMA_MEDIA_TYPE:
	case SCHEMA_FIELD_NAME:
	case SCHEMA_NAME:
	case SCHEMA_HANDLER:
	case SCHEMA_ADDRESS:
		put_quoted(out, str_of(*(const char *const *)field));
		break;
	case SCHEMA_CHOICE:
		if (schema_word(setting, (size_t) * (const int *)field, &word))
			put_quoted(out, word);
		break;
	case SCHEMA_LOG_FORMAT:
		if (schema_word(setting, (size_t) * (const int *)field, &word))
			put_quoted(out, word);
		else
			put_quoted(out, ((const struct template *)also)->source);
		break;
	case SCHEMA_WORKERS:
		if (*(const bool *)also)
			put_quoted(out, STR("auto"));
		else
			put_number(out, setting, *(const uint64_t *)field);
		break;
	case SCHEMA_BOOLEAN:
		buf_put_cstr(out, *(const bool *)field ? "true" : "false");
		break;
	case SCHEMA_COUNT:
	case SCHEMA_CODE:
	case SCHEMA_SIZE:
	case SCHEMA_DURATION:
		put_number(out, setting, *(const uint64_t *)field);
		break;
	case SCHEMA_MODE:
		put_quoted(out,
			   str_of(value_format_mode(*(const int *)field, text)));
		break;
	case SCHEMA_RATE:
		put_rate(out, field);
		break;
	case SCHEMA_ROUTE_PATH:
		put_quoted(out, *(const struct str *)field);
		break;
	case SCHEMA_TEMPLATE:
	case SCHEMA_LINE:
		put_quoted(out, ((const struct template *)field)->source);
		break;
	case SCHEMA_HOSTS:
	case SCHEMA_FILE_NAMES:
	case SCHEMA_MEDIA_RANGES:
	case SCHEMA_OPTIONS:
		put_strings(out, field);
		break;
	case SCHEMA_TRY:
		put_try(out, field);
		break;
	case SCHEMA_CODINGS:
		put_codings(out, field);
		break;
	case SCHEMA_METHODS:
		put_methods(out, *(const unsigned *)field);
		break;
	case SCHEMA_NETWORKS:
		put_networks(out, field);
		break;
	case SCHEMA_REQUEST_FIELDS:
	case SCHEMA_RESPONSE_FIELDS:
		put_fields(out, field);
		break;
	case SCHEMA_ERROR_PAGES:
		put_error_pages(out, field);
		break;
	case SCHEMA_TYPES:
		break;
	}
}

/* Whether the loader would take the setting back in the group at `base`. Of
 * the common settings a route shows those that it gives: the site has shown
 * the others. */
static bool is_shown(enum schema_section_id id,
		     const struct schema_setting *setting, const void *base)
{
	const struct conf_route *route = base;
	const struct conf_listener *listener = base;

	if (!schema_has(id, setting))
		return false;
	if (setting->section == SCHEMA_COMMON && id == SCHEMA_ROUTES)
		return route->common.given & schema_common_bit(setting);

	if (setting->type == SCHEMA_MODE)
		return addr_family(&listener->addr) == AF_UNIX;
	return schema_applies(
		setting, setting->section == SCHEMA_ROUTES ? route->handler : NULL);
}

static void put_section(struct buf *out, enum schema_section_id id,
			const void *parent, int depth);

static void put_group(struct buf *out, enum schema_section_id id, const void *base,
		      int depth)
{
	for (size_t i = 0; i < schema_n_settings; i++) {
		const struct schema_setting *setting = &schema_settings[i];

		if (!is_shown(id, setting, base))
			continue;
		put_indent(out, depth);
		buf_printf(out, "%s = ", setting->name);
		put_value(out, setting, schema_base(id, setting, base));
		buf_put_cstr(out, ";\n");
	}
	for (size_t i = SCHEMA_TOP + 1; i < SCHEMA_SECTIONS; i++)
		if (schema_sections[i].parent == id)
			put_section(out, (enum schema_section_id)i, base, depth);
}

static void put_list(struct buf *out, enum schema_section_id id,
		     const char *elements, size_t n, int depth)
{
	buf_put_cstr(out, "(");
	for (size_t i = 0; i < n; i++) {
		buf_put_cstr(out, i > 0 ? ",\n" : "\n");
		put_indent(out, depth + 1);
		buf_put_cstr(out, "{\n");
		put_group(out, id, elements + i * schema_sections[id].size,
			  depth + 2);
		put_indent(out, depth + 1);
		buf_put_cstr(out, "}");
	}
	if (n > 0) {
		buf_put_cstr(out, "\n");
		put_indent(out, depth);
	}
	buf_put_cstr(out, ");\n");
}

static void put_section(struct buf *out, enum schema_section_id id,
			const void *parent, int depth)
{
	const struct schema_section *section = &schema_sections[id];
	const void *base = (const char *)parent + section->offset;

	if (depth == 0)
		buf_put_cstr(out, "\n");
	put_indent(out, depth);
	buf_printf(out, "%s = ", section->name);
	if (section->is_list) {
		const void *count = (const char *)parent + section->count;

		put_list(out, id, *(const char *const *)base,
			 *(const size_t *)count, depth);
		return;
	}
	buf_put_cstr(out, "{\n");
	put_group(out, id, base, depth + 1);
	put_indent(out, depth);
	buf_put_cstr(out, "};\n");
}

void conf_show(const struct conf *conf, struct buf *out)
{
	put_group(out, SCHEMA_TOP, conf, 0);
}
