/* SPDX-License-Identifier: BSD-2-Clause */
/* The page of a listing: its order, and names of all sorts in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "worker/handler/static/listing_json.h"
#include "worker/handler/static/listing_page.h"

static struct listing_text text;

static struct listing_entry file(const char *name, uint64_t size, time_t modified)
{
	return (struct listing_entry){
		.name = str_of(name), .size = size, .modified = modified};
}

static struct listing_entry folder(const char *name, time_t modified)
{
	return (struct listing_entry){
		.name = str_of(name), .is_directory = true, .modified = modified};
}

static void expect_order(const char *query, const char *wanted)
{
	struct listing_entry entries[] = {
		file("b", 300, 30), file("C", 100, 20), folder("y", 50),
		file("a", 200, 10), folder("x", 60),
	};
	struct listing listing = {.entries = entries,
				  .n = sizeof(entries) / sizeof(*entries),
				  .view = listing_view_of(str_of(query))};
	char order[16];
	size_t n = 0;

	listing_sort(&listing);
	for (size_t i = 0; i < listing.n; i++)
		order[n++] = entries[i].name.p[0];
	order[n] = '\0';
	assert_string_equal(order, wanted);
}

static void orders(void **state)
{
	(void)state;
	expect_order("", "xyabC");
	expect_order("sort=name&order=asc", "xyabC");
	expect_order("sort=name&order=desc", "yxCba");
	expect_order("sort=size&order=asc", "xyCab");
	expect_order("sort=size&order=desc", "yxbaC");
	expect_order("sort=time", "yxaCb");
	expect_order("order=desc&sort=time", "xybCa");
	expect_order("sort=nonsense&order=sideways&page=x", "xyabC");
}

static void views(void **state)
{
	(void)state;
	assert_int_equal(listing_view_of(STR("page=3")).page, 2);
	assert_int_equal(listing_view_of(STR("page=100")).page, 99);
	assert_int_equal(listing_view_of(STR("page=0")).page, 0);
	assert_int_equal(listing_view_of(STR("page=101")).page, 0);
	assert_int_equal(listing_view_of(STR("page=-1")).page, 0);
	assert_int_equal(listing_view_of((struct str){NULL, 0}).page, 0);
}

static void render(struct listing_entry *entries, size_t n, const char *path,
		   const char *query)
{
	struct listing listing = {.path = str_of(path),
				  .entries = entries,
				  .n = n,
				  .view = listing_view_of(str_of(query))};

	text.n = 0;
	listing_render(&listing, &text);
}

static void expect(const char *wanted)
{
	if (memmem(text.p, text.n, wanted, strlen(wanted)) == NULL)
		fail_msg("no %s in %.*s", wanted, (int)text.n, text.p);
}

static void expect_none(const char *unwanted)
{
	if (memmem(text.p, text.n, unwanted, strlen(unwanted)) != NULL)
		fail_msg("%s in %.*s", unwanted, (int)text.n, text.p);
}

static void expect_row(const char *name, const char *row)
{
	struct listing_entry entry = file(name, 1, 0);

	render(&entry, 1, "/", "");
	expect(row);
}

static void names(void **state)
{
	static const char *const same[] = {
		"plain.txt", "a-b_c.d~e", "a;b=c", "foo(1).txt", "a+b,c!d$e@f*g",
	};
	char link[128];

	(void)state;
	/* Programs take a link for an entry if its text is its reference. */
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		snprintf(link, sizeof(link), "<td><a href=\"%s\">%s</a></td>",
			 same[i], same[i]);
		expect_row(same[i], link);
	}
	expect_row("a&b", "<a href=\"a&amp;b\">a&amp;b</a>");
	expect_row("it's", "<a href=\"it&#39;s\">it&#39;s</a>");
	expect_row("a b", "<a href=\"a%20b\">a b</a>");
	expect_row("<b>&'\"", "<a href=\"%3Cb%3E&amp;&#39;%22\">"
			      "&lt;b&gt;&amp;&#39;&quot;</a>");
	expect_row("javascript:x", "<a href=\"javascript%3Ax\">javascript:x</a>");
	expect_row("100%?#", "<a href=\"100%25%3F%23\">100%?#</a>");
	expect_row("\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\xb2",
		   ">\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\xb2</a>");
	/* No UTF-8: each wrong octet is one replacement. */
	expect_row("a\xff\xc3", "<a href=\"a%FF%C3\">a\xef\xbf\xbd"
				"\xef\xbf\xbd</a>");
	expect_row("\xc0\xaf", ">\xef\xbf\xbd\xef\xbf\xbd</a>");
	expect_row("\xed\xa0\x80", ">\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd<");
	expect_row("\xf4\x90\x80\x80z", "\xef\xbf\xbdz</a>");
	expect_row("\xe2\x82<", ">\xef\xbf\xbd&lt;</a>");
	/* What cannot be asked for is no link. */
	expect_row("a\nb", "<td>a\xe2\x90\x8a"
			   "b</td>");
	expect_row("\x7f", "<td>\xe2\x90\xa1</td>");
	expect_row("a\\b", "<td>a\\b</td>");
}

