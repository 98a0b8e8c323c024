/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The format of what moves. Built with two kinds more: TEST, of versions 1 to
 * 3, and OLD, of versions 2 to 4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/shared/frozen.h"

struct thing {
	uint16_t first; /* versions 1 and 2 */
	bool yes;
	uint8_t small;
	uint16_t middle;
	uint32_t large;
	uint64_t huge;
	struct str text;
	uint32_t later; /* from version 3 on */
};

static const struct frozen_field thing_fields[] = {
	FROZEN_FIELD_OF(thing, first, 1, 2), FROZEN_FIELD(thing, yes),
	FROZEN_FIELD(thing, small),          FROZEN_FIELD(thing, middle),
	FROZEN_FIELD(thing, large),          FROZEN_FIELD(thing, huge),
	FROZEN_FIELD(thing, text),           FROZEN_FIELD_OF(thing, later, 3, 0),
};
static const struct frozen_layout thing_layout =
	FROZEN_LAYOUT(FROZEN_TEST, thing_fields);

struct bytes {
	struct str bytes;
};
static const struct frozen_field bytes_fields[] = {FROZEN_FIELD(bytes, bytes)};
static const struct frozen_layout input_layout =
	FROZEN_LAYOUT(FROZEN_INPUT, bytes_fields);

static const struct thing a_thing = {
	.first = 0x0102,
	.yes = true,
	.small = 0xf1,
	.middle = 0xe1e2,
	.large = 0xd1d2d3d4,
	.huge = 0xc1c2c3c4c5c6c7c8,
	.text = STR_INIT("text"),
	.later = 7,
};

/* This is built a second time, as if for the next release. */
#ifdef HOLDFAST_FORMAT_SHIFT
#define IS_SHIFTED true
#else
#define IS_SHIFTED false
#endif

static char message[1024];

/* Who reads one kind in these versions, and nothing else. */
static struct frozen_table readers_of(unsigned kind, uint16_t oldest,
				      uint16_t newest)
{
	struct frozen_table table = frozen_nothing;

	table.kinds[kind] = (struct frozen_range){oldest, newest};
	return table;
}

static struct str write_thing(const struct frozen_table *readers)
{
	struct frozen_writer w;

	frozen_begin(&w, message, sizeof(message), readers);
	frozen_put(&w, &thing_layout, &a_thing);
	assert_int_equal(w.result, FROZEN_OK);
	return (struct str){message, w.n};
}

static void assert_same(const struct thing *a, const struct thing *b)
{
	assert_int_equal(a->yes, b->yes);
	assert_int_equal(a->small, b->small);
	assert_int_equal(a->middle, b->middle);
	assert_int_equal(a->large, b->large);
	assert_int_equal(a->huge, b->huge);
	assert_true(str_equal(a->text, b->text));
}

/* What goes over the wire is written here once by hand. */
static void bytes_are_as_documented(void **state)
{
	static const char wanted[] = "\x68\x70\x66\x7a" /* magic */
				     "\x01\0"           /* format */
				     "\0\0"             /* returned */
				     "\x3c\0"           /* kind 60 */
				     "\x01\0"           /* version 1 */
				     "\0\0"             /* flags */
				     "\x1a\0\0\0"       /* length */
				     "\x02\x01"         /* first */
				     "\x01"             /* yes */
				     "\xf1"             /* small */
				     "\xe2\xe1"         /* middle */
				     "\xd4\xd3\xd2\xd1" /* large */
				     "\xc8\xc7\xc6\xc5\xc4\xc3\xc2\xc1"
				     "\x04\0\0\0text";
	struct frozen_table readers = readers_of(FROZEN_TEST, 1, 1);
	struct str got = write_thing(&readers);

	(void)state;
	if (IS_SHIFTED)
		return;
	assert_int_equal(got.n, sizeof(wanted) - 1);
	assert_memory_equal(got.p, wanted, got.n);
}

static void every_version_reads_back(void **state)
{
	struct frozen_range ours = frozen_ours.kinds[FROZEN_TEST];

	(void)state;
	assert_true(ours.newest >= 3);
	for (uint16_t v = ours.oldest; v <= ours.newest; v++) {
		struct frozen_table readers = readers_of(FROZEN_TEST, v, v);
		struct str got = write_thing(&readers);
		struct thing thing = {.first = 99, .later = 99};
		struct frozen_reader r;

		assert_int_equal((unsigned char)got.p[FROZEN_HEADER + 2], v);
		assert_int_equal(frozen_open(&r, got, NULL, 0), FROZEN_OK);
		assert_int_equal(frozen_next(&r), FROZEN_TEST);
		assert_int_equal(frozen_get(&r, &thing_layout, &thing), FROZEN_OK);
		assert_int_equal(frozen_next(&r), 0);
		assert_same(&thing, &a_thing);
		/* What the version has not is left as it was. */
		assert_int_equal(thing.first, v <= 2 ? a_thing.first : 99);
		assert_int_equal(thing.later, v >= 3 ? a_thing.later : 99);
	}
}

