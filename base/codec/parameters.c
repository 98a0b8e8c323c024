/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/parameters.h"

#include <stddef.h>

#include "base/codec/octet.h"

/* White space; line ends too, which only the header of a part has, folded. */
static struct str skip_blank(struct str s)
{
	while (s.n > 0 && strchr(" \t\r\n", s.p[0]) != NULL && s.p[0] != '\0')
		s = str_tail(s, 1);
	return s;
}

static bool is_plain(char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != ';';
}

/* Whether the value may have ended before this: nothing more, or one parameter
 * more, as far as its "=". */
static bool begins_parameter(struct str s)
{
	size_t n = 0;

	s = skip_blank(s);
	if (s.n == 0)
		return true;
	if (s.p[0] != ';')
		return false;
	s = skip_blank(str_tail(s, 1));
	while (n < s.n && octet_is(s.p[n], OCTET_TOKEN))
		n++;
	return n == s.n || (n > 0 && s.p[n] == '=');
}

/* Whether the backslash at s.p[i] is one of a browser's, which escapes nothing
 * by it, before the last quote. */
static bool is_last(struct str s, size_t i, enum parameter_escapes escapes)
{
	return escapes == PARAMETER_OF_FORM && i + 1 < s.n && s.p[i + 1] == '"' &&
	       begins_parameter(str_tail(s, i + 2));
}

/* From behind the first quote to behind the last. */
static bool read_quoted(struct str *rest, enum parameter_escapes escapes,
			struct str *value_out)
{
	struct str s = *rest;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"') {
			*value_out = (struct str){s.p, i};
			*rest = str_tail(s, i + 1);
			return true;
		}
		if (s.p[i] == '\\' && !is_last(s, i, escapes) && ++i == s.n)
			break;
		if (escapes != PARAMETER_OF_FORM && !octet_is(s.p[i], OCTET_TEXT))
			break;
	}
	return false;
}

static bool read_plain(struct str *rest, struct str *value_out)
{
	size_t n = 0;

	while (n < rest->n && is_plain(rest->p[n]))
		n++;
	*value_out = (struct str){rest->p, n};
	*rest = str_tail(*rest, n);
	return n > 0;
}

static bool read_parameter(struct str *rest, enum parameter_escapes escapes,
			   struct parameter *out)
{
	struct str s = *rest;
	size_t n = 0;

	while (n < s.n && octet_is(s.p[n], OCTET_TOKEN))
		n++;
	if (n == 0 || n == s.n || s.p[n] != '=')
		return false;
	out->name = (struct str){s.p, n};
	s = str_tail(s, n + 1);
	out->is_quoted = s.n > 0 && s.p[0] == '"';
	if (out->is_quoted)
		s = str_tail(s, 1);
	*rest = s;
	return out->is_quoted ? read_quoted(rest, escapes, &out->value)
			      : read_plain(rest, &out->value);
}

enum parameter_result parameter_next(struct str *rest,
				     enum parameter_escapes escapes,
				     struct parameter *out)
{
	struct str s = skip_blank(*rest);

	if (s.n > 0 && s.p[0] != ';')
		return PARAMETER_BAD;
	while (s.n > 0 && s.p[0] == ';')
		s = skip_blank(str_tail(s, 1));
	*rest = s;
	if (s.n == 0)
		return PARAMETER_NONE;
	return read_parameter(rest, escapes, out) ? PARAMETER_FOUND : PARAMETER_BAD;
}

void parameter_skip(struct str *rest)
{
	while (rest->n > 0 && rest->p[0] != ';')
		*rest = str_tail(*rest, 1);
}
