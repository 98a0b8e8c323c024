/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/siphash.h"

#include "base/random.h"

struct siphash_key siphash_random_key(void)
{
	struct siphash_key key;

	random_fill(&key, sizeof(key));
	return key;
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void rounds(uint64_t v[4], int n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

/* Up to 8 bytes, the first of them lowest. */
static uint64_t word_of(const char *p, size_t n)
{
	uint64_t word = 0;

	for (size_t i = 0; i < n; i++)
		word |= (uint64_t)(unsigned char)p[i] << 8 * i;
	return word;
}

uint64_t siphash(const struct siphash_key *key, struct str s)
{
	uint64_t v[4] = {
		key->half[0] ^ 0x736f6d6570736575,
		key->half[1] ^ 0x646f72616e646f6d,
		key->half[0] ^ 0x6c7967656e657261,
		key->half[1] ^ 0x7465646279746573,
	};
	size_t whole = s.n - s.n % 8;

	for (size_t i = 0; i <= whole; i += 8) {
		uint64_t word =
			i < whole ? word_of(s.p + i, 8)
				  : (uint64_t)s.n << 56 |
					    (s.n > whole ? word_of(s.p + whole,
								   s.n - whole)
							 : 0);

		v[3] ^= word;
		rounds(v, 2);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
