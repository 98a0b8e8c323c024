/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The private keys of the keeper. They are read from descriptors, kept in
 * memory that is locked as far as the system lets us, and overwritten before it
 * is given back. Keeper.
 */
#ifndef KEEPER_KEYS_H
#define KEEPER_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/shared/keeper_wire.h"

struct keys;

struct keys *keys_create(void);
void keys_destroy(struct keys **keys);

/*
 * Reads the first private key in PEM of the file, which goes by its path from now
 * on. NULL, or why it cannot be used, static text.
 */
const char *keys_load(struct keys *keys, const char *path, int fd);

/* All of them as a sealed file in memory: its descriptor, or -1. */
int keys_save(const struct keys *keys);

/* Adds what keys_save() has written. False when it cannot be read. */
bool keys_restore(struct keys *keys, int fd);

/* Does what a worker asks for. */
void keys_answer(const struct keys *keys, const struct keeper_request *request,
		 struct keeper_answer *answer_out);

#endif
