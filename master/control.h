/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: a Unix stream socket that only its owner may use. A
 * client sends a line, "reload\n", and another that names the configuration file
 * which it means, if it means one; the answer is "ok\n" or "failed\n", then
 * text, then the end of the stream; or "moved\n" from a master that another one
 * has replaced: ask again. A verb that takes its time is answered when its
 * outcome is known. Master.
 */
#ifndef MASTER_CONTROL_H
#define MASTER_CONTROL_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/loop.h"
#include "master/socket_file.h"
#include "master/why.h"

struct control;

enum control_rights {
	CONTROL_NOTHING,
	CONTROL_LOOK, /* status and top: the group of the socket's file */
	CONTROL_ALL,  /* root and the master's user */
};

/* A client with its request. Lives until it was answered and the answer was
 * sent, or the client went away; then it is unlinked from `waiting`. */
struct control_client {
	struct list link;    /* in control->clients */
	struct list waiting; /* the owner's, while it waits for an outcome */
	struct control *control;
	struct watch watch;
	enum control_rights rights;
	struct ucred who; /* by SO_PEERCRED, when it connected */
	struct buf in, out;
	bool answered;
	bool held; /* see control_hold() */
};

struct control {
	struct loop *loop;
	char *path; /* NULL while closed */
	struct socket_file file;
	struct socket_access access;
	struct watch watch;
	char *next_path; /* where a reload will move it, or NULL */
	char *next_name; /* its name until then; often the same */
	int next_fd;
	struct socket_file next_file;
	struct socket_access next_access;
	struct list clients;
	unsigned n_clients;
	struct timer resume; /* accepting, when descriptors had run out */
	struct list dead;    /* to be freed at the end of the tick */
	/* The owner's: somebody asks. `file` is the configuration file that the
	 * client means, "DEVICE:INODE PATH", or NULL for any. */
	void (*on_verb)(struct control *control, struct control_client *client,
			const char *verb, const char *file);
};

void control_init(struct control *control, struct loop *loop);

/*
 * A start, or a reload: opens the socket at `path` unless it is open there, and
 * control_finish() has it take over, or closes it. The new master of an upgrade
 * (`is_successor`) takes the path from the one that still answers there, by
 * rename(2), so that at every moment one of the two answers. Makes the folder if
 * it is not there. 0, or -1 with why_out: among others when a server answers
 * at that path already.
 */
int control_prepare(struct control *control, const char *path,
		    const struct socket_access *access, bool is_successor,
		    char why_out[WHY_SIZE]) __attribute__((warn_unused_result));
void control_finish(struct control *control, bool commit);

/* A new master serves: closes our socket, and removes its file unless the new
 * master's is at the same path. Clients that have not asked yet are told "moved",
 * and ask the new master. */
void control_hand_over(struct control *control);

/* Closes the listening socket and removes its file; clients stay. */
void control_close(struct control *control);
/* Closes all. What is unsent is sent as far as the socket takes it. */
void control_fini(struct control *control);

/* The outcome, once; `text` ends in newline or is empty. */
void control_answer(struct control_client *client, bool ok, struct str text);

/* The stream stays open until the process ends, so that who waits for its end
 * has waited for the end of the process. */
void control_hold(struct control_client *client);

/* Has new clients wait, for `ms` or until control_resume(). */
void control_pause(struct control *control, uint64_t ms);
void control_resume(struct control *control);

/* Frees the clients that are closed: for the end of a tick. */
void control_free_closed(struct control *control);

#endif
