/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that grows, for a listing that is made in a thread. Any thread. Worker. */
#ifndef WORKER_HANDLER_STATIC_LISTING_TEXT_H
#define WORKER_HANDLER_STATIC_LISTING_TEXT_H

#include <stddef.h>

#include "base/str.h"

/* All zero is empty. The user frees `p`. */
struct listing_text {
	char *p;
	size_t n, room;
};

/* Room for n bytes at the returned address; they are not counted yet. */
char *listing_text_room(struct listing_text *out, size_t n);

void listing_text_put(struct listing_text *out, struct str s);

/* For what is short, up to 511 bytes: numbers and names of our own. */
void listing_text_format(struct listing_text *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
