/* SPDX-License-Identifier: BSD-2-Clause */
/* Hashes of passwords: which are taken, what is right for them, what they cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "conf/password_hash.h"

static struct crypt_data data;

/* As openssl passwd and htpasswd make them. */
static void right_and_wrong(void **state)
{
	static const struct {
		const char *hash, *password;
	} samples[] = {
		{"$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0", "secret"},
		{"$apr1$x$tMwYqBfQwi3FYAr0aJc8M/", ""},
		{"$apr1$12345678$/p6FcMb67DaZSwzciZy3O1",
		 "a long password of more than sixteen bytes"},
		{"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret"},
		{"{SSHA}8bX4JQDfZqtTfvnQ4ssDmWb17/FTQUxU", "secret"},
		{"$1$saltsalt$ukFPeEWLj7hPwzVT60vaO.", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		const char *hash = samples[i].hash;

		assert_null(password_hash_check(str_of(hash)));
		if (samples[i].password != NULL)
			assert_true(password_hash_matches(hash, samples[i].password,
							  &data));
		assert_false(password_hash_matches(hash, "Secret", &data));
		assert_false(password_hash_matches(hash, "secret ", &data));
	}
}

static void of_no_use(void **state)
{
	static const char *const samples[] = {
		"",
		"plain",
		"abJnggxhB/yWI", /* of DES: eight characters of the password */
		"$apr1$saltsalt$LrttParrLPdxvgutaSXWJ",
		"$apr1$saltsaltx$LrttParrLPdxvgutaSXWJ0",
		"$apr1$",
		"$apr2$saltsalt$LrttParrLPdxvgutaSXWJ0",
		"{SHA}",
		"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ",
		"{SHA}5en6G6MezRroT3XKqkdPOmY/",
		"{SHA}8bX4JQDfZqtTfvnQ4ssDmWb17/FTQUxU",
		"{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
		"{SSHA}!",
		"{MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
		"{PLAIN}secret",
		"$2b$10$abc",
		"$6$salt$x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		const char *why = password_hash_check(str_of(samples[i]));

		if (why == NULL || strstr(why, "htpasswd -B") == NULL)
			fail_msg("%s: %s", samples[i], why != NULL ? why : "fine");
	}
}

/* In the order of what they cost. */
static void costs(void **state)
{
	static const char *const samples[] = {
		"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
		"$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0",
		"$5$rounds=1000$saltsalt$",
		"$2b$04$abcdefghijklmnopqrstuu",
		"$6$saltsalt$",
		"$2b$10$abcdefghijklmnopqrstuu",
		"$y$j9T$saltsalt$",
		"$2y$12$abcdefghijklmnopqrstuu",
		"$6$rounds=9999999$saltsalt$",
	};
	uint64_t before = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		uint64_t cost = password_hash_cost(str_of(samples[i]));

		if (cost <= before)
			fail_msg("%s: %ju, not more than %ju", samples[i],
				 (uintmax_t)cost, (uintmax_t)before);
		before = cost;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_and_wrong),
		cmocka_unit_test(of_no_use),
		cmocka_unit_test(costs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
