/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers in as few bytes as they need (LEB128: seven bits in each, the lowest
 * first), and texts behind their length: for what a process puts away and reads
 * again itself. Nothing is checked. Any process.
 */
#ifndef BASE_VARINT_H
#define BASE_VARINT_H

#include <stdint.h>

#include "base/buf.h"

static inline void varint_put(struct buf *out, uint64_t value)
{
	char bytes[10];
	size_t n = 0;

	for (; value > 0x7f; value >>= 7)
		bytes[n++] = (char)(value | 0x80);
	bytes[n++] = (char)value;
	buf_put(out, (struct str){bytes, n});
}

/* Takes one off *from. */
static inline uint64_t varint_get(struct str *from)
{
	uint64_t value = 0;
	unsigned char byte;

	for (unsigned shift = 0;; shift += 7) {
		byte = (unsigned char)*from->p;
		from->p++;
		from->n--;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
}

/* A number that is close to `base`, whichever is larger, or 0. */
static inline void varint_put_near(struct buf *out, uint64_t value, uint64_t base)
{
	uint64_t d = value - base;

	varint_put(out,
		   value == 0 ? 0 : 1 + (d << 1 ^ (d >> 63 != 0 ? UINT64_MAX : 0)));
}

static inline uint64_t varint_get_near(struct str *from, uint64_t base)
{
	uint64_t d = varint_get(from);

	if (d-- == 0)
		return 0;
	return base + (d >> 1 ^ (d & 1 ? UINT64_MAX : 0));
}

static inline void varint_put_pointer(struct buf *out, const void *p)
{
	varint_put(out, (uintptr_t)p);
}

static inline void *varint_get_pointer(struct str *from)
{
	return (void *)(uintptr_t)varint_get(from);
}

/* p == NULL stays what it is. */
static inline void varint_put_str(struct buf *out, struct str s)
{
	varint_put(out, s.p == NULL ? 0 : s.n + 1);
	buf_put(out, s);
}

/* The bytes are those of *from. */
static inline struct str varint_get_str(struct str *from)
{
	uint64_t n = varint_get(from);
	struct str s = {n == 0 ? NULL : from->p, n == 0 ? 0 : (size_t)n - 1};

	*from = (struct str){from->p + s.n, from->n - s.n};
	return s;
}

#endif
