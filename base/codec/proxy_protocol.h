/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header of the PROXY protocol, versions 1 and 2, by which a proxy tells
 * the server behind it which client a connection is of: "The PROXY protocol",
 * HAProxy's doc/proxy-protocol.txt. Pure.
 */
#ifndef BASE_CODEC_PROXY_PROTOCOL_H
#define BASE_CODEC_PROXY_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/str.h"

enum {
	/* Bytes of a header that is read, TLVs included; the format of version 2
	 * would allow 65551. */
	PROXY_PROTOCOL_MAX = 4096,
	/* And of one that is written. */
	PROXY_PROTOCOL_OUT = 108,
};

struct proxy_protocol {
	/* The connection is the proxy's own (LOCAL), or of a kind that has no
	 * addresses of IP (UNKNOWN, UNSPEC, UNIX): the two below are not set. */
	bool has_addresses;
	struct endpoint source, destination;
	size_t size; /* bytes of the header: what follows is the client's */
};

enum proxy_protocol_result {
	PROXY_PROTOCOL_MORE, /* all of `in` is of a header, which goes on */
	PROXY_PROTOCOL_WHOLE,
	PROXY_PROTOCOL_BAD,
};

/* Reads the header that `in`, from the first byte of the connection on, begins
 * with. BAD: *why_out is a static phrase. */
enum proxy_protocol_result proxy_protocol_parse(struct str in,
						struct proxy_protocol *header_out,
						const char **why_out)
	__attribute__((warn_unused_result));

enum proxy_protocol_version { PROXY_PROTOCOL_V1 = 1, PROXY_PROTOCOL_V2 = 2 };

/* Writes the header for a connection from `source` to `destination`; returns
 * its size. If either has no address of IP (AF_UNIX), it says so. */
size_t proxy_protocol_put(char out[PROXY_PROTOCOL_OUT],
			  enum proxy_protocol_version version,
			  const struct endpoint *source,
			  const struct endpoint *destination);

/* The header for a connection of the proxy's own, such as a health check. */
size_t proxy_protocol_put_local(char out[PROXY_PROTOCOL_OUT],
				enum proxy_protocol_version version);

#endif
