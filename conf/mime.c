/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/mime.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/read_file.h"

enum {
	MIME_SUFFIX = 32,        /* longer suffixes are in no table */
	MIME_FILE_MAX = 4 << 20, /* bytes of a table */
};

/* An open hash: a suffix is at its hash or in the next places that are
 * taken. At most half of them are. */
struct mime_entry {
	struct str suffix; /* lower case; n == 0: free */
	struct str type;
};

struct mime_types {
	struct mime_entry *entries;
	size_t mask; /* of the hash: the number of entries is mask + 1 */
};

static const char builtin[] =
#include "conf/mime_builtin.inc"
	;

static struct mime_entry *find(const struct mime_types *types, struct str suffix)
{
	size_t i = str_hash(suffix) & types->mask;

	while (types->entries[i].suffix.n > 0 &&
	       !str_equal(types->entries[i].suffix, suffix))
		i = (i + 1) & types->mask;
	return &types->entries[i];
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static struct str cut_word(struct str *line)
{
	struct str word = *line;

	while (word.n > 0 && is_space(word.p[0]))
		word = str_tail(word, 1);
	size_t n = 0;

	while (n < word.n && !is_space(word.p[n]))
		n++;
	*line = str_tail(word, n);
	word.n = n;
	return word;
}

/* Visible ASCII around one slash; it goes into a header field as it is. */
static bool is_type(struct str word)
{
	const char *slash = memchr(word.p, '/', word.n);

	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] <= ' ' || word.p[i] > '~')
			return false;
	return slash != NULL && slash != word.p && slash != word.p + word.n - 1;
}

static void add_suffix(struct arena *arena, struct mime_types *types,
		       struct str suffix, struct str type)
{
	char *lower = arena_bytes(arena, suffix.n);

	for (size_t i = 0; i < suffix.n; i++)
		lower[i] = ascii_lower(suffix.p[i]);
	suffix.p = lower;
	*find(types, suffix) = (struct mime_entry){suffix, type};
}

/* Returns NULL, or the error of the line. */
static const char *add_line(struct arena *arena, struct mime_types *types,
			    struct str line)
{
	line = str_cut(&line, '#');
	struct str type = cut_word(&line);

	if (type.n == 0)
		return NULL;
	if (!is_type(type))
		return "a line is \"type/subtype suffix suffix...\"";
	type = arena_copy(arena, type);
	for (;;) {
		struct str suffix = cut_word(&line);

		if (suffix.n == 0)
			return NULL;
		if (suffix.p[0] == '.')
			return "a suffix is written without its dot";
		if (suffix.n <= MIME_SUFFIX)
			add_suffix(arena, types, suffix, type);
	}
}

static size_t count_words(struct str text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += is_space(text.p[i]) || text.p[i] == '\n';
	return n;
}

static struct mime_types *parse(struct arena *arena, struct str text,
				const char **why_out, int *line_out)
{
	struct mime_types *types = arena_alloc(arena, sizeof(*types));
	size_t size = 64;

	while (size < 2 * count_words(text))
		size *= 2;
	types->entries = arena_zalloc(arena, size, sizeof(*types->entries));
	types->mask = size - 1;
	for (*line_out = 1; text.p != NULL; ++*line_out) {
		*why_out = add_line(arena, types, str_cut(&text, '\n'));
		if (*why_out != NULL)
			return NULL;
	}
	return types;
}

struct mime_types *mime_types_load(struct arena *arena, const char *path,
				   const char **why_out, int *line_out)
{
	struct mime_types *types = NULL;
	struct buf text = {0};

	if (path[0] == '\0')
		return parse(arena, STR(builtin), why_out, line_out);
	*line_out = 0;
	*why_out = read_file_safely(path, MIME_FILE_MAX, &text);
	if (*why_out != NULL)
		*why_out = arena_cstr(arena, str_of(*why_out));
	else
		types = parse(arena, buf_str(&text), why_out, line_out);
	buf_release(&text);
	return types;
}

struct str mime_type_of(const struct mime_types *types, struct str file_name)
{
	static const struct str unknown = STR_INIT("application/octet-stream");
	char lower[MIME_SUFFIX];
	const char *end = file_name.p + file_name.n;
	size_t n = 0;

	while (n < file_name.n && n <= MIME_SUFFIX && end[-(ptrdiff_t)n - 1] != '.')
		n++;
	if (n == file_name.n || n == 0 || n > MIME_SUFFIX)
		return unknown;
	for (size_t i = 0; i < n; i++)
		lower[i] = ascii_lower(end[(ptrdiff_t)i - (ptrdiff_t)n]);
	const struct mime_entry *entry = find(types, (struct str){lower, n});

	return entry->suffix.n > 0 ? entry->type : unknown;
}
