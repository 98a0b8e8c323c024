/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The message may be cut into records anywhere (RFC 8446 section 5.1), so it is
 * read through a cursor that passes over their headers. Whether it is all there
 * is found out first, from those headers alone: what comes byte by byte is not
 * parsed again and again. Nothing is copied but the name. Pure.
 */
#include "base/codec/client_hello.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	RECORD_HEADER = 5,
	RECORD_HANDSHAKE = 22,
	RECORD_MAX = 16384,
	MESSAGE_HEADER = 4,
	MESSAGE_CLIENT_HELLO = 1,
	EXTENSION_SERVER_NAME = 0,
	NAME_HOST = 0,
};

static enum client_hello_result bad(const char **why_out, const char *why)
{
	*why_out = why;
	return CLIENT_HELLO_BAD;
}

static unsigned octet(struct str s, size_t i)
{
	return (uint8_t)s.p[i];
}

static size_t number(struct str s, size_t at, size_t octets)
{
	size_t value = 0;

	for (size_t i = 0; i < octets; i++)
		value = value << 8 | octet(s, at + i);
	return value;
}

/* Reads message bytes; `left` says how many there are still to read, within
 * whatever part of the message the reader is in. */
struct cursor {
	struct str in;
	size_t at;        /* of the next byte */
	size_t in_record; /* bytes from there to the record's end */
};

/* Only called for bytes that are known to be there. */
static unsigned next(struct cursor *c)
{
	while (c->in_record == 0) {
		c->in_record = number(c->in, c->at + 3, 2);
		c->at += RECORD_HEADER;
	}
	c->in_record--;
	return octet(c->in, c->at++);
}

static size_t next_number(struct cursor *c, size_t octets)
{
	size_t value = 0;

	for (size_t i = 0; i < octets; i++)
		value = value << 8 | next(c);
	return value;
}

static void skip(struct cursor *c, size_t n)
{
	while (n > 0) {
		if (c->in_record == 0) {
			next(c);
			n--;
			continue;
		}
		size_t part = n < c->in_record ? n : c->in_record;

		c->at += part;
		c->in_record -= part;
		n -= part;
	}
}

/* The records. */

/* A record header as far as it is there. NULL, or what is wrong. */
static const char *check_record(struct str header)
{
	if (octet(header, 0) != RECORD_HANDSHAKE)
		return "it is not a TLS handshake";
	if (header.n > 1 && octet(header, 1) != 3)
		return "its version is not one of TLS";
	if (header.n < RECORD_HEADER)
		return NULL;
	size_t n = number(header, 3, 2);

	/* RFC 8446 section 5.1: no empty records of handshakes. */
	return n == 0 || n > RECORD_MAX ? "a record has no valid length" : NULL;
}

/* Counts the bytes of messages in the records, and keeps the first ones. NULL,
 * or what is wrong. */
static const char *count(struct str in, char first_out[MESSAGE_HEADER],
			 size_t *n_out)
{
	*n_out = 0;
	for (size_t at = 0; at < in.n;) {
		struct str header = str_tail(in, at);
		const char *why = check_record(header);

		if (why != NULL || header.n < RECORD_HEADER)
			return why;
		size_t n = number(header, 3, 2), there = header.n - RECORD_HEADER;

		if (n > there)
			n = there;
		for (size_t i = 0; i < n && *n_out + i < MESSAGE_HEADER; i++)
			first_out[*n_out + i] = header.p[RECORD_HEADER + i];
		*n_out += n;
		/* What comes after the message is not looked at. */
		if (*n_out >= MESSAGE_HEADER + CLIENT_HELLO_MAX)
			return NULL;
		if (*n_out >= MESSAGE_HEADER &&
		    *n_out - MESSAGE_HEADER >=
			    number((struct str){first_out, MESSAGE_HEADER}, 1, 3))
			return NULL;
		at += RECORD_HEADER + number(header, 3, 2);
	}
	return NULL;
}

/* The message: RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2. */

static bool is_host_octet(unsigned c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '.' || c == '_';
}

