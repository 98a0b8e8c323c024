/* SPDX-License-Identifier: BSD-2-Clause */
/* SRV records are read out of an answer, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "worker/upstream/srv_answer.h"

/* A question for "_x.a" (its name is at 12, "a" at 15), and what follows. */
#define HEADER(n_answers) "\0\1\x81\x80\0\1\0" n_answers "\0\0\0\0"
#define QUESTION          "\2_x\1a\0\0\41\0\1"
#define NAME              "\xc0\x0c"
#define SRV               "\0\41\0\1"

static struct srv_answer answer;

/* On the heap, to its last byte: reading beyond it is seen. */
static int parse(const char *bytes, size_t n)
{
	unsigned char *copy = malloc(n + 1);
	int result;

	memcpy(copy, bytes, n);
	result = srv_answer_parse(copy, n, &answer);
	free(copy);
	return result;
}

#define PARSE(bytes) parse((bytes), sizeof(bytes) - 1)

static const char two[] = HEADER("\2") QUESTION NAME SRV
	"\0\0\0\x1e\0\x0b\0\1\0\5\x1f\x90\2b1\xc0\x0f" NAME SRV
	"\0\0\0\x14\0\x0b\0\2\0\0\x1f\x91\2b2\xc0\x0f";

static void test_records(void **state)
{
	(void)state;
	assert_int_equal(PARSE(two), 0);
	assert_int_equal(answer.n, 2);
	assert_int_equal(answer.ttl, 20);
	assert_string_equal(answer.records[0].target, "b1.a");
	assert_int_equal(answer.records[0].priority, 1);
	assert_int_equal(answer.records[0].weight, 5);
	assert_int_equal(answer.records[0].port, 8080);
	assert_string_equal(answer.records[1].target, "b2.a");
	assert_int_equal(answer.records[1].port, 8081);
}

static void test_cut_short(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(two) - 1; n++)
		assert_int_equal(parse(two, n), -1);
}

/* An alias has a TTL, too; a record of another kind is passed over. */
static void test_others(void **state)
{
	(void)state;
	assert_int_equal(PARSE(HEADER("\2") QUESTION NAME
			       "\0\5\0\1\0\0\0\7\0\2\xc0\x0f"
			       "\xc0\x0f" SRV
			       "\0\0\0\x1e\0\x09\0\1\0\5\x1f\x90\xc0\x0f\0"),
			 -1);
	assert_int_equal(PARSE(HEADER("\2") QUESTION NAME
			       "\0\5\0\1\0\0\0\7\0\2\xc0\x0f"
			       "\xc0\x0f" SRV
			       "\0\0\0\x1e\0\x08\0\1\0\5\x1f\x90\xc0\x0f"),
			 0);
	assert_int_equal(answer.n, 1);
	assert_int_equal(answer.ttl, 7);
	assert_string_equal(answer.records[0].target, "a");
}

static void test_not_offered(void **state)
{
	(void)state;
	assert_int_equal(PARSE(HEADER("\1") QUESTION NAME SRV
			       "\0\0\0\x1e\0\7\0\0\0\0\x1f\x90\0"),
			 0);
	assert_int_equal(answer.n, 0);
	/* Port 0, and a name that is none of a host. */
	assert_int_equal(PARSE(HEADER("\1") QUESTION NAME SRV
			       "\0\0\0\x1e\0\x08\0\0\0\0\0\0\xc0\x0f"),
			 0);
	assert_int_equal(answer.n, 0);
	assert_int_equal(PARSE(HEADER("\1") QUESTION NAME SRV
			       "\0\0\0\x1e\0\x0b\0\0\0\0\x1f\x90\3a b\0"),
			 0);
	assert_int_equal(answer.n, 0);
}

static void test_damaged(void **state)
{
	(void)state;
	/* A name that points to itself, one beyond the end, data of no size. */
	assert_int_equal(PARSE(HEADER("\1") QUESTION
			       "\xc0\x16" SRV
			       "\0\0\0\x1e\0\x08\0\0\0\0\0\1\xc0\x0f"),
			 -1);
	assert_int_equal(PARSE(HEADER("\1") QUESTION
			       "\xc0\xff" SRV
			       "\0\0\0\x1e\0\x08\0\0\0\0\0\1\xc0\x0f"),
			 -1);
	assert_int_equal(PARSE(HEADER("\1") QUESTION NAME SRV "\0\0\0\x1e\0\0"),
			 -1);
	/* The name ends beyond the data that it is in. */
	assert_int_equal(PARSE(HEADER("\1") QUESTION NAME SRV
			       "\0\0\0\x1e\0\7\0\0\0\0\0\1\1a\0"),
			 -1);
	/* RFC 2181 section 8. */
	assert_int_equal(PARSE(HEADER("\1") QUESTION NAME SRV
			       "\xff\0\0\0\0\x08\0\0\0\0\0\1\xc0\x0f"),
			 0);
	assert_int_equal(answer.ttl, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records), cmocka_unit_test(test_cut_short),
		cmocka_unit_test(test_others),  cmocka_unit_test(test_not_offered),
		cmocka_unit_test(test_damaged),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
