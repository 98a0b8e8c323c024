/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How bytes get in and out of a socket: plain, and what is layered on that.
 * Only socket.c calls these.
 *
 * A transport keeps the readiness in the socket: it clears s->readable or
 * s->writable when the next call of the kernel would have to wait. What it must
 * remember of a socket is in s->state, from open() or thaw() to close(); plain
 * remembers nothing. Functions that are marked so may be NULL. Worker.
 */
#ifndef WORKER_NET_TRANSPORT_H
#define WORKER_NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/shared/frozen.h"

struct socket;
struct tls_facts;

enum io {
	IO_OK,    /* some of it was done; of step and finish: all of it */
	IO_AGAIN, /* nothing: wait for readiness in that direction. Of step and
		   * finish: for a wake-up, as of somebody who computes */
	IO_EOF,   /* reading: the peer has sent all it will; sending a file:
		   * the file is shorter than it was */
	IO_ERROR, /* the socket is no use any more; see errno */
	/* From transports only; socket.c makes IO_AGAIN of them. */
	IO_WANT_READ,  /* nothing: wait until the socket is readable, */
	IO_WANT_WRITE, /* or writable, whatever was to be done */
};

struct transport {
	const char *name; /* in messages to other workers */
	bool is_secure;   /* what it carries is encrypted on the way */

	/* Or NULL: makes s->state of a socket that was connected just now.
	 * `policy` is its listener's, and stays. What s->in has was read
	 * before, and is the transport's. */
	void (*open)(struct socket *s, const void *policy);

	/* Or NULL: as much of the handshake as goes without waiting. Called
	 * before anything else, until it returns IO_OK. */
	enum io (*step)(struct socket *s);

	enum io (*read)(struct socket *s, char *into, size_t room, size_t *n_out);

	/* Or NULL: bytes that a read would find without the kernel, so that no
	 * edge will announce them. */
	size_t (*pending)(const struct socket *s);

	/*
	 * `more` says that more follows at once: do not send a small packet.
	 * What is counted in *n_out is with the kernel, and only that: after
	 * anything but IO_OK the next call has the rest, from its first byte.
	 */
	enum io (*write)(struct socket *s, const struct iovec *pieces, int n_pieces,
			 bool more, size_t *n_out);

	/* Advances *offset by what was sent. */
	enum io (*send_file)(struct socket *s, int file, off_t *offset, size_t n,
			     size_t *n_out);

	/*
	 * Or NULL: moves up to `max` bytes of `from`, of the same transport, to
	 * `s`, and puts those that it does not take at the end of s->out, which
	 * is empty. *n_out has both, *sent_out what was sent. The result is
	 * that of reading; what went wrong in writing the next write finds.
	 */
	enum io (*splice)(struct socket *s, struct socket *from, size_t max,
			  size_t *n_out, size_t *sent_out);

	/* Or NULL: tells the peer that no more will be written. Called until it
	 * returns IO_OK; not when the connection fails. */
	enum io (*finish)(struct socket *s);

	/* Of the bytes counted by write and send_file, those that the peer has
	 * taken. Exact up to a constant. */
	uint64_t (*taken)(const struct socket *s);

	/* Or NULL: what is known of the connection once it is open; as long as
	 * that is. */
	const struct tls_facts *(*facts)(const struct socket *s);

	/* Or NULL: gives s->state back, secrets overwritten. */
	void (*close)(struct socket *s);

	/*
	 * Both or none, in a transport with a state: a socket without them stays
	 * where it is. freeze() puts what open() and step() have made, and bytes
	 * that are pending, into the message, and changes nothing; false when
	 * that cannot be done now. thaw() makes s->state from it; false when
	 * that is damaged, and then s->state is NULL or close() knows it.
	 */
	bool (*freeze)(const struct socket *s, struct frozen_writer *message);
	bool (*thaw)(struct socket *s, struct frozen_reader *message);
};

/* False for one that would leave a part of itself behind. */
static inline bool transport_can_move(const struct transport *t)
{
	return t->open == NULL || t->freeze != NULL;
}

extern const struct transport plain_transport;

#endif
