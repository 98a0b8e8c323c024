/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the reader of version 1, a line of text, then that of version 2, which
 * is binary, then the one that tells the two apart, then the writers. Section
 * numbers are of "The PROXY protocol". The reader takes what the text allows
 * and nothing else: who sends a header is trusted to name any client. Pure.
 */
#include "base/codec/proxy_protocol.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Section 2.1 */

enum { V1_MAX = 107 }; /* bytes, with the CR LF */

static const struct str v1_prefix = STR_INIT("PROXY ");

static enum proxy_protocol_result bad(const char **why_out, const char *why)
{
	*why_out = why;
	return PROXY_PROTOCOL_BAD;
}

/* "0" to "65535", without leading zeros. */
static bool parse_port(struct str text, uint16_t *port_out)
{
	uint64_t port;

	if (text.n == 0 || text.n > 5 || (text.n > 1 && text.p[0] == '0') ||
	    !str_to_u64(text, &port) || port > UINT16_MAX)
		return false;
	*port_out = (uint16_t)port;
	return true;
}

/* IPv4 mapped into IPv6 becomes plain IPv4, as everywhere. */
static bool parse_ip(struct str text, bool is_v6, struct endpoint *endpoint_out)
{
	bool has_colon = text.n > 0 && memchr(text.p, ':', text.n) != NULL;

	return has_colon == is_v6 && endpoint_parse_ip(text, endpoint_out);
}

/* After the family: "SOURCE DESTINATION PORT PORT". */
static bool parse_v1_addresses(struct str rest, bool is_v6,
			       struct proxy_protocol *h)
{
	struct str source = str_cut(&rest, ' '), destination = str_cut(&rest, ' '),
		   port = str_cut(&rest, ' ');

	return rest.p != NULL && parse_ip(source, is_v6, &h->source) &&
	       parse_ip(destination, is_v6, &h->destination) &&
	       parse_port(port, &h->source.port) &&
	       parse_port(rest, &h->destination.port);
}

static enum proxy_protocol_result parse_v1(struct str in, struct proxy_protocol *h,
					   const char **why_out)
{
	struct str line = in;
	const char *end;

	if (line.n > V1_MAX)
		line.n = V1_MAX;
	end = memchr(line.p, '\n', line.n);
	if (end == NULL)
		return line.n == V1_MAX ? bad(why_out, "its line has no end")
					: PROXY_PROTOCOL_MORE;
	line.n = (size_t)(end - line.p);
	if (line.n == 0 || line.p[line.n - 1] != '\r' ||
	    memchr(line.p, '\r', line.n - 1) != NULL)
		return bad(why_out, "its line does not end in CR LF");
	h->size = line.n + 1;
	line.n--;
	line = str_tail(line, v1_prefix.n);
	struct str family = str_cut(&line, ' ');

	/* What follows is for receivers that want it. */
	if (str_equal(family, STR("UNKNOWN")))
		return PROXY_PROTOCOL_WHOLE;
	bool is_v6 = str_equal(family, STR("TCP6"));

	if (!is_v6 && !str_equal(family, STR("TCP4")))
		return bad(why_out, "its family is not TCP4, TCP6 or UNKNOWN");
	if (line.p == NULL || !parse_v1_addresses(line, is_v6, h))
		return bad(why_out, "its addresses are not valid");
	h->has_addresses = true;
	return PROXY_PROTOCOL_WHOLE;
}

/* Section 2.2 */

enum {
	V2_HEADER = 16, /* bytes before the addresses */
	V2_LOCAL = 0x20,
	V2_PROXY = 0x21,
	V2_TLV = 3, /* bytes before the value of a TLV */
	V2_CRC32C = 3,
};

static const struct str v2_prefix =
	STR_INIT("\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a");

/* By the byte of family and transport: the bytes of both addresses. */
static bool v2_addresses_size(uint8_t family, size_t *size_out)
{
	switch (family) {
	case 0x00: /* UNSPEC */
		*size_out = 0;
		return true;
	case 0x11: /* IPv4: a stream, */
	case 0x12: /* datagrams */
		*size_out = 12;
		return true;
	case 0x21: /* IPv6 */
	case 0x22:
		*size_out = 36;
		return true;
	case 0x31: /* Unix */
	case 0x32:
		*size_out = 216;
		return true;
	default:
		return false;
	}
}

