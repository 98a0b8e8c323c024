/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Socket addresses as people write them and as the kernel takes them. IPv4,
 * IPv6 and Unix sockets; no names are resolved. Any process.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/str.h"

struct addr {
	socklen_t length; /* of the part of the union in use */
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un un;
	};
};

/* Longest text of addr_format() with its NUL. */
enum { ADDR_TEXT = 128 };

/*
 * Reads "8080" and "*:8080" (every address: an IPv6 socket that takes IPv4
 * too), "127.0.0.1:8080", "[::1]:8080", "unix:/path", "unix:@abstract".
 * Returns NULL, or a static sentence that says what is wrong with the text.
 */
const char *addr_parse(struct str text, struct addr *addr_out)
	__attribute__((warn_unused_result));

/* The address of a Unix socket at `path`; as addr_parse(). */
const char *addr_of_path(const char *path, struct addr *addr_out)
	__attribute__((warn_unused_result));

/* A stream socket connected to `addr`; `flags`: SOCK_NONBLOCK or 0. -1 with
 * errno: EAGAIN (unix(7), with SOCK_NONBLOCK) when the listener's queue is
 * full. */
int addr_connect(const struct addr *addr, int flags)
	__attribute__((warn_unused_result));

/* The canonical text, which addr_parse() reads back; returns `text_out`. */
const char *addr_format(const struct addr *addr, char text_out[ADDR_TEXT]);

bool addr_equal(const struct addr *a, const struct addr *b);

static inline int addr_family(const struct addr *addr)
{
	return addr->any.sa_family;
}

/* Port in host order; 0 for a Unix socket. */
uint16_t addr_port(const struct addr *addr);

/*
 * An address in 20 bytes, for what there are thousands of. A Unix peer has
 * no address worth keeping: its family is all that is kept.
 */
struct endpoint {
	uint8_t ip[16];  /* network order; the first 4 for IPv4 */
	uint16_t port;   /* host order */
	uint16_t family; /* AF_INET, AF_INET6, AF_UNIX */
};

/* IPv4 mapped into IPv6 (::ffff:1.2.3.4) becomes plain IPv4. */
struct endpoint endpoint_of(const struct addr *addr);

/* The IP without the port ("unix" for AF_UNIX); returns `text_out`. */
const char *endpoint_ip(const struct endpoint *e, char text_out[ADDR_TEXT]);

/* A number for all the addresses that one client can have: of IPv6 the first half
 * (RFC 6177). 0 for Unix peers, which cannot be told apart. */
uint64_t endpoint_client(const struct endpoint *e);

/*
 * A network: the addresses that begin with the same bits. `family` is AF_INET
 * or AF_INET6, AF_UNIX for every Unix peer, or AF_UNSPEC for everyone.
 */
struct network {
	uint8_t ip[16]; /* as in struct endpoint; 0 beyond `bits` */
	uint16_t family;
	uint16_t bits;
};

/*
 * Reads "192.0.2.0/24", "192.0.2.1", "2001:db8::/32", "unix:" and "all". A
 * network of IPv4 mapped into IPv6 becomes plain IPv4, as endpoints do.
 * Returns NULL, or a static sentence that says what is wrong with the text.
 */
const char *network_parse(struct str text, struct network *network_out)
	__attribute__((warn_unused_result));

/* The canonical text, which network_parse() reads back; returns `text_out`. */
const char *network_format(const struct network *network, char text_out[ADDR_TEXT]);

/* How narrow it is: larger for one that lies within another. */
static inline int network_rank(const struct network *network)
{
	return network->family == AF_UNSPEC ? -1 : network->bits;
}

static inline bool network_equal(const struct network *a, const struct network *b)
{
	return a->family == b->family && a->bits == b->bits &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

/* Reads an address without a port, "192.0.2.1" or "2001:db8::1"; the port is
 * 0. False when it is not one. */
bool endpoint_parse_ip(struct str text, struct endpoint *endpoint_out)
	__attribute__((warn_unused_result));

#endif
