/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First a scanner that knows just enough of libconfig's grammar: numbers,
 * strings, comments and brackets of a line. Then @include: finding the line,
 * the name, and reading the file. Then where each line came from. Master only.
 */
#include "conf/load/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/read_file.h"
#include "conf/load/errors.h"

enum {
	SOURCE_MAX = 16 << 20, /* bytes of the whole text */
	SOURCE_MAX_FILES = 1000,
	SOURCE_MAX_DEPTH = 10, /* of files that include files */
	SOURCE_MAX_BRACKETS = 64,
	/* A byte that is no part of the syntax, nor of what we show of it. */
	SOURCE_STOP = '\x01',
};

enum scan_state { SCAN_CODE, SCAN_STRING, SCAN_COMMENT };

/* Enough of the grammar to know whether a string may come next. */
struct brackets {
	char before;      /* the last byte that counted; '"' after a string */
	uint64_t is_list; /* whether an open bracket is "(" or "[", not "{";
			   * the innermost is bit 0 */
	int depth;
};

/* What reading one file needs. */
struct scan {
	struct source *source;
	struct conf_errors *errors;
	const char *main_path;
	struct brackets *brackets; /* go on through included files */
	int file;
	int depth; /* of files */
	int line;
	enum scan_state state;
	int opened; /* the line where the string or comment began */
};

static bool fail(const struct scan *scan, const char *what)
{
	conf_errors_add(scan->errors, scan->source->files[scan->file], scan->line,
			"%s", what);
	return false;
}

static int add_file(struct source *s, const char *name)
{
	if (s->n_files == s->files_room) {
		s->files_room = s->files_room ? 2 * s->files_room : 8;
		s->files = mem_resize(s->files,
				      (size_t)s->files_room * sizeof(*s->files));
	}
	s->files[s->n_files] = name;
	return s->n_files++;
}

static void add_line(struct scan *scan)
{
	struct source *s = scan->source;

	if (s->n_lines == s->lines_room) {
		s->lines_room = s->lines_room ? 2 * s->lines_room : 256;
		s->lines = mem_resize(s->lines,
				      (size_t)s->lines_room * sizeof(*s->lines));
	}
	s->lines[s->n_lines++] = (struct source_line){scan->file, scan->line};
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
	       c == '_' || c == '-' || c == '*' || c == '+' || c == '.';
}

/*
 * libconfig reads an integer into 32 bits unless it ends in "L", and lets it
 * wrap around. Returns whether this one needs the "L" that it does not have;
 * *fits_out is false when 64 bits do not hold it either.
 */
static bool wants_suffix(struct str word, bool *fits_out)
{
	bool suffixed = false;
	char text[64], *end;

	*fits_out = true;
	while (word.n > 1 && word.p[word.n - 1] == 'L') {
		suffixed = true;
		word.n--;
	}
	if (!is_digit(word.p[word.n > 1 && (word.p[0] == '+' || word.p[0] == '-')]))
		return false;
	bool hex = word.n > 2 && word.p[0] == '0' && ascii_lower(word.p[1]) == 'x';

	if (word.n >= sizeof(text)) {
		*fits_out = false;
		return false;
	}
	memcpy(text, word.p, word.n);
	text[word.n] = '\0';
	errno = 0;
	long long value = strtoll(text, &end, hex ? 16 : 10);

	if (*end != '\0')
		return false; /* a floating-point number, or nonsense */
	*fits_out = errno == 0;
	return !suffixed && value != (int)value;
}

static size_t scan_word(struct scan *scan, struct str line, size_t at, bool *ok)
{
	size_t n = 1;
	bool fits, wants;

	while (at + n < line.n && is_word(line.p[at + n]))
		n++;
	struct str word = {line.p + at, n};

	scan->brackets->before = 'a';
	wants = wants_suffix(word, &fits);
	if (!fits)
		*ok = fail(scan, "an integer is too large");
	buf_put(&scan->source->text, word);
	if (wants)
		buf_put_cstr(&scan->source->text, "L");
	return n;
}

/*
 * A string where none can be is a syntax error, for which libconfig forgets
 * to free it. So libconfig gets a byte before it that is an error by itself.
 */