/* RFC 6066 section 3. False for a name that is not valid. */
static bool read_host(struct cursor *c, size_t n, struct client_hello *hello)
{
	if (n == 0 || n > CLIENT_HELLO_NAME)
		return false;
	for (size_t i = 0; i < n; i++) {
		hello->name[i] = ascii_lower((char)next(c));
		if (!is_host_octet((uint8_t)hello->name[i]))
			return false;
	}
	if (hello->name[n - 1] == '.')
		n--;
	hello->name[n] = '\0';
	hello->n = n;
	return n > 0;
}

/* The content of the extension server_name. */
static const char *read_names(struct cursor *c, size_t n,
			      struct client_hello *hello)
{
	if (n < 2 || next_number(c, 2) != n - 2 || n == 2)
		return "its list of server names is not valid";
	for (n -= 2; n > 0;) {
		if (n < 3)
			return "its list of server names is cut short";
		unsigned type = next(c);
		size_t length = next_number(c, 2);

		n -= 3;
		if (length > n)
			return "its list of server names is cut short";
		n -= length;
		if (type != NAME_HOST) {
			skip(c, length);
			continue;
		}
		if (hello->n > 0)
			return "it has two server names";
		if (!read_host(c, length, hello))
			return "its server name is not valid";
	}
	return NULL;
}

static const char *read_extensions(struct cursor *c, size_t n,
				   struct client_hello *hello)
{
	bool has_names = false;

	while (n > 0) {
		if (n < 4)
			return "an extension is cut short";
		size_t type = next_number(c, 2), length = next_number(c, 2);

		n -= 4;
		if (length > n)
			return "an extension is longer than the message";
		n -= length;
		if (type != EXTENSION_SERVER_NAME) {
			skip(c, length);
			continue;
		}
		const char *why = has_names ? "it has two lists of server names"
					    : read_names(c, length, hello);

		if (why != NULL)
			return why;
		has_names = true;
	}
	return NULL;
}

/* Passes over a vector whose length is in `octets` before it. False when it is
 * longer than *left, or not from min to max bytes long. */
static bool skip_vector(struct cursor *c, size_t octets, size_t min, size_t max,
			size_t *left)
{
	size_t n;

	if (*left < octets)
		return false;
	n = next_number(c, octets);
	*left -= octets;
	if (n > *left || n < min || n > max)
		return false;
	skip(c, n);
	*left -= n;
	return true;
}

static const char *read_hello(struct cursor *c, size_t left,
			      struct client_hello *hello)
{
	enum { VERSION_AND_RANDOM = 2 + 32 };

	if (left < VERSION_AND_RANDOM)
		return "it is cut short";
	if (next(c) != 3)
		return "its version is not one of TLS";
	skip(c, VERSION_AND_RANDOM - 1);
	left -= VERSION_AND_RANDOM;
	if (!skip_vector(c, 1, 0, 32, &left) ||
	    !skip_vector(c, 2, 2, UINT16_MAX, &left) ||
	    !skip_vector(c, 1, 1, UINT8_MAX, &left))
		return "it is cut short";
	if (left == 0)
		return NULL; /* before extensions */
	if (left < 2)
		return "its extensions are cut short";
	size_t n = next_number(c, 2);

	return n == left - 2 ? read_extensions(c, n, hello)
			     : "its extensions are not as long as they say";
}

enum client_hello_result client_hello_parse(struct str in,
					    struct client_hello *hello_out,
					    const char **why_out)
{
	char first[MESSAGE_HEADER] = {0};
	struct str message = {first, sizeof(first)};
	struct cursor c = {.in = in};
	size_t n;
	const char *why = count(in, first, &n);

	hello_out->n = 0;
	hello_out->name[0] = '\0';
	if (why != NULL)
		return bad(why_out, why);
	if (n > 0 && octet(message, 0) != MESSAGE_CLIENT_HELLO)
		return bad(why_out, "it does not begin with a ClientHello");
	if (n < MESSAGE_HEADER)
		return CLIENT_HELLO_MORE;
	size_t length = number(message, 1, 3);

	if (length > CLIENT_HELLO_MAX)
		return bad(why_out, "its ClientHello is too large");
	if (n - MESSAGE_HEADER < length)
		return CLIENT_HELLO_MORE;
	skip(&c, MESSAGE_HEADER);
	why = read_hello(&c, length, hello_out);
	return why == NULL ? CLIENT_HELLO_WHOLE : bad(why_out, why);
}
