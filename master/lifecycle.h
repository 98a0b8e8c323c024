/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of the server: states, events, and a table that says what each
 * event does in each state. The table is in lifecycle.c and is printed in
 * holdfast(8); the actions are in reload.h, handover.h, ending.h and
 * workforce.h. Nothing waits: what takes time ends in an event. Master.
 */
#ifndef MASTER_LIFECYCLE_H
#define MASTER_LIFECYCLE_H

#include <stdbool.h>

struct control_client;
struct master;

enum life {
	LIFE_STARTING,     /* the first generation is being made */
	LIFE_SERVING,      /* one generation serves */
	LIFE_RELOADING,    /* it does, and the next is being made */
	LIFE_UPGRADING,    /* it does, and a new master is being made */
	LIFE_HANDING_OVER, /* the new master serves: giving it the connections */
	LIFE_LINGERING,    /* will quit; health checks fail already */
	LIFE_QUITTING,     /* finishing what is begun */
	LIFE_STOPPING,     /* ending as fast as possible */
	LIFE_GONE,         /* no worker is left; the loop ends */
	LIFE_COUNT
};

enum event {
	EVENT_READY,  /* the generation, or the master, being made is ready */
	EVENT_FAILED, /* it cannot be made, or has gone */
	EVENT_RELOAD,
	EVENT_UPGRADE,
	EVENT_QUIT,     /* the verb: a second one waits with the first */
	EVENT_TERM,     /* the signal: a second one hurries */
	EVENT_LINGERED, /* timeouts.linger is over */
	EVENT_STOP,
	EVENT_REOPEN,
	EVENT_MORE,  /* one worker more */
	EVENT_FEWER, /* one worker fewer */
	EVENT_EMPTY, /* the last worker is gone */
	EVENT_ALONE, /* the master before us has ended */
	EVENT_COUNT
};

const char *life_name(enum life state);

/* Facts of a state, by the table: whether a worker that dies is replaced, and
 * whether health checks are answered with 503. */
bool life_replaces(enum life state);
bool life_is_unready(enum life state);
/* Servers of upstreams may be changed. */
bool life_takes_changes(enum life state);
/* Why a request is refused that has no row, or that. */
const char *life_refusal(enum life state);

/* Something has happened: to a child, to a timer. */
void lifecycle_event(struct master *m, enum event event);

/* A request, by a client of the control socket or (NULL) by a signal. Every
 * request is answered: with its outcome, or at once with why it is refused. */
void lifecycle_ask(struct master *m, enum event event,
		   struct control_client *client);

#endif
