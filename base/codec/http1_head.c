/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head is read in one pass, front to back, and the first thing wrong in
 * it is the verdict; so the verdict on a head cannot depend on how its bytes
 * were cut up on the way. Bytes that come after a first, partial look are only
 * checked for going on well (goes_on()); the head is read again, whole, once
 * its end is there or something is wrong.
 */
#include "base/codec/http1_head.h"

#include "base/codec/http1_fields.h"
#include "base/codec/http1_line.h"
#include "base/codec/octet.h"
#include "base/codec/uri.h"

/* One head being read. A step returns false when reading ends with it, and
 * has set the verdict then. */
struct line_reader {
	const char *p; /* the next byte */
	const char *end;
	const char *start;
	size_t line_max;
	size_t fields_max;
	struct http1_head *head;
	struct http1_verdict verdict;
	bool is_cut; /* `end` is where a limit is */
	struct http1_fields fields;
};

static bool refuse(struct line_reader *r, unsigned status, const char *why)
{
	r->verdict = (struct http1_verdict){HTTP1_BAD, status, why};
	return false;
}

static bool want_more(struct line_reader *r)
{
	r->verdict = (struct http1_verdict){HTTP1_PARTIAL, 0, NULL};
	return false;
}

/* From a CR on. */
static bool skip_cr_lf(struct line_reader *r)
{
	if (r->end - r->p < 2)
		return want_more(r);
	if (r->p[1] != '\n')
		return refuse(r, 400, HTTP1_BARE_CR_OR_LF);
	r->p += 2;
	return true;
}

/* RFC 9112 section 2.2: one empty line before the request line is ignored,
 * for clients that end a body with a CRLF too many. */
static bool skip_empty_line(struct line_reader *r)
{
	if (r->p == r->end)
		return want_more(r);
	if (*r->p != '\r')
		return true;
	return skip_cr_lf(r);
}

static bool read_method(struct line_reader *r)
{
	const char *p = r->p;

	while (p < r->end && octet_is(*p, OCTET_TOKEN))
		p++;
	if (p == r->end)
		return want_more(r);

	struct str method = {r->p, (size_t)(p - r->p)};

	if (*p != ' ' || method.n == 0)
		return refuse(r, 400, "the method is not a token");
	r->head->method = method;
	r->p = p + 1;
	/* RFC 9113 section 3.4: how an HTTP/2 connection begins. */
	if (str_equal(method, STR("PRI")))
		return refuse(r, 505, "HTTP/2 is not spoken here");
	if (str_equal(method, STR("CONNECT")))
		return refuse(r, 501, "CONNECT is for proxies");
	return true;
}

/* How long "http://" or "https://" is at the start of the target, or 0. */
static size_t scheme_length(struct str target)
{
	if (target.n >= 7 &&
	    str_equal_nocase((struct str){target.p, 7}, STR("http://")))
		return 7;
	if (target.n >= 8 &&
	    str_equal_nocase((struct str){target.p, 8}, STR("https://")))
		return 8;
	return 0;
}

/* Cuts "/path?query" in two. */
static void split_query(struct http1_head *head, struct str target)
{
	head->query = target;
	head->path = str_cut(&head->query, '?');
}

/* RFC 9112 section 3.2.2. User information is never sent to a server, and
 * RFC 9110 section 4.2.4 has it treated as an error. */
static bool read_absolute_form(struct line_reader *r, size_t scheme)
{
	struct http1_head *head = r->head;
	struct str rest = str_tail(head->target, scheme);
	size_t n = 0;

	while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
		n++;
	head->host = (struct str){rest.p, n};
	if (!uri_host_is_valid(head->host))
		return refuse(r, 400, "the target's host is not valid");
	head->form = HTTP1_TARGET_ABSOLUTE;
	head->is_https = scheme == STR("https://").n;
	split_query(head, str_tail(rest, n));
	/* RFC 9110 section 4.2.3: an empty path is "/", and there is one in
	 * the target to point at. */
	if (head->path.n == 0)
		head->path = (struct str){rest.p - 1, 1};
	return true;
}

