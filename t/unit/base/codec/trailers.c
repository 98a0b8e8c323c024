/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/trailers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/codec/chunked.h"

enum { TEXT_MAX = 256 };

/* All trailers of a body, fed `step` octets at a time. */
static struct str trailers_of(struct str body, size_t step, char text[TEXT_MAX])
{
	struct chunked c = {0};
	enum chunked_result result = CHUNKED_MORE;
	size_t n = 0;

	for (size_t at = 0; at < body.n; at += step) {
		size_t size = body.n - at < step ? body.n - at : step;
		struct str input = {body.p + at, size}, out;

		while ((result = chunked_decode_with_trailers(&c, &input, &out)) ==
			       CHUNKED_PIECE ||
		       result == CHUNKED_TRAILERS) {
			if (result == CHUNKED_PIECE)
				continue;
			assert_true(out.n > 0 && n + out.n <= TEXT_MAX);
			memcpy(text + n, out.p, out.n);
			n += out.n;
		}
	}
	assert_int_equal(result, CHUNKED_DONE);
	return (struct str){text, n};
}

static void however_they_come(void **state)
{
	static const struct str body =
		STR_INIT("1\r\nx\r\n0;a=b\r\nA: b\r\nB:\r\nC:  c c \r\n\r\n");
	char text[TEXT_MAX];

	(void)state;
	for (size_t step = 1; step <= body.n; step++)
		assert_true(str_equal(trailers_of(body, step, text),
				      STR("A: b\r\nB:\r\nC:  c c \r\n")));
	for (size_t step = 1; step <= 5; step++)
		assert_int_equal(trailers_of(STR("0\r\n\r\n"), step, text).n, 0);
}

static void are_dropped_where_nobody_asks(void **state)
{
	struct chunked c = {0};
	struct str input = STR("1\r\nx\r\n0\r\nA: b\r\n\r\nnext"), out;

	(void)state;
	assert_int_equal(chunked_decode(&c, &input, &out), CHUNKED_PIECE);
	assert_int_equal(chunked_decode(&c, &input, &out), CHUNKED_DONE);
	assert_true(str_equal(input, STR("next")));
}

static void fields(void **state)
{
	struct str rest = STR("A: b\r\nContent-Length: 5\r\nB:\r\nHOST: x\r\n"
			      "If-Match: x\r\nC:\t c c \r\nCookie: a=b\r\n");
	struct str name, value;

	(void)state;
	assert_true(trailers_next(&rest, &name, &value));
	assert_true(str_equal(name, STR("A")) && str_equal(value, STR("b")));
	assert_true(trailers_next(&rest, &name, &value));
	assert_true(str_equal(name, STR("B")) && value.n == 0);
	assert_true(trailers_next(&rest, &name, &value));
	assert_true(str_equal(name, STR("C")) && str_equal(value, STR("c c")));
	assert_false(trailers_next(&rest, &name, &value));
	/* What moved here may be damaged. */
	rest = STR("A");
	assert_false(trailers_next(&rest, &name, &value));
	rest = STR("A: b\n");
	assert_false(trailers_next(&rest, &name, &value));
	rest = STR("\n");
	assert_false(trailers_next(&rest, &name, &value));
}

static void te(void **state)
{
	(void)state;
	assert_true(trailers_are_taken(STR("trailers")));
	assert_true(trailers_are_taken(STR("gzip;q=0.5 ,\tTrailers")));
	assert_false(trailers_are_taken(STR("trailersx, gzip")));
	assert_false(trailers_are_taken(STR("")));
	assert_false(trailers_are_taken((struct str){NULL, 0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(however_they_come),
		cmocka_unit_test(are_dropped_where_nobody_asks),
		cmocka_unit_test(fields),
		cmocka_unit_test(te),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
