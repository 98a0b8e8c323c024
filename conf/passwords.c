/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/passwords.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/read_file.h"
#include "conf/password_hash.h"
#include "conf/values.h"

enum { PASSWORDS_MAX = 4 << 20 }; /* bytes of a file */

static const char *parse_line(struct arena *arena, struct str line,
			      struct password *password_out)
{
	struct str hash = line, name = str_cut(&hash, ':');

	if (hash.p == NULL)
		return "a line is \"name:hash\"";
	if (name.n == 0)
		return "a name is missing before the colon";
	if (value_has_control(line))
		return "must not hold control characters";
	password_out->name = arena_copy(arena, name);
	password_out->hash = arena_copy(arena, hash);
	const char *why = password_hash_check(password_out->hash);

	if (why == NULL)
		password_out->cost = password_hash_cost(password_out->hash);
	return why;
}

static int compare(const void *left, const void *right)
{
	const struct password *a = left, *b = right;
	size_t n = a->name.n < b->name.n ? a->name.n : b->name.n;
	int order = memcmp(a->name.p, b->name.p, n);

	return order != 0 ? order
			  : (a->name.n > b->name.n) - (a->name.n < b->name.n);
}

static const char *sort(struct arena *arena, struct passwords *passwords,
			int *line_out)
{
	if (passwords->n > 0)
		qsort(passwords->items, passwords->n, sizeof(*passwords->items),
		      compare);
	for (size_t i = 1; i < passwords->n; i++) {
		const struct password *a = &passwords->items[i - 1], *b = a + 1;

		if (compare(a, b) != 0)
			continue;
		*line_out = a->line > b->line ? a->line : b->line;
		return arena_printf(arena, "duplicate user \"%" STR_FMT "\"",
				    STR_ARG(b->name))
			.p;
	}
	return NULL;
}

static const char *parse(struct arena *arena, struct str text,
			 struct passwords *passwords, int *line_out)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	passwords->items = arena_zalloc(arena, n, sizeof(*passwords->items));
	*line_out = 0;
	for (struct str rest = text; rest.p != NULL;) {
		struct str line = str_trim(str_cut(&rest, '\n'));
		struct password *password = &passwords->items[passwords->n];

		++*line_out;
		if (str_ends_with(line, STR("\r")))
			line = str_trim((struct str){line.p, line.n - 1});
		if (line.n == 0 || line.p[0] == '#')
			continue;
		const char *why = parse_line(arena, line, password);

		if (why != NULL)
			return why;
		password->line = *line_out;
		passwords->n++;
	}
	return sort(arena, passwords, line_out);
}

/* Secret as the hashes are, and the same in every worker. */
static struct siphash_key key_of(struct str text)
{
	static const struct siphash_key halves[] = {{{1, 0}}, {{2, 0}}};

	return (struct siphash_key){
		{siphash(&halves[0], text), siphash(&halves[1], text)}};
}

static void find_costliest(struct passwords *passwords)
{
	for (size_t i = 0; i < passwords->n; i++) {
		const struct password *password = &passwords->items[i];

		if (passwords->costliest == NULL ||
		    password->cost > passwords->costliest->cost)
			passwords->costliest = password;
	}
}

struct passwords *passwords_load(struct arena *arena, const char *path,
				 const char **why_out, int *line_out)
{
	struct passwords *passwords = arena_zalloc(arena, 1, sizeof(*passwords));
	struct buf text = {0};

	*line_out = 0;
	*why_out = read_file_safely(path, PASSWORDS_MAX, &text);
	if (*why_out == NULL)
		*why_out = parse(arena, buf_str(&text), passwords, line_out);
	passwords->key = key_of(buf_str(&text));
	find_costliest(passwords);
	buf_release(&text);
	return *why_out == NULL ? passwords : NULL;
}

const struct password *passwords_find(const struct passwords *passwords,
				      struct str name)
{
	struct password wanted = {.name = name};

	if (passwords->n == 0)
		return NULL;
	return bsearch(&wanted, passwords->items, passwords->n,
		       sizeof(*passwords->items), compare);
}

const struct password *passwords_stand_in(const struct passwords *passwords,
					  struct str name)
{
	return &passwords->items[siphash(&passwords->key, name) % passwords->n];
}
