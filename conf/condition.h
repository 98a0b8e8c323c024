/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A condition, `${status} >= 500`: a template, an operator between spaces, and
 * what its value is compared with. `=` and `!=` compare texts; `<`, `<=`, `>` and
 * `>=` compare decimal numbers, and do not hold for what is none. Master and
 * workers.
 */
#ifndef CONF_CONDITION_H
#define CONF_CONDITION_H

#include "base/arena.h"
#include "base/str.h"
#include "conf/template.h"

struct conf_condition {
	struct str source; /* as written */
	struct template left;
	enum comparison {
		CONDITION_EQUAL,
		CONDITION_NOT_EQUAL,
		CONDITION_LESS,
		CONDITION_AT_MOST,
		CONDITION_MORE,
		CONDITION_AT_LEAST,
		CONDITION_OPERATORS
	} comparison;
	struct str right;
};

/* All of them have to hold. */
struct conf_conditions {
	struct conf_condition *items;
	size_t n;
};

/* NULL, or a sentence in the arena that says what is wrong with the text. */
const char *condition_parse(enum template_moment moment, struct arena *arena,
			    struct str text, struct conf_condition *condition_out)
	__attribute__((warn_unused_result));

/* For the value that the template has. */
bool condition_holds(const struct conf_condition *condition, struct str left);

#endif
