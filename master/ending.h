/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The actions that end the server: linger, then quit; or stop. See lifecycle.h
 * for when each is called. Master.
 */
#ifndef MASTER_ENDING_H
#define MASTER_ENDING_H

struct master;

void ending_init(struct master *m);

/* Health checks fail first, and only then are listeners closed. */
void ending_linger(struct master *m);
void ending_quit(struct master *m);
void ending_stop(struct master *m);
/* A further request to end waits for the end that is under way. */
void ending_join(struct master *m);
/* There is no generation, and nothing to go back to. */
void ending_fail_to_start(struct master *m);
void ending_finish(struct master *m);

/* Has every worker finish what it has begun, within timeouts.drain. */
void ending_drain(struct master *m);
/* Whether the last worker is gone. */
void ending_check(struct master *m);

#endif
