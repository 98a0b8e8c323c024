/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What reaches the master from outside, made into events of its life: signals
 * and the verbs of the control socket. Master.
 */
#ifndef MASTER_SUPERVISE_H
#define MASTER_SUPERVISE_H

#include "base/signals.h"
#include "master/master.h"

struct supervision {
	struct signals signals;
	struct master *master;
	uint64_t term_at; /* the last TERM or QUIT, CLOCK_MONOTONIC ns; 0: none */
};

/* Blocks every signal that the master takes: before anything else. */
void supervise_block_signals(void);

/* 0, or -1 with errno. */
int supervise_open(struct supervision *s, struct master *master)
	__attribute__((warn_unused_result));
void supervise_close(struct supervision *s);

#endif
