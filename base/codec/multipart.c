/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In this order: the boundary, delimiters, the header of a part (its fields,
 * and the names in them, encoded in three ways), and multipart_next(), which
 * puts these together. Pure.
 */
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

static bool is_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!octet_is(s.p[i], OCTET_TEXT))
			return false;
	return true;
}

static bool fault(struct multipart *m, const char *why)
{
	m->why = why;
	return false;
}

/* RFC 2046 section 5.1.1 has fewer characters for it, and programs use more:
 * "*****". What can be told from the line around it will do. */
static bool is_boundary(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] >= 0x7f || s.p[i] == '"' ||
		    s.p[i] == '\\')
			return false;
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
	while ((result = parameter_next(&rest, PARAMETER_OF_HTTP, &parameter)) !=
	       PARAMETER_NONE) {
		if (result == PARAMETER_BAD)
			parameter_skip(&rest);
		if (result == PARAMETER_BAD ||
		    !str_equal_nocase(parameter.name, STR("boundary")))
			continue;
		if (boundary_out->p != NULL)
			return fault(m, "more than one boundary is given");
		*boundary_out = parameter.value;
	}
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
	m->n_odd = 0;
	m->budget = SIZE_MAX;
	return true;
}

/*
 * The size of the rest of a delimiter line, whose boundary is before `s`: white
 * space and CRLF, and "--" before them in the last one, which may end with the
 * body. 0 when it is no such line: then it was none of the boundary either, but
 * text that begins like it.
 */
static size_t line_rest(struct str s, bool *is_last_out)
{
	size_t n = str_starts_with(s, STR("--")) ? 2 : 0, blanks = 0;

	*is_last_out = n > 0;
	while (n < s.n && blanks < MULTIPART_BLANKS_MAX &&
	       (s.p[n] == ' ' || s.p[n] == '\t')) {
		n++;
		blanks++;
	}
	if (str_starts_with(str_tail(s, n), STR("\r\n")))
		return n + 2;
	return *is_last_out && n == s.n ? n : 0;
}

static bool is_line(struct str s)
{
	bool is_last;

	return line_rest(s, &is_last) > 0;
}

enum found { FOUND, FOUND_NOT_YET, FOUND_NONE };

/* Looks for the delimiter's bytes from m->searched on, and moves that to them,
 * or behind the bytes that cannot begin it. */
static enum found find_bytes(struct multipart *m)
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
	m->searched += (size_t)(at - s.p);
	return FOUND;
}

/*
 * Cuts what comes before the next delimiter off m->rest, and the delimiter up
 * to its boundary.
 */
static enum found find_delimiter(struct multipart *m, struct str *before_out)
{
	size_t size = m->delimiter_size;
	enum found found;

	while ((found = find_bytes(m)) == FOUND &&
	       !is_line(str_tail(m->rest, m->searched + size))) {
		m->searched += size;
		m->budget -= size < m->budget ? size : m->budget;
	}
	if (found != FOUND)
		return found;
	*before_out = (struct str){m->rest.p, m->searched};
	m->rest = str_tail(m->rest, m->searched + size);
	m->searched = 0;
	return FOUND;
}

/* Reads a part's header line, whose CRLF is not in it. What is no field, or not
 * of a kind that matters, is passed over. */
static void read_field(struct head *head, struct str line)
{
	size_t n = 0;

	while (n < line.n && octet_is(line.p[n], OCTET_TOKEN))
		n++;
	if (n == 0 || n == line.n || line.p[n] != ':')
		return;

	struct str name = {line.p, n}, value = str_trim(str_tail(line, n + 1));

	if (str_equal_nocase(name, STR("content-disposition"))) {
		if (head->disposition.p == NULL)
			head->disposition = value;
	} else if (str_equal_nocase(name, STR("content-type"))) {
		if (head->type.p == NULL && is_text(value))
			head->type = value;
	}
}

/* Where the header line at the front of `all` ends: at a CRLF that no folded
 * line follows (RFC 5322 section 2.2.3). NULL when it has no end. */
static const char *end_of_field(struct str all)
{
	struct str rest = all;
	const char *end;

	while (rest.n > 0 && (end = memmem(rest.p, rest.n, "\r\n", 2)) != NULL) {
		rest = str_tail(rest, (size_t)(end - rest.p) + 2);
		if (rest.n == 0 || (rest.p[0] != ' ' && rest.p[0] != '\t'))
			return end;
	}
	return NULL;
}

/*
 * Reads the header lines, and leaves m->rest at the CRLF of the empty line:
 * where there is no content, that may be the next delimiter's (RFC 2046
 * section 5.1.1, body-part). False when the header has no end: there is no part.
 */
static bool read_head(struct multipart *m, struct head *head)
{
	struct str dashes = {m->delimiter + 2, m->delimiter_size - 2};
	struct str all = m->rest;

	if (all.n > MULTIPART_HEAD_MAX)
		all.n = MULTIPART_HEAD_MAX;
	while (!str_starts_with(all, STR("\r\n"))) {
		const char *end = end_of_field(all);

		if (end == NULL)
			return false;
		/* A boundary with a colon looks like a field. */
		if (str_starts_with(all, dashes) &&
		    is_line(str_tail(all, dashes.n)))
			return false;
		read_field(head, (struct str){all.p, (size_t)(end - all.p)});
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

/* RFC 8187 section 3.2.1: charset'language'value. *text_out stays when it is not
 * that, or in a charset that need not be known. */
static void decode_extended(const struct parameter *parameter, char *out,
			    struct str *text_out)
{
	struct str value = parameter->value;
	struct str charset = str_cut(&value, '\'');

	str_cut(&value, '\'');
	if (value.p == NULL || parameter->is_quoted)
		return;
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c != '%' ? !octet_is(c, OCTET_TOKEN) || c == '*' || c == '\''
			     : value.n - i < 3 || octet_hex(value.p[i + 1]) < 0 ||
				       octet_hex(value.p[i + 2]) < 0)
			return;
	}
	struct str text = {out, uri_decode(value, false, out)};

	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
			return;
	if (str_equal_nocase(charset, STR("utf-8")))
		*text_out = text;
}

