/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replacing the program while it serves. The old master starts the binary on
 * disk as a new master and gives it, by a channel, the listening sockets and
 * the handoff; the new one loads the configuration, gets its workers ready,
 * takes the control socket and says READY; then the old one's workers move
 * their connections and it ends. First each of the two says which formats its
 * workers understand, so that what moves is written in one that both know. A
 * master from before there were such formats says nothing: then nothing moves,
 * and its workers serve what they have. Until READY nothing has changed for the old
 * one, and whatever happens to the new one is a reason in its log.
 *
 * Both sides of the channel are here. Versioned: the two may be of different
 * releases. Master.
 */
#ifndef MASTER_UPGRADE_H
#define MASTER_UPGRADE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/loop.h"
#include "base/shared/frozen.h"
#include "base/shared/scoreboard.h"
#include "base/shared/server_change.h"
#include "base/shared/ticket_keys.h"
#include "base/str.h"
#include "master/listeners.h"

struct upgrade {
	struct loop *loop;
	struct watch channel; /* to the other master; -1: there is none */
	pid_t pid;            /* the old one's: of the new master */
	bool is_new;          /* we are the new master */
	/* What the other one's workers understand of what moves: nothing, as
	 * long as it has not said so. */
	struct frozen_table theirs;
	struct ticket_keys tickets; /* the new one's: the old one had these */
	/* The old one's: the new master has said that. */
	void (*on_formats)(struct upgrade *upgrade);
	/* The old one's: the new master has no use for a listener. */
	void (*on_unwanted)(struct upgrade *upgrade, const char *key);
	struct buf made;        /* the old one's: paths, each with a NUL, of
				 * files that go if the new one fails */
	char failure[WHY_SIZE]; /* why the new master does not serve */
	/* The old one's: the new master is ready, or has failed (`why`). */
	void (*on_ready)(struct upgrade *upgrade);
	void (*on_failed)(struct upgrade *upgrade, const char *why);
	/* The new one's: the old one has ended. */
	void (*on_alone)(struct upgrade *upgrade);
	/* The new one's: what was counted since the last time, some of the
	 * counters at a time; and the end of them. */
	void (*on_counters)(struct upgrade *upgrade,
			    const struct counters *counters);
	void (*on_named)(struct upgrade *upgrade, const struct named *cell);
	void (*on_counted)(struct upgrade *upgrade);
	/* The new one's: a server of an upstream was changed at run time. */
	void (*on_change)(struct upgrade *upgrade,
			  const struct server_change *change);
	/* The new one's: a line of known_servers_tell(). */
	void (*on_server)(struct upgrade *upgrade, const char *line);
};

/* First in main(): remembers by which path we were invoked, argv[0]. An upgrade
 * executes that path, so that a symbolic link that was switched counts. */
void upgrade_remember_program(const char *name);

void upgrade_init(struct upgrade *upgrade, struct loop *loop);
/* Closes the channel. */
void upgrade_close(struct upgrade *upgrade);

/* The old master's side. */

/* What the new master is given. All of it stays the old one's, too. */
struct upgrade_gifts {
	unsigned generation; /* the number of the last one */
	const struct listeners *listeners;
	const int *handoff;                 /* two descriptors */
	const struct frozen_table *formats; /* all who take from the handoff
					     * understand these */
	const struct counters *counters;
	const struct server_changes *changes;
	/* Sends more, by upgrade_send_server(). */
	void (*send_servers)(struct upgrade *upgrade);
	const struct ticket_keys *tickets;
};

/* Starts the new master and gives it everything. 0, or -1 with why_out. */
int upgrade_begin(struct upgrade *upgrade, const char *file,
		  const struct upgrade_gifts *gifts, char why_out[WHY_SIZE])
	__attribute__((warn_unused_result));

/* Kills the new master. */
void upgrade_abandon(struct upgrade *upgrade);

/* Sends the new master a signal, if it lives. */
void upgrade_signal(const struct upgrade *upgrade, int number);

/* Counters to be added to what the new master shows. 0, or -1. */
int upgrade_send_counters(struct upgrade *upgrade, const struct counters *counters);

/* A line of known_servers_tell(). 0, or -1. */
int upgrade_send_server(struct upgrade *upgrade, const char *line);

/* What was counted by name since it was told last. 0, or -1. */
int upgrade_send_named(struct upgrade *upgrade,
		       const struct named cells[NAMED_ROOM]);

/* The new master's side. */

/* True when an old master has started us. */
bool upgrade_is_wanted(void);

/*
 * Takes what the old master gives: listening sockets into `listeners`, the
 * handoff, the number of its last generation. 0, or -1 with why_out.
 */
int upgrade_receive(struct upgrade *upgrade, struct listeners *listeners,
		    int handoff_out[2], unsigned *generation_out,
		    char why_out[WHY_SIZE]) __attribute__((warn_unused_result));

/* A file that we have made and the old master has to remove if we are killed. */
void upgrade_say_made(struct upgrade *upgrade, const char *path);

/* A listener that the old master gave us and that is not in the configuration.
 * Before we are ready. */
void upgrade_say_unwanted(struct upgrade *upgrade, const char *key);

/* We serve; or we do not, and this is why. Nothing without an old master. */
void upgrade_say_ready(struct upgrade *upgrade);
void upgrade_say_failed(struct upgrade *upgrade, struct str why);

#endif
