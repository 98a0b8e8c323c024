/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the names of the known fields, found by length and letters; then one
 * reader for each field that says something about the request, and
 * http1_fields_read(), which picks it; then what the fields decide together.
 * Pure.
 */
#include "base/codec/http1_fields.h"

#include "base/codec/field_name.h"
#include "base/codec/octet.h"
#include "base/codec/uri.h"

static const struct http1_fault none;

static struct http1_fault fault(unsigned status, const char *why)
{
	return (struct http1_fault){status, why};
}

enum field_id http1_field_identify(struct str name)
{
	const char *p = name.p;

	switch (name.n) {
	case 4:
		return FIELD_NAME_IS(p, "host") ? FIELD_HOST : FIELD_OTHER;
	case 5:
		return FIELD_NAME_IS(p, "range") ? FIELD_RANGE : FIELD_OTHER;
	case 6:
		return FIELD_NAME_IS(p, "expect") ? FIELD_EXPECT : FIELD_OTHER;
	case 7:
		if (FIELD_NAME_IS(p, "referer"))
			return FIELD_REFERER;
		return FIELD_NAME_IS(p, "upgrade") ? FIELD_UPGRADE : FIELD_OTHER;
	case 8:
		if (FIELD_NAME_IS(p, "if-range"))
			return FIELD_IF_RANGE;
		return FIELD_NAME_IS(p, "if-match") ? FIELD_IF_MATCH : FIELD_OTHER;
	case 10:
		if (FIELD_NAME_IS(p, "connection"))
			return FIELD_CONNECTION;
		return FIELD_NAME_IS(p, "user-agent") ? FIELD_USER_AGENT
						      : FIELD_OTHER;
	case 12:
		return FIELD_NAME_IS(p, "content-type") ? FIELD_CONTENT_TYPE
							: FIELD_OTHER;
	case 13:
		if (FIELD_NAME_IS(p, "authorization"))
			return FIELD_AUTHORIZATION;
		return FIELD_NAME_IS(p, "if-none-match") ? FIELD_IF_NONE_MATCH
							 : FIELD_OTHER;
	case 14:
		return FIELD_NAME_IS(p, "content-length") ? FIELD_CONTENT_LENGTH
							  : FIELD_OTHER;
	case 15:
		return FIELD_NAME_IS(p, "accept-encoding") ? FIELD_ACCEPT_ENCODING
							   : FIELD_OTHER;
	case 17:
		if (FIELD_NAME_IS(p, "if-modified-since"))
			return FIELD_IF_MODIFIED_SINCE;
		return FIELD_NAME_IS(p, "transfer-encoding")
			       ? FIELD_TRANSFER_ENCODING
			       : FIELD_OTHER;
	case 19:
		return FIELD_NAME_IS(p, "if-unmodified-since")
			       ? FIELD_IF_UNMODIFIED_SINCE
			       : FIELD_OTHER;
	default:
		return FIELD_OTHER;
	}
}

/* RFC 9112 section 3.2: more than one Host, even the same, is refused. */
static struct http1_fault read_host(struct http1_fields *fields, struct str value)
{
	if (fields->host.p != NULL)
		return fault(400, "more than one Host");
	if (!uri_host_is_valid(value))
		return fault(400, "the Host is not valid");
	fields->host = value;
	return none;
}

/* RFC 9112 section 6.3 allows a list of equal values to be accepted. It is
 * refused: its sender is confused. */
static struct http1_fault read_length(struct http1_fields *fields, struct str value,
				      uint64_t *length_out)
{
	if (fields->length.p != NULL)
		return fault(400, "more than one Content-Length");
	if (!str_to_u64(value, length_out) || *length_out > INT64_MAX)
		return fault(400, "the Content-Length is not a length");
	fields->length = value;
	return none;
}

/* Of the registry of transfer codings, RFC 9112 section 7.2 and 7.3. */
static bool is_registered_coding(struct str name)
{
	static const struct str registered[] = {
		STR_INIT("gzip"),     STR_INIT("x-gzip"),     STR_INIT("deflate"),
		STR_INIT("compress"), STR_INIT("x-compress"),
	};

	for (size_t i = 0; i < sizeof(registered) / sizeof(*registered); i++)
		if (str_equal_nocase(name, registered[i]))
			return true;
	return false;
}

static struct http1_fault read_coding(struct http1_fields *fields,
				      struct str coding)
{
	struct str parameters = coding;
	struct str name = str_trim(str_cut(&parameters, ';'));
	enum http1_codings before = fields->codings;