/* The newest that both know, from the other's range. */
static void versions_are_agreed(void **state)
{
	static const struct {
		uint16_t oldest, newest, wanted;
	} cases[] = {
		{1, 1, 0}, {1, 2, 2}, {2, 3, 3}, {3, 9, 4},
		{4, 4, 4}, {5, 9, 0}, {0, 0, 0},
	};

	(void)state;
	if (IS_SHIFTED)
		return;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct frozen_table readers =
			readers_of(FROZEN_OLD, cases[i].oldest, cases[i].newest);

		assert_int_equal(frozen_version(&readers, FROZEN_OLD),
				 cases[i].wanted);
	}
}

static void what_nobody_reads_is_not_written(void **state)
{
	struct frozen_writer w;

	(void)state;
	frozen_begin(&w, message, sizeof(message), &frozen_nothing);
	assert_int_equal(w.result, FROZEN_OK);
	frozen_put(&w, &thing_layout, &a_thing);
	assert_int_equal(w.result, FROZEN_FOREIGN);
	/* The first reason stays. */
	frozen_put(&w, &input_layout, &(struct bytes){STR("x")});
	assert_int_equal(w.result, FROZEN_FOREIGN);
}

static void what_may_be_skipped_is_left_out(void **state)
{
	struct frozen_table readers = readers_of(FROZEN_INPUT, 1, 1);
	struct frozen_layout optional = thing_layout;
	struct frozen_writer w;
	struct frozen_reader r;

	(void)state;
	optional.flags = FROZEN_MAY_SKIP;
	frozen_begin(&w, message, sizeof(message), &readers);
	frozen_put(&w, &optional, &a_thing);
	frozen_put(&w, &input_layout, &(struct bytes){STR("x")});
	assert_int_equal(w.result, FROZEN_OK);
	assert_int_equal(frozen_open(&r, (struct str){message, w.n}, NULL, 0),
			 FROZEN_OK);
	assert_int_equal(frozen_next(&r), FROZEN_INPUT);
}

/* A message of a later release: its record of an unknown kind, and one of a
 * version that is not ours. */
static void reads_the_unknown(unsigned char kind, unsigned char version,
			      unsigned char flags, enum frozen_result wanted)
{
	struct frozen_writer w;
	struct frozen_reader r;
	struct thing thing;

	frozen_begin(&w, message, sizeof(message), &frozen_ours);
	frozen_put(&w, &input_layout, &(struct bytes){STR("x")});
	message[FROZEN_HEADER] = (char)kind;
	message[FROZEN_HEADER + 2] = (char)version;
	message[FROZEN_HEADER + 4] = (char)flags;
	frozen_put(&w, &thing_layout, &a_thing);
	assert_int_equal(frozen_open(&r, (struct str){message, w.n}, NULL, 0),
			 wanted);
	if (wanted != FROZEN_OK)
		return;
	assert_int_equal(frozen_next(&r), FROZEN_TEST);
	assert_int_equal(frozen_get(&r, &thing_layout, &thing), FROZEN_OK);
	assert_int_equal(frozen_next(&r), 0);
}

static void the_unknown_is_foreign_or_skipped(void **state)
{
	(void)state;
	reads_the_unknown(59, 1, 0, FROZEN_FOREIGN);
	reads_the_unknown(255, 1, 0, FROZEN_FOREIGN);
	reads_the_unknown(0, 1, 0, FROZEN_FOREIGN);
	reads_the_unknown(FROZEN_INPUT, 9, 0, FROZEN_FOREIGN);
	reads_the_unknown(FROZEN_INPUT, 0, 0, FROZEN_FOREIGN);
	reads_the_unknown(59, 1, FROZEN_MAY_SKIP, FROZEN_OK);
	reads_the_unknown(255, 1, FROZEN_MAY_SKIP, FROZEN_OK);
	reads_the_unknown(FROZEN_INPUT, 9, FROZEN_MAY_SKIP, FROZEN_OK);
}

static void other_formats(void **state)
{
	struct str got = write_thing(&frozen_ours);
	struct frozen_reader r;

	(void)state;
	message[4] = 2;
	assert_int_equal(frozen_open(&r, got, NULL, 0), FROZEN_FOREIGN);
	message[4] = 1;
	message[0] ^= 1;
	assert_int_equal(frozen_open(&r, got, NULL, 0), FROZEN_DAMAGED);
}

