/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The master process: what it owns, its beginning and its end. Which unit
 * changes which member is said beside it; m->state is lifecycle.c's alone.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <stdbool.h>
#include <time.h>

#include "base/loop.h"
#include "conf/conf.h"
#include "master/children.h"
#include "master/control.h"
#include "master/generation.h"
#include "master/keeper_link.h"
#include "master/known_servers.h"
#include "master/lifecycle.h"
#include "master/listeners.h"
#include "master/lookup.h"
#include "master/notify.h"
#include "master/pid_file.h"
#include "master/report/rates.h"
#include "master/respawn.h"
#include "master/servers.h"
#include "master/upgrade.h"
#include "master/verdict.h"
#include "master/watchdog.h"

/* How the last reload ended. */
struct outcome {
	time_t at; /* 0: there was none */
	bool ok;
	char reason[WHY_SIZE]; /* when not ok */
};

struct master {
	enum life state;
	const char *file; /* the configuration's path */
	struct loop loop;
	struct listeners listeners;
	struct children children;
	struct keeper_link keeper;
	struct control control;
	struct notify notify;
	struct watchdog watchdog;
	struct rates rates;
	struct servers servers;
	uint64_t started_at; /* CLOCK_MONOTONIC ns */
	int exit_status;

	/* reload.c */
	struct generation *serving;
	struct generation *next; /* being made */
	struct list old;         /* generations that drain or were given up */
	unsigned last_number;    /* of a generation */
	struct timer make_timer; /* the next one must be ready by then */
	struct timer answer_timer;
	struct outcome last_reload;
	struct conf *candidate; /* of the next one, while names are looked up */
	struct lookup lookup;
	struct pid_file pid_file;

	/* handover.c */
	struct upgrade upgrade;
	struct counters told; /* what the new master knows already */
	struct named told_named[NAMED_ROOM];
	struct known_told told_servers;
	struct timer upgrade_timer;

	/* workforce.c */
	struct respawn respawn;
	struct timer respawn_timer;

	/* ending.c */
	struct timer linger_timer;

	/* What was asked for. */
	struct verdict next_reload; /* of the reload after this one */
	struct verdict reload;      /* of the reload that is under way */
	struct verdict upgrading;
	struct verdict answering; /* done: answered when no old worker accepts */
	struct verdict reopening;
	struct verdict resizing;
	struct verdict ending;
};

/* Serves with the configuration in `file` until the end; the exit status of
 * the process. */
int master_run(struct master *m, const char *file);

/* The line that describes what serves. */
void master_describe(const struct master *m, char text_out[WHY_SIZE]);

#endif
