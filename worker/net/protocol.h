/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a connection asks of the protocol spoken on it. Only conn.c calls
 * these, and only conn.c loops over them: a protocol takes one step at a time
 * and says how it went. It reads from conn->in, writes to conn->out, and
 * keeps what it must remember in conn->session, which is NULL while there is
 * nothing to remember.
 */
#ifndef WORKER_NET_PROTOCOL_H
#define WORKER_NET_PROTOCOL_H

struct conn;

enum step {
	STEP_MORE,   /* call again: there may be more to do */
	STEP_WAIT,   /* for the peer, or for a time-out that is armed */
	STEP_DONE,   /* close: everything is said */
	STEP_LINGER, /* as DONE, but the peer may still be sending: discard
		      * that for a while, so that no reset overtakes what we
		      * sent (RFC 9112 section 9.6) */
	STEP_FAIL,   /* close at once */
};

struct protocol {
	const char *name; /* as in the configuration */

	/* As far as it goes without waiting, or one piece of it. */
	enum step (*step)(struct conn *c);

	/* The time set by conn_set_timeout() has passed. */
	enum step (*timeout)(struct conn *c);

	/* The worker drains: finish what is begun and begin nothing new.
	 * conn->net->idle_grace_ms is how long an idle peer is still given. */
	enum step (*drain)(struct conn *c);

	/* The connection is going: let go of conn->session. */
	void (*close)(struct conn *c);
};

#endif