	if (!octet_is_token(name))
		return fault(400, "a transfer coding is not a token");
	if (before == HTTP1_CODINGS_CHUNKED || before == HTTP1_CODINGS_THEN_CHUNKED)
		return fault(400, "chunked is not the last coding");
	if (!str_equal_nocase(name, STR("chunked"))) {
		if (!is_registered_coding(name))
			fields->codings = HTTP1_CODINGS_UNKNOWN;
		else if (before == HTTP1_CODINGS_NONE)
			fields->codings = HTTP1_CODINGS_REGISTERED;
		return none;
	}
	if (parameters.p != NULL)
		return fault(400, "chunked has no parameters");
	fields->codings = before == HTTP1_CODINGS_NONE ? HTTP1_CODINGS_CHUNKED
						       : HTTP1_CODINGS_THEN_CHUNKED;
	return none;
}

/* RFC 9112 section 6.1. Empty list elements are refused too: between two
 * servers that read them differently a request can be smuggled. */
static struct http1_fault read_codings(struct http1_fields *fields,
				       struct str value, unsigned minor)
{
	struct http1_fault found;

	if (minor == 0)
		return fault(400, "Transfer-Encoding in HTTP/1.0");
	do
		found = read_coding(fields, str_trim(str_cut(&value, ',')));
	while (found.why == NULL && value.p != NULL);
	return found;
}

/* RFC 9110 section 7.6.1; empty elements are allowed (5.6.1.2). */
static struct http1_fault read_connection(struct http1_fields *fields,
					  struct str value)
{
	/* What nearly everybody sends, and how. */
	if (str_equal(value, STR("keep-alive"))) {
		fields->keep_alive = true;
		return none;
	}
	do {
		struct str option = str_trim(str_cut(&value, ','));

		if (option.n == 0)
			continue;
		if (!octet_is_token(option))
			return fault(400, "Connection is not a list of tokens");
		if (str_equal_nocase(option, STR("close")))
			fields->close = true;
		else if (str_equal_nocase(option, STR("keep-alive")))
			fields->keep_alive = true;
	} while (value.p != NULL);
	return none;
}

/* RFC 9110 section 10.1.1; HTTP/1.0 knows no expectations. */
static struct http1_fault read_expect(struct http1_head *head, struct str value)
{
	if (head->minor == 0)
		return none;
	if (!str_equal_nocase(value, STR("100-continue")))
		return fault(417, "an expectation that is not known");
	head->expects_continue = true;
	return none;
}

struct http1_fault http1_fields_read(struct http1_fields *fields,
				     struct http1_head *head,
				     const struct field *field)
{
	switch (field->id) {
	case FIELD_HOST:
		return read_host(fields, field->value);
	case FIELD_CONTENT_LENGTH:
		return read_length(fields, field->value, &head->content_length);
	case FIELD_TRANSFER_ENCODING:
		return read_codings(fields, field->value, head->minor);
	case FIELD_CONNECTION:
		return read_connection(fields, field->value);
	case FIELD_EXPECT:
		return read_expect(head, field->value);
	case FIELD_AUTHORIZATION: /* ambiguous: RFC 9110 section 5.3 */
		return head->known & 1u << FIELD_AUTHORIZATION
			       ? fault(400, "more than one Authorization")
			       : none;
	default:
		return none;
	}
}

/* RFC 9112 section 3.2: the host of the target wins, but a Host field is
 * required. */
static struct http1_fault decide_host(const struct http1_fields *fields,
				      struct http1_head *head)
{
	if (fields->host.p == NULL && head->minor > 0)
		return fault(400, "no Host");
	if (head->form != HTTP1_TARGET_ABSOLUTE)
		head->host = fields->host;
	return none;
}

/* RFC 9112 sections 6.1 and 6.3: how long the body is. */
static struct http1_fault decide_body(const struct http1_fields *fields,
				      struct http1_head *head)
{
	if (fields->codings != HTTP1_CODINGS_NONE && fields->length.p != NULL)
		return fault(400, "Content-Length beside Transfer-Encoding");

	switch (fields->codings) {
	case HTTP1_CODINGS_NONE:
		/* A length of 0 is no body: nothing to wait for. */
		if (head->content_length > 0)
			head->body = HTTP1_BODY_LENGTH;
		break;
	case HTTP1_CODINGS_CHUNKED:
		head->body = HTTP1_BODY_CHUNKED;
		break;
	case HTTP1_CODINGS_REGISTERED:
		return fault(400, "the last transfer coding is not chunked");
	case HTTP1_CODINGS_UNKNOWN:
	case HTTP1_CODINGS_THEN_CHUNKED:
		return fault(501, "a transfer coding that is not decoded here");
	}
	return none;
}

struct http1_fault http1_fields_decide(const struct http1_fields *fields,
				       struct http1_head *head)
{
	struct http1_fault found = decide_host(fields, head);

	/* RFC 9112 section 9.3. */
	head->keep_alive =
		!fields->close && (head->minor > 0 || fields->keep_alive);
	return found.why != NULL ? found : decide_body(fields, head);
}
