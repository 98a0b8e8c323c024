/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The outcome of a request to the master, such as a reload or a quit. Clients
 * of the control socket and signals that ask for the same thing share one
 * verdict. It is decided once, and the log, systemd's STATUS= and every client
 * that waits get the same text. Owned by the master.
 */
#ifndef MASTER_VERDICT_H
#define MASTER_VERDICT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/list.h"
#include "master/control.h"
#include "master/notify.h"
#include "master/why.h"

enum verdict_state {
	VERDICT_IDLE,   /* nobody has asked */
	VERDICT_ASKED,  /* asked, not decided */
	VERDICT_PASSED, /* done; the clients are not answered yet */
};

struct verdict {
	const char *verb; /* "reload": for the log */
	bool holds;       /* see control_hold() */
	enum verdict_state state;
	struct list clients; /* control_client.waiting */
	struct buf text;     /* lines: what was done, or why it failed */
	struct notify *notify;
};

void verdict_init(struct verdict *verdict, const char *verb, struct notify *notify);
/* Clients that still wait are left to control_fini(). */
void verdict_fini(struct verdict *verdict);

/* Somebody asks: a client, or NULL for a signal. */
void verdict_ask(struct verdict *verdict, struct control_client *client);
bool verdict_is_asked(const struct verdict *verdict);

/* Moves clients and text of one verdict to another, and resets it. */
void verdict_move(struct verdict *into, struct verdict *from);

/* Adds a reason for a failure, one line without its newline. */
void verdict_blame(struct verdict *verdict, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Done: logs the text. The clients wait for verdict_answer(). */
void verdict_pass(struct verdict *verdict, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void verdict_answer(struct verdict *verdict);

/* Failed, for the reasons given: logs and answers. `rest` is what goes on, for
 * the log, or "". */
void verdict_fail(struct verdict *verdict, const char *rest);
/* Not begun, for a reason that the client cannot change: logs and answers. */
void verdict_refuse(struct verdict *verdict, const char *why);

/* The first reason, and how many more there are, in one line. */
void verdict_summary(const struct verdict *verdict, char *text_out, size_t size);

#endif
