/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bound addresses of the server. A reload keeps by address what stays,
 * so the socket and its queue outlive every generation that uses it; who uses
 * it is counted. Owned by the master.
 */
#ifndef MASTER_LISTENERS_H
#define MASTER_LISTENERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/list.h"
#include "conf/conf.h"
#include "master/socket_file.h"
#include "master/why.h"

/* One bound address. */
struct bound {
	struct list link;
	char *key;        /* the address as configured: with port 0, too */
	struct addr addr; /* what it is bound to */
	int fd;
	unsigned users;
	bool inherited;        /* from systemd, which has it too: never given up */
	bool borrowed;         /* of a master that still serves with it */
	bool is_unwanted;      /* by the new master of an upgrade */
	bool beside;           /* bound beside one that goes; does not listen yet */
	bool is_deferred;      /* TCP_DEFER_ACCEPT is set: see listeners_commit() */
	bool file_handed_over; /* a Unix socket's file that is another master's now
				*/
	struct socket_file file; /* that file, as we made it */
	struct listeners *home;
};

struct listeners {
	struct list all;
	uint64_t patient_until; /* CLOCK_MONOTONIC ns: an address that is in use,
				 * or not there yet, is tried until then */
	struct list inherited;  /* given to us, asked for by nobody yet */
};

void listeners_init(struct listeners *listeners);

/* Takes the sockets that systemd passes (sd_listen_fds(3)), once. */
void listeners_inherit(struct listeners *listeners);

/* Takes a socket that the master before us used for the address `key`. */
void listeners_take_over(struct listeners *listeners, const char *key, int fd,
			 bool inherited);

/*
 * The bound socket for `conf`, with one more user: one that is there, one
 * that systemd passed, or a new one. NULL with *why_out, a text of the
 * caller's of WHY_SIZE bytes, when it cannot be bound.
 */
struct bound *listeners_use(struct listeners *listeners,
			    const struct conf_listener *conf,
			    const struct socket_access *access,
			    char why_out[WHY_SIZE])
	__attribute__((warn_unused_result));

/*
 * The generation serves: the socket listens, and what a reload may change of a
 * socket that stays is changed now: its backlog, who may connect to its file, and
 * whether the kernel holds back clients that are silent (base/defer_accept.h).
 */
void listeners_commit(struct bound *bound, const struct conf_listener *conf,
		      const struct socket_access *access);

/* See defer_accept_let_in(). */
bool listeners_let_in(struct bound *bound);

/* Drops one user's reference. The last one closes our descriptor and removes the
 * file of a Unix socket; true when this was the last. */
bool listeners_release(struct bound **bound);

/* The same for a user that never served: nobody will accept what is in the
 * queue, and the address is free at once. */
void listeners_abandon(struct bound **bound);

/* Closes what systemd gave and nobody uses: at the end. */
void listeners_fini(struct listeners *listeners);

/* A new master has failed that may have had our sockets share their ports. */
void listeners_stop_sharing(struct listeners *listeners);

/* The first generation serves: closes what was given to us and no listener asked
 * for, and says so. */
void listeners_drop_unused(struct listeners *listeners);

#endif