/* In memory of its own size, so that a sanitizer sees what reads beyond. */
static enum frozen_result read_copy(struct str s)
{
	char *copy = malloc(s.n + 1) /* not NULL for 0 */;
	struct frozen_reader r;
	struct thing thing;

	assert_non_null(copy);
	memcpy(copy, s.p, s.n);
	enum frozen_result result =
		frozen_open(&r, (struct str){copy, s.n}, NULL, 0);

	if (result == FROZEN_OK)
		result = frozen_get(&r, &thing_layout, &thing);
	free(copy);
	return result;
}

static void cut_anywhere(void **state)
{
	struct str got = write_thing(&frozen_ours);

	(void)state;
	assert_int_equal(read_copy(got), FROZEN_OK);
	for (size_t n = 0; n < got.n; n++)
		assert_int_equal(read_copy((struct str){got.p, n}),
				 n == FROZEN_HEADER ? FROZEN_ABSENT
						    : FROZEN_DAMAGED);
}

/* A record that is longer than its version says is damage, too. */
static void length_must_be_exact(void **state)
{
	struct str got = write_thing(&frozen_ours);
	char *length = message + FROZEN_HEADER + 6;

	(void)state;
	message[got.n] = '!';
	++*length;
	assert_int_equal(read_copy((struct str){got.p, got.n + 1}), FROZEN_DAMAGED);
	*length = (char)(*length - 2);
	assert_int_equal(read_copy((struct str){got.p, got.n - 1}), FROZEN_DAMAGED);
	memset(length, 0xff, 4);
	assert_int_equal(read_copy(got), FROZEN_DAMAGED);
}

static void odd_fields(void **state)
{
	struct frozen_table readers = readers_of(FROZEN_TEST, 1, 1);
	struct str got = write_thing(&readers);
	char *fields = message + FROZEN_HEADER + FROZEN_RECORD_HEADER;

	(void)state;
	fields[2] = 2; /* neither true nor false */
	assert_int_equal(read_copy(got), FROZEN_DAMAGED);
	fields[2] = 0;
	assert_int_equal(read_copy(got), FROZEN_OK);
	fields[18] = 5; /* the length of the text */
	assert_int_equal(read_copy(got), FROZEN_DAMAGED);
	fields[21] = (char)0x80;
	assert_int_equal(read_copy(got), FROZEN_DAMAGED);
}

static void room_is_kept(void **state)
{
	struct str whole = write_thing(&frozen_ours);

	(void)state;
	for (size_t room = 0; room < whole.n; room++) {
		struct frozen_writer w;

		message[room] = '#';
		frozen_begin(&w, message, room, &frozen_ours);
		frozen_put(&w, &thing_layout, &a_thing);
		assert_int_equal(w.result, FROZEN_FULL);
		assert_true(w.n <= room);
		assert_int_equal(message[room], '#');
	}
}

static void records_come_in_their_order(void **state)
{
	struct frozen_writer w;
	struct frozen_reader r;
	struct thing thing;
	struct bytes bytes;

	(void)state;
	frozen_begin(&w, message, sizeof(message), &frozen_ours);
	frozen_put(&w, &input_layout, &(struct bytes){STR("one")});
	frozen_put(&w, &thing_layout, &a_thing);
	frozen_put(&w, &input_layout, &(struct bytes){STR("")});
	assert_int_equal(frozen_open(&r, (struct str){message, w.n}, NULL, 0),
			 FROZEN_OK);
	assert_int_equal(frozen_get(&r, &thing_layout, &thing), FROZEN_ABSENT);
	assert_int_equal(frozen_get(&r, &input_layout, &bytes), FROZEN_OK);
	assert_true(str_equal(bytes.bytes, STR("one")));
	assert_int_equal(frozen_get(&r, &input_layout, &bytes), FROZEN_ABSENT);
	assert_int_equal(frozen_get(&r, &thing_layout, &thing), FROZEN_OK);
	assert_int_equal(frozen_get(&r, &input_layout, &bytes), FROZEN_OK);
	assert_int_equal(bytes.bytes.n, 0);
	assert_int_equal(frozen_get(&r, &input_layout, &bytes), FROZEN_ABSENT);
}