/* RFC 9112 section 3.2: which of the four forms, and its parts. */
static bool read_target_form(struct line_reader *r)
{
	struct http1_head *head = r->head;
	struct str target = head->target;

	if (target.n == 0)
		return refuse(r, 400, "the request line has no target");
	if (target.p[0] == '/') {
		head->form = HTTP1_TARGET_ORIGIN;
		split_query(head, target);
		return true;
	}
	if (str_equal(target, STR("*"))) {
		if (!str_equal(head->method, STR("OPTIONS")))
			return refuse(r, 400, "\"*\" is for OPTIONS only");
		head->form = HTTP1_TARGET_ASTERISK;
		head->path = target;
		return true;
	}
	size_t scheme = scheme_length(target);

	if (scheme == 0)
		return refuse(r, 400, "the target is in no form of HTTP's");
	return read_absolute_form(r, scheme);
}

static bool read_target(struct line_reader *r)
{
	const char *p = r->p;

	while (p < r->end && octet_is(*p, OCTET_TARGET))
		p++;
	if (p == r->end)
		return want_more(r);
	if (*p != ' ')
		return refuse(r, 400, "a character that no target has");
	r->head->target = (struct str){r->p, (size_t)(p - r->p)};
	r->p = p + 1;
	return read_target_form(r);
}

/* RFC 9112 section 2.3. What is not there yet is right so far when all that
 * is there fits the form; '0' stands for any digit. */
static bool read_rare_version(struct line_reader *r)
{
	static const char form[] = "HTTP/0.0\r\n";
	enum { MAJOR = 5, MINOR = 7, SIZE = sizeof(form) - 1 };

	for (size_t i = 0; i < SIZE; i++) {
		if (r->p + i == r->end)
			return want_more(r);

		char c = r->p[i];

		if (c != form[i] && (form[i] != '0' || c < '0' || c > '9'))
			return refuse(r, 400, "the version is malformed");
	}
	if (r->p[MAJOR] != '1')
		return refuse(r, 505, "a version that is not HTTP/1");
	/* RFC 9110 section 2.5: a higher minor version is read as ours. */
	r->head->minor = r->p[MINOR] != '0';
	r->p += SIZE;
	return true;
}

static bool read_version(struct line_reader *r)
{
	static const char usual[] = "HTTP/1.1\r\n";
	const size_t size = sizeof(usual) - 1;

	if ((size_t)(r->end - r->p) < size || memcmp(r->p, usual, size) != 0)
		return read_rare_version(r);
	r->p += size;
	return true;
}

/* The request line as such, to its CRLF. */
static bool read_line(struct line_reader *r)
{
	return read_method(r) && read_target(r) && read_version(r);
}

/* It ends within the limit, or the part that came shows that it does not. */
static bool read_request_line(struct line_reader *r)
{
	const char *end = r->end;

	if (!skip_empty_line(r))
		return false;
	bool is_long = (size_t)(end - r->p) >= r->line_max;

	if (is_long)
		r->end = r->p + r->line_max;
	bool is_read = read_line(r);

	r->end = end;
	if (is_read || r->verdict.result != HTTP1_PARTIAL ||
	    (!is_long && !r->is_cut))
		return is_read;
	return r->head->method.p == NULL
		       ? refuse(r, 501, "the method is too long")
		       : refuse(r, 414, "the request line is too long");
}

/* False when there is a fault. */
static bool passes(struct line_reader *r, struct http1_fault fault)
{
	return fault.why == NULL || refuse(r, fault.status, fault.why);
}

/* Reads the field lines and the empty line that ends them. */
static bool read_fields(struct line_reader *r)
{
	struct http1_head *head = r->head;

	for (;;) {
		if (r->p == r->end)
			return want_more(r);
		if (*r->p == '\r')
			break;
		if (head->n_fields == r->fields_max)
			return refuse(r, 431, "too many fields");

		struct field *field = &head->fields[head->n_fields];
		const char *why;

		switch (http1_read_field_line(&r->p, r->end, field, &why)) {
		case HTTP1_COMPLETE:
			break;
		case HTTP1_PARTIAL:
			return want_more(r);
		case HTTP1_BAD:
			return refuse(r, 400, why);
		}
		field->id = http1_field_identify(field->name);
		head->n_fields++;
		if (field->id != FIELD_OTHER &&
		    !passes(r, http1_fields_read(&r->fields, head, field)))
			return false;
		head->known |= 1u << field->id;
	}
	return skip_cr_lf(r);
}

