/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/multipart.h"

#include <stdint.h>

#include "base/codec/octet.h"
#include "base/codec/parameters.h"
#include "base/codec/uri.h"

/* The header of a part, while it is read. */
struct head {
	struct str disposition; /* what follows "form-data" */
	struct str type;
};

static bool fault(struct multipart *m, const char *why)
{
	m->why = why;
	return false;
}

/* RFC 2046 section 5.1.1: bchars, and no space at the end. */
static bool is_boundary(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], lower = ascii_lower(c);

		if ((lower < 'a' || lower > 'z') && (c < '0' || c > '9') &&
		    (c == '\0' || strchr("'()+_,-./:=? ", c) == NULL))
			return false;
	}
	return s.n > 0 && s.n <= MULTIPART_BOUNDARY_MAX && s.p[s.n - 1] != ' ';
}

static bool find_boundary(struct multipart *m, struct str type,
			  struct str *boundary_out)
{
	struct str rest = type;
	struct parameter parameter;
	enum parameter_result result;

	while (rest.n > 0 && rest.p[0] != ';')
		rest = str_tail(rest, 1);
	*boundary_out = (struct str){NULL, 0};
	while ((result = parameter_next(&rest, &parameter)) == PARAMETER_FOUND) {
		if (!str_equal_nocase(parameter.name, STR("boundary")))
			continue;
		if (boundary_out->p != NULL)
			return fault(m, "more than one boundary is given");
		*boundary_out = parameter.value;
	}
	if (result == PARAMETER_BAD)
		return fault(m, "the type's parameters are malformed");
	if (boundary_out->p == NULL)
		return fault(m, "no boundary is given");
	return is_boundary(*boundary_out) ||
	       fault(m, "the boundary is not one that may be");
}

bool multipart_init(struct multipart *m, struct str type, struct str body)
{
	struct str boundary;

	m->state = MULTIPART_STOPPED;
	m->why = NULL;
	if (!find_boundary(m, type, &boundary))
		return false;
	memcpy(m->delimiter, "\r\n--", 4);
	memcpy(m->delimiter + 4, boundary.p, boundary.n);
	m->delimiter_size = 4 + boundary.n;
	m->state = MULTIPART_PREAMBLE;
	m->rest = body;
	m->searched = 0;
	m->budget = SIZE_MAX;
	return true;
}

enum found { FOUND, FOUND_NOT_YET, FOUND_NONE };

/*
 * Cuts what comes before the next delimiter off m->rest, and the delimiter up
 * to its boundary.
 */
static enum found find_delimiter(struct multipart *m, struct str *before_out)
{
	size_t size = m->delimiter_size;
	struct str s = str_tail(m->rest, m->searched);
	bool to_end = s.n < size || s.n - size < m->budget;

	if (!to_end)
		s.n = m->budget + size - 1;

	const char *at = s.n == 0 ? NULL : memmem(s.p, s.n, m->delimiter, size);

	if (at == NULL) {
		if (to_end)
			return FOUND_NONE;
		m->searched += m->budget;
		m->budget = 0;
		return FOUND_NOT_YET;
	}
	m->budget -= (size_t)(at - s.p);
	m->searched = 0;
	*before_out = (struct str){m->rest.p, (size_t)(at - m->rest.p)};
	m->rest = str_tail(m->rest, before_out->n + size);
	return FOUND;
}

/* The rest of a line that has only white space. The very last one may end
 * with the body. */
static bool end_line(struct multipart *m, bool last)
{
	struct str s = m->rest;

	for (int n = 0; n < MULTIPART_BLANKS_MAX && s.n > 0 &&
			(s.p[0] == ' ' || s.p[0] == '\t');
	     n++)
		s = str_tail(s, 1);
	if (str_starts_with(s, STR("\r\n")) || (last && s.n == 0)) {
		m->rest = str_tail(s, 2);
		return true;
	}
	return fault(m, "a line begins with the boundary and goes on");
}

