/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First a table of the characters of a URI and the classes they belong to, then
 * paths, percent-encoding, and hosts. Pure.
 */
#include "base/codec/uri.h"

#include <arpa/inet.h>

#include "base/codec/octet.h"

enum uri_class {
	URI_UNRESERVED = 1, /* RFC 3986 section 2.3 */
	URI_REG_NAME = 2,   /* section 3.2.2, without "%" */
	URI_REFERENCE = 4,  /* of any part of a URI reference, without "%" */
	URI_SEGMENT = 8,    /* stands for itself in the path of a target */
	URI_PCHAR = 16,     /* section 3.3, but for "%" */
};

#define SUB_DELIM  (URI_REG_NAME | URI_REFERENCE | URI_SEGMENT | URI_PCHAR)
#define UNRESERVED (URI_UNRESERVED | SUB_DELIM)
#define OTHER      (URI_REFERENCE | URI_SEGMENT)

/* The code below decides about "%" and "\", and about "/" in a segment. */
static const unsigned char uri_classes[256] = {
	[' '] = URI_SEGMENT,
	['!'] = SUB_DELIM,
	['"'] = URI_SEGMENT,
	['#'] = OTHER,
	['$'] = SUB_DELIM,
	['&' ... ','] = SUB_DELIM,
	['-' ... '.'] = UNRESERVED,
	['/'] = URI_REFERENCE,
	['0' ... '9'] = UNRESERVED,
	[':'] = OTHER | URI_PCHAR,
	[';'] = SUB_DELIM,
	['<'] = URI_SEGMENT,
	['='] = SUB_DELIM,
	['>'] = URI_SEGMENT,
	['?'] = OTHER,
	['@'] = OTHER | URI_PCHAR,
	['A' ... 'Z'] = UNRESERVED,
	['['] = OTHER,
	[']'] = OTHER,
	['^'] = URI_SEGMENT,
	['_'] = UNRESERVED,
	['`'] = URI_SEGMENT,
	['a' ... 'z'] = UNRESERVED,
	['{' ... '}'] = URI_SEGMENT,
	['~'] = UNRESERVED,
	[0x80 ... 0xff] = URI_SEGMENT,
};

static bool uri_is(char c, enum uri_class class)
{
	return uri_classes[(unsigned char)c] & class;
}

