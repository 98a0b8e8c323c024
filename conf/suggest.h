/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "Did you mean": the name that is nearest to a wrong one, by the number of
 * letters that are wrong, missing, too many or swapped with their neighbour.
 * Pure. Master only.
 */
#ifndef CONF_SUGGEST_H
#define CONF_SUGGEST_H

#include "base/str.h"

/* Embedded; starts as {.wrong = NAME}. Borrows the names it is offered. */
struct suggest {
	struct str wrong;
	struct str best; /* n == 0 while nothing is near enough */
	size_t distance; /* of best */
};

void suggest_offer(struct suggest *s, struct str name);

#endif