static uint16_t get_u16(const char *p)
{
	return (uint16_t)((uint8_t)p[0] << 8 | (uint8_t)p[1]);
}

static uint32_t get_u32(const char *p)
{
	return (uint32_t)get_u16(p) << 16 | get_u16(p + 2);
}

/* Castagnoli's polynomial, reflected: RFC 4960 appendix B. */
static uint32_t crc32c(uint32_t crc, uint8_t byte)
{
	crc ^= byte;
	for (int i = 0; i < 8; i++)
		crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	return crc;
}

/* Section 2.2.3: of the whole header, with the checksum's own bytes as 0. */
static bool has_checksum(struct str header, const char *checksum)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < header.n; i++) {
		const char *p = header.p + i;
		bool is_own = p >= checksum && p < checksum + 4;

		crc = crc32c(crc, is_own ? 0 : (uint8_t)*p);
	}
	return (crc ^ UINT32_MAX) == get_u32(checksum);
}

/* NULL, or what is wrong with them. */
static const char *check_tlvs(struct str header, struct str tlvs)
{
	while (tlvs.n > 0) {
		if (tlvs.n < V2_TLV)
			return "a TLV is cut short";
		uint8_t type = (uint8_t)tlvs.p[0];
		size_t n = get_u16(tlvs.p + 1);

		if (n > tlvs.n - V2_TLV)
			return "a TLV is longer than the header";
		if (type == V2_CRC32C &&
		    (n != 4 || !has_checksum(header, tlvs.p + V2_TLV)))
			return "its checksum is wrong";
		tlvs = str_tail(tlvs, V2_TLV + n);
	}
	return NULL;
}

static struct endpoint get_endpoint(const char *ip, const char *port, bool is_v6)
{
	struct addr addr = {.length = is_v6 ? sizeof(addr.v6) : sizeof(addr.v4)};

	if (is_v6) {
		addr.v6.sin6_family = AF_INET6;
		memcpy(&addr.v6.sin6_addr, ip, 16);
		addr.v6.sin6_port = htons(get_u16(port));
	} else {
		addr.v4.sin_family = AF_INET;
		memcpy(&addr.v4.sin_addr, ip, 4);
		addr.v4.sin_port = htons(get_u16(port));
	}
	return endpoint_of(&addr);
}

/* Datagrams do not come by connections; Unix addresses are no use here. */
static void get_addresses(struct proxy_protocol *h, uint8_t family, const char *p)
{
	bool is_v6 = family == 0x21;
	size_t n = is_v6 ? 16 : 4;

	if (family != 0x11 && family != 0x21)
		return;
	h->source = get_endpoint(p, p + 2 * n, is_v6);
	h->destination = get_endpoint(p + n, p + 2 * n + 2, is_v6);
	h->has_addresses = true;
}

static enum proxy_protocol_result parse_v2(struct str in, struct proxy_protocol *h,
					   const char **why_out)
{
	size_t n, addresses;

	if (in.n > 12 && (uint8_t)in.p[12] != V2_LOCAL &&
	    (uint8_t)in.p[12] != V2_PROXY)
		return bad(why_out, "its version or command is not known");
	if (in.n < V2_HEADER)
		return PROXY_PROTOCOL_MORE;
	n = get_u16(in.p + 14);
	h->size = V2_HEADER + n;
	if (h->size > PROXY_PROTOCOL_MAX)
		return bad(why_out, "it is too large");
	/* What comes with LOCAL is to be skipped, whatever it is. */
	if ((uint8_t)in.p[12] == V2_LOCAL)
		return in.n < h->size ? PROXY_PROTOCOL_MORE : PROXY_PROTOCOL_WHOLE;
	if (!v2_addresses_size((uint8_t)in.p[13], &addresses))
		return bad(why_out, "its family is not known");
	if (addresses > n)
		return bad(why_out, "it is too short for its addresses");
	if (in.n < h->size)
		return PROXY_PROTOCOL_MORE;
	struct str header = {in.p, h->size};
	const char *why =
		check_tlvs(header, str_tail(header, V2_HEADER + addresses));

	if (why != NULL)
		return bad(why_out, why);
	get_addresses(h, (uint8_t)in.p[13], in.p + V2_HEADER);
	return PROXY_PROTOCOL_WHOLE;
}

