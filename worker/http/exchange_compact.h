/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tunnel may be silent for hours, and there may be very many of them. One
 * that waits needs no exchange, nor its arena: what its log line will say, and
 * what its handler and its protocol remember, fits a few hundred bytes. It is
 * expanded again when a byte comes, or its end.
 *
 * What the access log of this worker does not ask for is dropped: fields of the
 * request and of the response. Worker.
 */
#ifndef WORKER_HTTP_EXCHANGE_COMPACT_H
#define WORKER_HTTP_EXCHANGE_COMPACT_H

#include <stdbool.h>
#include <stdint.h>

struct exchange;
struct exchange_protocol;
struct route;

enum {
	EXCHANGE_COMPACT_MAGIC = 0x65786363,
	EXCHANGE_COMPACT_MAX = 4096, /* bytes; what is larger stays as it is */
	/* Of an arena, for all that one is expanded to. */
	EXCHANGE_COMPACT_ROOM = 4 * EXCHANGE_COMPACT_MAX,
};

struct exchange_compact {
	uint32_t magic;
	uint16_t n;    /* of `bytes` */
	uint16_t mark; /* the protocol's */
	const struct exchange_protocol *protocol;
	void *owner; /* the protocol's: for protocol->on_wake() */
	const struct route *route;
	char bytes[];
};

/*
 * Puts away the exchange, which becomes idle; its handler calls exchange_wake()
 * from now on. NULL: not now; nothing was done. The result is the protocol's,
 * which frees it.
 */
struct exchange_compact *exchange_compact(struct exchange *x, void *owner,
					  uint16_t mark)
	__attribute__((warn_unused_result));

/*
 * Makes the idle exchange what it was. With `is_view` only to be read: nobody
 * else is told that it is there. Then nothing is allocated if its arena has
 * EXCHANGE_COMPACT_ROOM, so that a signal handler can do it.
 */
void exchange_expand(struct exchange *x, const struct exchange_compact *compact,
		     bool is_view);

/* Has the protocol expand it. */
struct exchange *exchange_wake(struct exchange_compact *compact);

#endif
