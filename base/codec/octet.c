/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/octet.h"

#define NAME    (OCTET_TOKEN | OCTET_TARGET | OCTET_TEXT)
#define VISIBLE (OCTET_TARGET | OCTET_TEXT)

/* Octets that are not listed are control characters, and in no class. */
const unsigned char octet_classes[256] = {
	['\t'] = OCTET_TEXT,
	[' '] = OCTET_TEXT,
	['!'] = NAME,
	['"'] = VISIBLE,
	['#'] = OCTET_TOKEN | OCTET_TEXT, /* RFC 9112, 3.2: no fragment */
	['$' ... '\''] = NAME,
	['(' ... ')'] = VISIBLE,
	['*' ... '+'] = NAME,
	[','] = VISIBLE,
	['-' ... '.'] = NAME,
	['/'] = VISIBLE,
	['0' ... '9'] = NAME,
	[':' ... '@'] = VISIBLE,
	['A' ... 'Z'] = NAME,
	['[' ... ']'] = VISIBLE,
	['^' ... 'z'] = NAME,
	['{'] = VISIBLE,
	['|'] = NAME,
	['}'] = VISIBLE,
	['~'] = NAME,
	/* Raw UTF-8 and Latin-1 in a target: no URI has them, clients send
	 * them, and nothing in a request line can be mistaken for them. */
	[0x80 ... 0xff] = VISIBLE,
};
