/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/errors.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static struct conf_error *add_item(struct conf_errors *errors)
{
	if (errors->n == errors->room) {
		size_t room = errors->room ? 2 * errors->room : 16;

		errors->items =
			mem_resize(errors->items, room * sizeof(*errors->items));
		errors->room = room;
	}
	return &errors->items[errors->n++];
}

static const char *copy_file(struct conf_errors *errors, const char *file)
{
	if (errors->n > 0 && strcmp(errors->items[errors->n - 1].file, file) == 0)
		return errors->items[errors->n - 1].file;
	return arena_cstr(&errors->arena, str_of(file));
}

void conf_errors_add(struct conf_errors *errors, const char *file, int line,
		     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	struct str text = arena_vprintf(&errors->arena, format, args);

	va_end(args);
	for (char *p = (char *)text.p; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	file = copy_file(errors, file);
	*add_item(errors) = (struct conf_error){file, line, text.p};
}

struct ranked {
	struct conf_error error;
	size_t rank;  /* of its file */
	size_t order; /* in which it was added */
};

static int compare(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->error.line != b->error.line)
		return a->error.line < b->error.line ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static size_t rank_of(const char *file, const char *const *files, size_t n)
{
	size_t i = 0;

	while (i < n && strcmp(files[i], file) != 0)
		i++;
	return i;
}

void conf_errors_sort(struct conf_errors *errors, const char *const *files,
		      size_t n_files)
{
	struct ranked *all = mem_zalloc(errors->n, sizeof(*all));

	for (size_t i = 0; i < errors->n; i++) {
		const struct conf_error *e = &errors->items[i];

		all[i].error = *e;
		all[i].order = i;
		/* Errors of one file share its name: see copy_file(). */
		if (i > 0 && e->file == e[-1].file)
			all[i].rank = all[i - 1].rank;
		else
			all[i].rank = rank_of(e->file, files, n_files);
	}
	qsort(all, errors->n, sizeof(*all), compare);
	for (size_t i = 0; i < errors->n; i++)
		errors->items[i] = all[i].error;
	free(all);
}

void conf_errors_fini(struct conf_errors *errors)
{
	free(errors->items);
	arena_fini(&errors->arena);
	*errors = (struct conf_errors){0};
}

void conf_errors_print(const struct conf_errors *errors, struct buf *out)
{
	for (size_t i = 0; i < errors->n; i++) {
		const struct conf_error *e = &errors->items[i];

		if (e->line > 0)
			buf_printf(out, "%s:%d: %s\n", e->file, e->line, e->text);
		else
			buf_printf(out, "%s: %s\n", e->file, e->text);
	}
}