static void put_string_start(struct scan *scan)
{
	struct brackets *b = scan->brackets;
	bool in_list = b->depth > 0 && (b->is_list & 1) != 0;
	const char *may_precede = in_list ? "=:([\"," : "=:([\"";
	char stop = SOURCE_STOP;

	if (strchr(may_precede, b->before) == NULL)
		buf_put(&scan->source->text, (struct str){&stop, 1});
	b->before = '"';
}

static bool scan_punctuation(struct scan *scan, char c)
{
	struct brackets *b = scan->brackets;

	if (c == '(' || c == '[' || c == '{') {
		if (b->depth == SOURCE_MAX_BRACKETS)
			return fail(scan, "more than 64 brackets deep");
		b->is_list = b->is_list << 1 | (c != '{');
		b->depth++;
	} else if ((c == ')' || c == ']' || c == '}') && b->depth > 0) {
		b->is_list >>= 1;
		b->depth--;
	}
	if (c != ' ' && c != '\t' && c != '\r' && c != '\f')
		b->before = c;
	return true;
}

/* Copies one token that is no word; returns its length. */
static size_t scan_mark(struct scan *scan, struct str line, size_t at, bool *ok)
{
	struct str rest = str_tail(line, at);
	size_t n = 1;

	switch (scan->state) {
	case SCAN_CODE:
		scan->opened = scan->line;
		if (rest.p[0] == '"') {
			scan->state = SCAN_STRING;
			put_string_start(scan);
		} else if (str_starts_with(rest, STR("/*"))) {
			scan->state = SCAN_COMMENT;
			n = 2;
		} else if (rest.p[0] == '#' || str_starts_with(rest, STR("//"))) {
			return rest.n; /* needs no copy */
		} else {
			*ok = scan_punctuation(scan, rest.p[0]);
		}
		break;
	case SCAN_STRING:
		if (rest.p[0] == '"')
			scan->state = SCAN_CODE;
		else if (str_starts_with(rest, STR("\\\"")) ||
			 str_starts_with(rest, STR("\\\\")))
			n = 2;
		else if (str_starts_with(rest, STR("\\x00")) ||
			 str_starts_with(rest, STR("\\X00")))
			*ok = fail(scan, "a string cannot hold a NUL byte");
		break;
	case SCAN_COMMENT:
		if (str_starts_with(rest, STR("*/"))) {
			scan->state = SCAN_CODE;
			n = 2;
		}
		break;
	}
	buf_put(&scan->source->text, (struct str){rest.p, n});
	return n;
}

/* Copies a line, or what is left of one after its @include. */
static bool scan_line(struct scan *scan, struct str line)
{
	bool ok = true;

	if (line.n > 0 && memchr(line.p, '\0', line.n) != NULL)
		return fail(scan, "a NUL byte: not a text file");
	for (size_t at = 0; at < line.n && ok;) {
		if (scan->state == SCAN_CODE && is_word(line.p[at]))
			at += scan_word(scan, line, at, &ok);
		else
			at += scan_mark(scan, line, at, &ok);
	}
	buf_put_cstr(&scan->source->text, "\n");
	add_line(scan);
	if (ok && buf_length(&scan->source->text) > SOURCE_MAX)
		return fail(scan, "the files are larger than 16m together");
	return ok;
}

static bool read_source(struct scan *scan, const char *name, const char **why_out);

/* The name that an included file is opened by and called in errors. */
static const char *included_name(struct scan *scan, struct str name)
{
	const char *slash = strrchr(scan->main_path, '/');

	if (name.p[0] == '/' || slash == NULL)
		return arena_cstr(scan->source->arena, name);
	return arena_printf(scan->source->arena, "%.*s/%" STR_FMT,
			    (int)(slash - scan->main_path), scan->main_path,
			    STR_ARG(name))
		.p;
}

static bool include(struct scan *scan, struct str name)
{
	struct scan inner = {.source = scan->source,
			     .errors = scan->errors,
			     .main_path = scan->main_path,
			     .brackets = scan->brackets,
			     .depth = scan->depth + 1};

	if (name.n == 0)
		return fail(scan, "@include: a file name is missing");
	if (memchr(name.p, '\0', name.n) != NULL)
		return fail(scan, "@include: a NUL byte in the file name");
	if (inner.depth > SOURCE_MAX_DEPTH)
		return fail(scan, "@include: more than 10 files deep; does a "
				  "file include itself?");
	if (scan->source->n_files > SOURCE_MAX_FILES)
		return fail(scan, "@include: more than 1000 files");

	const char *file = included_name(scan, name);
	const char *why;

	if (read_source(&inner, file, &why))
		return true;
	if (why != NULL)
		conf_errors_add(scan->errors, scan->source->files[scan->file],
				scan->line, "@include: cannot read %s: %s", file,
				why);
	return false;
}

