/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists: their order, and removal at any moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct object {
	int number;
	struct list link;
};

enum { N = 5 };

static struct object objects[N];
static struct list head;

static int set_up(void **state)
{
	(void)state;
	list_init(&head);
	for (int i = 0; i < N; i++) {
		objects[i].number = i;
		list_append(&head, &objects[i].link);
	}
	return 0;
}

/* Both ways round: "0 1 2" as 012. */
static void assert_list(const struct list *list, int digits)
{
	int forward = 0, backward = 0, unit = 1;

	LIST_EACH (l, (struct list *)list)
		forward =
			forward * 10 + CONTAINER_OF(l, struct object, link)->number;
	for (struct list *l = list->prev; l != list; l = l->prev) {
		backward += unit * CONTAINER_OF(l, struct object, link)->number;
		unit *= 10;
	}
	assert_int_equal(forward, digits);
	assert_int_equal(backward, digits);
}

static void appends(void **state)
{
	struct list none;

	(void)state;
	list_init(&none);
	assert_true(list_is_empty(&none));
	assert_false(list_is_empty(&head));
	assert_list(&head, 1234);
}

static void removes(void **state)
{
	(void)state;
	list_remove(&objects[0].link);
	assert_list(&head, 1234);
	list_remove(&objects[2].link);
	assert_list(&head, 134);
	list_remove(&objects[4].link);
	assert_list(&head, 13);
	assert_true(list_is_empty(&objects[4].link));
	/* Outside every list it is allowed, and does nothing. */
	list_remove(&objects[4].link);
	assert_list(&head, 13);
	list_append(&head, &objects[4].link);
	assert_list(&head, 134);
	list_remove(&objects[1].link);
	list_remove(&objects[3].link);
	list_remove(&objects[4].link);
	assert_true(list_is_empty(&head));
}

static void removes_in_a_walk(void **state)
{
	int seen = 0;

	(void)state;
	LIST_EACH_SAFE (l, &head) {
		struct object *o = CONTAINER_OF(l, struct object, link);

		seen = seen * 10 + o->number;
		if (o->number % 2 == 0)
			list_remove(l);
	}
	assert_int_equal(seen, 1234);
	assert_list(&head, 13);
	LIST_EACH_SAFE (l, &head)
		list_remove(l);
	assert_true(list_is_empty(&head));
}

static void takes_all(void **state)
{
	struct object more = {.number = 9};
	struct list other, none;

	(void)state;
	list_init(&other);
	list_init(&none);
	list_append(&other, &more.link);
	list_move_all(&other, &head);
	assert_true(list_is_empty(&head));
	assert_list(&other, 901234);
	list_move_all(&head, &other);
	assert_true(list_is_empty(&other));
	assert_list(&head, 901234);
	list_move_all(&head, &none);
	assert_list(&head, 901234);
	list_remove(&more.link);
	assert_list(&head, 1234);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(appends, set_up),
		cmocka_unit_test_setup(removes, set_up),
		cmocka_unit_test_setup(removes_in_a_walk, set_up),
		cmocka_unit_test_setup(takes_all, set_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
