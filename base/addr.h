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

#endif
