/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/fields.h"

#include "base/digits.h"

static char *room_for(struct fields *f, struct arena *arena, size_t n)
{
	if (f->room - f->n < n) {
		size_t room = 2 * (f->n + n) + 128;
		char *text = arena_bytes(arena, room);

		if (f->n > 0)
			memcpy(text, f->text, f->n);
		f->text = text;
		f->room = (uint32_t)room;
	}
	return f->text + f->n;
}

static char *put(char *to, struct str s)
{
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	return to + s.n;
}

/* Prevents response splitting, wherever the value comes from. */
static void defuse(char *value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (value[i] == '\r' || value[i] == '\n' || value[i] == '\0')
			value[i] = ' ';
}

void fields_add(struct fields *f, struct arena *arena, struct str name,
		struct str value)
{
	size_t n = name.n + value.n + 4;
	char *to = room_for(f, arena, n);

	to = put(to, name);
	to = put(to, STR(": "));
	to = put(to, value);
	defuse(to - value.n, value.n);
	put(to, STR("\r\n"));
	f->n += (uint32_t)n;
}

void fields_add_lines(struct fields *f, struct arena *arena, struct str lines)
{
	put(room_for(f, arena, lines.n), lines);
	f->n += (uint32_t)lines.n;
}

bool fields_next(struct str *rest, struct str *name_out, struct str *value_out)
{
	if (rest->n == 0)
		return false;
	*value_out = str_cut(rest, '\n');
	value_out->n--; /* CR */
	*name_out = str_cut(value_out, ':');
	*value_out = str_trim(*value_out);
	return true;
}

void fields_add_number(struct fields *f, struct arena *arena, struct str name,
		       uint64_t value)
{
	char digits[DIGITS_MAX];
	char *end = digits_put(digits, value);

	fields_add(f, arena, name, (struct str){digits, (size_t)(end - digits)});
}

void fields_remove(struct fields *f, struct str name)
{
	struct str rest = fields_str(f), this_name, value;
	size_t kept = 0;

	for (const char *line = rest.p; fields_next(&rest, &this_name, &value);
	     line = f->text + (f->n - rest.n)) {
		size_t n = (size_t)(f->text + (f->n - rest.n) - line);

		if (str_equal_nocase(this_name, name))
			continue;
		memmove(f->text + kept, line, n);
		kept += n;
	}
	f->n = (uint32_t)kept;
}

void fields_join_add(struct fields_join *join, struct str value)
{
	struct str *joined = &join->joined;
	size_t n = joined->n + join->separator.n + value.n;

	if (joined->p == NULL) {
		*joined = value;
		return;
	}
	if (join->room < n) {
		char *text = arena_bytes(join->arena, 2 * n);

		put(text, *joined);
		joined->p = text;
		join->room = 2 * n;
	}
	put(put((char *)joined->p + joined->n, join->separator), value);
	joined->n = n;
}
