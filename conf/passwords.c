/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/passwords.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/read_file.h"
#include "conf/values.h"

enum { PASSWORDS_MAX = 4 << 20 }; /* bytes of a file */

/* How long what follows the last "$" is. */
static const struct {
	struct str prefix;
	size_t digest;
} methods[] = {
	{STR_INIT("$y$"), 43},  {STR_INIT("$gy$"), 43}, {STR_INIT("$7$"), 43},
	{STR_INIT("$6$"), 86},  {STR_INIT("$5$"), 43},  {STR_INIT("$2a$"), 53},
	{STR_INIT("$2b$"), 53}, {STR_INIT("$2y$"), 53}, {STR_INIT("$1$"), 22},
};

static const char *check_hash(struct str hash)
{
	size_t digest = 0;

	while (digest < hash.n && hash.p[hash.n - 1 - digest] != '$')
		digest++;
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (!str_starts_with(hash, methods[i].prefix))
			continue;
		if (digest != methods[i].digest || hash.n >= CRYPT_OUTPUT_SIZE)
			return "the hash is not whole";
		int salt = crypt_checksalt(hash.p);

		return salt == CRYPT_SALT_OK || salt == CRYPT_SALT_METHOD_LEGACY ||
				       salt == CRYPT_SALT_TOO_CHEAP
			       ? NULL
			       : "crypt(3) does not know such a hash";
	}
	return "what follows the colon is not a hash of crypt(3) such as "
	       "\"mkpasswd\" makes: it begins with $y$, $7$, $6$, $5$, $2b$ or $1$";
}

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
	return check_hash(password_out->hash);
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

struct passwords *passwords_load(struct arena *arena, const char *path,
				 const char **why_out, int *line_out)
{
	struct passwords *passwords = arena_zalloc(arena, 1, sizeof(*passwords));
	struct buf text = {0};

	*line_out = 0;
	*why_out = read_file(path, PASSWORDS_MAX, &text);
	if (*why_out == NULL)
		*why_out = parse(arena, buf_str(&text), passwords, line_out);
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
