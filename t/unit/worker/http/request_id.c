/* SPDX-License-Identifier: BSD-2-Clause */
/* The id of a request: which one that came is taken, and what a new one is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "worker/http/exchange.h"
#include "worker/http/request_id.h"

static struct exchange_connection connection;
static struct exchange x;
static struct field fields[2];

static int set_up(void **state)
{
	(void)state;
	exchange_init(&x, NULL, NULL, &connection);
	x.request.fields = fields;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	exchange_fini(&x);
	return 0;
}

/* The id of a request with that field. */
static struct str id_of(const char *name, struct str value)
{
	x.request_id = (struct str){NULL, 0};
	fields[0] = (struct field){.name = str_of(name), .value = value};
	x.request.n_fields = 1;
	return request_id(&x);
}

static bool is_new(struct str id)
{
	char text[33] = "";

	if (id.n != 32)
		return false;
	memcpy(text, id.p, id.n);
	return strspn(text, "0123456789abcdef") == 32;
}

static void taken(void **state)
{
	static const char all[] = "ABCXYZabcxyz0189._~+/=-";
	char longest[128];

	(void)state;
	assert_true(str_equal(id_of("X-Request-Id", STR("a")), STR("a")));
	assert_true(str_equal(id_of("x-request-ID", STR(all)), STR(all)));
	memset(longest, 'x', sizeof(longest));
	struct str max = {longest, sizeof(longest)};

	assert_true(str_equal(id_of("X-Request-Id", max), max));
}

static void not_taken(void **state)
{
	char value[129];

	(void)state;
	for (int c = 0; c < 256; c++) {
		char odd[] = {'a', (char)c, 'b'};
		bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') ||
			       (c != 0 && strchr("._~+/=-", c) != NULL);
		struct str id = id_of("X-Request-Id", (struct str){odd, 3});

		assert_int_equal(id.n, allowed ? 3 : 32);
	}
	assert_true(is_new(id_of("X-Request-Id", STR(""))));
	memset(value, 'x', sizeof(value));
	assert_true(is_new(id_of("X-Request-Id", (struct str){value, 129})));
	assert_true(is_new(id_of("X-Request-Ids", STR("a"))));
	/* Of two nobody knows which is meant. */
	fields[0] = fields[1] =
		(struct field){.name = STR("X-Request-Id"), .value = STR("a")};
	x.request.n_fields = 2;
	x.request_id = (struct str){NULL, 0};
	assert_true(is_new(request_id(&x)));
}

static void stays(void **state)
{
	(void)state;
	struct str first = request_id(&x);

	assert_true(is_new(first));
	assert_ptr_equal(request_id(&x).p, first.p);
	exchange_forget(&x);
	assert_int_equal(x.request_id.n, 0);
}

static void no_two_are_the_same(void **state)
{
	enum { MANY = 1000 };
	static char seen[MANY][32];

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		x.request_id = (struct str){NULL, 0};
		memcpy(seen[i], request_id(&x).p, 32);
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(seen[i], seen[k], 32);
	}
}

#define REQUEST_ID_TEST(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REQUEST_ID_TEST(taken),
		REQUEST_ID_TEST(not_taken),
		REQUEST_ID_TEST(stays),
		REQUEST_ID_TEST(no_two_are_the_same),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
