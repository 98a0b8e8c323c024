/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/digest.h"

#include <stdbool.h>
#include <string.h>

static uint32_t rotate(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

/* RFC 1321 section 3.4: floor(2^32 * abs(sin(i + 1))). */
static const uint32_t md5_sines[64] = {
	0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a,
	0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
	0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340,
	0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
	0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
	0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
	0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
	0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
	0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
	0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
	0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static void md5_block(uint32_t state[4], const uint32_t x[16])
{
	static const unsigned char shifts[4][4] = {
		{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];

	for (unsigned i = 0; i < 64; i++) {
		uint32_t f, before = d;
		unsigned k;

		if (i < 16) {
			f = (b & c) | (~b & d);
			k = i;
		} else if (i < 32) {
			f = (d & b) | (~d & c);
			k = 5 * i + 1;
		} else if (i < 48) {
			f = b ^ c ^ d;
			k = 3 * i + 5;
		} else {
			f = c ^ (b | ~d);
			k = 7 * i;
		}
		d = c;
		c = b;
		b += rotate(a + f + md5_sines[i] + x[k % 16],
			    shifts[i / 16][i % 4]);
		a = before;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

/* FIPS 180-4 section 6.1.2. */
static void sha1_block(uint32_t state[5], const uint32_t x[16])
{
	uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4];

	memcpy(w, x, 16 * sizeof(*w));
	for (unsigned t = 16; t < 80; t++)
		w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	for (unsigned t = 0; t < 80; t++) {
		uint32_t f = t < 20   ? ((b & c) ^ (~b & d)) + 0x5a827999
			     : t < 40 ? (b ^ c ^ d) + 0x6ed9eba1
			     : t < 60 ? ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1bbcdc
				      : (b ^ c ^ d) + 0xca62c1d6;
		uint32_t next = rotate(a, 5) + f + e + w[t];

		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

/* MD5 has the low byte of a word first, SHA-1 the high one. */
static unsigned shift_of(const struct digest *d, unsigned i)
{
	return 8 * (d->kind == DIGEST_MD5 ? i % 4 : 3 - i % 4);
}

static void take_block(struct digest *d)
{
	uint32_t words[16] = {0};

	for (unsigned i = 0; i < 64; i++)
		words[i / 4] |= (uint32_t)d->block[i] << shift_of(d, i);
	if (d->kind == DIGEST_MD5)
		md5_block(d->state, words);
	else
		sha1_block(d->state, words);
}

void digest_init(struct digest *d, enum digest_kind kind)
{
	*d = (struct digest){.kind = kind,
			     .state = {0x67452301, 0xefcdab89, 0x98badcfe,
				       0x10325476, 0xc3d2e1f0}};
}

void digest_add(struct digest *d, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		d->block[d->n++ % 64] = (unsigned char)s.p[i];
		if (d->n % 64 == 0)
			take_block(d);
	}
}

void digest_end(struct digest *d, unsigned char out[DIGEST_MAX])
{
	uint64_t bits = 8 * d->n;
	unsigned size = d->kind == DIGEST_MD5 ? DIGEST_MD5_SIZE : DIGEST_SHA1_SIZE;

	digest_add(d, STR("\x80"));
	while (d->n % 64 != 56)
		digest_add(d, (struct str){"\0", 1});
	for (unsigned i = 0; i < 8; i++) {
		unsigned at = d->kind == DIGEST_MD5 ? i : 7 - i;

		digest_add(d, (struct str){(char[]){(char)(bits >> 8 * at)}, 1});
	}
	for (unsigned i = 0; i < size; i++)
		out[i] = (unsigned char)(d->state[i / 4] >> shift_of(d, i));
}
