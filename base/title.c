/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/title.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static struct {
	char *start;      /* of argv[0] */
	size_t room;      /* to the end of the old environment */
	char **arguments; /* the copies */
	char **environment;
	char **variables; /* of the environment when it was copied: setenv(3)
			   * and unsetenv(3) change `environment` */
} title;

static char **copy_of(char **strings, size_t n)
{
	char **copy = mem_zalloc(n + 1, sizeof(char *));

	for (size_t i = 0; i < n; i++)
		copy[i] = mem_strdup(strings[i]);
	return copy;
}

static void free_strings(char ***strings)
{
	for (char **s = *strings; s != NULL && *s != NULL; s++)
		free(*s);
	free(*strings);
	*strings = NULL;
}

/* The kernel lays arguments and environment out one after the other:
 * proc_pid_cmdline(5). */
char **title_init(int argc, char **argv)
{
	char *end = argv[0];
	size_t n = 0;

	for (int i = 0; i < argc; i++)
		if (argv[i] == end)
			end += strlen(end) + 1;
	for (n = 0; environ[n] != NULL; n++)
		if (environ[n] == end)
			end += strlen(end) + 1;
	title.start = argv[0];
	title.room = (size_t)(end - argv[0]);
	title.arguments = copy_of(argv, (size_t)argc);
	title.environment = copy_of(environ, n);
	title.variables = mem_zalloc(n + 1, sizeof(char *));
	memcpy(title.variables, title.environment, n * sizeof(char *));
	environ = title.environment;
	return title.arguments;
}

void title_set(const char *format, ...)
{
	char text[128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (title.room == 0)
		return;
	memset(title.start, 0, title.room);
	snprintf(title.start, title.room, "%s", text);
}

void title_fini(void)
{
	free_strings(&title.arguments);
	free_strings(&title.variables);
	free(title.environment);
	title.environment = NULL;
	environ = NULL;
}
