/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types of settings that change messages: fields of requests and responses,
 * and error pages. See conf/schema/types.h.
 */
#include "conf/schema/types.h"

#include "base/codec/octet.h"
#include "base/codec/reserved.h"
#include "base/read_file.h"
#include "conf/conf.h"

enum { STATUSES = CONF_ERROR_MAX - CONF_ERROR_MIN + 1 };

/* The fields of requests and of responses that only the server sets. */
enum {
	OF_REQUESTS =
		RESERVED_HOP | RESERVED_LENGTH | RESERVED_RANGE | RESERVED_EXPECT,
	OF_RESPONSES = OF_REQUESTS | RESERVED_DATE,
};

static const char *check_name(struct arena *arena, struct str name, bool of_request)
{
	unsigned reserved = of_request ? OF_REQUESTS : OF_RESPONSES;

	if (!octet_is_token(name))
		return arena_printf(arena,
				    "\"%" STR_FMT "\" is not the name of a field; "
				    "write \"Name: value\", \"+Name: value\" or "
				    "\"-Name\"",
				    STR_ARG(name))
			.p;
	if (!of_request && str_equal_nocase(name, STR("Host")))
		return "Host is a field of requests";
	if (reserved_for(name) & reserved)
		return arena_printf(arena,
				    "%" STR_FMT " can be set by the server only",
				    STR_ARG(name))
			.p;
	return NULL;
}

static const char *parse_value(struct arena *arena, struct str value,
			       bool of_request, struct template *template_out)
{
	enum template_moment moment =
		of_request ? TEMPLATE_AT_REQUEST : TEMPLATE_AT_RESPONSE;
	const char *why;

	if (value.n == 0)
		return "has no value; \"-Name\" removes a field";
	if (!template_compile_at(moment, arena, value, template_out, &why))
		return why;
	if (template_out->uses_form)
		return "\"${form.NAME}\" cannot be used here: the body may not "
		       "have been read";
	return NULL;
}

static const char *parse_field(struct arena *arena, struct str text,
			       bool of_request, struct conf_field_edit *edit_out)
{
	struct conf_field_edit edit = {.kind = CONF_FIELD_SET};
	struct str value = text;

	if (text.n > 0 && (text.p[0] == '+' || text.p[0] == '-')) {
		edit.kind = text.p[0] == '+' ? CONF_FIELD_ADD : CONF_FIELD_REMOVE;
		value = str_tail(text, 1);
	}
	edit.source = arena_copy(arena, text);
	edit.name = arena_copy(arena, str_cut(&value, ':'));
	const char *why = check_name(arena, edit.name, of_request);

	if (why != NULL)
		return why;
	if (edit.kind != CONF_FIELD_SET && str_equal_nocase(edit.name, STR("Host")))
		return "a request always has one Host: it can only be set";
	if (edit.kind == CONF_FIELD_REMOVE && value.p != NULL)
		return "\"-Name\" takes no value";
	if (edit.kind != CONF_FIELD_REMOVE)
		why = parse_value(arena, str_trim(value), of_request, &edit.value);
	if (why == NULL)
		*edit_out = edit;
	return why;
}

static const char *check_field(struct arena *arena,
			       const struct conf_fields *fields)
{
	const struct conf_field_edit *last = &fields->items[fields->n];

	for (size_t i = 0; i < fields->n; i++)
		if (last->kind != CONF_FIELD_ADD &&
		    str_equal_nocase(fields->items[i].name, last->name))
			return arena_printf(arena,
					    "%" STR_FMT " is there already; "
					    "\"+Name: value\" adds another",
					    STR_ARG(last->name))
				.p;
	return NULL;
}

static const char *read_field_edit(const struct setting_field *f, struct str item,
				   bool of_request)
{
	struct arena *arena = f->context->arena;
	struct conf_fields *fields = f->field;
	const char *why = setting_check_line(item);

	if (why == NULL)
		why = parse_field(arena, item, of_request,
				  &fields->items[fields->n]);
	if (why == NULL)
		why = check_field(arena, fields);
	if (why == NULL)
		fields->n++;
	return why;
}

static const char *read_request_field(const struct setting_field *f,
				      struct str item)
{
	return read_field_edit(f, item, true);
}

static const char *read_response_field(const struct setting_field *f,
				       struct str item)
{
	return read_field_edit(f, item, false);
}

static bool show_field(const struct setting_field *f, size_t i, struct buf *text)
{
	const struct conf_fields *fields = f->field;

	if (i < fields->n)
		buf_put(text, fields->items[i].source);
	return i < fields->n;
}