/* Whether the line is an @include. Then *name_out is the name with its
 * escapes still in it, and *line is cut to what follows its closing quote;
 * name_out->p is NULL without one. */
static bool cut_include(struct str *line, struct str *name_out)
{
	static const struct str word = STR_INIT("@include");
	struct str rest = str_trim(*line);

	if (!str_starts_with(rest, word))
		return false;
	rest = str_tail(rest, word.n);
	struct str quoted = str_trim(rest);

	if (quoted.n == rest.n || quoted.n == 0 || quoted.p[0] != '"')
		return false; /* libconfig reports it as a syntax error */
	size_t end = 1;

	while (end < quoted.n && quoted.p[end] != '"')
		end += quoted.p[end] == '\\' ? 2 : 1;
	*name_out = (struct str){NULL, 0};
	if (end < quoted.n) {
		*name_out = (struct str){quoted.p + 1, end - 1};
		*line = str_tail(quoted, end + 1);
	}
	return true;
}

static struct str unescape(struct arena *arena, struct str quoted)
{
	char *out = arena_bytes(arena, quoted.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < quoted.n; i++) {
		if (quoted.p[i] == '\\' && i + 1 < quoted.n &&
		    (quoted.p[i + 1] == '\\' || quoted.p[i + 1] == '"'))
			i++;
		out[n++] = quoted.p[i];
	}
	return (struct str){out, n};
}

static bool scan_content(struct scan *scan, struct str content)
{
	for (scan->line = 1; content.p != NULL; scan->line++) {
		struct str line = str_cut(&content, '\n'), name;

		if (scan->state == SCAN_CODE && cut_include(&line, &name)) {
			if (name.p == NULL)
				return fail(scan, "@include: the closing "
						  "quote is missing");
			name = unescape(scan->source->arena, name);
			if (!include(scan, name))
				return false;
		}
		if (!scan_line(scan, line))
			return false;
	}
	scan->line = scan->opened;
	if (scan->state == SCAN_STRING)
		return fail(scan, "the string that begins here has no end");
	if (scan->state == SCAN_COMMENT)
		return fail(scan, "the comment that begins here has no end");
	return true;
}

/* False if the file has an error, which has been reported, or cannot be read:
 * then *why_out is the reason. */
static bool read_source(struct scan *scan, const char *name, const char **why_out)
{
	struct buf content = {0};
	bool ok = false;

	*why_out = read_file(name, SOURCE_MAX, &content);
	if (*why_out == NULL) {
		scan->file = add_file(scan->source, name);
		ok = scan_content(scan, buf_str(&content));
	}
	buf_release(&content);
	return ok;
}

bool source_read(struct source *s, const char *path, struct conf_errors *errors)
{
	struct brackets brackets = {.before = ';'};
	struct scan scan = {.source = s,
			    .errors = errors,
			    .main_path = path,
			    .brackets = &brackets};
	const char *why;
	bool ok = read_source(&scan, path, &why);

	if (why != NULL)
		conf_errors_add(errors, path, 0, "cannot read: %s", why);
	*buf_room(&s->text, 1) = '\0';
	buf_added(&s->text, 1);
	return ok;
}

struct source_line source_origin(const struct source *s, int line)
{
	if (line > s->n_lines)
		line = s->n_lines;
	return line < 1 ? (struct source_line){0, 0} : s->lines[line - 1];
}

const char *source_file(const struct source *s, int line)
{
	return s->files[source_origin(s, line).file];
}

struct str source_line_text(const struct source *s, int line)
{
	struct str rest = buf_str(&s->text), text = {"", 0};

	for (int i = 0; i < line && rest.p != NULL; i++)
		text = str_cut(&rest, '\n');
	text = str_trim(text);
	char *out = arena_bytes(s->arena, text.n);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != SOURCE_STOP)
			out[n++] = text.p[i];
	return (struct str){out, n};
}

void source_fini(struct source *s)
{
	buf_release(&s->text);
	free(s->files);
	free(s->lines);
	*s = (struct source){0};
}
