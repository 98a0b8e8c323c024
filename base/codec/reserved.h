/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields that describe the framing of a message or the connection. Only the
 * code that writes to the wire sets them: configurations and modules must not,
 * and a proxy forwards none of the first kind. Pure.
 */
#ifndef BASE_CODEC_RESERVED_H
#define BASE_CODEC_RESERVED_H

#include "base/str.h"

/* Sets of these. */
enum reserved {
	RESERVED_HOP = 1,    /* of one connection: RFC 9110 section 7.6.1 */
	RESERVED_LENGTH = 2, /* Content-Length */
	RESERVED_RANGE = 4,  /* Content-Range */
	RESERVED_EXPECT = 8, /* Expect */
	RESERVED_DATE = 16,
	RESERVED_SERVER = 32,
};

/* The kind of the field of that name; 0 if it is not reserved. */
unsigned reserved_for(struct str name);

#endif
