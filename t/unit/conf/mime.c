/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Media types: the built-in table, tables of files, and names of files that
 * nobody should have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "conf/mime.h"
#include "t/unit/conf/folder.h"

static void expect(const struct mime_types *types, const char *name,
		   const char *type)
{
	struct str got = mime_type_of(types, str_of(name));

	if (!str_equal(got, str_of(type)))
		fail_msg("%s: %.*s, not %s", name, STR_ARG(got), type);
}

static void built_in(void **state)
{
	static const char unknown[] = "application/octet-stream";
	struct arena arena = {0};
	const char *why;
	int line;
	struct mime_types *types = mime_types_load(&arena, "", &why, &line);

	(void)state;
	assert_non_null(types);
	expect(types, "index.html", "text/html");
	expect(types, "INDEX.HTML", "text/html");
	expect(types, "a.css", "text/css");
	expect(types, "a.min.js", "text/javascript");
	expect(types, "a.mjs", "text/javascript");
	expect(types, "a.json", "application/json");
	expect(types, "a.svg", "image/svg+xml");
	expect(types, "a.wasm", "application/wasm");
	expect(types, "a.woff2", "font/woff2");
	expect(types, "a.webp", "image/webp");
	expect(types, "a.avif", "image/avif");
	expect(types, "a.mp4", "video/mp4");
	expect(types, "a.pdf", "application/pdf");
	expect(types, "a.txt", "text/plain");
	expect(types, "a.md", "text/markdown");
	expect(types, "a.tar.gz", "application/gzip");
	expect(types, ".html", "text/html");
	expect(types, "dir/a.b/c.png", "image/png");

	expect(types, "", unknown);
	expect(types, "html", unknown);
	expect(types, "a.", unknown);
	expect(types, ".", unknown);
	expect(types, "a.html.", unknown);
	expect(types, "a.html/x", unknown);
	expect(types, "a.html ", unknown);
	expect(types, "a.nosuchsuffix", unknown);
	expect(types, "a.012345678901234567890123456789012345678", unknown);
	assert_true(str_equal(mime_type_of(types, STR("a.html\0")),
			      STR("application/octet-stream")));
	arena_fini(&arena);
}

static struct mime_types *load(struct arena *arena, const char *text,
			       const char **why, int *line)
{
	const char *path = write_bytes("types", text, strlen(text));

	return mime_types_load(arena, path, why, line);
}

static void from_a_file(void **state)
{
	struct arena arena = {0};
	const char *why;
	int line;
	struct mime_types *types =
		load(&arena,
		     "# comment\n\n  text/html\thtml  HTM # not this\r\n"
		     "text/none\n"
		     "a/b x\nc/d x\n"
		     "application/x;v=1 y",
		     &why, &line);

	(void)state;
	assert_non_null(types);
	expect(types, "a.html", "text/html");
	expect(types, "a.htm", "text/html");
	expect(types, "a.x", "c/d");
	expect(types, "a.y", "application/x;v=1");
	expect(types, "a.not", "application/octet-stream");
	expect(types, "a.css", "application/octet-stream");
	assert_non_null(load(&arena, "", &why, &line));
	arena_fini(&arena);
}

static void wrong_lines(void **state)
{
	static const struct {
		const char *text;
		int line;
	} wrong[] = {
		{"html text/html\n", 1},
		{"a/b x\n\n# y\nc\n", 4},
		{"/b x", 1},
		{"a/ x", 1},
		{"a/b .x", 1},
		{"a/b\x01 x", 1},
		{"a/b x\na/\x80 y", 2},
	};
	struct arena arena = {0};
	const char *why;
	int line;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		why = NULL;
		assert_null(load(&arena, wrong[i].text, &why, &line));
		assert_non_null(why);
		assert_int_equal(line, wrong[i].line);
	}
	arena_fini(&arena);
}

static void unreadable(void **state)
{
	struct arena arena = {0};
	const char *why = NULL;
	int line = 5;

	(void)state;
	assert_null(mime_types_load(&arena, in_folder("none"), &why, &line));
	assert_string_equal(why, "No such file or directory");
	assert_int_equal(line, 0);
	line = 5;
	assert_null(mime_types_load(&arena, folder, &why, &line));
	assert_string_equal(why, "Is a directory");
	assert_int_equal(line, 0);
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_null(mime_types_load(&arena, in_folder("fifo"), &why, &line));
	assert_string_equal(why, "not a regular file");
	arena_fini(&arena);
}

static void many_suffixes(void **state)
{
	struct arena arena = {0};
	struct buf text = {0};
	char name[32];
	const char *why;
	int line;

	(void)state;
	buf_put_cstr(&text, "a/b");
	for (int i = 0; i < 5000; i++)
		buf_printf(&text, " s%d", i);
	const char *path = write_bytes("many", buf_str(&text).p, buf_length(&text));
	struct mime_types *types = mime_types_load(&arena, path, &why, &line);

	assert_non_null(types);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "x.S%d", i);
		expect(types, name, "a/b");
	}
	expect(types, "x.s5000", "application/octet-stream");
	buf_release(&text);
	arena_fini(&arena);
}

static int finish(void **state)
{
	buf_free_all();
	return remove_folder(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(built_in),      cmocka_unit_test(from_a_file),
		cmocka_unit_test(wrong_lines),   cmocka_unit_test(unreadable),
		cmocka_unit_test(many_suffixes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_folder, finish);
}