static struct template *value_of_field(const struct setting_field *f, size_t i)
{
	struct conf_fields *fields = f->field;

	return i < fields->n ? &fields->items[i].value : NULL;
}

const struct setting_type type_request_fields = {
	.name = "list of fields",
	.expects = "a list of fields such as [ \"X-Name: value\" ]",
	.may_be_empty = true,
	.item_size = sizeof(struct conf_field_edit),
	.read_item = read_request_field,
	.show_item = show_field,
	.template_at = value_of_field,
};

const struct setting_type type_response_fields = {
	.name = "list of fields",
	.expects = "a list of fields such as [ \"X-Name: value\" ]",
	.may_be_empty = true,
	.item_size = sizeof(struct conf_field_edit),
	.read_item = read_response_field,
	.show_item = show_field,
	.template_at = value_of_field,
};

/* "404" or "500-504". */
static const char *parse_range(struct str text, struct conf_error_page *page)
{
	struct str rest = text, first = str_cut(&rest, '-');
	uint64_t from, to;

	if (!str_to_u64(first, &from))
		return "an error page is written as \"404 file\" or "
		       "\"500,502-504 file\"";
	to = from;
	if (rest.p != NULL && !str_to_u64(rest, &to))
		return "statuses are written as \"404\" or \"500-504\"";
	if (from < CONF_ERROR_MIN || to > CONF_ERROR_MAX || from > to)
		return "the statuses of errors are from 400 to 599";
	for (uint64_t status = from; status <= to; status++)
		page->statuses[status - CONF_ERROR_MIN] = true;
	return NULL;
}

static const char *parse_error_page(struct str text,
				    struct conf_error_page *page_out,
				    struct str *path_out)
{
	struct str path = text, statuses = str_cut(&path, ' ');

	*page_out = (struct conf_error_page){0};
	while (statuses.p != NULL) {
		const char *why = parse_range(str_cut(&statuses, ','), page_out);

		if (why != NULL)
			return why;
	}
	*path_out = str_trim(path);
	return path_out->n == 0 ? "the path of a file is missing" : NULL;
}

static const char *check_error_page(struct arena *arena,
				    const struct conf_error_pages *pages)
{
	const struct conf_error_page *last = &pages->items[pages->n];

	for (size_t i = 0; i < pages->n; i++)
		for (size_t k = 0; k < STATUSES; k++)
			if (last->statuses[k] && pages->items[i].statuses[k])
				return arena_printf(arena, "duplicate page for %zu",
						    k + CONF_ERROR_MIN)
					.p;
	struct buf content = {0};
	const char *why =
		read_file_safely(last->path, CONF_ERROR_PAGE_MAX, &content);

	buf_release(&content);
	return why != NULL ? arena_printf(arena, "%s: %s", last->path, why).p
			   : NULL;
}

static void put_error_page(struct buf *out, const struct conf_error_page *page)
{
	const char *glue = "";

	for (size_t i = 0; i < STATUSES; i++) {
		size_t last = i;

		if (!page->statuses[i])
			continue;
		while (last + 1 < STATUSES && page->statuses[last + 1])
			last++;
		buf_printf(out, "%s%zu", glue, i + CONF_ERROR_MIN);
		if (last > i)
			buf_printf(out, "-%zu", last + CONF_ERROR_MIN);
		glue = ",";
		i = last;
	}
	buf_printf(out, " %s", page->path);
}

static const char *read_error_page(const struct setting_field *f, struct str item)
{
	struct conf_error_pages *pages = f->field;
	struct conf_error_page *page = &pages->items[pages->n];
	const char *why = setting_check_line(item);
	struct str path;

	if (why == NULL)
		why = parse_error_page(item, page, &path);
	if (why != NULL)
		return why;
	page->path = setting_absolute(f, path).p;
	why = check_error_page(f->context->arena, pages);
	if (why == NULL)
		pages->n++;
	return why;
}

static bool show_error_page(const struct setting_field *f, size_t i,
			    struct buf *text)
{
	const struct conf_error_pages *pages = f->field;

	if (i < pages->n)
		put_error_page(text, &pages->items[i]);
	return i < pages->n;
}

const struct setting_type type_error_pages = {
	.name = "list of statuses and paths",
	.expects = "a list of pages such as [ \"404 errors/404.html\" ]",
	.may_be_empty = true,
	.item_size = sizeof(struct conf_error_page),
	.read_item = read_error_page,
	.show_item = show_error_page,
};
