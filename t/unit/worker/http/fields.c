/* SPDX-License-Identifier: BSD-2-Clause */
/* The fields of a response: put together, and never split by a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "worker/http/fields.h"

static struct arena arena;

static void assert_fields(const struct fields *f, struct str wanted)
{
	if (!str_equal(fields_str(f), wanted))
		fail_msg("\"%" STR_FMT "\" is not \"%" STR_FMT "\"",
			 STR_ARG(fields_str(f)), STR_ARG(wanted));
}

static void added(void **state)
{
	struct fields f = {0};

	(void)state;
	assert_int_equal(fields_str(&f).n, 0);
	fields_add(&f, &arena, STR("Allow"), STR("GET, HEAD"));
	assert_fields(&f, STR("Allow: GET, HEAD\r\n"));
	fields_add(&f, &arena, STR("X-Empty"), STR(""));
	fields_add(&f, &arena, STR("X-None"), (struct str){NULL, 0});
	assert_fields(&f, STR("Allow: GET, HEAD\r\nX-Empty: \r\nX-None: \r\n"));
}

static void numbers(void **state)
{
	struct fields f = {0};

	(void)state;
	fields_add_number(&f, &arena, STR("A"), 0);
	fields_add_number(&f, &arena, STR("B"), UINT64_MAX);
	assert_fields(&f, STR("A: 0\r\nB: 18446744073709551615\r\n"));
}

static void lines(void **state)
{
	struct fields f = {0};
	char large[600];

	(void)state;
	fields_add(&f, &arena, STR("A"), STR("1"));
	fields_add_lines(&f, &arena, STR("B: 2\r\nC: 3\r\n"));
	fields_add(&f, &arena, STR("D"), STR("4"));
	assert_fields(&f, STR("A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n"));
	memset(large, 'x', sizeof(large));
	memcpy(large, "E: ", 3);
	memcpy(large + sizeof(large) - 2, "\r\n", 2);
	fields_add_lines(&f, &arena, (struct str){large, sizeof(large)});
	assert_int_equal(fields_str(&f).n, 4 * 6 + sizeof(large));
	assert_memory_equal(fields_str(&f).p + 4 * 6, large, sizeof(large));
}

static void defused(void **state)
{
	struct fields f = {0};

	(void)state;
	fields_add(&f, &arena, STR("Location"),
		   STR("/\r\nSet-Cookie: a=b\r\n\r\n<html>\0\n\r"));
	assert_fields(&f, STR("Location: /  Set-Cookie: a=b    <html>   \r\n"));
	/* Every octet: those three, and no others. */
	for (int c = 0; c < 256; c++) {
		char value[3] = {'a', (char)c, 'b'};
		char wanted[] = "X: a?b\r\n";

		f = (struct fields){0};
		wanted[4] = c == '\r' || c == '\n' || c == '\0' ? ' ' : (char)c;
		fields_add(&f, &arena, STR("X"), (struct str){value, 3});
		assert_fields(&f, (struct str){wanted, 8});
		/* The caller's own is not touched. */
		assert_int_equal(value[1], (char)c);
	}
}

static void many(void **state)
{
	struct fields f = {0};
	struct buf wanted = {0};
	char value[2000];

	(void)state;
	memset(value, 'v', sizeof(value));
	for (int i = 0; i < 200; i++) {
		char name[16];
		struct str v = {value, (size_t)i * 10};

		snprintf(name, sizeof(name), "X-%d", i);
		fields_add(&f, &arena, str_of(name), v);
		buf_printf(&wanted, "%s: %" STR_FMT "\r\n", name, STR_ARG(v));
		assert_fields(&f, buf_str(&wanted));
	}
	buf_release(&wanted);
}

/* Two that share an arena do not share their text. */
static void side_by_side(void **state)
{
	struct fields a = {0}, b = {0};

	(void)state;
	for (int i = 0; i < 100; i++) {
		fields_add(&a, &arena, STR("A"), STR("1"));
		fields_add(&b, &arena, STR("B"), STR("2"));
	}
	assert_int_equal(a.n, 600);
	assert_int_equal(b.n, 600);
	for (size_t i = 0; i < 600; i += 6) {
		assert_memory_equal(a.text + i, "A: 1\r\n", 6);
		assert_memory_equal(b.text + i, "B: 2\r\n", 6);
	}
}

static int free_all(void **state)
{
	(void)state;
	arena_fini(&arena);
	buf_free_all();
	return 0;
}

static void walks(void **state)
{
	struct fields fields = {0};
	struct str rest, name, value;

	(void)state;
	rest = fields_str(&fields);
	assert_false(fields_next(&rest, &name, &value));
	fields_add(&fields, &arena, STR("A"), STR("b: c"));
	fields_add(&fields, &arena, STR("Empty"), STR(""));
	rest = fields_str(&fields);
	assert_true(fields_next(&rest, &name, &value));
	assert_true(str_equal(name, STR("A")) && str_equal(value, STR("b: c")));
	assert_true(fields_next(&rest, &name, &value));
	assert_true(str_equal(name, STR("Empty")) && value.n == 0);
	assert_false(fields_next(&rest, &name, &value));
}

static void removed(void **state)
{
	struct fields f = {0};

	(void)state;
	fields_remove(&f, STR("A"));
	assert_int_equal(f.n, 0);
	fields_add(&f, &arena, STR("A"), STR("1"));
	fields_add(&f, &arena, STR("AB"), STR("a: 2"));
	fields_add(&f, &arena, STR("a"), STR("a longer one than those around it"));
	fields_add(&f, &arena, STR("C"), STR(""));
	fields_add(&f, &arena, STR("A"), STR("5"));
	fields_remove(&f, STR("none"));
	assert_int_equal(f.n, 65);
	fields_remove(&f, STR("a"));
	assert_fields(&f, STR("AB: a: 2\r\nC: \r\n"));
	fields_add(&f, &arena, STR("D"), STR("6"));
	assert_fields(&f, STR("AB: a: 2\r\nC: \r\nD: 6\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(added), cmocka_unit_test(numbers),
		cmocka_unit_test(lines), cmocka_unit_test(defused),
		cmocka_unit_test(many),  cmocka_unit_test(side_by_side),
		cmocka_unit_test(walks), cmocka_unit_test(removed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, free_all);
}
