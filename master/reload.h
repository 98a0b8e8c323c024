/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The actions of a reload, and of the start, which is the first of them: see
 * lifecycle.h for when each is called. A reload that fails leaves everything as
 * it was. Master.
 */
#ifndef MASTER_RELOAD_H
#define MASTER_RELOAD_H

struct conf;
struct generation;
struct master;

void reload_init(struct master *m);

/* Makes the next generation of a configuration that is taken over: looks up its
 * names, opens all it needs, spawns its workers. EVENT_FAILED, with the reasons
 * in m->reload or in m->next, when that fails. */
void reload_make(struct master *m, struct conf **conf);

void reload_begin(struct master *m);
void reload_queue(struct master *m);
void reload_commit(struct master *m);
void reload_roll_back(struct master *m);
/* Opens the log files again. */
void reload_reopen(struct master *m);

/* Begins the reload that was asked for meanwhile. */
void reload_begin_queued(struct master *m);

/* Abandons the new generation and undoes everything it set up. */
void reload_abandon(struct master *m);

/* Answers the clients whose reload is committed: when no old worker accepts any
 * more, or at once. */
void reload_answer(struct master *m);
void reload_answer_now(struct master *m);

/* A generation that no longer serves: it lives until its last worker ends. */
void reload_retire(struct master *m, struct generation *g);
/* Destroys a retired generation whose last worker has ended. */
void reload_destroy_retired(struct master *m, struct generation *g);

#endif
