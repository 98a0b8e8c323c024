/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012), a keyed hash: without the key its
 * output can be neither predicted nor steered. Any process.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stdint.h>

#include "base/str.h"

struct siphash_key {
	uint64_t half[2];
};

/* A random key. */
struct siphash_key siphash_random_key(void);

uint64_t siphash(const struct siphash_key *key, struct str s);

#endif
