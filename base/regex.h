/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regular expressions, by PCRE2 with its compiler to machine code. They match
 * bytes, not characters. The work of a match is bounded, so that no pattern and
 * no text can keep a process busy. Any process.
 */
#ifndef BASE_REGEX_H
#define BASE_REGEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct regex;

enum regex_result {
	REGEX_MATCHES,
	REGEX_DIFFERS,
	REGEX_TOO_HARD, /* the bound was reached first */
};

/* Returns NULL with *why_out, a sentence in `arena` that names the error in the
 * pattern, and its position. */
struct regex *regex_create(struct str pattern, struct arena *arena,
			   const char **why_out)
	__attribute__((warn_unused_result));
/* Clears the caller's pointer; takes a pointer to NULL too. */
void regex_destroy(struct regex **regex);

/* The number of a group by its name, or by its number in digits; 0 is the whole
 * match. False if there is no such group. */
bool regex_find_group(const struct regex *regex, struct str name,
		      uint32_t *number_out);

/* Whether the pattern is found anywhere in the text. */
enum regex_result regex_match(struct regex *regex, struct str text);

/* After REGEX_MATCHES for that text: copies the whole match and every group
 * into the arena, the match first; a group that took no part in the match has
 * p == NULL. */
struct str *regex_captures(const struct regex *regex, struct str text,
			   struct arena *arena);

#endif
