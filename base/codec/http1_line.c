/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/http1_line.h"

#include "base/codec/octet.h"

static const char *wrong_name(const char *p, const char *start)
{
	if (*p == '\r' || *p == '\n')
		return p == start ? HTTP1_BARE_CR_OR_LF : "a field has no colon";
	if (*p == ' ' || *p == '\t')
		return p == start ? "obsolete line folding"
				  : "white space before a field's colon";
	return p == start && *p == ':' ? "a field has no name"
				       : "a field name is not a token";
}

enum http1_result http1_read_field_line(const char **next, const char *end,
					struct field *field, const char **why)
{
	const char *start = *next, *p = start;

	while (p < end && octet_is(*p, OCTET_TOKEN))
		p++;
	if (p == end)
		return HTTP1_PARTIAL;
	if (*p != ':' || p == start) {
		*why = wrong_name(p, start);
		return HTTP1_BAD;
	}
	field->name = (struct str){start, (size_t)(p - start)};

	do
		p++;
	while (p < end && (*p == ' ' || *p == '\t'));

	const char *value = p, *value_end = octet_text_end(p, end);

	if (value_end == end || (*value_end == '\r' && value_end + 1 == end))
		return HTTP1_PARTIAL;
	if (value_end[0] != '\r' || value_end[1] != '\n') {
		*why = *value_end == '\r' || *value_end == '\n'
			       ? HTTP1_BARE_CR_OR_LF
			       : "a control character in a field value";
		return HTTP1_BAD;
	}
	*next = value_end + 2;
	while (value_end > value && (value_end[-1] == ' ' || value_end[-1] == '\t'))
		value_end--;
	field->value = (struct str){value, (size_t)(value_end - value)};
	return HTTP1_COMPLETE;
}
