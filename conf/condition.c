/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/condition.h"

#include <stdlib.h>

enum { NUMBER_MAX = 40 }; /* bytes of a number that is compared */

static const struct str operators[CONDITION_OPERATORS] = {
	[CONDITION_EQUAL] = STR_INIT(" = "),
	[CONDITION_NOT_EQUAL] = STR_INIT(" != "),
	[CONDITION_LESS] = STR_INIT(" < "),
	[CONDITION_AT_MOST] = STR_INIT(" <= "),
	[CONDITION_MORE] = STR_INIT(" > "),
	[CONDITION_AT_LEAST] = STR_INIT(" >= "),
};

/* The first operator that is not inside a variable. */
static bool find_operator(struct str text, size_t *at_out,
			  enum comparison *comparison_out)
{
	bool is_inside = false;

	for (size_t i = 0; i < text.n; i++) {
		if (str_starts_with(str_tail(text, i), STR("${")))
			is_inside = true;
		else if (text.p[i] == '}')
			is_inside = false;
		for (int k = 0; k < CONDITION_OPERATORS && !is_inside; k++) {
			if (!str_starts_with(str_tail(text, i), operators[k]))
				continue;
			*at_out = i;
			*comparison_out = (enum comparison)k;
			return true;
		}
	}
	return false;
}

static bool is_ordered(enum comparison comparison)
{
	return comparison != CONDITION_EQUAL && comparison != CONDITION_NOT_EQUAL;
}

static bool read_number(struct str text, double *number_out)
{
	char copy[NUMBER_MAX + 1], *end;

	if (text.n == 0 || text.n > NUMBER_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (strchr("0123456789.-", text.p[i]) == NULL || text.p[i] == '\0')
			return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	*number_out = strtod(copy, &end);
	return *end == '\0' && end != copy;
}

const char *condition_parse(enum template_moment moment, struct arena *arena,
			    struct str text, struct conf_condition *condition_out)
{
	struct conf_condition c = {.source = arena_copy(arena, text)};
	const char *why;
	double number;
	size_t at;

	if (!find_operator(c.source, &at, &c.comparison))
		return "a condition is a variable, an operator (=, !=, <, <=, > or "
		       ">=) between spaces, and a value";
	c.right = str_tail(c.source, at + operators[c.comparison].n);
	if (is_ordered(c.comparison) && !read_number(c.right, &number))
		return arena_printf(arena, "\"%" STR_FMT "\" is not a number",
				    STR_ARG(c.right))
			.p;
	if (!template_compile_at(moment, arena, (struct str){c.source.p, at},
				 &c.left, &why))
		return why;
	if (c.left.is_literal)
		return "there is no variable in the condition";
	*condition_out = c;
	return NULL;
}

bool condition_holds(const struct conf_condition *condition, struct str left)
{
	double number, limit;

	if (!is_ordered(condition->comparison))
		return str_equal(left, condition->right) ==
		       (condition->comparison == CONDITION_EQUAL);
	if (!read_number(left, &number) || !read_number(condition->right, &limit))
		return false;
	switch (condition->comparison) {
	case CONDITION_LESS:
		return number < limit;
	case CONDITION_AT_MOST:
		return number <= limit;
	case CONDITION_MORE:
		return number > limit;
	default:
		return number >= limit;
	}
}