/* Whether `in` begins with the prefix, or is the beginning of it. */
static bool may_begin(struct str in, struct str prefix)
{
	size_t n = in.n < prefix.n ? in.n : prefix.n;

	return n == 0 || memcmp(in.p, prefix.p, n) == 0;
}

enum proxy_protocol_result proxy_protocol_parse(struct str in,
						struct proxy_protocol *header_out,
						const char **why_out)
{
	bool is_v1 = may_begin(in, v1_prefix);

	*header_out = (struct proxy_protocol){0};
	if (!is_v1 && !may_begin(in, v2_prefix))
		return bad(why_out, "there is none");
	if (in.n < (is_v1 ? v1_prefix.n : v2_prefix.n))
		return PROXY_PROTOCOL_MORE;
	return is_v1 ? parse_v1(in, header_out, why_out)
		     : parse_v2(in, header_out, why_out);
}

/* Writing. */

static bool is_ip(const struct endpoint *e)
{
	return e->family == AF_INET || e->family == AF_INET6;
}

/* As IPv6, if one of the two is. */
static void put_ip(char *out, const struct endpoint *e, bool is_v6)
{
	if (!is_v6) {
		memcpy(out, e->ip, 4);
	} else if (e->family == AF_INET6) {
		memcpy(out, e->ip, 16);
	} else { /* RFC 4291 section 2.5.5.2 */
		memset(out, 0, 10);
		memset(out + 10, 0xff, 2);
		memcpy(out + 12, e->ip, 4);
	}
}

static void put_port(char *out, uint16_t port)
{
	out[0] = (char)(port >> 8);
	out[1] = (char)port;
}

static size_t put_v2(char *out, uint8_t command, uint8_t family, size_t n)
{
	memcpy(out, v2_prefix.p, v2_prefix.n);
	out[12] = (char)command;
	out[13] = (char)family;
	put_port(out + 14, (uint16_t)n);
	return V2_HEADER + n;
}

static const char *v1_ip(const struct endpoint *e, bool is_v6,
			 char text_out[ADDR_TEXT + 8])
{
	char text[ADDR_TEXT];

	snprintf(text_out, ADDR_TEXT + 8, "%s%s",
		 is_v6 && e->family == AF_INET ? "::ffff:" : "",
		 endpoint_ip(e, text));
	return text_out;
}

size_t proxy_protocol_put(char out[PROXY_PROTOCOL_OUT],
			  enum proxy_protocol_version version,
			  const struct endpoint *source,
			  const struct endpoint *destination)
{
	bool is_v6 = source->family == AF_INET6 || destination->family == AF_INET6;
	size_t n = is_v6 ? 16 : 4;
	char *p = out + V2_HEADER;
	char a[ADDR_TEXT + 8], b[ADDR_TEXT + 8];

	if (!is_ip(source) || !is_ip(destination)) {
		if (version == PROXY_PROTOCOL_V1)
			return proxy_protocol_put_local(out, version);
		return put_v2(out, V2_PROXY, 0x00, 0);
	}
	if (version == PROXY_PROTOCOL_V1)
		return (size_t)snprintf(
			out, PROXY_PROTOCOL_OUT, "PROXY %s %s %s %u %u\r\n",
			is_v6 ? "TCP6" : "TCP4", v1_ip(source, is_v6, a),
			v1_ip(destination, is_v6, b), source->port,
			destination->port);
	put_ip(p, source, is_v6);
	put_ip(p + n, destination, is_v6);
	put_port(p + 2 * n, source->port);
	put_port(p + 2 * n + 2, destination->port);
	return put_v2(out, V2_PROXY, is_v6 ? 0x21 : 0x11, 2 * n + 4);
}

size_t proxy_protocol_put_local(char out[PROXY_PROTOCOL_OUT],
				enum proxy_protocol_version version)
{
	static const struct str unknown = STR_INIT("PROXY UNKNOWN\r\n");

	if (version == PROXY_PROTOCOL_V2)
		return put_v2(out, V2_LOCAL, 0x00, 0);
	memcpy(out, unknown.p, unknown.n);
	return unknown.n;
}
