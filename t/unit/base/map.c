/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash table: finds what is in it and nothing else, however it grows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/map.h"

enum { MANY = 1000 };

struct object {
	struct map_node node;
	char name[16];
};

static struct object objects[MANY];

static void put_numbered(struct map *map, size_t i)
{
	struct object *o = &objects[i];

	snprintf(o->name, sizeof(o->name), "key-%zu", i);
	o->node = (struct map_node){.key = str_of(o->name)};
	map_put(map, &o->node);
}

static void empty(void **state)
{
	struct map map = {0};

	(void)state;
	assert_null(map_find(&map, STR("a")));
	assert_null(map_find(&map, (struct str){NULL, 0}));
	map_fini(&map);
}

static void any_bytes_are_a_key(void **state)
{
	static const struct str keys[] = {STR_INIT(""),    STR_INIT("a"),
					  STR_INIT("a\0"), STR_INIT("a\0b"),
					  STR_INIT("A"),   STR_INIT("\xff\xfe")};
	enum { N = sizeof(keys) / sizeof(*keys) };
	struct map_node nodes[N];
	struct map map = {0};

	(void)state;
	for (size_t i = 0; i < N; i++) {
		nodes[i] = (struct map_node){.key = keys[i]};
		map_put(&map, &nodes[i]);
	}
	for (size_t i = 0; i < N; i++)
		assert_ptr_equal(map_find(&map, keys[i]), &nodes[i]);
	assert_null(map_find(&map, STR("b")));
	map_fini(&map);
}

static void many(void **state)
{
	struct map map = {0};

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		put_numbered(&map, i);
		assert_int_equal(map.n, i + 1);
	}
	for (size_t i = 0; i < MANY; i++) {
		char name[16];

		/* A key of its own: the bytes are compared, not where. */
		snprintf(name, sizeof(name), "key-%zu", i);
		assert_ptr_equal(map_find(&map, str_of(name)), &objects[i].node);
	}
	assert_null(map_find(&map, STR("key-1000")));
	assert_null(map_find(&map, STR("key-")));
	for (size_t i = 0; i < MANY; i += 2)
		map_remove(&map, &objects[i].node);
	assert_int_equal(map.n, MANY / 2);
	for (size_t i = 0; i < MANY; i++)
		assert_ptr_equal(map_find(&map, str_of(objects[i].name)),
				 i % 2 ? &objects[i].node : NULL);
	for (size_t i = 1; i < MANY; i += 2)
		map_remove(&map, &objects[i].node);
	assert_int_equal(map.n, 0);
	assert_null(map_find(&map, STR("key-1")));
	map_fini(&map);
	assert_null(map.buckets);
}

static void equal_keys(void **state)
{
	struct map_node first = {.key = STR("a")}, second = first, third = first;
	struct map map = {0};

	(void)state;
	map_put(&map, &first);
	map_put(&map, &second);
	map_put(&map, &third);
	assert_int_equal(map.n, 3);
	assert_ptr_equal(map_find(&map, STR("a")), &third);
	map_remove(&map, &second);
	assert_ptr_equal(map_find(&map, STR("a")), &third);
	map_remove(&map, &third);
	assert_ptr_equal(map_find(&map, STR("a")), &first);
	map_remove(&map, &first);
	assert_null(map_find(&map, STR("a")));
	map_fini(&map);
}

/* map.h: the one that was put in last is found; growing changes nothing. */
static void equal_keys_in_a_map_that_grows(void **state)
{
	struct map_node first = {.key = STR("a")}, last = first;
	struct map map = {0};

	(void)state;
	map_put(&map, &first);
	map_put(&map, &last);
	for (size_t i = 0; i < MANY; i++) {
		put_numbered(&map, i);
		assert_ptr_equal(map_find(&map, STR("a")), &last);
	}
	map_fini(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(any_bytes_are_a_key),
		cmocka_unit_test(many),
		cmocka_unit_test(equal_keys),
		cmocka_unit_test(equal_keys_in_a_map_that_grows),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
