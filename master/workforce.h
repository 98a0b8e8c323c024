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

/* Takes its part in what children say. */
void workforce_init(struct master *m);

/* Spawns at most `most` of the workers that the generation lacks. When one
 * cannot be, the generation has failed. */
void workforce_spawn(struct master *m, struct generation *g, unsigned most);

/* A worker of the generation that serves is gone, and was not sent away;
 * `what` is for the log. */
void workforce_replace(struct master *m, const struct child *gone,
		       const char *what);

/* By TTIN and TTOU. */
void workforce_more(struct master *m);
void workforce_fewer(struct master *m);

#endif
