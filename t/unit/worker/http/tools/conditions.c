/* SPDX-License-Identifier: BSD-2-Clause */
/* Conditional requests, as a table: RFC 9110 sections 13.1 and 13.2.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/codec/date.h"
#include "worker/http/tools/conditions.h"

#define MET        CONDITIONS_MET
#define UNMODIFIED CONDITIONS_NOT_MODIFIED
#define FAILED     CONDITIONS_FAILED

/* The representation: Fri, 13 Feb 2009 23:31:30 GMT. */
enum { MODIFIED = 1234567890 };
#define BEFORE "Fri, 13 Feb 2009 23:31:29 GMT"
#define THEN   "Fri, 13 Feb 2009 23:31:30 GMT"
#define AFTER  "Fri, 13 Feb 2009 23:31:31 GMT"

static const struct validators strong = {STR_INIT("\"v1\""), MODIFIED};
static const struct validators weak = {STR_INIT("W/\"v1\""), MODIFIED};
static const struct validators undated = {STR_INIT("\"v1\""), 0};

/* Up to three fields; a NULL value is no field. */
struct asked {
	struct {
		enum field_id id;
		const char *value;
	} fields[3];
};

static struct exchange x;
static struct field fields[3];

static void ask(enum conf_method method, const struct asked *asked)
{
	memset(&x, 0, sizeof(x));
	x.request.method = method;
	x.request.fields = fields;
	for (size_t i = 0; i < 3 && asked->fields[i].value != NULL; i++) {
		fields[x.request.n_fields++] =
			(struct field){.id = asked->fields[i].id,
				       .value = str_of(asked->fields[i].value)};
		x.request.known |= 1u << asked->fields[i].id;
	}
}

