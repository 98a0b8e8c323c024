/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of servers and the addresses that they have now, by c-ares, in the
 * background. A name is asked for again when what is known of it has expired
 * (RFC 1035 section 3.2.1: the TTL). The last good answer stays when the name
 * service fails or has none: a pool is never emptied by it. Worker.
 */
#ifndef WORKER_UPSTREAM_RESOLVER_H
#define WORKER_UPSTREAM_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/loop.h"

struct resolver;
struct resolver_name;
struct srv_answer;

/* Never NULL: when c-ares cannot be set up, that is logged, and names have no
 * addresses. */
struct resolver *resolver_create(struct loop *loop);
/* Clears the caller's pointer; names are gone then. */
void resolver_destroy(struct resolver **resolver);

/* Begins to resolve "name:port", until resolver_leave(). The same text gives the
 * same name. */
struct resolver_name *resolver_watch(struct resolver *resolver, const char *text);
/* It is not needed any more. Clears the caller's pointer. */
void resolver_leave(struct resolver_name **name);

/* Whether it has had an answer, good or bad. */
bool resolver_was_answered(const struct resolver_name *name);

/*
 * Begins to ask for the SRV records (RFC 2782) of a name, for the life of the
 * resolver. on_records() is called with each answer that has some: the last good
 * one stays, as for addresses.
 */
void resolver_watch_srv(struct resolver *resolver, const char *name,
			void (*on_records)(void *context,
					   const struct srv_answer *answer),
			void *context);

/* Has on_answer() called after each answer for a name. */
void resolver_when_answered(struct resolver *resolver,
			    void (*on_answer)(void *context), void *context);

/* How many names have had no answer yet, good or bad; takes NULL. `on_first` (may
 * be NULL), which the owner sets, is called when the last of them has one. */
uint32_t resolver_pending(const struct resolver *resolver);
void resolver_when_first(struct resolver *resolver, void (*on_first)(void *context),
			 void *context);

/* Addresses that another worker knows: they are used until there is an answer.
 * Nothing for a name that has some. */
void resolver_suggest(struct resolver_name *name, const struct addr *addr);

/* How many addresses are known, and the i-th of them, counted round; NULL when
 * there are none. */
uint32_t resolver_count(const struct resolver_name *name);
const struct addr *resolver_address(const struct resolver_name *name, uint32_t i);

#endif
