/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks a running master for something, at its control socket: see
 * master/control.h for what is spoken there. For the verbs of the command
 * line; a process of its own.
 */
#ifndef MASTER_CLIENT_ASK_H
#define MASTER_CLIENT_ASK_H

#include "base/buf.h"

enum ask_result {
	ASK_OK,
	ASK_FAILED,
	ASK_NOBODY, /* no master answers; the text says so */
};

/* A question: the control socket, the verb, and the configuration file that the
 * master has to run; NULL for any. */
struct question {
	const char *control;
	const char *verb;
	const char *file;
};

/* Asks, waits for the end of the answer, and puts its text into *answer_out. */
enum ask_result ask_master(const struct question *question, struct buf *answer_out);

#endif
