/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In this order: addresses as text (addr_parse, addr_format), endpoints, which
 * are addresses in 20 bytes, and networks. Any process.
 */
#include "base/addr.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>

#include "base/fd.h"

static bool parse_port(struct str text, uint16_t *port_out)
{
	uint64_t port;

	if (!str_to_u64(text, &port) || port > 65535)
		return false;
	*port_out = (uint16_t)port;
	return true;
}

static const char *parse_unix(struct str path, struct addr *addr_out)
{
	if (path.n == 0)
		return "a path must follow \"unix:\"";
	if (path.n >= sizeof(addr_out->un.sun_path))
		return "the path of a Unix socket has at most 107 bytes";
	if (memchr(path.p, '\0', path.n) != NULL)
		return "the path of a Unix socket has no NUL byte";
	addr_out->un.sun_family = AF_UNIX;
	memcpy(addr_out->un.sun_path, path.p, path.n);
	addr_out->length =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n);
	if (path.p[0] == '@')
		addr_out->un.sun_path[0] = '\0'; /* unix(7): abstract */
	else
		addr_out->length++; /* the NUL */
	return NULL;
}

static void set_v4(struct addr *addr, struct in_addr ip, uint16_t port)
{
	addr->v4.sin_family = AF_INET;
	addr->v4.sin_addr = ip;
	addr->v4.sin_port = htons(port);
	addr->length = sizeof(addr->v4);
}

static void set_v6(struct addr *addr, struct in6_addr ip, uint16_t port)
{
	addr->v6.sin6_family = AF_INET6;
	addr->v6.sin6_addr = ip;
	addr->v6.sin6_port = htons(port);
	addr->length = sizeof(addr->v6);
}

const char *addr_parse(struct str text, struct addr *addr_out)
{
	static const char form[] =
		"an address is PORT, *:PORT, 127.0.0.1:PORT, [::1]:PORT or "
		"unix:/path";
	char host[INET6_ADDRSTRLEN];
	uint16_t port;

	memset(addr_out, 0, sizeof(*addr_out));
	if (str_starts_with(text, STR("unix:")))
		return parse_unix(str_tail(text, 5), addr_out);

	size_t colon = text.n;

	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	if (!parse_port(str_tail(text, colon), &port))
		return text.n == 0 ? form : "a port is a number from 0 to 65535";
	struct str ip = {text.p, colon > 0 ? colon - 1 : 0};

	if (colon == 0 || str_equal(ip, STR("*"))) {
		set_v6(addr_out, in6addr_any, port);
		return NULL;
	}
	bool bracketed = ip.n >= 2 && ip.p[0] == '[' && ip.p[ip.n - 1] == ']';

	if (bracketed)
		ip = (struct str){ip.p + 1, ip.n - 2};
	if (ip.n == 0 || ip.n >= sizeof(host) || memchr(ip.p, '\0', ip.n) != NULL)
		return form;
	memcpy(host, ip.p, ip.n);
	host[ip.n] = '\0';

	struct in_addr v4;
	struct in6_addr v6;

	if (!bracketed && inet_pton(AF_INET, host, &v4) == 1)
		set_v4(addr_out, v4, port);
	else if (bracketed && inet_pton(AF_INET6, host, &v6) == 1)
		set_v6(addr_out, v6, port);
	else
		return form;
	return NULL;
}

const char *addr_format(const struct addr *addr, char text_out[ADDR_TEXT])
{
	char ip[INET6_ADDRSTRLEN];
	size_t n;

	switch (addr_family(addr)) {
	case AF_INET:
		inet_ntop(AF_INET, &addr->v4.sin_addr, ip, sizeof(ip));
		snprintf(text_out, ADDR_TEXT, "%s:%u", ip, addr_port(addr));
		break;
	case AF_INET6:
		if (IN6_IS_ADDR_UNSPECIFIED(&addr->v6.sin6_addr)) {
			snprintf(text_out, ADDR_TEXT, "*:%u", addr_port(addr));
			break;
		}
		inet_ntop(AF_INET6, &addr->v6.sin6_addr, ip, sizeof(ip));
		snprintf(text_out, ADDR_TEXT, "[%s]:%u", ip, addr_port(addr));
		break;
	case AF_UNIX:
		n = addr->length - offsetof(struct sockaddr_un, sun_path);
		if (n > 0 && addr->un.sun_path[0] == '\0')
			snprintf(text_out, ADDR_TEXT, "unix:@%.*s", (int)n - 1,
				 addr->un.sun_path + 1);
		else
			snprintf(text_out, ADDR_TEXT, "unix:%.*s", (int)n,
				 addr->un.sun_path);
		break;
	default:
		snprintf(text_out, ADDR_TEXT, "(family %d)", addr_family(addr));
	}
	return text_out;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	if (addr_family(a) != addr_family(b))
		return false;
	switch (addr_family(a)) {
	case AF_INET:
		return a->v4.sin_port == b->v4.sin_port &&
		       a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	case AF_INET6:
		return a->v6.sin6_port == b->v6.sin6_port &&
		       IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr);
	default:
		return a->length == b->length &&
		       memcmp(&a->any, &b->any, a->length) == 0;
	}
}

uint16_t addr_port(const struct addr *addr)
{
	switch (addr_family(addr)) {
	case AF_INET:
		return ntohs(addr->v4.sin_port);
	case AF_INET6:
		return ntohs(addr->v6.sin6_port);
	default:
		return 0;
	}
}

