/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A head is read once, when its empty line is there; before that only its
 * first bytes are looked at, so that what is no HTTP at all is refused at
 * once. After the lines have been read, the fields that frame the content are
 * taken together: decide() is RFC 9112 section 6.3.
 */
#include "base/codec/response_head.h"

#include <string.h>

#include "base/codec/field_name.h"
#include "base/codec/http1_line.h"
#include "base/codec/octet.h"

/* What the fields have said so far. */
struct framing_fields {
	bool is_chunked;
	bool is_encoded; /* there is a Transfer-Encoding */
	bool close, keep_alive;
	bool has_upgrade_option;
	struct str upgrade;
};

/* The one of that name and kind, or any other. */
#define KIND_IF(p, literal, kind) \
	(FIELD_NAME_IS((p), (literal)) ? (kind) : RESPONSE_FIELD_OTHER)

static enum response_field identify(struct str name)
{
	const char *p = name.p;

	switch (name.n) {
	case 2:
		return str_equal_nocase(name, STR("te")) ? RESPONSE_FIELD_HOP
							 : RESPONSE_FIELD_OTHER;
	case 4:
		return KIND_IF(p, "date", RESPONSE_FIELD_DATE);
	case 6:
		return KIND_IF(p, "server", RESPONSE_FIELD_SERVER);
	case 7:
		if (FIELD_NAME_IS(p, "upgrade"))
			return RESPONSE_FIELD_UPGRADE;
		return KIND_IF(p, "trailer", RESPONSE_FIELD_TRAILER);
	case 8:
		return KIND_IF(p, "location", RESPONSE_FIELD_LOCATION);
	case 10:
		if (FIELD_NAME_IS(p, "connection"))
			return RESPONSE_FIELD_CONNECTION;
		if (FIELD_NAME_IS(p, "set-cookie"))
			return RESPONSE_FIELD_SET_COOKIE;
		return KIND_IF(p, "keep-alive", RESPONSE_FIELD_HOP);
	case 12:
		return KIND_IF(p, "content-type", RESPONSE_FIELD_CONTENT_TYPE);
	case 14:
		return KIND_IF(p, "content-length", RESPONSE_FIELD_CONTENT_LENGTH);
	case 16:
		if (FIELD_NAME_IS(p, "content-encoding"))
			return RESPONSE_FIELD_CONTENT_ENCODING;
		return KIND_IF(p, "proxy-connection", RESPONSE_FIELD_HOP);
	case 17:
		return KIND_IF(p, "transfer-encoding",
			       RESPONSE_FIELD_TRANSFER_ENCODING);
	default:
		return RESPONSE_FIELD_OTHER;
	}
}

/* RFC 9112 section 4: "HTTP/1.1 200 OK". A missing reason, with or without
 * the space before it, is what many servers send. */
static const char *read_status_line(const char **next, const char *end,
				    struct response_head *head)
{
	static const char form[] = "HTTP/1.0 000";
	const char *p = *next;

