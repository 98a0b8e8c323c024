/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A channel: a pair of connected SOCK_SEQPACKET sockets that carries whole
 * messages and, with them, file descriptors. What the messages mean is for
 * those who talk. Both ends are non-blocking and close-on-exec. Any process.
 */
#ifndef BASE_SHARED_CHANNEL_H
#define BASE_SHARED_CHANNEL_H

#include <stddef.h>

/* The maximum number of descriptors in a message. */
enum { CHANNEL_FDS = 4 };

enum channel_result {
	CHANNEL_OK,
	CHANNEL_AGAIN,  /* nothing to read, or no room to write: wait */
	CHANNEL_CLOSED, /* the other side is gone */
	CHANNEL_ERROR,  /* see errno; EBADMSG for a message cut short */
};

/* 0, or -1 with errno. */
int channel_open(int ends_out[2]) __attribute__((warn_unused_result));

/* Makes the socket buffers as large as the system allows. */
void channel_grow(int fd);

/* Sends `n` bytes and `n_fds` descriptors, which stay the caller's. */
enum channel_result channel_send(int fd, const void *message, size_t n,
				 const int *fds, size_t n_fds)
	__attribute__((warn_unused_result));

/*
 * Receives one message of at most `room` bytes. The descriptors in fds_out
 * are the caller's, close-on-exec; a longer message is CHANNEL_ERROR and its
 * descriptors are closed.
 */
enum channel_result channel_receive(int fd, void *message, size_t room,
				    size_t *n_out, int fds_out[CHANNEL_FDS],
				    size_t *n_fds_out)
	__attribute__((warn_unused_result));

#endif