/* Reads a part's header line, whose CRLF is not in it. */
static bool take_field(struct multipart *m, struct head *head, struct str line)
{
	size_t n = 0;

	while (n < line.n && octet_is(line.p[n], OCTET_TOKEN))
		n++;
	if (n == 0 || n == line.n || line.p[n] != ':')
		return fault(m, "a part has a malformed header");

	struct str name = {line.p, n}, value = str_trim(str_tail(line, n + 1));

	for (size_t i = 0; i < value.n; i++)
		if (!octet_is(value.p[i], OCTET_TEXT))
			return fault(m, "a part's header has a control character");
	if (str_equal_nocase(name, STR("content-disposition"))) {
		if (head->disposition.p != NULL)
			return fault(m, "a part has two Content-Dispositions");
		head->disposition = value;
	} else if (str_equal_nocase(name, STR("content-type"))) {
		if (head->type.p != NULL)
			return fault(m, "a part has two Content-Types");
		head->type = value;
	} else if (str_equal_nocase(name, STR("content-transfer-encoding"))) {
		return str_equal_nocase(value, STR("binary")) ||
		       str_equal_nocase(value, STR("8bit")) ||
		       str_equal_nocase(value, STR("7bit")) ||
		       fault(m, "a part's transfer encoding is not known here");
	}
	return true;
}

/*
 * Reads the header lines, and leaves m->rest at the CRLF of the empty line:
 * where there is no content, that may be the next delimiter's (RFC 2046
 * section 5.1.1, body-part).
 */
static bool take_head(struct multipart *m, struct head *head)
{
	struct str dashes = {m->delimiter + 2, m->delimiter_size - 2};
	struct str all = m->rest;

	if (all.n > MULTIPART_HEAD_MAX)
		all.n = MULTIPART_HEAD_MAX;
	while (!str_starts_with(all, STR("\r\n"))) {
		const char *end =
			all.n == 0 ? NULL : memmem(all.p, all.n, "\r\n", 2);

		if (end == NULL)
			return fault(m,
				     "a part's header has no end, or is too long");
		/* A boundary with a colon looks like a field. */
		if (str_starts_with(all, dashes))
			return fault(m, "a part's header has no end");
		if (!take_field(m, head,
				(struct str){all.p, (size_t)(end - all.p)}))
			return false;
		all = str_tail(all, (size_t)(end - all.p) + 2);
	}
	m->rest = str_tail(m->rest, (size_t)(all.p - m->rest.p));
	return true;
}

/* What browsers encode in a name, at s.p[i]; 0 when it is not that. */
static char decode_percent(struct str s, size_t i)
{
	struct str three = {s.p + i, 3};

	if (s.n - i < 3)
		return '\0';
	if (str_equal(three, STR("%22")))
		return '"';
	if (str_equal_nocase(three, STR("%0d")))
		return '\r';
	return str_equal_nocase(three, STR("%0a")) ? '\n' : '\0';
}

/* Decodes a parameter into `out`, which has room for it as it is. */
static struct str decode(const struct parameter *parameter, char *out)
{
	struct str s = parameter->value;
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], percent = c == '%' ? decode_percent(s, i) : '\0';

		if (percent != '\0') {
			c = percent;
			i += 2;
		} else if (c == '\\' && i + 1 < s.n &&
			   (s.p[i + 1] == '"' || s.p[i + 1] == '\\')) {
			c = s.p[++i];
		}
		out[n++] = c;
	}
	return (struct str){out, n};
}

/* RFC 8187 section 3.2.1: charset'language'value. False when it is not that;
 * *text_out stays when it is in a charset that need not be known. */
static bool decode_extended(const struct parameter *parameter, char *out,
			    struct str *text_out)
{
	struct str value = parameter->value;
	struct str charset = str_cut(&value, '\'');

	str_cut(&value, '\'');
	if (value.p == NULL || parameter->is_quoted)
		return false;
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c != '%' ? !octet_is(c, OCTET_TOKEN) || c == '*' || c == '\''
			     : value.n - i < 3 || octet_hex(value.p[i + 1]) < 0 ||
				       octet_hex(value.p[i + 2]) < 0)
			return false;
	}
	struct str text = {out, uri_decode(value, false, out)};

	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
			return false;
	if (str_equal_nocase(charset, STR("utf-8")))
		*text_out = text;
	return true;
}

static struct str last_component(struct str path)
{
	size_t n = path.n;

	while (n > 0 && path.p[n - 1] != '/' && path.p[n - 1] != '\\')
		n--;
	return str_tail(path, n);
}

/* The parameters of the disposition that count, still encoded. */
struct names {
	struct parameter name, filename, extended;
};

static bool set_once(struct parameter *place, const struct parameter *parameter)
{
	if (place->name.p != NULL)
		return false;
	*place = *parameter;
	return true;
}

