/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the order of the entries, then the page of HTML, from the bottom up:
 * names, links and columns, rows, the links between pages, and the whole. Runs
 * in the thread of the listings. Worker.
 */
#include "worker/handler/static/listing_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec/form.h"
#include "base/codec/html.h"
#include "base/codec/uri.h"
#include "base/codec/utf8.h"
#include "base/mem.h"

static const char *const key_names[] = {
	[LISTING_NAME] = "name",
	[LISTING_SIZE] = "size",
	[LISTING_TIME] = "time",
};
enum { LISTING_KEYS = sizeof(key_names) / sizeof(*key_names) };

/* The order of the view. */

struct listing_view listing_view_of(struct str query)
{
	struct listing_view view = {.key = LISTING_NAME};
	struct str sort = form_find(query, STR("sort"));
	uint64_t page;

	for (int key = 0; key < LISTING_KEYS; key++)
		if (str_equal(sort, str_of(key_names[key])))
			view.key = (enum listing_key)key;
	view.descending = str_equal(form_find(query, STR("order")), STR("desc"));
	if (str_to_u64(form_find(query, STR("page")), &page) && page > 0 &&
	    page <= LISTING_MAX / LISTING_PAGE)
		view.page = (size_t)page - 1;
	return view;
}

static int compare_numbers(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

/* By letters first, whatever their case. */
static int compare_names(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;

	for (size_t i = 0; i < n; i++) {
		int order = compare_numbers((unsigned char)ascii_lower(a.p[i]),
					    (unsigned char)ascii_lower(b.p[i]));

		if (order != 0)
			return order;
	}
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return n > 0 ? memcmp(a.p, b.p, n) : 0;
}

static int compare_entries(const void *left, const void *right, void *context)
{
	const struct listing_entry *a = left, *b = right;
	const struct listing_view *view = context;
	int order = 0;

	if (a->is_directory != b->is_directory)
		return a->is_directory ? -1 : 1;
	if (view->key == LISTING_SIZE && !a->is_directory)
		order = a->size < b->size ? -1 : a->size > b->size;
	else if (view->key == LISTING_TIME)
		order = compare_numbers(a->modified, b->modified);
	if (order == 0)
		order = compare_names(a->name, b->name);
	return view->descending ? -order : order;
}

void listing_sort(struct listing *listing)
{
	if (listing->n > 1)
		qsort_r(listing->entries, listing->n, sizeof(*listing->entries),
			compare_entries, &listing->view);
}

/* Text. */

/* A name as text of HTML: controls as their pictures, U+2400 and on, and what
 * is no UTF-8 as U+FFFD. */
static void put_name(struct listing_text *out, struct str s)
{
	while (s.n > 0) {
		const char *at = s.p;
		bool valid;
		uint32_t c = utf8_next(&s, &valid);

		if (!valid)
			listing_text_put(out, STR("\xef\xbf\xbd"));
		else if (c < ' ' || c == 0x7f)
			listing_text_format(out, "\xe2\x90%c",
					    c == 0x7f ? 0xa1 : 0x80 + (int)c);
		else if (html_reference(*at).n > 0)
			listing_text_put(out, html_reference(*at));
		else
			listing_text_put(out, (struct str){at, (size_t)(s.p - at)});
	}
}

/* A name as a reference to what lies beside the page. A colon in it would make it
 * a URL of some scheme (RFC 3986 section 4.2). */
static void put_uri(struct listing_text *out, struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		struct str c = {name.p + i, 1};
		struct str reference = html_reference(name.p[i]);

		if (reference.n > 0 && (name.p[i] == '&' || name.p[i] == '\''))
			listing_text_put(out, reference);
		else
			out->n += uri_encode(
				c, name.p[i] == ':' ? URI_VALUE : URI_PATH,
				listing_text_room(out, 3));
	}
}

static void put_size(struct listing_text *out, uint64_t size)
{
	static const char units[] = "KMGTPE";
	double value = (double)size / 1024;
	size_t unit = 0;

	if (size < 1024) {
		listing_text_format(out, "%" PRIu64 " B", size);
		return;
	}
	for (; value >= 1023.95 && units[unit + 1] != '\0'; unit++)
		value /= 1024;
	listing_text_format(out, value < 9.95 ? "%.1f %ciB" : "%.0f %ciB", value,
			    units[unit]);
}

static void put_time(struct listing_text *out, time_t when)
{
	struct tm tm = {0};
	char day[64], minute[16];

	if (gmtime_r(&when, &tm) == NULL)
		return;
	strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	strftime(minute, sizeof(minute), "%H:%M", &tm);
	listing_text_format(
		out, "<time datetime=\"%sT%s:%02dZ\">%s<span> %s</span></time>",
		day, minute, tm.tm_sec, day, minute);
}

/* The page. */

static const char style[] =
	":root{color-scheme:light dark;--link:#0b57d0;--line:#8883;--dim:#666}"
	"@media(prefers-color-scheme:dark){:root{--link:#8ab4f8;--dim:#aaa}}"
	"body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;"
	"padding:1rem}"
	"h1{font-size:1.25rem;font-weight:600;overflow-wrap:anywhere;"
	"margin:.5rem}"
	"a{color:var(--link);text-decoration:none}"
	"a:hover,a:focus{text-decoration:underline}"
	"table{width:100%;border-collapse:collapse}"
	"th,td{padding:.4rem .5rem;text-align:left;vertical-align:top;"
	"border-bottom:1px solid var(--line)}"
	"th{font-weight:600;white-space:nowrap}"
	"tbody tr:hover{background:var(--line)}"
	"td:first-child{width:100%;overflow-wrap:anywhere}"
	"td:first-child,td a{unicode-bidi:isolate}"
	"td+td{white-space:nowrap;color:var(--dim);"
	"font-variant-numeric:tabular-nums}"
	"th:nth-child(2),td:nth-child(2){text-align:right}"
	"p{margin:.5rem;color:var(--dim)}"
	"nav{margin:1rem .5rem;display:flex;gap:1.5rem}"
	"@media(max-width:36rem){body{padding:.25rem}time span{display:none}}";

