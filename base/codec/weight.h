/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of what a client accepts, with weights (RFC 9110 section 12.4.2).
 * Pure. */
#ifndef BASE_CODEC_WEIGHT_H
#define BASE_CODEC_WEIGHT_H

#include "base/str.h"

enum {
	WEIGHT_UNSAID = -1,  /* the list does not have it */
	WEIGHT_NEVER = 0,    /* a weight of zero: not acceptable */
	WEIGHT_FULLY = 1000, /* a weight of one, as without one */
};

/*
 * The weight of `name` (any case) in `list`, in thousandths, or WEIGHT_UNSAID;
 * "*" is a name like any other. Elements with a malformed weight are skipped.
 */
int weight_in(struct str list, struct str name);

#endif
