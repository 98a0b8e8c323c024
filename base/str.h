/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A string as a pointer and a length, in bytes. It owns nothing and need not
 * end in NUL; the owner of the bytes documents their lifetime. Any process.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* A str of a string literal; usable in static initialisers as STR_INIT. */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_INIT(literal)                      \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

/* For printf("%" STR_FMT, STR_ARG(s)). */
#define STR_FMT    ".*s"
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_of(const char *cstr)
{
	return (struct str){cstr, strlen(cstr)};
}

static inline bool str_equal(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_starts_with(struct str s, struct str prefix)
{
	return s.n >= prefix.n &&
	       (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends_with(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       (suffix.n == 0 ||
		memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* The part of s from byte `from` on; empty when s is shorter. */
static inline struct str str_tail(struct str s, size_t from)
{
	/* Not "from == 0", which would do: of that and a `from` that is itself a
	 * difference with s.n, gcc 12 makes code that cuts nothing off. */
	if (s.p == NULL)
		return s;
	if (from > s.n)
		from = s.n;
	return (struct str){s.p + from, s.n - from};
}

/* ASCII only, whatever the locale: what HTTP calls case-insensitive. */
static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Equal when the case of ASCII letters is ignored. */
bool str_equal_nocase(struct str a, struct str b);

/* Without leading and trailing spaces and tabs (RFC 9110 section 5.6.3 OWS). */
struct str str_trim(struct str s);

/*
 * Cuts *rest at the first `separator`: returns the part before it and leaves
 * the part after it in *rest. Without a separator it returns everything and
 * sets rest->p to NULL, which also ends a loop over the parts.
 */
struct str str_cut(struct str *rest, char separator);

/* A 64-bit hash of the bytes (FNV-1a), the same in every process. */
uint64_t str_hash(struct str s);

/*
 * The decimal number that s is, whole: digits only, no sign, no spaces, not
 * empty, not over UINT64_MAX. False when it is not one.
 */
bool str_to_u64(struct str s, uint64_t *value_out);

#endif
