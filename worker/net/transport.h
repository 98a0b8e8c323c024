/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How bytes get in and out of a socket: plain sockets, and what is
 * layered on them. A transport keeps the readiness in the socket: it clears
 * s->readable or s->writable when the next call would have to wait, and is
 * called only while they are set.
 */
#ifndef WORKER_NET_TRANSPORT_H
#define WORKER_NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct socket;

enum io {
	IO_OK,    /* some of it was done */
	IO_AGAIN, /* nothing: wait for readiness */
	IO_EOF,   /* reading: the peer has sent all it will; sending a file:
		   * the file is shorter than it was */
	IO_ERROR, /* the connection is no use any more; see errno */
};

struct transport {
	const char *name;
	bool is_secure; /* what it carries is encrypted on the way */

	enum io (*read)(struct socket *s, char *into, size_t room, size_t *n_out);

	/* `more` says that more follows at once: do not send a small packet. */
	enum io (*write)(struct socket *s, const struct iovec *pieces, int n_pieces,
			 bool more, size_t *n_out);

	/* Advances *offset by what was sent. */
	enum io (*send_file)(struct socket *s, int file, off_t *offset, size_t n,
			     size_t *n_out);

	/* No more will be written. */
	void (*finish)(struct socket *s);
};

extern const struct transport plain_transport;

#endif
