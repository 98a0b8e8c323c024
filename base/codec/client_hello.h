/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The name of the server that a TLS client asks for (RFC 6066 section 3), read
 * from its ClientHello without taking part in the handshake. Pure.
 */
#ifndef BASE_CODEC_CLIENT_HELLO_H
#define BASE_CODEC_CLIENT_HELLO_H

#include <stddef.h>

#include "base/str.h"

enum {
	CLIENT_HELLO_MAX = 16384, /* bytes of the message, without records */
	CLIENT_HELLO_NAME = 255,
};

struct client_hello {
	/* In lower case, without a dot at its end; "" when none is asked for. */
	char name[CLIENT_HELLO_NAME + 1];
	size_t n;
};

enum client_hello_result {
	CLIENT_HELLO_MORE, /* all of `in` is of a ClientHello, which goes on */
	CLIENT_HELLO_WHOLE,
	CLIENT_HELLO_BAD,
};

/*
 * Reads the message that `in`, from the first byte of the connection on, begins
 * with; it may be in several records, and others may follow it. BAD: *why_out is
 * a static phrase.
 */
enum client_hello_result client_hello_parse(struct str in,
					    struct client_hello *hello_out,
					    const char **why_out)
	__attribute__((warn_unused_result));

#endif