static void checked(void **state)
{
	static const struct {
		struct asked asked;
		enum conditions_result read, write;
	} cases[] = {
		{{{{0, NULL}}}, MET, MET},
		/* If-None-Match: weak comparison. */
		{{{{FIELD_IF_NONE_MATCH, "\"v1\""}}}, UNMODIFIED, FAILED},
		{{{{FIELD_IF_NONE_MATCH, "W/\"v1\""}}}, UNMODIFIED, FAILED},
		{{{{FIELD_IF_NONE_MATCH, "*"}}}, UNMODIFIED, FAILED},
		{{{{FIELD_IF_NONE_MATCH, "\"v0\", \"v1\""}}}, UNMODIFIED, FAILED},
		{{{{FIELD_IF_NONE_MATCH, "\"v2\""}}}, MET, MET},
		{{{{FIELD_IF_NONE_MATCH, "\"v0\""},
		   {FIELD_IF_NONE_MATCH, "\"v1\""}}},
		 UNMODIFIED,
		 FAILED},
		/* It outdoes If-Modified-Since. */
		{{{{FIELD_IF_NONE_MATCH, "\"v2\""},
		   {FIELD_IF_MODIFIED_SINCE, THEN}}},
		 MET,
		 MET},
		{{{{FIELD_IF_NONE_MATCH, "\"v1\""},
		   {FIELD_IF_MODIFIED_SINCE, BEFORE}}},
		 UNMODIFIED,
		 FAILED},
		/* If-Modified-Since: for GET and HEAD only. */
		{{{{FIELD_IF_MODIFIED_SINCE, BEFORE}}}, MET, MET},
		{{{{FIELD_IF_MODIFIED_SINCE, THEN}}}, UNMODIFIED, MET},
		{{{{FIELD_IF_MODIFIED_SINCE, AFTER}}}, UNMODIFIED, MET},
		{{{{FIELD_IF_MODIFIED_SINCE, "yesterday"}}}, MET, MET},
		{{{{FIELD_IF_MODIFIED_SINCE, THEN},
		   {FIELD_IF_MODIFIED_SINCE, THEN}}},
		 MET,
		 MET},
		/* If-Match: strong comparison. */
		{{{{FIELD_IF_MATCH, "\"v1\""}}}, MET, MET},
		{{{{FIELD_IF_MATCH, "*"}}}, MET, MET},
		{{{{FIELD_IF_MATCH, "W/\"v1\""}}}, FAILED, FAILED},
		{{{{FIELD_IF_MATCH, "\"v0\", \"v2\""}}}, FAILED, FAILED},
		/* It outdoes If-Unmodified-Since. */
		{{{{FIELD_IF_MATCH, "\"v1\""},
		   {FIELD_IF_UNMODIFIED_SINCE, BEFORE}}},
		 MET,
		 MET},
		{{{{FIELD_IF_UNMODIFIED_SINCE, BEFORE}}}, FAILED, FAILED},
		{{{{FIELD_IF_UNMODIFIED_SINCE, THEN}}}, MET, MET},
		{{{{FIELD_IF_UNMODIFIED_SINCE, "never"}}}, MET, MET},
		/* Both kinds: first what fails, then what is not modified. */
		{{{{FIELD_IF_MATCH, "\"v1\""}, {FIELD_IF_NONE_MATCH, "\"v1\""}}},
		 UNMODIFIED,
		 FAILED},
		{{{{FIELD_IF_MATCH, "\"v2\""}, {FIELD_IF_NONE_MATCH, "\"v1\""}}},
		 FAILED,
		 FAILED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		static const enum conf_method methods[] = {METHOD_GET, METHOD_HEAD,
							   METHOD_POST, METHOD_PUT};

		for (size_t k = 0; k < 4; k++) {
			ask(methods[k], &cases[i].asked);
			enum conditions_result wanted =
				k < 2 ? cases[i].read : cases[i].write;
			enum conditions_result got = conditions_check(&x, &strong);

			if (got != wanted)
				fail_msg("case %zu, method %zu: %d, not %d", i, k,
					 (int)got, (int)wanted);
		}
	}
}

/* A weak validator matches none strongly, itself included. */
static void weak_ones(void **state)
{
	(void)state;
	ask(METHOD_GET, &(struct asked){{{FIELD_IF_MATCH, "W/\"v1\""}}});
	assert_int_equal(conditions_check(&x, &weak), FAILED);
	ask(METHOD_GET, &(struct asked){{{FIELD_IF_NONE_MATCH, "\"v1\""}}});
	assert_int_equal(conditions_check(&x, &weak), UNMODIFIED);
	ask(METHOD_GET, &(struct asked){{{FIELD_IF_RANGE, "W/\"v1\""}}});
	assert_false(conditions_allow_range(&x, &weak));
}

/* Without a date the conditions on it mean nothing. */
static void undated_ones(void **state)
{
	(void)state;
	ask(METHOD_GET, &(struct asked){{{FIELD_IF_MODIFIED_SINCE, AFTER}}});
	assert_int_equal(conditions_check(&x, &undated), MET);
	ask(METHOD_GET, &(struct asked){{{FIELD_IF_UNMODIFIED_SINCE, BEFORE}}});
	assert_int_equal(conditions_check(&x, &undated), MET);
	ask(METHOD_GET, &(struct asked){{{FIELD_IF_RANGE, THEN}}});
	assert_false(conditions_allow_range(&x, &undated));
}

static void ranges(void **state)
{
	static const struct {
		const char *value;
		bool allowed;
	} cases[] = {
		{"\"v1\"", true}, {"\"v2\"", false}, {"W/\"v1\"", false},
		{THEN, true},     {BEFORE, false},   {AFTER, false},
		{"*", false},     {"", false},
	};
	struct validators now = {STR_INIT("\"v1\""), time(NULL) + 1};

	(void)state;
	ask(METHOD_GET, &(struct asked){0});
	assert_true(conditions_allow_range(&x, &strong));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ask(METHOD_GET,
		    &(struct asked){{{FIELD_IF_RANGE, cases[i].value}}});
		if (conditions_allow_range(&x, &strong) != cases[i].allowed)
			fail_msg("%s", cases[i].value);
	}
	/* Twice is once too many; and a second that is not over tells nothing. */
	ask(METHOD_GET, &(struct asked){{{FIELD_IF_RANGE, "\"v1\""},
					 {FIELD_IF_RANGE, "\"v1\""}}});
	assert_false(conditions_allow_range(&x, &strong));
	char date[HTTP_DATE_SIZE + 1] = "";

	http_date_format(now.modified, date);
	ask(METHOD_GET, &(struct asked){{{FIELD_IF_RANGE, date}}});
	assert_false(conditions_allow_range(&x, &now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checked),
		cmocka_unit_test(weak_ones),
		cmocka_unit_test(undated_ones),
		cmocka_unit_test(ranges),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
