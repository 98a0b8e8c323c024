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

/* Sends the verb to the control socket at `path`, waits for the end of the
 * answer, and puts its text into *answer_out. */
enum ask_result ask_master(const char *path, const char *verb,
			   struct buf *answer_out);

#endif
