/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes that nobody can predict, from the kernel. Any process. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>

/*
 * Fills `bytes`, of at most 256. Early at boot it may wait. Where a filter denies
 * getrandom(2) they come from /dev/urandom; without either this is fatal.
 */
void random_fill(void *bytes, size_t n);

#endif