/* Everything of the result but the array of fields, which is large. */
static void clear(struct http1_head *head)
{
	head->method = head->target = (struct str){NULL, 0};
	head->form = HTTP1_TARGET_ORIGIN;
	head->is_https = false;
	head->path = head->query = head->host = (struct str){NULL, 0};
	head->minor = 1;
	head->keep_alive = false;
	head->expects_continue = false;
	head->body = HTTP1_BODY_NONE;
	head->content_length = 0;
	head->n_fields = 0;
	head->known = 0;
	head->size = 0;
}

static bool read_head(struct line_reader *r)
{
	clear(r->head);
	if (!read_request_line(r) || !read_fields(r) ||
	    !passes(r, http1_fields_decide(&r->fields, r->head)))
		return false;
	r->head->size = (size_t)(r->p - r->start);
	r->verdict = (struct http1_verdict){HTTP1_COMPLETE, 0, NULL};
	return true;
}

/* Whether the line that ends in the CRLF at `crlf` is a field line as it
 * should be. The request line is not, nor is the empty one at the end. */
static bool is_field_line(struct str bytes, const char *crlf)
{
	const char *line = crlf, *why;
	struct field field;

	while (line > bytes.p && line[-1] != '\n')
		line--;
	/* The request line is the first, or the second after an empty one. */
	if (line - bytes.p <= 2 || line == crlf)
		return false;
	return http1_read_field_line(&line, crlf + 2, &field, &why) ==
	       HTTP1_COMPLETE;
}

/*
 * True when the bytes from `from` on only go on with the request line or
 * with fields: no need to read the head again yet. Looks at the new bytes
 * and at lines that they complete, so bytes that trickle in cost as much
 * together as if they had come at once. What is wrong with fields taken
 * together, as two Hosts are, waits for the end of the head. False proves
 * nothing: the head has to be read again.
 */
static bool goes_on(struct str bytes, size_t from)
{
	const char *end = bytes.p + bytes.n, *p = bytes.p + from;

	for (;;) {
		p = octet_text_end(p, end);
		if (p == end || (*p == '\r' && p + 1 == end))
			return true;
		if (p[0] != '\r' || p[1] != '\n' || !is_field_line(bytes, p))
			return false;
		p += 2;
	}
}

/* Where to look on from: a CR is looked at again with what follows it. */
static size_t looked_at(struct str bytes)
{
	return bytes.n > 0 && bytes.p[bytes.n - 1] == '\r' ? bytes.n - 1 : bytes.n;
}

struct http1_verdict http1_head_parse(struct str bytes,
				      const struct http1_limits *limits,
				      size_t *scanned, struct http1_head *head_out)
{
	bool full = bytes.n >= limits->bytes;
	/* Time to look whether the request line has ended. It may begin after
	 * an empty line, and looked_at() is one less at times. */
	bool line_is_due = bytes.n >= limits->line && *scanned <= limits->line + 2;

	if (*scanned > 0 && !full && !line_is_due && *scanned <= bytes.n &&
	    goes_on(bytes, *scanned)) {
		*scanned = looked_at(bytes);
		return (struct http1_verdict){HTTP1_PARTIAL, 0, NULL};
	}
	struct line_reader r = {
		.start = bytes.p,
		.p = bytes.p,
		.end = bytes.p + (full ? limits->bytes : bytes.n),
		.is_cut = full,
		.line_max = limits->line,
		.fields_max = limits->fields < HTTP1_FIELDS_MAX ? limits->fields
								: HTTP1_FIELDS_MAX,
		.head = head_out,
	};

	*scanned = 0;
	if (!read_head(&r) && r.verdict.result == HTTP1_PARTIAL) {
		if (full)
			refuse(&r, 431, "the head is too long");
		else
			*scanned = looked_at(bytes);
	}
	return r.verdict;
}

static void rebase(struct str *s, const char *from, const char *to)
{
	if (s->p != NULL)
		s->p = to + (s->p - from);
}

void http1_head_rebase(struct http1_head *head, const char *from, const char *to)
{
	rebase(&head->method, from, to);
	rebase(&head->target, from, to);
	rebase(&head->path, from, to);
	rebase(&head->query, from, to);
	rebase(&head->host, from, to);
	for (size_t i = 0; i < head->n_fields; i++) {
		rebase(&head->fields[i].name, from, to);
		rebase(&head->fields[i].value, from, to);
	}
}
