/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker as the master sees it: its environment, and the messages on the
 * channel between the two. The one header of worker/ that the master includes.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/privileges.h"
#include "base/shared/frozen.h"
#include "base/shared/quota.h"
#include "base/shared/scoreboard.h"
#include "base/shared/ticket_keys.h"
#include "base/shared/server_change.h"
#include "conf/conf.h"

/* What crosses the fork. All of it stays the caller's; the descriptors are
 * the worker's own copies. */
struct worker_env {
	const struct conf *conf;
	unsigned number; /* of its slot in the master's child table */
	unsigned generation;
	const int *listeners;            /* one for each of conf->listeners */
	int channel;                     /* our end */
	pid_t master;                    /* its process id */
	const struct identity *identity; /* NULL: it stays the master's user */
	const int *access_logs;          /* one for each of conf->log_targets */
	int handoff[2]; /* where connections are given away, and taken */
	const struct frozen_table *readers; /* what the receivers of connections
					     * understand */
	int keeper;    /* of private keys; -1: no listener has TLS */
	bool is_first; /* of its generation: says what one is enough for */
	const struct ticket_keys *tickets;
	const struct scoreboard *board;
	struct slot *slot;   /* in the scoreboard; written by this worker only */
	struct quota *quota; /* of all workers */
	const struct server_changes *changes; /* made at run time, up to now */
};

enum message_type {
	/* From the worker. */
	MESSAGE_READY = 1, /* all that can fail is done */
	MESSAGE_FAILED,    /* it cannot get ready: `text` is the reason; the
			    * worker exits */
	MESSAGE_AWAKE,     /* it has something to do, after a rest */
	MESSAGE_PAUSED,    /* others should look at the listeners */
	MESSAGE_UNEVEN,    /* others should look at the scoreboard */
	MESSAGE_SIGNALLED, /* it got a signal to exit: move it away, replace it */
	MESSAGE_NOT_ACCEPTING, /* it accepts nothing any more */
	MESSAGE_DRAINED,       /* the worker exits; `number` connections were cut */
	MESSAGE_KEEPING,       /* timeouts.drain is over, and `number` connections
				* cannot move: it goes on with them */
	MESSAGE_CHANGED,       /* MESSAGE_CHANGE `number` was done */
	/* From the master. */
	MESSAGE_START,     /* accept */
	MESSAGE_LOOK,      /* a peer is gone or paused: look at the listeners */
	MESSAGE_BALANCE,   /* a peer says that it is uneven: look at the
			    * scoreboard */
	MESSAGE_KEEP_OPEN, /* listener `number` is gone, but clients may be on
			    * their way to it: go on accepting, whatever comes */
	MESSAGE_SERVE_OUT, /* listener `number` is gone: accept its queue, then
			    * close it */
	MESSAGE_UNREADY,   /* the server will end soon: say so when asked */
	MESSAGE_MOVE,      /* give every connection to other workers, exit;
			    * `number` 1: to those of a new master */
	MESSAGE_DRAIN,     /* finish; an idle client has `number` ms */
	MESSAGE_STOP,      /* close everything and exit */
	MESSAGE_REOPEN,    /* the descriptor of a log: `number` says which */
	MESSAGE_READERS,   /* `text`: the table of those who take connections,
			    * as frozen_table_format() writes it */
	MESSAGE_KEEPER,    /* a descriptor: a channel to the keeper that is there
			    * now */
	MESSAGE_TICKETS,   /* `text`: new keys of tickets, as
			    * ticket_keys_format() writes them */
	MESSAGE_CHANGE,    /* `text`: of a server, as server_change_format()
			    * writes it; `number`: to be told in the answer */
};

/* Which log the descriptor that comes with MESSAGE_REOPEN is for. */
enum reopen {
	REOPEN_ERROR_LOG,
	REOPEN_ACCESS_LOG, /* of the first of conf->log_targets; and so on */
};

struct message {
	uint32_t type; /* enum message_type */
	uint32_t unused;
	uint64_t number;
	char text[496]; /* ends in NUL */
};
_Static_assert(TICKET_KEYS_TEXT <= sizeof(((struct message *)0)->text),
	       "keys fit a message");
_Static_assert(FROZEN_TABLE_TEXT <= sizeof(((struct message *)0)->text),
	       "a table fits a message");
_Static_assert(SERVER_CHANGE_TEXT <= sizeof(((struct message *)0)->text),
	       "a change fits a message");

/*
 * Runs as a worker, in a fresh child of the master, until it has drained.
 * Returns the exit status of the process: 0, or 1 after MESSAGE_FAILED.
 */
int worker_run(const struct worker_env *env);

/* True when nothing is said on a connection of this listener before its client
 * has spoken, so that the kernel may hold it back until then. */
bool worker_client_speaks_first(const struct conf_listener *conf);

/*
 * Checks what only a worker can check of a configuration: adds each error as
 * "FILE:LINE: text\n" to `said`, and returns their number. Waits for children,
 * so it is not for a running master.
 */
unsigned worker_check(const struct conf *conf, struct buf *said);

#endif
