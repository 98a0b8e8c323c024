/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of the server: a state, events, and a table that says what each
 * event does in each state. The table is in lifecycle.c and is drawn in
 * holdfast(8). Nothing here waits: what takes time ends in an event. Master.
 */
#ifndef MASTER_LIFECYCLE_H
#define MASTER_LIFECYCLE_H

#include <stdbool.h>
#include <time.h>

#include "base/loop.h"
#include "conf/conf.h"
#include "master/children.h"
#include "master/control.h"
#include "master/generation.h"
#include "master/listeners.h"
#include "master/notify.h"
#include "master/report/sample.h"
#include "master/respawn.h"
#include "master/upgrade.h"
#include "master/watchdog.h"

enum life {
	LIFE_STARTING,  /* the first generation is being made */
	LIFE_SERVING,   /* one generation serves */
	LIFE_RELOADING, /* it does, and the next is being made */
	LIFE_UPGRADING, /* and so is a new master */
	LIFE_LEAVING,   /* the new master serves: giving it the connections */
	LIFE_LINGERING, /* will quit; health checks are told already */
	LIFE_QUITTING,  /* finishing what is begun */
	LIFE_STOPPING,  /* ending as fast as can be */
	LIFE_GONE,      /* no worker is left; the loop ends */
	LIFE_COUNT
};

enum event {
	EVENT_READY,  /* the generation, or the master, being made is ready */
	EVENT_FAILED, /* it cannot be made */
	EVENT_RELOAD,
	EVENT_UPGRADE,
	EVENT_QUIT,
	EVENT_LINGERED, /* timeouts.linger is over */
	EVENT_STOP,
	EVENT_REOPEN,
	EVENT_MORE,  /* one worker more */
	EVENT_FEWER, /* one less */
	EVENT_EMPTY, /* the last worker is gone */
	EVENT_COUNT
};

const char *life_name(enum life state);

/* Beyond timeouts.drain, before a worker that drains is killed. */
enum { LIFE_PATIENCE_MS = 5000 };

/* How the last reload ended. */
struct outcome {
	time_t at; /* 0: there was none */
	bool ok;
	char reason[WHY_SIZE]; /* when not ok */
};

struct master {
	enum life state;  /* by the table only */
	const char *file; /* the configuration's path */
	struct loop loop;
	struct listeners listeners;
	struct children children;
	struct control control;
	struct notify notify;
	struct generation *serving;
	struct generation *next; /* being made */
	struct list old;         /* generations that drain or were given up */
	unsigned last_number;    /* of a generation */
	struct timer make_timer; /* the next one must be ready by then */
	struct watchdog watchdog;
	struct sampler sampler;
	struct upgrade upgrade;
	struct counters told; /* what the new master knows already */
	struct timer linger_timer;
	struct respawn respawn;
	struct timer respawn_timer;
	uint64_t respawns;
	char *pid_file; /* written, or NULL */
	bool reload_queued;
	struct list reloading; /* clients that wait for this reload */
	struct list queued;    /* for the next one */
	struct list upgrading; /* for the new master */
	struct list settling;  /* for old workers to accept no more */
	struct timer settle_timer;
	char settled[WHY_SIZE + 101]; /* what those are told then */
	struct list quitting;         /* for the end */
	struct outcome last_reload;
	struct buf errors;   /* of the reload: what those who wait are told */
	uint64_t started_at; /* CLOCK_MONOTONIC ns */
	int exit_status;
};

/* Serves with the configuration in `file` until the end; the exit status of
 * the process. */
int lifecycle_run(struct master *m, const char *file);

/* Tells who asked for an upgrade when none was begun. */
void lifecycle_answer_idle_upgrade(struct master *m);

/* For whoever has heard something: a signal, a verb, a child. */
void lifecycle_event(struct master *m, enum event event);

#endif
