/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The actions of an upgrade, on both sides: see upgrade.h for the way it goes,
 * and lifecycle.h for when each is called. Master.
 */
#ifndef MASTER_HANDOVER_H
#define MASTER_HANDOVER_H

struct master;

void handover_init(struct master *m);

/* The old master. */
void handover_begin(struct master *m);
void handover_join(struct master *m);
void handover_fail(struct master *m);
/* The new master serves: gives it the names and the connections. */
void handover_commit(struct master *m);
/* The new master has closed its channel while the old one still drains. */
void handover_lose(struct master *m);
/* Asked to end while it drains: bounds the drain by timeouts.drain. */
void handover_quit(struct master *m);
/* Sends a new master that serves what was counted since it was told last, and
 * closes the channel to it. */
void handover_close(struct master *m);

/* Kills the new master while it is being made, and tells the clients why. */
void handover_abandon(struct master *m, const char *why);

/* The new master: tells the old one of files that are to go if it is killed. */
void handover_say_made(struct master *m);
/* The new master: tells the old one which of its listeners are to go. */
void handover_say_unwanted(struct master *m);
/* Has verbs wait for the counters of the old one. */
void handover_wait(struct master *m);
/* The old one has ended, and systemd listens to us. */
void handover_announce(struct master *m);

#endif
