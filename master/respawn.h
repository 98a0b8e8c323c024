/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a worker that died is replaced. One that had lived is replaced at once;
 * one that died young will likely die again, and then the next replacement
 * waits, 50 ms doubling to 5 s. The wait is shared by all workers, so that
 * sixteen that cannot live cost no more than one; and it never ends the
 * trying, because what kills them may be put right from outside. Master.
 */
#ifndef MASTER_RESPAWN_H
#define MASTER_RESPAWN_H

#include <stdint.h>

struct respawn {
	uint64_t delay_ms;      /* 0: nothing is wrong */
	uint64_t last_young_ns; /* when a worker last died young */
};

/* Ends the back-off when no worker has died young for longer than the delay and
 * a second more: the cause is gone. */
void respawn_calm_down(struct respawn *respawn, uint64_t now);

/* Notes a death at `now` (ns) of a worker that had lived `age` ns; returns
 * the milliseconds to wait before the next is spawned. */
uint64_t respawn_after_death(struct respawn *respawn, uint64_t now, uint64_t age);

#endif
