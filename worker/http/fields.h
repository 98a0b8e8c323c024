/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fields of a response: a text in the form of HTTP/1 ("Name: value\r\n"
 * again and again) that is built once and copied as it is, and that other
 * protocols can walk. Values never hold CR, LF or NUL: they are replaced by
 * spaces, so no field can add a line. Worker.
 */
#ifndef WORKER_HTTP_FIELDS_H
#define WORKER_HTTP_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* All zero is none. */
struct fields {
	char *text;
	uint32_t n; /* bytes of text */
	uint32_t room;
};

static inline struct str fields_str(const struct fields *f)
{
	return (struct str){f->text, f->n};
}

/* Takes the next field off *rest, a part of the text. False at the end. */
bool fields_next(struct str *rest, struct str *name_out, struct str *value_out);

/* Adds a field; the text lives in `arena`. */
void fields_add(struct fields *f, struct arena *arena, struct str name,
		struct str value);
/* Whole lines, "Name: value" and CRLF each, of a head that was parsed: they are
 * not looked at. */
void fields_add_lines(struct fields *f, struct arena *arena, struct str lines);
void fields_add_number(struct fields *f, struct arena *arena, struct str name,
		       uint64_t value);

/* Takes out every field of that name, in upper or lower case. */
void fields_remove(struct fields *f, struct str name);

/*
 * The values of several fields of one name made into one (RFC 9110 section
 * 5.3), in the order in which they are added. One alone is not copied.
 */
struct fields_join {
	struct arena *arena;
	struct str separator;
	struct str joined; /* p == NULL before there is one */
	size_t room;       /* of `joined`, when it is in the arena */
};

void fields_join_add(struct fields_join *join, struct str value);

#endif