struct endpoint endpoint_of(const struct addr *addr)
{
	struct endpoint e = {.family = (uint16_t)addr_family(addr),
			     .port = addr_port(addr)};

	if (e.family == AF_INET) {
		memcpy(e.ip, &addr->v4.sin_addr, 4);
	} else if (e.family == AF_INET6) {
		memcpy(e.ip, &addr->v6.sin6_addr, 16);
		if (IN6_IS_ADDR_V4MAPPED(&addr->v6.sin6_addr)) {
			e.family = AF_INET;
			memmove(e.ip, e.ip + 12, 4);
			memset(e.ip + 4, 0, 12);
		}
	}
	return e;
}

static char *put_octet(char *to, unsigned octet)
{
	if (octet >= 100)
		*to++ = (char)('0' + octet / 100);
	if (octet >= 10)
		*to++ = (char)('0' + octet / 10 % 10);
	*to++ = (char)('0' + octet % 10);
	return to;
}

/* For every line of an access log: inet_ntop(3) goes through sprintf(3). */
static void format_ipv4(const uint8_t ip[4], char *to)
{
	for (int i = 0; i < 4; i++) {
		to = put_octet(to, ip[i]);
		*to++ = i < 3 ? '.' : '\0';
	}
}

const char *endpoint_ip(const struct endpoint *e, char text_out[ADDR_TEXT])
{
	if (e->family == AF_INET)
		format_ipv4(e->ip, text_out);
	else if (e->family == AF_INET6)
		inet_ntop(e->family, e->ip, text_out, ADDR_TEXT);
	else
		snprintf(text_out, ADDR_TEXT, "unix");
	return text_out;
}

bool endpoint_parse_ip(struct str text, struct endpoint *endpoint_out)
{
	struct addr addr = {0};
	char ip[INET6_ADDRSTRLEN];

	if (text.n >= sizeof(ip) || memchr(text.p, '\0', text.n) != NULL)
		return false;
	memcpy(ip, text.p, text.n);
	ip[text.n] = '\0';
	if (inet_pton(AF_INET, ip, &addr.v4.sin_addr) == 1)
		addr.any.sa_family = AF_INET;
	else if (inet_pton(AF_INET6, ip, &addr.v6.sin6_addr) == 1)
		addr.any.sa_family = AF_INET6;
	else
		return false;
	*endpoint_out = endpoint_of(&addr);
	return true;
}

static bool has_bits_beyond(const struct network *network)
{
	for (unsigned i = network->bits; i < 8 * sizeof(network->ip); i++)
		if (network->ip[i / 8] & 0x80 >> i % 8)
			return true;
	return false;
}

const char *network_parse(struct str text, struct network *network_out)
{
	struct str rest = text, ip = str_cut(&rest, '/');
	struct endpoint e;
	uint64_t bits;

	*network_out = (struct network){.family = AF_UNSPEC};
	if (str_equal(text, STR("all")))
		return NULL;
	network_out->family = AF_UNIX;
	if (str_equal(text, STR("unix:")))
		return NULL;
	if (ip.n == 0 || !endpoint_parse_ip(ip, &e))
		return "a network is written as \"192.0.2.0/24\", "
		       "\"2001:db8::/32\", \"unix:\" or \"all\"";
	bool is_v6_text = memchr(ip.p, ':', ip.n) != NULL;
	uint64_t max = is_v6_text ? 128 : 32;

	if (rest.p == NULL)
		bits = max;
	else if (!str_to_u64(rest, &bits) || bits > max)
		return is_v6_text ? "the bits of an IPv6 network are from 0 to 128"
				  : "the bits of an IPv4 network are from 0 to 32";
	if (is_v6_text && e.family == AF_INET) {
		if (bits < 96)
			return "write a network of IPv4 without \"::ffff:\"";
		bits -= 96;
	}
	memcpy(network_out->ip, e.ip, sizeof(e.ip));
	network_out->family = e.family;
	network_out->bits = (uint16_t)bits;
	if (has_bits_beyond(network_out))
		return "the address has more bits set than the network is "
		       "wide; write it with zeros there";
	return NULL;
}

const char *network_format(const struct network *network, char text_out[ADDR_TEXT])
{
	unsigned max = network->family == AF_INET ? 32 : 128;
	size_t n;

	if (network->family == AF_UNSPEC)
		return memcpy(text_out, "all", 4);
	if (network->family == AF_UNIX)
		return memcpy(text_out, "unix:", 6);
	inet_ntop(network->family, network->ip, text_out, ADDR_TEXT);
	n = strlen(text_out);
	if (network->bits < max)
		snprintf(text_out + n, ADDR_TEXT - n, "/%u",
			 (unsigned)network->bits);
	return text_out;
}

const char *addr_of_path(const char *path, struct addr *addr_out)
{
	char text[PATH_MAX + 8];

	snprintf(text, sizeof(text), "unix:%s", path);
	return addr_parse(str_of(text), addr_out);
}

int addr_connect(const struct addr *addr, int flags)
{
	int fd = socket(addr->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd != -1 && connect(fd, &addr->any, addr->length) == -1)
		fd_close(&fd);
	return fd;
}

uint64_t endpoint_client(const struct endpoint *e)
{
	uint64_t number = 0;

	if (e->family != AF_INET && e->family != AF_INET6)
		return 0;
	memcpy(&number, e->ip, e->family == AF_INET ? 4 : 8);
	return number + 1;
}
