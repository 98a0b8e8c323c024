/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a configuration can name and what a worker is made of: the same
 * handlers and the same protocols.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/schema/schema.h"
#include "worker/parts.h"

static void handlers(void **state)
{
	size_t n = 0;

	(void)state;
	for (; schema_handlers[n] != NULL; n++) {
		const char *name = schema_handlers[n]->name;
		const struct handler *handler = parts_handler(name);

		if (handler == NULL)
			fail_msg("no worker has the handler %s", name);
		assert_string_equal(handler->name, name);
		assert_int_not_equal(conf_handler_methods(name), 0);
	}
	for (size_t i = 0; parts_handlers[i] != NULL; i++)
		if (schema_find_handler(parts_handlers[i]->name) == NULL)
			fail_msg("no route can name the handler %s",
				 parts_handlers[i]->name);
	assert_null(parts_handlers[n]);
	assert_null(parts_handler("nobody"));
}

static void protocols(void **state)
{
	const struct schema_setting *setting =
		schema_find(&schema_listener, "protocol");
	struct str word;
	size_t n = 0;

	(void)state;
	for (; schema_word(setting, n, &word); n++) {
		char name[32];

		snprintf(name, sizeof(name), "%.*s", STR_ARG(word));
		if (parts_protocol(name) == NULL)
			fail_msg("no worker has the protocol %s", name);
	}
	for (size_t i = 0; i < n; i++)
		assert_non_null(parts_protocols[i]);
	assert_null(parts_protocols[n]);
	assert_null(parts_protocol("none"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handlers),
		cmocka_unit_test(protocols),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