static void put_link_to(struct listing_text *out, const struct listing_view *view)
{
	listing_text_format(out, "?sort=%s&amp;order=%s", key_names[view->key],
			    view->descending ? "desc" : "asc");
	if (view->page > 0)
		listing_text_format(out, "&amp;page=%zu", view->page + 1);
}

/* The title of a column, which leads to the order by it, or turns that
 * around. */
static void put_column(struct listing_text *out, const struct listing_view *now,
		       enum listing_key key, const char *title)
{
	bool is_sorted = now->key == key;
	struct listing_view to = {.key = key,
				  .descending = is_sorted && !now->descending};

	if (is_sorted)
		listing_text_format(out, "<th scope=\"col\" aria-sort=\"%s\">",
				    now->descending ? "descending" : "ascending");
	else
		listing_text_put(out, STR("<th scope=\"col\">"));
	listing_text_put(out, STR("<a href=\""));
	put_link_to(out, &to);
	listing_text_format(out, "\">%s</a>%s</th>\n", title,
			    !is_sorted        ? ""
			    : now->descending ? " \xe2\x96\xbe"
					      : " \xe2\x96\xb4");
}

/* Such a path is refused by the server: it can be shown, but not asked for. */
static bool can_be_asked_for(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c < ' ' || c == 0x7f || c == '\\')
			return false;
	}
	return true;
}

/* The text of a link is its reference wherever that can be: programs that read
 * listings, such as file managers and players, take only such links for entries. */
static void put_entry(struct listing_text *out, const struct listing_entry *entry)
{
	const char *slash = entry->is_directory ? "/" : "";
	bool is_link = can_be_asked_for(entry->name);

	listing_text_put(out, STR("<tr><td>"));
	if (is_link) {
		listing_text_put(out, STR("<a href=\""));
		put_uri(out, entry->name);
		listing_text_format(out, "%s\">", slash);
	}
	put_name(out, entry->name);
	listing_text_format(out, "%s%s</td><td>", slash, is_link ? "</a>" : "");
	if (!entry->is_directory)
		put_size(out, entry->size);
	listing_text_put(out, STR("</td><td>"));
	put_time(out, entry->modified);
	listing_text_put(out, STR("</td></tr>\n"));
}

static void put_page_link(struct listing_text *out, struct listing_view view,
			  size_t page, const char *text)
{
	view.page = page;
	listing_text_put(out, STR("<a href=\""));
	put_link_to(out, &view);
	listing_text_format(out, "\">%s</a>\n", text);
}

static void put_pages(struct listing_text *out, const struct listing *listing,
		      size_t pages)
{
	const struct listing_view *view = &listing->view;

	if (pages <= 1)
		return;
	listing_text_put(out, STR("<nav>\n"));
	if (view->page > 0)
		put_page_link(out, *view, view->page - 1, "Previous");
	listing_text_format(out, "<span>Page %zu of %zu</span>\n", view->page + 1,
			    pages);
	if (view->page + 1 < pages)
		put_page_link(out, *view, view->page + 1, "Next");
	listing_text_put(out, STR("</nav>\n"));
}

static void put_top(struct listing_text *out, const struct listing *listing)
{
	listing_text_put(
		out, STR("<!doctype html>\n<html lang=\"en\">\n<head>\n"
			 "<meta charset=\"utf-8\">\n"
			 "<meta name=\"viewport\" content=\"width=device-width, "
			 "initial-scale=1\">\n<title>Index of "));
	put_name(out, listing->path);
	listing_text_put(out, STR("</title>\n<style>"));
	listing_text_put(out, STR(style));
	listing_text_put(out, STR("</style>\n</head>\n<body>\n<h1>Index of <bdi>"));
	put_name(out, listing->path);
	listing_text_put(out, STR("</bdi></h1>\n<table>\n<thead><tr>\n"));
	put_column(out, &listing->view, LISTING_NAME, "Name");
	put_column(out, &listing->view, LISTING_SIZE, "Size");
	put_column(out, &listing->view, LISTING_TIME, "Modified (UTC)");
	listing_text_put(out, STR("</tr></thead>\n<tbody>\n"));
	if (listing->path.n > 1)
		listing_text_put(out,
				 STR("<tr><td><a href=\"../\">../</a></td><td></td>"
				     "<td></td></tr>\n"));
}

void listing_render(const struct listing *asked, struct listing_text *out)
{
	struct listing shown = *asked, *listing = &shown;
	size_t pages = (listing->n + LISTING_PAGE - 1) / LISTING_PAGE;

	if (listing->view.page >= pages)
		listing->view.page = pages > 0 ? pages - 1 : 0;
	size_t from = listing->view.page * LISTING_PAGE;

	put_top(out, listing);
	for (size_t i = from; i < listing->n && i < from + LISTING_PAGE; i++)
		put_entry(out, &listing->entries[i]);
	listing_text_put(out, STR("</tbody>\n</table>\n"));
	put_pages(out, listing, pages);
	if (listing->is_cut)
		listing_text_format(
			out, "<p>There is more here: only %d of it is read.</p>\n",
			LISTING_MAX);
	else
		listing_text_format(out, "<p>%zu %s</p>\n", listing->n,
				    listing->n == 1 ? "entry" : "entries");
	listing_text_put(out, STR("</body>\n</html>\n"));
}
