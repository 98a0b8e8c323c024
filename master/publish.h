/* SPDX-License-Identifier: BSD-2-Clause */
/* What the master tells the workers by the scoreboard, for their metrics. */
#ifndef MASTER_PUBLISH_H
#define MASTER_PUBLISH_H

#include <stdbool.h>

struct master;

/* A generation begins to serve: numbers of names that it does not have end. */
void publish_generation(struct master *m);

/* A reload has ended, as m->last_reload says. */
void publish_reload(struct master *m);

#endif
