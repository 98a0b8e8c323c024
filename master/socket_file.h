/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of a Unix socket that listens: made with its mode, owner and group,
 * changed by descriptor, and removed only while it is the one that we made. Used
 * by the control socket and by listeners. Master.
 */
#ifndef MASTER_SOCKET_FILE_H
#define MASTER_SOCKET_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/addr.h"
#include "master/why.h"

/* Which file: set when it is found where the socket was bound. */
struct socket_file {
	dev_t device;
	ino_t inode; /* 0: none */
};

/* Who may connect. */
struct socket_access {
	mode_t mode;
	uid_t owner; /* -1: the master's user */
	gid_t group; /* -1: the master's group */
};

/*
 * Binds `fd` to the path of `addr`, which must not be there, and sets who may
 * connect; nobody else may in between. 0, or -1 with errno.
 */
int socket_file_bind(int fd, const struct addr *addr,
		     const struct socket_access *access,
		     struct socket_file *file_out)
	__attribute__((warn_unused_result));

/* The file at the path of a socket that somebody else has bound. */
struct socket_file socket_file_find(const char *path);

/* Whether the file at `path` is that one. */
bool socket_file_is_at(const struct socket_file *file, const char *path);

/* Sets who may connect to it. 0, or -1 with errno: ENOENT if it is not there. */
int socket_file_set(const struct socket_file *file, const char *path,
		    const struct socket_access *access)
	__attribute__((warn_unused_result));

/* Removes it, unless another file is at `path`. */
void socket_file_remove(const struct socket_file *file, const char *path);

/* Removes the file of a server that is gone: a socket at which nobody listens. */
void socket_file_remove_stale(const struct addr *addr);

#endif