/* The octet that "%xx" at s.p[i] stands for, or -1. */
static int decode_at(struct str s, size_t i)
{
	if (s.n - i < 3 || s.p[i] != '%')
		return -1;

	int high = octet_hex(s.p[i + 1]), low = octet_hex(s.p[i + 2]);

	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* True for a path that is its own normal form: no escapes, and no segment
 * that is empty or begins with a dot. */
static bool is_normal(struct str path)
{
	for (size_t i = 0; i < path.n; i++) {
		char c = path.p[i];

		if (uri_is(c, URI_SEGMENT))
			continue;
		if (c != '/')
			return false;
		if (i + 1 < path.n &&
		    (path.p[i + 1] == '/' || path.p[i + 1] == '.'))
			return false;
	}
	return true;
}

/*
 * Ends the segment from *start to *end of `out`, before which there is a "/":
 * "." is taken off, and ".." with the segment before it. Nothing is left of
 * it then, and *start is *end. False when it leads above the top.
 */
static bool end_segment(const char *out, size_t *start, size_t *end)
{
	size_t from = *start, n = *end - from;

	if (n == 1 && out[from] == '.') {
		*end = from;
		return true;
	}
	if (n != 2 || out[from] != '.' || out[from + 1] != '.')
		return true;
	if (from == 1)
		return false;
	do
		from--;
	while (out[from - 1] != '/');
	*start = *end = from;
	return true;
}

/* The octet of a segment that the path has at *i, or -1 when it may have none
 * such; moves *i to its last byte. */
static int segment_octet(struct str path, size_t *i)
{
	char c = path.p[*i];

	if (c != '%')
		return uri_is(c, URI_SEGMENT) ? (unsigned char)c : -1;

	int octet = decode_at(path, *i);

	*i += 2;
	return octet == '%' || (octet >= 0 && uri_is((char)octet, URI_SEGMENT))
		       ? octet
		       : -1;
}

/* RFC 3986 section 5.2.4, on decoded octets. The write position never passes
 * the read position, so `out` may be path.p. */
static bool normalise(struct str path, bool is_encoded, char *out, size_t *n_out)
{
	size_t end = 1, start = 1; /* of the segment being written */

	out[0] = '/';
	for (size_t i = 1; i < path.n; i++) {
		if (path.p[i] != '/') {
			int octet = is_encoded ? segment_octet(path, &i)
					       : (unsigned char)path.p[i];

			if (octet < 0)
				return false;
			out[end++] = (char)octet;
			continue;
		}
		if (!end_segment(out, &start, &end))
			return false;
		if (end > start)
			out[end++] = '/';
		start = end;
	}
	if (!end_segment(out, &start, &end))
		return false;
	*n_out = end;
	return true;
}

bool uri_normalise_path(struct str path, char *out, size_t *n_out)
{
	if (path.n == 0 || path.p[0] != '/')
		return false;
	if (!is_normal(path))
		return normalise(path, true, out, n_out);
	memmove(out, path.p, path.n);
	*n_out = path.n;
	return true;
}

bool uri_remove_dot_segments(struct str path, char *out, size_t *n_out)
{
	return path.n > 0 && path.p[0] == '/' && normalise(path, false, out, n_out);
}

size_t uri_decode(struct str s, bool plus, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		int octet = c == '%' ? decode_at(s, i) : -1;

		if (octet >= 0) {
			c = (char)octet;
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		out[n++] = c;
	}
	return n;
}

/* Whether s.p[i] may stand as it is. */
static bool stays(struct str s, size_t i, enum uri_part part)
{
	char c = s.p[i];

	switch (part) {
	case URI_VALUE:
		return uri_is(c, URI_UNRESERVED) || c == '/';
	case URI_PATH:
		return uri_is(c, URI_PCHAR) || c == '/';
	case URI_WHOLE:
		break;
	}
	return uri_is(c, URI_REFERENCE) || (c == '%' && decode_at(s, i) >= 0);
}

size_t uri_encode(struct str s, enum uri_part part, char *out)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (stays(s, i, part)) {
			out[n++] = (char)c;
			continue;
		}
		out[n++] = '%';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	return n;
}

/* `text` is what stands between the brackets. */
static bool is_ipv6(struct str text)
{
	char cstr[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (text.n >= sizeof(cstr) || memchr(text.p, '\0', text.n) != NULL)
		return false;
	memcpy(cstr, text.p, text.n);
	cstr[text.n] = '\0';
	return inet_pton(AF_INET6, cstr, &address) == 1;
}

static bool is_reg_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (uri_is(name.p[i], URI_REG_NAME))
			continue;
		if (decode_at(name, i) < 0)
			return false;
		i += 2;
	}
	return true;
}

/* ":" and digits, which may be none (RFC 3986 section 3.2.3), or nothing. */
static bool is_port_part(struct str part)
{
	if (part.n > 0 && part.p[0] != ':')
		return false;
	for (size_t i = 1; i < part.n; i++)
		if (part.p[i] < '0' || part.p[i] > '9')
			return false;
	return true;
}

struct str uri_host_name(struct str host)
{
	char last = host.n > 0 && host.p[0] == '[' ? ']' : ':';
	const char *at = host.n > 0 ? memchr(host.p, last, host.n) : NULL;

	if (at == NULL)
		return host;
	return (struct str){host.p, (size_t)(at - host.p) + (last == ']')};
}

bool uri_host_is_valid(struct str host)
{
	struct str name = uri_host_name(host);

	if (name.n == 0)
		return false;
	if (!is_port_part(str_tail(host, name.n)))
		return false;
	if (host.p[0] != '[')
		return is_reg_name(name);
	return name.p[name.n - 1] == ']' &&
	       is_ipv6((struct str){name.p + 1, name.n - 2});
}