static void descriptors(void **state)
{
	struct frozen_writer w;
	struct frozen_reader r;
	int fds[FROZEN_FDS];

	(void)state;
	frozen_begin(&w, message, sizeof(message), &frozen_ours);
	for (int i = 0; i < FROZEN_FDS; i++) {
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		assert_int_equal(frozen_put_fd(&w, fds[i]), i);
	}
	assert_int_equal(w.result, FROZEN_OK);
	assert_int_equal(frozen_put_fd(&w, fds[0]), FROZEN_NO_FD);
	assert_int_equal(w.result, FROZEN_FULL);

	assert_int_equal(frozen_open(&r, (struct str){message, w.n}, fds, 3),
			 FROZEN_OK);
	assert_int_equal(frozen_get_fd(&r, 1), fds[1]);
	assert_int_equal(frozen_get_fd(&r, 1), -1);
	assert_int_equal(frozen_get_fd(&r, 3), -1);
	assert_int_equal(frozen_get_fd(&r, FROZEN_NO_FD), -1);
	frozen_close(&r);
	frozen_close(&r);
	/* Those that nobody took are closed, and no other. */
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
	assert_int_equal(fcntl(fds[2], F_GETFD), -1);
	assert_int_not_equal(fcntl(fds[1], F_GETFD), -1);
	assert_int_not_equal(fcntl(fds[3], F_GETFD), -1);
	close(fds[1]);
	close(fds[3]);

	/* A damaged message's are not lost either. */
	fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(frozen_open(&r, STR("x"), fds, 1), FROZEN_DAMAGED);
	frozen_close(&r);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
}

static void returned_is_counted(void **state)
{
	struct str got = write_thing(&frozen_ours);
	struct frozen_reader r;

	(void)state;
	assert_int_equal(frozen_open(&r, got, NULL, 0), FROZEN_OK);
	assert_int_equal(r.returned, 0);
	frozen_set_returned(message, 0x1234);
	assert_int_equal(frozen_open(&r, got, NULL, 0), FROZEN_OK);
	assert_int_equal(r.returned, 0x1234);
}

static void tables_as_text(void **state)
{
	char text[FROZEN_TABLE_TEXT];
	struct frozen_table table, all = frozen_nothing;

	(void)state;
	frozen_table_parse(&table, frozen_table_format(&frozen_ours, text));
	assert_memory_equal(&table, &frozen_ours, sizeof(table));
	assert_string_equal(frozen_table_format(&frozen_nothing, text), "1");
	frozen_table_parse(&table, "1");
	assert_memory_equal(&table, &frozen_nothing, sizeof(table));
	/* As many kinds as may be in use before the text needs more room. */
	for (int kind = 1; kind < 40; kind++)
		all.kinds[kind] = (struct frozen_range){99, 100};
	assert_true(strlen(frozen_table_format(&all, text)) < sizeof(text) - 1);
}

static void tables_from_others(void **state)
{
	static const char *const bad[] = {
		"",          "2 1:1-1",   "x",           "1 1:1-1 2",
		"1 1:1",     "1 1:2-1",   "1 1:0-1",     "1  1:1-1",
		"1 1:1-1 ",  "1 -1:1-1",  "1 1:1-65536", "1 65536:1-1",
		"1 1:1-1-1", "1 1:1:1-1",
	};
	struct frozen_table table, wanted = readers_of(FROZEN_INPUT, 3, 65535);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		table = frozen_ours;
		frozen_table_parse(&table, bad[i]);
		assert_memory_equal(&table, &frozen_nothing, sizeof(table));
	}
	frozen_table_parse(&table, "1 2:3-65535 64:1-1 65535:1-2");
	assert_memory_equal(&table, &wanted, sizeof(table));
}

static void tables_in_common(void **state)
{
	struct frozen_table a = readers_of(1, 1, 4), b = readers_of(1, 3, 9), c;

	(void)state;
	a.kinds[2] = (struct frozen_range){1, 2};
	b.kinds[2] = (struct frozen_range){3, 4};
	a.kinds[3] = (struct frozen_range){1, 2};
	frozen_table_common(&c, &a, &b);
	assert_int_equal(c.kinds[1].oldest, 3);
	assert_int_equal(c.kinds[1].newest, 4);
	assert_int_equal(c.kinds[2].newest, 0);
	assert_int_equal(c.kinds[3].newest, 0);
	frozen_table_common(&c, &frozen_ours, &frozen_ours);
	assert_memory_equal(&c, &frozen_ours, sizeof(c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_as_documented),
		cmocka_unit_test(every_version_reads_back),
		cmocka_unit_test(versions_are_agreed),
		cmocka_unit_test(what_nobody_reads_is_not_written),
		cmocka_unit_test(what_may_be_skipped_is_left_out),
		cmocka_unit_test(the_unknown_is_foreign_or_skipped),
		cmocka_unit_test(other_formats),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(length_must_be_exact),
		cmocka_unit_test(odd_fields),
		cmocka_unit_test(room_is_kept),
		cmocka_unit_test(records_come_in_their_order),
		cmocka_unit_test(descriptors),
		cmocka_unit_test(returned_is_counted),
		cmocka_unit_test(tables_as_text),
		cmocka_unit_test(tables_from_others),
		cmocka_unit_test(tables_in_common),
	};

	alarm(60);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
