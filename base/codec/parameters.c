/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/parameters.h"

#include <stddef.h>

#include "base/codec/octet.h"

static struct str skip_blank(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_tail(s, 1);
	return s;
}

static bool is_plain(char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != ';';
}

/* From behind the first quote to behind the last. */
static bool take_quoted(struct str *rest, struct str *value_out)
{
	struct str s = *rest;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"') {
			*value_out = (struct str){s.p, i};
			*rest = str_tail(s, i + 1);
			return true;
		}
		if (s.p[i] == '\\' && ++i == s.n)
			break;
		if (!octet_is(s.p[i], OCTET_TEXT))
			break;
	}
	return false;
}

static bool take_plain(struct str *rest, struct str *value_out)
{
	size_t n = 0;

	while (n < rest->n && is_plain(rest->p[n]))
		n++;
	*value_out = (struct str){rest->p, n};
	*rest = str_tail(*rest, n);
	return n > 0;
}

static bool take_parameter(struct str *rest, struct parameter *out)
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
	return out->is_quoted ? take_quoted(rest, &out->value)
			      : take_plain(rest, &out->value);
}

enum parameter_result parameter_next(struct str *rest, struct parameter *out)
{
	struct str s = skip_blank(*rest);

	if (s.n > 0 && s.p[0] != ';')
		return PARAMETER_BAD;
	while (s.n > 0 && s.p[0] == ';')
		s = skip_blank(str_tail(s, 1));
	*rest = s;
	if (s.n == 0)
		return PARAMETER_NONE;
	return take_parameter(rest, out) ? PARAMETER_FOUND : PARAMETER_BAD;
}
