/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields that say how a message is framed, or what becomes of a connection:
 * whoever writes to the wire sets them, so configurations and modules must
 * not, and none of the first kind goes through a proxy. Pure.
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

/* What the field of that name is reserved for; 0 when it is not. */
unsigned reserved_for(struct str name);

#endif