	if ((size_t)(end - p) < sizeof(form) - 1)
		return "the status line is too short";
	for (size_t i = 0; i < sizeof(form) - 1; i++)
		if (p[i] != form[i] && (form[i] != '0' || p[i] < '0' || p[i] > '9'))
			return "the status line is not one of HTTP/1";
	head->minor = p[7] != '0';
	head->status =
		(unsigned)((p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0'));
	if (head->status < 100 || head->status > 599)
		return "a status that is none of HTTP's";
	p += sizeof(form) - 1;
	if (*p != ' ' && *p != '\r')
		return "the status has more than three digits";
	p = octet_text_end(p, end);
	if (end - p < 2 || p[0] != '\r' || p[1] != '\n')
		return "the status line does not end in CRLF";
	*next = p + 2;
	return NULL;
}

static const char *take_length(struct response_head *head, struct str value)
{
	if (head->has_length)
		return "more than one Content-Length";
	if (!str_to_u64(value, &head->content_length) ||
	    head->content_length > INT64_MAX)
		return "the Content-Length is not a length";
	head->has_length = true;
	return NULL;
}

/* RFC 9112 section 6.1: chunked, once, is the one coding that we undo. */
static const char *take_codings(struct framing_fields *f, struct str value)
{
	if (f->is_encoded)
		return "more than one Transfer-Encoding";
	f->is_encoded = true;
	if (!str_equal_nocase(value, STR("chunked")))
		return "a transfer coding that is not decoded here";
	f->is_chunked = true;
	return NULL;
}

static void take_connection(struct framing_fields *f, struct str value)
{
	do {
		struct str option = str_trim(str_cut(&value, ','));

		if (str_equal_nocase(option, STR("close")))
			f->close = true;
		else if (str_equal_nocase(option, STR("keep-alive")))
			f->keep_alive = true;
		else if (str_equal_nocase(option, STR("upgrade")))
			f->has_upgrade_option = true;
	} while (value.p != NULL);
}

static const char *take(struct framing_fields *f, struct response_head *head,
			const struct field *field)
{
	switch ((enum response_field)head->kinds[head->n_fields]) {
	case RESPONSE_FIELD_CONTENT_LENGTH:
		return take_length(head, field->value);
	case RESPONSE_FIELD_TRANSFER_ENCODING:
		return take_codings(f, field->value);
	case RESPONSE_FIELD_CONNECTION:
		take_connection(f, field->value);
		return NULL;
	case RESPONSE_FIELD_UPGRADE:
		f->upgrade = field->value;
		return NULL;
	default:
		return NULL;
	}
}

/* RFC 9110 section 7.6.1: names in Connection are of this connection. */
static void mark_hop_fields(struct response_head *head, struct str names)
{
	do {
		struct str name = str_trim(str_cut(&names, ','));

		for (size_t i = 0; name.n > 0 && i < head->n_fields; i++)
			if (head->kinds[i] == RESPONSE_FIELD_OTHER &&
			    str_equal_nocase(head->fields[i].name, name))
				head->kinds[i] = RESPONSE_FIELD_HOP;
	} while (names.p != NULL);
}

static const char *read_fields(const char **next, const char *end, size_t max,
			       struct framing_fields *f, struct response_head *head)
{
	while (**next != '\r') {
		struct field *field = &head->fields[head->n_fields];
		const char *why = "a field line is cut short";

		if (head->n_fields == max)
			return "the head has too many fields";
		if (http1_read_field_line(next, end, field, &why) != HTTP1_COMPLETE)
			return why;
		field->id = FIELD_OTHER;
		head->kinds[head->n_fields] = (uint8_t)identify(field->name);
		why = take(f, head, field);
		if (why != NULL)
			return why;
		head->n_fields++;
	}
	*next += 2;
	if (*next != end)
		return HTTP1_BARE_CR_OR_LF;
	for (size_t i = 0; i < head->n_fields; i++)
		if (head->kinds[i] == RESPONSE_FIELD_CONNECTION)
			mark_hop_fields(head, head->fields[i].value);
	return NULL;
}

/* RFC 9112 section 6.3, and 9.3 for the connection. */
static const char *decide(const struct framing_fields *f,
			  struct response_head *head, bool is_head)
{
	unsigned status = head->status;

	if (f->is_encoded && head->has_length)
		return "Content-Length beside Transfer-Encoding";
	if (f->is_encoded && head->minor == 0)
		return "Transfer-Encoding in HTTP/1.0";
	head->keep_alive = !f->close && (head->minor > 0 || f->keep_alive);
	if (status == 101) {
		if (f->upgrade.p == NULL || !f->has_upgrade_option)
			return "101 without an Upgrade";
		head->upgrade = f->upgrade;
		head->framing = RESPONSE_TUNNEL;
		head->keep_alive = false;
	} else if (is_head || status < 200 || status == 204 || status == 304) {
		head->framing = RESPONSE_NO_CONTENT;
	} else if (f->is_chunked) {
		head->framing = RESPONSE_CHUNKED;
	} else if (head->has_length) {
		head->framing = head->content_length > 0 ? RESPONSE_LENGTH
							 : RESPONSE_NO_CONTENT;
	} else {
		head->framing = RESPONSE_UNTIL_CLOSE;
		head->keep_alive = false;
	}
	return NULL;
}

/* Whether the bytes can still become a head of HTTP/1. */
static bool begins_well(struct str bytes)
{
	struct str form = STR("HTTP/1.");

	return str_starts_with(bytes, form) || str_starts_with(form, bytes);
}

/* The end of the head, or NULL; *scanned moves on. */
static const char *find_end(struct str bytes, size_t *scanned)
{
	const char *p = bytes.p + (*scanned > 3 ? *scanned - 3 : 0);
	const char *end = bytes.p + bytes.n;

	/* From line to line: that takes fewer steps than memmem(3). */
	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		p++;
		if (p - bytes.p >= 4 && memcmp(p - 4, "\r\n\r\n", 4) == 0) {
			*scanned = 0;
			return p;
		}
	}
	*scanned = bytes.n;
	return NULL;
}

static enum http1_result read_head(struct str bytes, bool is_head, size_t max,
				   struct response_head *head, const char **why_out)
{
	const char *p = bytes.p, *end = bytes.p + bytes.n;
	struct framing_fields f = {0};

	head->n_fields = 0;
	head->content_length = 0;
	head->has_length = false;
	head->upgrade = (struct str){NULL, 0};
	*why_out = read_status_line(&p, end, head);
	if (*why_out == NULL)
		*why_out = read_fields(&p, end, max, &f, head);
	if (*why_out == NULL)
		*why_out = decide(&f, head, is_head);
	head->size = (size_t)(p - bytes.p);
	return *why_out == NULL ? HTTP1_COMPLETE : HTTP1_BAD;
}

enum http1_result response_head_parse(struct str bytes, bool is_head,
				      const struct response_limits *limits,
				      size_t *scanned,
				      struct response_head *head_out,
				      const char **why_out)
{
	size_t max = limits->fields < HTTP1_FIELDS_MAX ? limits->fields
						       : HTTP1_FIELDS_MAX;

	if (!begins_well(bytes)) {
		*why_out = "it does not begin as HTTP/1 does";
		return HTTP1_BAD;
	}
	const char *end = bytes.n > 0 ? find_end(bytes, scanned) : NULL;
	size_t size = end != NULL ? (size_t)(end - bytes.p) : bytes.n;

	if (size > limits->bytes) {
		*why_out = "the head is too long";
		return HTTP1_BAD;
	}
	if (end == NULL)
		return HTTP1_PARTIAL;
	return read_head((struct str){bytes.p, size}, is_head, max, head_out,
			 why_out);
}
