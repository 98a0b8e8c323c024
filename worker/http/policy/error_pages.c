/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/policy/error_pages.h"

#include "base/buf.h"
#include "base/read_file.h"
#include "worker/http/http.h"
#include "worker/http/policy/policy.h"

enum { STATUSES = CONF_ERROR_MAX - CONF_ERROR_MIN + 1 };

struct error_pages {
	const struct error_page *by_status[STATUSES];
};

/* A page of several sites and routes is in memory once. */
struct known_page {
	struct known_page *next;
	const char *path;
	struct error_page page;
};

static const char *read_page(struct arena *arena, const char *path,
			     struct str *content_out)
{
	struct buf content = {0};
	const char *why = read_file_safely(path, CONF_ERROR_PAGE_MAX, &content);

	*content_out = arena_copy(arena, buf_str(&content));
	buf_release(&content);
	return why;
}

static const struct error_page *get_page(struct http *http, const char *path,
					 const char **why_out)
{
	struct known_page *known = http->error_pages;

	while (known != NULL && strcmp(known->path, path) != 0)
		known = known->next;
	if (known != NULL)
		return &known->page;
	known = arena_zalloc(&http->arena, 1, sizeof(*known));
	known->path = path;
	known->page.type = mime_type_of(http->mime_types, str_of(path));
	const char *why = read_page(&http->arena, path, &known->page.content);

	if (why != NULL) {
		*why_out =
			arena_printf(&http->arena, "error_pages: %s: %s", path, why)
				.p;
		return NULL;
	}
	known->next = http->error_pages;
	http->error_pages = known;
	return &known->page;
}

int error_pages_create(struct http *http, const struct conf_error_pages *conf,
		       struct error_pages **pages_out, const char **why_out)
{
	*pages_out = NULL;
	if (conf->n == 0)
		return 0;
	struct error_pages *pages = arena_zalloc(&http->arena, 1, sizeof(*pages));

	for (size_t i = 0; i < conf->n; i++) {
		const struct error_page *page =
			get_page(http, conf->items[i].path, why_out);

		if (page == NULL)
			return -1;
		for (size_t k = 0; k < STATUSES; k++)
			if (conf->items[i].statuses[k])
				pages->by_status[k] = page;
	}
	*pages_out = pages;
	return 0;
}

const struct error_page *error_pages_find(const struct error_pages *pages,
					  unsigned status)
{
	if (status < CONF_ERROR_MIN || status > CONF_ERROR_MAX)
		return NULL;
	return pages->by_status[status - CONF_ERROR_MIN];
}
