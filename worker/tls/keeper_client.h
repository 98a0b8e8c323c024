/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The worker's end of the channel to the keeper: signatures are asked for, and
 * come when they come. A keeper that dies is replaced by the master, and the
 * next one is asked again for what the last one has not answered. One per
 * worker.
 */
#ifndef WORKER_TLS_KEEPER_CLIENT_H
#define WORKER_TLS_KEEPER_CLIENT_H

#include <stdbool.h>

#include "base/list.h"
#include "base/loop.h"
#include "base/shared/keeper_wire.h"

enum { KEEPER_WHY = 128 };

struct keeper_client {
	struct loop *loop;
	struct watch channel; /* -1: there is no keeper now */
	struct list calls;    /* that are not answered */
	uint32_t last_number;
};

/* A signature that is asked for. The asker's; it stays where it is until it is
 * answered or cancelled. */
struct keeper_call {
	struct list link;
	struct keeper_request request; /* all but the number */
	struct keeper_answer answer;
	bool is_sent;
	bool is_answered;
	void (*on_answered)(struct keeper_call *call);
	void *context; /* the asker's */
};

/* Takes over `fd`, -1 for none. */
void keeper_client_init(struct keeper_client *client, struct loop *loop, int fd);
void keeper_client_fini(struct keeper_client *client);

/* Begins to watch the channel. 0, or -1 with errno. */
int keeper_client_start(struct keeper_client *client)
	__attribute__((warn_unused_result));

/* There is a new keeper. Takes over `fd`. */
void keeper_client_replace(struct keeper_client *client, int fd);

/* Whether the file at that path has the private key; waits for the answer, for a
 * few seconds at most: for a worker that is not ready yet. False with why_out. */
bool keeper_client_fits(struct keeper_client *client, const uint8_t key[KEEPER_ID],
			const char *path, char why_out[KEEPER_WHY]);

void keeper_client_ask(struct keeper_client *client, struct keeper_call *call);

/* It is not answered any more. Nothing for one that was. */
void keeper_client_cancel(struct keeper_call *call);

#endif
