/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/schema/common.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/values.h"

enum {
	ERROR_PAGE_MOST = 1 << 20, /* bytes of one; workers keep them */
	STATUSES = CONF_ERROR_MOST - CONF_ERROR_LEAST + 1,
};

enum { OF_REQUEST = 1, OF_RESPONSE = 2 };

/* Fields that say how messages are framed or what becomes of the connection
 * (RFC 9110 section 7.6.1): only the server knows that. */
static const struct {
	struct str name;
	unsigned of;
	const char *why;
} reserved[] = {
	{STR_INIT("Connection"), OF_REQUEST | OF_RESPONSE, NULL},
	{STR_INIT("Content-Length"), OF_REQUEST | OF_RESPONSE, NULL},
	{STR_INIT("Transfer-Encoding"), OF_REQUEST | OF_RESPONSE, NULL},
	{STR_INIT("Keep-Alive"), OF_REQUEST | OF_RESPONSE, NULL},
	{STR_INIT("Proxy-Connection"), OF_REQUEST | OF_RESPONSE, NULL},
	{STR_INIT("TE"), OF_REQUEST | OF_RESPONSE, NULL},
	{STR_INIT("Trailer"), OF_REQUEST | OF_RESPONSE, NULL},
	{STR_INIT("Upgrade"), OF_REQUEST | OF_RESPONSE, NULL},
	{STR_INIT("Content-Range"), OF_REQUEST | OF_RESPONSE, NULL},
	{STR_INIT("Expect"), OF_REQUEST | OF_RESPONSE, NULL},
	{STR_INIT("Date"), OF_RESPONSE, NULL},
	{STR_INIT("Host"), OF_RESPONSE, "is a field of requests"},
};

static const char *check_name(struct arena *arena, struct str name, bool of_request)
{
	unsigned of = of_request ? OF_REQUEST : OF_RESPONSE;

	if (!value_is_token(name))
		return arena_printf(arena,
				    "\"%" STR_FMT "\" is not the name of a field; "
				    "write \"Name: value\", \"+Name: value\" or "
				    "\"-Name\"",
				    STR_ARG(name))
			.p;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (reserved[i].of & of && str_equal_nocase(reserved[i].name, name))
			return arena_printf(arena, "%s %s", reserved[i].name.p,
					    reserved[i].why != NULL
						    ? reserved[i].why
						    : "is for the server alone")
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

const char *common_parse_field(struct arena *arena, struct str text,
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
		return "there is always one Host";
	if (edit.kind == CONF_FIELD_REMOVE && value.p != NULL)
		return "a field that is removed has no value";
	if (edit.kind != CONF_FIELD_REMOVE)
		why = parse_value(arena, str_trim(value), of_request, &edit.value);
	if (why == NULL)
		*edit_out = edit;
	return why;
}

const char *common_check_field(struct arena *arena,
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
	if (from < CONF_ERROR_LEAST || to > CONF_ERROR_MOST || from > to)
		return "the statuses of errors are from 400 to 599";
	for (uint64_t status = from; status <= to; status++)
		page->statuses[status - CONF_ERROR_LEAST] = true;
	return NULL;
}

const char *common_parse_error_page(struct str text,
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

static const char *check_file(const char *path)
{
	/* Not for ever, on a FIFO. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *why = NULL;
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		why = strerror(errno);
	else if (!S_ISREG(st.st_mode))
		why = "is not a file";
	else if (st.st_size > ERROR_PAGE_MOST)
		why = "is larger than 1m";
	if (fd != -1)
		close(fd);
	return why;
}

const char *common_check_error_page(struct arena *arena,
				    const struct conf_error_pages *pages)
{
	const struct conf_error_page *last = &pages->items[pages->n];

	for (size_t i = 0; i < pages->n; i++)
		for (size_t k = 0; k < STATUSES; k++)
			if (last->statuses[k] && pages->items[i].statuses[k])
				return arena_printf(arena, "%zu has a page already",
						    k + CONF_ERROR_LEAST)
					.p;
	const char *why = check_file(last->path);

	return why != NULL ? arena_printf(arena, "%s: %s", last->path, why).p
			   : NULL;
}

void common_put_error_page(struct buf *out, const struct conf_error_page *page)
{
	const char *glue = "";

	for (size_t i = 0; i < STATUSES; i++) {
		size_t last = i;

		if (!page->statuses[i])
			continue;
		while (last + 1 < STATUSES && page->statuses[last + 1])
			last++;
		buf_printf(out, "%s%zu", glue, i + CONF_ERROR_LEAST);
		if (last > i)
			buf_printf(out, "-%zu", last + CONF_ERROR_LEAST);
		glue = ",";
		i = last;
	}
	buf_printf(out, " %s", page->path);
}

static bool is_edited(const struct conf_fields *fields, struct str name)
{
	for (size_t i = 0; i < fields->n; i++)
		if (str_equal_nocase(fields->items[i].name, name))
			return true;
	return false;
}

static void merge_fields(struct arena *arena, const struct conf_fields *site,
			 struct conf_fields *route)
{
	struct conf_fields all = {0};

	all.items = arena_zalloc(arena, site->n + route->n, sizeof(*all.items));
	for (size_t i = 0; i < site->n; i++)
		if (!is_edited(route, site->items[i].name))
			all.items[all.n++] = site->items[i];
	for (size_t i = 0; i < route->n; i++)
		all.items[all.n++] = route->items[i];
	*route = all;
}

static bool has_page(const struct conf_error_pages *pages, size_t status)
{
	for (size_t i = 0; i < pages->n; i++)
		if (pages->items[i].statuses[status])
			return true;
	return false;
}

static void merge_pages(struct arena *arena, const struct conf_error_pages *site,
			struct conf_error_pages *route)
{
	struct conf_error_pages all = {0};

	all.items = arena_zalloc(arena, site->n + route->n, sizeof(*all.items));
	for (size_t i = 0; i < site->n; i++) {
		struct conf_error_page page = site->items[i];
		bool is_left = false;

		for (size_t k = 0; k < STATUSES; k++) {
			page.statuses[k] &= !has_page(route, k);
			is_left |= page.statuses[k];
		}
		if (is_left)
			all.items[all.n++] = page;
	}
	for (size_t i = 0; i < route->n; i++)
		all.items[all.n++] = route->items[i];
	*route = all;
}

void common_merge(struct arena *arena, const struct conf_common *site,
		  struct conf_common *route)
{
	if (conf_gives(route, &route->request_fields))
		merge_fields(arena, &site->request_fields, &route->request_fields);
	if (conf_gives(route, &route->response_fields))
		merge_fields(arena, &site->response_fields,
			     &route->response_fields);
	if (conf_gives(route, &route->error_pages))
		merge_pages(arena, &site->error_pages, &route->error_pages);
}

void common_name_zones(struct conf_common *common, struct str name)
{
	if (conf_gives(common, &common->rate) ||
	    conf_gives(common, &common->rate_burst) ||
	    conf_gives(common, &common->rate_key))
		common->rate_zone = name;
	if (conf_gives(common, &common->concurrent) ||
	    conf_gives(common, &common->concurrent_key))
		common->concurrent_zone = name;
}
