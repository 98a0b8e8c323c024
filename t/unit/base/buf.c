/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers: what is put in comes out, however they grow, move and shrink; and
 * an idle one owns nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "t/unit/base/child.h"

/* `n` bytes that tell where they are. */
static void put_pattern(struct buf *b, size_t from, size_t n)
{
	char *to = buf_room(b, n);

	assert_true(buf_free(b) >= n);
	for (size_t i = 0; i < n; i++)
		to[i] = (char)((from + i) % 251);
	buf_added(b, n);
}

static void assert_pattern(const struct buf *b, size_t from, size_t n)
{
	struct str s = buf_str(b);

	assert_int_equal(s.n, n);
	assert_int_equal(buf_length(b), n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(s.p[i], (char)((from + i) % 251));
}

static void empty(void **state)
{
	struct buf b = {0};

	(void)state;
	assert_int_equal(buf_length(&b), 0);
	assert_int_equal(buf_str(&b).n, 0);
	assert_int_equal(buf_free(&b), 0);
	buf_put(&b, (struct str){NULL, 0});
	buf_put_cstr(&b, "");
	buf_shrink(&b);
	buf_release(&b);
	assert_null(b.storage);
}

static void ask_for_no_room(void)
{
	struct buf b = {0};
	char *room = buf_room(&b, 0);

	/* By way of a volatile: the compiler believes returns_nonnull. */
	char *volatile seen = room;

	CHILD_CHECK(seen != NULL);
	CHILD_CHECK(buf_length(&b) == 0);
	buf_release(&b);
}

/* In a child: a sanitizer ends the process that breaks its rules. */
static void room_for_nothing(void **state)
{
	(void)state;
	assert_int_equal(child_status(ask_for_no_room), 0);
}

static void put_and_consume(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_put_cstr(&b, "hello ");
	buf_put(&b, STR("wo\0rld"));
	buf_printf(&b, "%d%s", 42, "!");
	assert_int_equal(buf_length(&b), 15);
	assert_memory_equal(buf_str(&b).p, "hello wo\0rld42!", 15);
	buf_consume(&b, 6);
	assert_true(str_equal(buf_str(&b), STR("wo\0rld42!")));
	buf_consume(&b, 0);
	assert_int_equal(buf_length(&b), 9);
	/* All of it: the whole storage is free again. */
	buf_consume(&b, 9);
	assert_int_equal(buf_length(&b), 0);
	assert_int_equal(buf_free(&b), BUF_CHUNK);
	buf_release(&b);
}

static void room_is_not_written(void **state)
{
	struct buf b = {0};

	(void)state;
	memcpy(buf_room(&b, 100), "abc", 3);
	assert_int_equal(buf_length(&b), 0);
	buf_added(&b, 2);
	assert_true(str_equal(buf_str(&b), STR("ab")));
	/* As much as there is room for, without moving. */
	char *end = buf_room(&b, 1);

	assert_ptr_equal(buf_room(&b, buf_free(&b)), end);
	assert_int_equal(buf_size(&b), BUF_CHUNK);
	buf_release(&b);
}

static void grows(void **state)
{
	struct buf b = {0};
	size_t n = 0;

	(void)state;
	for (size_t piece = 1; n < 300000; piece = piece * 3 / 2 + 1) {
		put_pattern(&b, n, piece);
		n += piece;
		assert_pattern(&b, 0, n);
	}
	assert_true(buf_size(&b) >= n && buf_size(&b) < 4 * n);
	buf_release(&b);
	put_pattern(&b, 0, BUF_CHUNK);
	assert_int_equal(buf_size(&b), BUF_CHUNK);
	put_pattern(&b, BUF_CHUNK, 1);
	assert_pattern(&b, 0, BUF_CHUNK + 1);
	buf_release(&b);
}

static void moves_up_before_it_grows(void **state)
{
	struct buf b = {0};
	const char *storage;

	(void)state;
	put_pattern(&b, 0, BUF_CHUNK);
	storage = b.storage;
	buf_consume(&b, BUF_CHUNK - 100);
	put_pattern(&b, BUF_CHUNK, BUF_CHUNK - 100);
	assert_pattern(&b, BUF_CHUNK - 100, BUF_CHUNK);
	assert_ptr_equal(b.storage, storage);
	assert_int_equal(buf_size(&b), BUF_CHUNK);
	buf_release(&b);
}

static void too_much(void)
{
	struct buf b = {0};

	buf_room(&b, (size_t)1 << 31);
}

static void no_end_of_growth(void **state)
{
	(void)state;
	child_aborts(too_much);
}

static void prints_what_is_long(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_printf(&b, "%*d", BUF_CHUNK - 1, 1);
	assert_int_equal(buf_length(&b), BUF_CHUNK - 1);
	assert_int_equal(buf_size(&b), BUF_CHUNK);
	buf_printf(&b, "%*d", 100000, 2);
	assert_int_equal(buf_length(&b), BUF_CHUNK - 1 + 100000);
	assert_int_equal(buf_str(&b).p[BUF_CHUNK - 2], '1');
	assert_int_equal(buf_str(&b).p[BUF_CHUNK - 1], ' ');
	assert_int_equal(buf_str(&b).p[buf_length(&b) - 1], '2');
	buf_release(&b);
}

static void chunks_are_used_again(void **state)
{
	struct buf a = {0}, b = {0}, large = {0};

	(void)state;
	put_pattern(&a, 0, 1);
	put_pattern(&b, 0, 1);
	const char *of_a = a.storage, *of_b = b.storage;

	buf_release(&a);
	assert_null(a.storage);
	assert_int_equal(buf_size(&a), 0);
	buf_release(&b);
	/* The newest first. */
	put_pattern(&a, 0, 1);
	assert_ptr_equal(a.storage, of_b);
	put_pattern(&b, 0, 1);
	assert_ptr_equal(b.storage, of_a);

	/* What has another size is never taken for a chunk. */
	put_pattern(&large, 0, BUF_CHUNK + 1);
	buf_release(&large);
	put_pattern(&large, 0, BUF_CHUNK);
	assert_int_equal(buf_size(&large), BUF_CHUNK);

	/* One that grows gives its chunk back, too. */
	const char *outgrown = large.storage;

	put_pattern(&large, 0, 1);
	buf_release(&b);
	put_pattern(&b, 0, 1);
	buf_release(&a);
	put_pattern(&a, 0, 1);
	struct buf c = {0};

	put_pattern(&c, 0, 1);
	assert_ptr_equal(c.storage, outgrown);
	buf_release(&a);
	buf_release(&b);
	buf_release(&c);
	buf_release(&large);
}

/* Many at once: more than the free list keeps. The leak checker judges. */
static void many_chunks(void **state)
{
	enum { N = 300 };
	struct buf all[N] = {0};

	(void)state;
	for (size_t i = 0; i < N; i++)
		put_pattern(&all[i], i, 8);
	for (size_t i = 0; i < N; i++)
		assert_pattern(&all[i], i, 8);
	for (size_t i = 0; i < N; i++)
		buf_release(&all[i]);
	buf_free_all();
	put_pattern(&all[0], 0, 8);
	buf_release(&all[0]);
}

static void shrinks(void **state)
{
	struct buf b = {0};

	(void)state;
	for (size_t n = 1; n <= BUF_CHUNK / 4; n = n * 2 + 1) {
		put_pattern(&b, 0, 1000 + n);
		buf_consume(&b, 1000);
		buf_shrink(&b);
		assert_pattern(&b, 1000, n);
		assert_true(buf_size(&b) < 2 * n + 256);
		/* And goes on from there. */
		put_pattern(&b, 1000 + n, BUF_CHUNK);
		assert_pattern(&b, 1000, n + BUF_CHUNK);
		buf_release(&b);
	}
}

static void shrinks_to_nothing(void **state)
{
	struct buf b = {0};

	(void)state;
	put_pattern(&b, 0, 10);
	buf_consume(&b, 10);
	buf_shrink(&b);
	assert_null(b.storage);
	assert_int_equal(buf_size(&b), 0);
}

static void shrinks_only_when_it_pays(void **state)
{
	struct buf b = {0};
	const char *storage;

	(void)state;
	put_pattern(&b, 0, BUF_CHUNK / 2);
	storage = b.storage;
	buf_shrink(&b);
	assert_ptr_equal(b.storage, storage);
	buf_consume(&b, BUF_CHUNK / 2 - 10);
	buf_shrink(&b);
	assert_int_equal(buf_size(&b), 256);
	storage = b.storage;
	buf_shrink(&b);
	assert_ptr_equal(b.storage, storage);
	/* The chunk that it had is free for others. */
	buf_release(&b);
}

static void as_a_model_does(void **state)
{
	enum { MAX = 200000 };
	struct buf b = {0};
	char *model = malloc(MAX);
	size_t n = 0;
	uint32_t random = 1;

	(void)state;
	assert_non_null(model);
	for (int i = 0; i < 3000; i++) {
		random = random * 1664525 + 1013904223;
		size_t amount = (random >> 12) % (random >> 31 ? 50000 : 300);

		switch ((random >> 8) % 6) {
		case 0:
		case 1:
		case 2:
			if (n + amount > MAX)
				break;
			memset(model + n, (int)('a' + i % 26), amount);
			buf_put(&b, (struct str){model + n, amount});
			n += amount;
			break;
		case 3:
		case 4:
			amount = amount < n ? amount : n;
			memmove(model, model + amount, n - amount);
			n -= amount;
			buf_consume(&b, amount);
			break;
		default:
			buf_shrink(&b);
		}
		assert_int_equal(buf_length(&b), n);
		if (n > 0)
			assert_memory_equal(buf_str(&b).p, model, n);
	}
	buf_release(&b);
	free(model);
}

static int free_all(void **state)
{
	(void)state;
	buf_free_all();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(room_for_nothing),
		cmocka_unit_test(put_and_consume),
		cmocka_unit_test(room_is_not_written),
		cmocka_unit_test(grows),
		cmocka_unit_test(moves_up_before_it_grows),
		cmocka_unit_test(no_end_of_growth),
		cmocka_unit_test(prints_what_is_long),
		cmocka_unit_test(chunks_are_used_again),
		cmocka_unit_test(many_chunks),
		cmocka_unit_test(shrinks),
		cmocka_unit_test(shrinks_to_nothing),
		cmocka_unit_test(shrinks_only_when_it_pays),
		cmocka_unit_test(as_a_model_does),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, free_all);
}
