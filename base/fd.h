/* SPDX-License-Identifier: BSD-2-Clause */
/* File descriptors. Any process. */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Closes *fd unless it is -1 and sets it to -1. errno is kept. */
void fd_close(int *fd);

/* Opens /dev/null for each of 0, 1 and 2 that is closed, so that nothing else
 * gets their numbers: first in main(). */
void fd_fill_standard(void);

/* 0, or -1 with errno. */
int fd_set_nonblocking(int fd) __attribute__((warn_unused_result));
int fd_set_cloexec(int fd) __attribute__((warn_unused_result));

/*
 * Closes every descriptor of the process but 0, 1, 2 and the `n` in `keep`
 * (-1 is allowed and means nothing); sorts `keep`. For a fresh child.
 */
void fd_close_others(int *keep, size_t n);

/*
 * A file that has no name, in memory: memfd_create(2), or where that is denied
 * one in /dev/shm or /tmp. `name` is for those who look into /proc. Returns the
 * descriptor, or -1 with the errno of memfd_create(2).
 */
int fd_open_memory(const char *name) __attribute__((warn_unused_result));

/*
 * Opens a log file for appending, and creates it with mode 0640 if it does not
 * exist. If it is a FIFO, neither opening it nor writing to it waits for a
 * reader. Returns the descriptor, or -1 with errno.
 */
int fd_open_log(const char *path) __attribute__((warn_unused_result));
/* The same in a folder, with more flags of openat(2). */
int fd_open_log_at(int folder, const char *name, int flags)
	__attribute__((warn_unused_result));

/*
 * Raises the soft limit of open descriptors to the hard limit; returns the
 * limit in force afterwards.
 */
uint64_t fd_raise_limit(void);

#endif