static struct str last_component(struct str path)
{
	size_t n = path.n;

	while (n > 0 && path.p[n - 1] != '/' && path.p[n - 1] != '\\')
		n--;
	return str_tail(path, n);
}

/* The parameters of the disposition that count, still encoded. */
struct part_names {
	struct parameter name, filename, extended;
};

/* The first counts. */
static void set_once(struct parameter *place, const struct parameter *parameter)
{
	if (place->name.p == NULL)
		*place = *parameter;
}

/* What is malformed is passed over, up to the next ";". */
static struct part_names find_names(struct str disposition)
{
	enum parameter_result result;
	struct part_names names = {0};
	struct parameter p;

	while ((result = parameter_next(&disposition, PARAMETER_OF_FORM, &p)) !=
	       PARAMETER_NONE) {
		if (result == PARAMETER_BAD)
			parameter_skip(&disposition);
		else if (str_equal_nocase(p.name, STR("name")))
			set_once(&names.name, &p);
		else if (str_equal_nocase(p.name, STR("filename")))
			set_once(&names.filename, &p);
		else if (str_equal_nocase(p.name, STR("filename*")))
			set_once(&names.extended, &p);
	}
	return names;
}

static bool is_form_data(struct str disposition, size_t *n_out)
{
	struct str kind = disposition;
	size_t n = 0;

	while (n < kind.n && octet_is(kind.p[n], OCTET_TOKEN))
		n++;
	kind.n = *n_out = n;
	return str_equal_nocase(kind, STR("form-data"));
}

/* False when the part has no name. */
static bool read_names(struct multipart *m, struct str disposition,
		       struct multipart_part *part)
{
	size_t n;

	if (!is_form_data(disposition, &n))
		return false;

	struct part_names names = find_names(str_tail(disposition, n));

	if (names.name.name.p == NULL)
		return false;
	part->name = decode(&names.name, m->text);

	char *room = m->text + part->name.n;

	part->filename = (struct str){NULL, 0};
	if (names.extended.name.p != NULL)
		decode_extended(&names.extended, room, &part->filename);
	if (part->filename.p == NULL && names.filename.name.p != NULL)
		part->filename = decode(&names.filename, room);
	part->filename = last_component(part->filename);
	return true;
}

/* RFC 2046 section 5.1.1. The first delimiter needs no CRLF before it when
 * nothing else is before it. */
static enum multipart_result skip_preamble(struct multipart *m)
{
	struct str dashes = {m->delimiter + 2, m->delimiter_size - 2}, preamble;

	if (m->searched == 0 && str_starts_with(m->rest, dashes) &&
	    is_line(str_tail(m->rest, dashes.n))) {
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

/* Reads on after a boundary: the header of a part, or the end. */
static enum multipart_result read_delimiter(struct multipart *m)
{
	const char *begin = m->rest.p;
	struct head head = {0};
	bool is_last;
	size_t n = line_rest(m->rest, &is_last);

	m->rest = str_tail(m->rest, n);
	if (is_last)
		return MULTIPART_END;
	m->is_odd = true;
	if (read_head(m, &head)) {
		m->is_odd = head.disposition.p == NULL ||
			    !read_names(m, head.disposition, &m->part);
		m->part.type = head.type;
	} else {
		/* What follows the line may be a delimiter. */
		m->rest = (struct str){m->rest.p - 2, m->rest.n + 2};
	}
	m->n_odd += m->is_odd;

	size_t read = (size_t)(m->rest.p - begin);

	m->budget -= read < m->budget ? read : m->budget;
	return MULTIPART_PART;
}

static enum multipart_result read_content(struct multipart *m)
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

/* One step of the three; at MULTIPART_PART the next can be taken. */
static enum multipart_result step(struct multipart *m)
{
	switch (m->state) {
	case MULTIPART_PREAMBLE:
		return skip_preamble(m);
	case MULTIPART_DELIMITER:
		return read_delimiter(m);
	case MULTIPART_CONTENT:
		return read_content(m);
	case MULTIPART_STOPPED:
		break;
	}
	return MULTIPART_BAD;
}

enum multipart_result multipart_next(struct multipart *m,
				     struct multipart_part *part_out)
{
	enum multipart_result result;

	while ((result = step(m)) == MULTIPART_PART) {
		bool is_whole = m->state == MULTIPART_CONTENT && !m->is_odd;

		m->state = m->state == MULTIPART_DELIMITER ? MULTIPART_CONTENT
							   : MULTIPART_DELIMITER;
		if (is_whole) {
			*part_out = m->part;
			return MULTIPART_PART;
		}
	}
	if (result != MULTIPART_MORE)
		m->state = MULTIPART_STOPPED;
	return result;
}