static void expect_size(uint64_t size, const char *wanted)
{
	struct listing_entry entry = file("x", size, 0);
	char cell[64];

	snprintf(cell, sizeof(cell), "<td>%s</td>", wanted);
	render(&entry, 1, "/", "");
	expect(cell);
}

static void sizes(void **state)
{
	(void)state;
	expect_size(0, "0 B");
	expect_size(1023, "1023 B");
	expect_size(1024, "1.0 KiB");
	expect_size(1536, "1.5 KiB");
	expect_size(10 * 1024, "10 KiB");
	expect_size(1024 * 1024 - 1, "1.0 MiB");
	expect_size((uint64_t)10 << 30, "10 GiB");
	expect_size(UINT64_MAX, "16 EiB");
}

static void times(void **state)
{
	struct listing_entry entry = file("x", 1, 784111777);

	(void)state;
	render(&entry, 1, "/", "");
	expect("<time datetime=\"1994-11-06T08:49:37Z\">1994-11-06<span> "
	       "08:49</span></time>");
}

static void heads(void **state)
{
	struct listing_entry entry = folder("sub", 0);

	(void)state;
	render(&entry, 1, "/", "");
	expect("<title>Index of /</title>");
	expect("<p>1 entry</p>");
	expect("<a href=\"sub/\">sub/</a></td><td></td>");
	expect("<th scope=\"col\" aria-sort=\"ascending\">"
	       "<a href=\"?sort=name&amp;order=desc\">Name</a>");
	expect("<a href=\"?sort=size&amp;order=asc\">Size</a>");
	expect_none("../");
	render(&entry, 1, "/<x>/", "sort=size&order=desc");
	expect("<title>Index of /&lt;x&gt;/</title>");
	expect("<a href=\"../\">../</a>");
	expect("aria-sort=\"descending\"><a href=\"?sort=size&amp;order=asc\">");
	render(NULL, 0, "/", "page=7");
	expect("<p>0 entries</p>");
}

static void pages(void **state)
{
	enum { N = 2 * LISTING_PAGE + 1 };
	static struct listing_entry entries[N];
	static char names_of[N][8];

	(void)state;
	for (int i = 0; i < N; i++) {
		snprintf(names_of[i], sizeof(names_of[i]), "n%d", i);
		entries[i] = file(names_of[i], 1, 0);
	}
	render(entries, N, "/", "sort=time");
	expect(">n0<");
	expect(">n999<");
	expect_none(">n1000<");
	expect("Page 1 of 3");
	expect("<a href=\"?sort=time&amp;order=asc&amp;page=2\">Next</a>");
	expect_none("Previous");
	render(entries, N, "/", "page=2");
	expect(">n1000<");
	expect_none(">n999<");
	expect("<a href=\"?sort=name&amp;order=asc\">Previous</a>");
	render(entries, N, "/", "page=9");
	expect(">n2000<");
	expect("Page 3 of 3");
	expect_none("Next");
}

static void as_json(void **state)
{
	struct listing_entry entries[] = {
		folder("sub", 0), file("a\"b\\c\n\xff\xc3\xa9/", 5, 784111777)};
	struct listing listing = {.entries = entries, .n = 2};

	(void)state;
	text.n = 0;
	listing_json_render(&listing, &text);
	assert_true(str_equal(
		(struct str){text.p, text.n},
		STR("[\n{ \"name\":\"sub\", \"type\":\"directory\", "
		    "\"mtime\":\"Thu, 01 Jan 1970 00:00:00 GMT\" },\n"
		    "{ \"name\":\"a\\u0022b\\u005cc\\u000a\xef\xbf\xbd\xc3\xa9/\", "
		    "\"type\":\"file\", "
		    "\"mtime\":\"Sun, 06 Nov 1994 08:49:37 GMT\", "
		    "\"size\":5 }\n]\n")));
	listing.n = 0;
	text.n = 0;
	listing_json_render(&listing, &text);
	assert_true(str_equal((struct str){text.p, text.n}, STR("[\n]\n")));
}

static int free_text(void **state)
{
	(void)state;
	free(text.p);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders), cmocka_unit_test(views),
		cmocka_unit_test(names),  cmocka_unit_test(sizes),
		cmocka_unit_test(times),  cmocka_unit_test(heads),
		cmocka_unit_test(pages),  cmocka_unit_test(as_json),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, free_text);
}
