/* SPDX-License-Identifier: BSD-2-Clause */
/* Arenas: what they give is aligned, apart from each other, and lasts until
 * a reset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdalign.h>
#include <string.h>

#include "base/arena.h"
#include "t/unit/base/child.h"

static void aligned(void **state)
{
	struct arena a = {0};

	(void)state;
	for (size_t size = 0; size < 300; size++) {
		void *p = arena_alloc(&a, size);

		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		memset(p, 0xff, size);
		/* Text in between takes no more than its bytes. */
		char *text = arena_bytes(&a, size % 7);

		memset(text, 'x', size % 7);
	}
	arena_fini(&a);
}

static void apart(void **state)
{
	enum { N = 500 };
	unsigned char *pieces[N];
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < N; i++) {
		size_t n = i * 37 % 200;

		pieces[i] = i % 2 ? arena_alloc(&a, n)
				  : (unsigned char *)arena_bytes(&a, n);
		memset(pieces[i], (int)(i & 0xff), n);
	}
	for (size_t i = 0; i < N; i++)
		for (size_t k = 0; k < i * 37 % 200; k++)
			assert_int_equal(pieces[i][k], i & 0xff);
	arena_fini(&a);
}

static void large(void **state)
{
	static const size_t sizes[] = {4000, 4079, 4080, 4081, 4096, 5000, 1000000};
	struct arena a = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		memset(arena_alloc(&a, sizes[i]), 1, sizes[i]);
		memset(arena_bytes(&a, sizes[i]), 2, sizes[i]);
		arena_reset(&a);
	}
	arena_fini(&a);
}

static void nothing(void **state)
{
	struct arena a = {0};

	(void)state;
	assert_non_null(arena_bytes(&a, 0));
	assert_non_null(arena_alloc(&a, 0));
	assert_non_null(arena_zalloc(&a, 0, 8));
	assert_string_equal(arena_cstr(&a, (struct str){NULL, 0}), "");
	arena_fini(&a);
	arena_fini(&a);
	arena_reset(&a);
	assert_null(a.chunks);
}

static void zeroed(void **state)
{
	struct arena a = {0};

	(void)state;
	memset(arena_alloc(&a, 3000), 0xff, 3000);
	arena_reset(&a);
	const unsigned char *p = arena_zalloc(&a, 300, 10);

	for (size_t i = 0; i < 3000; i++)
		assert_int_equal(p[i], 0);
	arena_fini(&a);
}

static void too_many(void)
{
	struct arena a = {0};

	arena_zalloc(&a, SIZE_MAX / 2, 3);
}

static void product_overflows(void **state)
{
	(void)state;
	child_aborts(too_many);
}

static void copies(void **state)
{
	struct arena a = {0};
	char text[] = "a\0b";
	struct str copy = arena_copy(&a, (struct str){text, 3});

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(copy.n, 3);
	assert_memory_equal(copy.p, "a\0b", 4);
	assert_string_equal(arena_cstr(&a, STR("abc")), "abc");
	arena_fini(&a);
}

static void printed(void **state)
{
	struct arena a = {0};
	struct str s = arena_printf(&a, "%d-%s", 42, "x");

	(void)state;
	assert_int_equal(s.n, 4);
	assert_string_equal(s.p, "42-x");
	s = arena_printf(&a, "%s", "");
	assert_int_equal(s.n, 0);
	assert_string_equal(s.p, "");
	for (int n = 4000; n < 4200; n++) {
		s = arena_printf(&a, "%*d", n, 7);
		assert_int_equal(s.n, n);
		assert_int_equal(s.p[n - 1], '7');
		assert_int_equal(s.p[n], '\0');
	}
	arena_fini(&a);
}

/* A request after the other costs no allocation. */
static void reset_keeps_a_chunk(void **state)
{
	struct arena a = {0};
	void *first = arena_alloc(&a, 100);

	(void)state;
	arena_reset(&a);
	assert_ptr_equal(arena_alloc(&a, 100), first);

	/* The one chunk of the usual size is kept, the others go. */
	arena_alloc(&a, 100000);
	arena_reset(&a);
	assert_ptr_equal(arena_alloc(&a, 100), first);

	for (int i = 0; i < 100; i++)
		arena_alloc(&a, 1000);
	arena_reset(&a);
	struct arena_chunk *kept = a.chunks;

	assert_non_null(kept);
	for (int i = 0; i < 4; i++)
		arena_alloc(&a, 1000);
	assert_ptr_equal(a.chunks, kept);
	arena_fini(&a);

	/* Only large ones: none is kept. */
	arena_alloc(&a, 100000);
	arena_reset(&a);
	assert_null(a.chunks);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aligned),
		cmocka_unit_test(apart),
		cmocka_unit_test(large),
		cmocka_unit_test(nothing),
		cmocka_unit_test(zeroed),
		cmocka_unit_test(product_overflows),
		cmocka_unit_test(copies),
		cmocka_unit_test(printed),
		cmocka_unit_test(reset_keeps_a_chunk),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
