/* SPDX-License-Identifier: BSD-2-Clause */
/* The title as ps(1) reads it; each in a child, whose title it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/title.h"
#include "t/unit/base/child.h"

static int argument_count;
static char **arguments;

/* Reads a file of /proc/self; its length. NULs stay. */
static size_t read_proc(const char *name, char *text, size_t size)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/%s", name);
	f = fopen(path, "r");
	CHILD_CHECK(f != NULL);
	size_t n = fread(text, 1, size - 1, f);

	fclose(f);
	text[n] = '\0';
	return n;
}

static void check_title(const char *cmdline)
{
	char text[4096];
	size_t n = read_proc("cmdline", text, sizeof(text));

	CHILD_CHECK(strcmp(text, cmdline) == 0);
	/* Nothing of the old arguments is left behind it. */
	for (size_t i = strlen(text); i < n; i++)
		CHILD_CHECK(text[i] == '\0');
	/* pgrep(1) finds it by the program's own name. */
	read_proc("comm", text, sizeof(text));
	CHILD_CHECK(strcmp(text, "title\n") == 0);
}

static void set(void)
{
	title_init(argument_count, arguments);
	title_set("holdfast: master");
	check_title("holdfast: master");
	title_set("holdfast: worker %d (generation %d)", 3, 2);
	check_title("holdfast: worker 3 (generation 2)");
	title_set("holdfast: x");
	check_title("holdfast: x");
	title_set("plain");
	check_title("plain");
	title_fini();
}

static void is_set(void **state)
{
	(void)state;
	assert_int_equal(child_status(set), 0);
}

static void set_long(void)
{
	char text[4096], name[3000];
	const char *path = getenv("PATH");
	char *saved = path != NULL ? strdup(path) : NULL;

	title_init(argument_count, arguments);
	memset(name, 'x', sizeof(name));
	title_set("%.*s", (int)sizeof(name), name);
	read_proc("cmdline", text, sizeof(text));
	CHILD_CHECK(strspn(text, "x") == strlen(text));
	CHILD_CHECK(strlen(text) > 20);
	/* The environment is elsewhere and unharmed. */
	CHILD_CHECK((saved == NULL) == (getenv("PATH") == NULL));
	CHILD_CHECK(saved == NULL || strcmp(getenv("PATH"), saved) == 0);
	free(saved);
}

static void is_cut(void **state)
{
	(void)state;
	assert_int_equal(child_status(set_long), 0);
}

static void copy_arguments(void)
{
	char *before[16];
	char **copies;

	CHILD_CHECK(argument_count < 16);
	for (int i = 0; i < argument_count; i++)
		before[i] = strdup(arguments[i]);
	setenv("HOLDFAST_UNIT_TEST", "value", 1);
	copies = title_init(argument_count, arguments);
	title_set("holdfast: something else");
	for (int i = 0; i < argument_count; i++)
		CHILD_CHECK(strcmp(copies[i], before[i]) == 0);
	CHILD_CHECK(copies[argument_count] == NULL);
	CHILD_CHECK(strcmp(getenv("HOLDFAST_UNIT_TEST"), "value") == 0);
	setenv("HOLDFAST_UNIT_TEST", "other", 1);
	CHILD_CHECK(strcmp(getenv("HOLDFAST_UNIT_TEST"), "other") == 0);
}

static void arguments_are_copied(void **state)
{
	(void)state;
	assert_int_equal(child_status(copy_arguments), 0);
}

static void set_without_init(void)
{
	char before[4096], after[4096];
	size_t n = read_proc("cmdline", before, sizeof(before));

	title_set("holdfast: early");
	CHILD_CHECK(read_proc("cmdline", after, sizeof(after)) == n);
	CHILD_CHECK(memcmp(before, after, n) == 0);
	title_fini();
}

static void without_init(void **state)
{
	(void)state;
	assert_int_equal(child_status(set_without_init), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_set),
		cmocka_unit_test(is_cut),
		cmocka_unit_test(arguments_are_copied),
		cmocka_unit_test(without_init),
	};

	argument_count = argc;
	arguments = argv;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