static bool find_names(struct str disposition, struct names *names)
{
	enum parameter_result result;
	struct parameter p;
	bool once = true;

	while (once &&
	       (result = parameter_next(&disposition, &p)) == PARAMETER_FOUND) {
		if (str_equal_nocase(p.name, STR("name")))
			once = set_once(&names->name, &p);
		else if (str_equal_nocase(p.name, STR("filename")))
			once = set_once(&names->filename, &p);
		else if (str_equal_nocase(p.name, STR("filename*")))
			once = set_once(&names->extended, &p);
	}
	return once && result == PARAMETER_NONE;
}

static bool take_names(struct multipart *m, struct str disposition,
		       struct multipart_part *part)
{
	struct names names = {0};
	struct str kind = disposition;
	size_t n = 0;

	while (n < kind.n && octet_is(kind.p[n], OCTET_TOKEN))
		n++;
	kind.n = n;
	if (!str_equal_nocase(kind, STR("form-data")))
		return fault(m, "a part is not of form-data");
	if (!find_names(str_tail(disposition, n), &names))
		return fault(m, "a part's Content-Disposition is malformed");
	if (names.name.name.p == NULL)
		return fault(m, "a part has no name");
	part->name = decode(&names.name, m->text);

	char *room = m->text + part->name.n;

	part->filename = (struct str){NULL, 0};
	if (names.extended.name.p != NULL &&
	    !decode_extended(&names.extended, room, &part->filename))
		return fault(m, "a part's filename* is malformed");
	if (part->filename.p == NULL && names.filename.name.p != NULL)
		part->filename = decode(&names.filename, room);
	part->filename = last_component(part->filename);
	return true;
}

/* RFC 2046 section 5.1.1. The first delimiter needs no CRLF before it when
 * nothing else is before it. */
static enum multipart_result take_preamble(struct multipart *m)
{
	struct str dashes = {m->delimiter + 2, m->delimiter_size - 2}, preamble;

	if (m->searched == 0 && str_starts_with(m->rest, dashes)) {
		m->rest = str_tail(m->rest, dashes.n);
		return MULTIPART_PART;
	}
	switch (find_delimiter(m, &preamble)) {
	case FOUND:
		return MULTIPART_PART;
	case FOUND_NOT_YET:
		return MULTIPART_MORE;
	case FOUND_NONE:
		break;
	}
	fault(m, "the boundary is not in the body");
	return MULTIPART_BAD;
}

/* What is behind a boundary: the header of a part, or nothing. */
static enum multipart_result take_delimiter(struct multipart *m)
{
	const char *begin = m->rest.p;
	struct head head = {0};

	if (str_starts_with(m->rest, STR("--"))) {
		m->rest = str_tail(m->rest, 2);
		return end_line(m, true) ? MULTIPART_END : MULTIPART_BAD;
	}
	if (!end_line(m, false) || !take_head(m, &head))
		return MULTIPART_BAD;
	if (head.disposition.p == NULL) {
		fault(m, "a part has no Content-Disposition");
		return MULTIPART_BAD;
	}
	if (!take_names(m, head.disposition, &m->part))
		return MULTIPART_BAD;
	m->part.type = head.type;

	size_t read = (size_t)(m->rest.p - begin);

	m->budget -= read < m->budget ? read : m->budget;
	return MULTIPART_PART;
}

static enum multipart_result take_content(struct multipart *m)
{
	const char *begin = m->rest.p + 2;
	struct str content;

	switch (find_delimiter(m, &content)) {
	case FOUND:
		m->part.content = content.n < 2 ? (struct str){begin, 0}
						: str_tail(content, 2);
		return MULTIPART_PART;
	case FOUND_NOT_YET:
		return MULTIPART_MORE;
	case FOUND_NONE:
		break;
	}
	fault(m, "the last boundary is missing");
	return MULTIPART_BAD;
}

enum multipart_result multipart_next(struct multipart *m,
				     struct multipart_part *part_out)
{
	enum multipart_result result = MULTIPART_BAD;

	if (m->state == MULTIPART_PREAMBLE) {
		result = take_preamble(m);
		if (result == MULTIPART_PART)
			m->state = MULTIPART_DELIMITER;
	}
	if (m->state == MULTIPART_DELIMITER) {
		result = take_delimiter(m);
		if (result == MULTIPART_PART)
			m->state = MULTIPART_CONTENT;
	}
	if (m->state == MULTIPART_CONTENT) {
		result = take_content(m);
		if (result == MULTIPART_PART) {
			m->state = MULTIPART_DELIMITER;
			*part_out = m->part;
		}
	}
	if (result == MULTIPART_END || result == MULTIPART_BAD)
		m->state = MULTIPART_STOPPED;
	return result;
}
