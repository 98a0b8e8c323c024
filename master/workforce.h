/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As many workers as there should be: spawned when some are missing, replaced
 * when they die, one more or one fewer when somebody asks. Master.
 */
#ifndef MASTER_WORKFORCE_H
#define MASTER_WORKFORCE_H

#include "master/children.h"
#include "master/generation.h"

struct master;

/* Takes the callbacks of m->children. */
void workforce_init(struct master *m);

/* Spawns at most `max` of the workers that the generation lacks. If one cannot
 * be spawned, the generation has failed. */
void workforce_spawn(struct master *m, struct generation *g, unsigned max);

/* By TTIN and TTOU. */
void workforce_more(struct master *m);
void workforce_fewer(struct master *m);

#endif
