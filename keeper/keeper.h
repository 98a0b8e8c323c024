/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keeper: the process that has the private keys and signs for workers. A
 * worker has certificates only, so that one that is taken over can use a key
 * while it lives, and never has it. The one header of keeper/ that the master
 * includes.
 */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#include "base/privileges.h"

/* What crosses the fork. */
struct keeper_env {
	int channel;                     /* to the master */
	const struct identity *identity; /* NULL: it stays the master's user */
};

/*
 * Runs as the keeper, in a fresh child of the master: until the master is gone
 * and the last worker with it. Returns the exit status of the process.
 */
int keeper_run(const struct keeper_env *env);

#endif
