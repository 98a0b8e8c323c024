/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes to the servers of upstreams that an operator made at run time: by
 * `holdfast upstream`, not in the configuration. The master keeps the list of
 * them; workers are told of each, and a worker that is spawned later starts with
 * all. Upstreams and servers go by their names, which every generation and every
 * release understands. Any process.
 */
#ifndef BASE_SHARED_SERVER_CHANGE_H
#define BASE_SHARED_SERVER_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum server_mode {
	SERVER_ENABLED,
	SERVER_DRAINED,  /* no new requests, but those of sticky clients */
	SERVER_DISABLED, /* none at all, and no checks */
};

/* "enabled", "drained", "disabled" */
const char *server_mode_name(enum server_mode mode);

enum {
	SERVER_WEIGHT_MAX = 1000,
	SERVER_CHANGE_TEXT = 496, /* holds server_change_format() */
};

/* How a server differs from what the configuration says. */
struct server_change {
	struct str upstream, server; /* see conf_server.text */
	enum server_mode mode;
	uint32_t weight; /* 0: the configuration's, or 1 for one that was added */
	bool is_added;   /* the configuration does not have it */
	bool is_removed; /* it has it, but the server is not to be used */
};

/* True when it differs in nothing. */
bool server_change_is_void(const struct server_change *change);

/* One line. False when the names are too long for it. */
bool server_change_format(const struct server_change *change,
			  char text_out[SERVER_CHANGE_TEXT])
	__attribute__((warn_unused_result));
/* The names point into `text`. False for what no release writes. */
bool server_change_parse(const char *text, struct server_change *change_out)
	__attribute__((warn_unused_result));

/* A list that owns the names in it. All zero: empty. */
struct server_changes {
	struct server_change *items;
	size_t n;
};

void server_changes_fini(struct server_changes *changes);

/* NULL if there is none of that server. */
const struct server_change *server_changes_find(
	const struct server_changes *changes, struct str upstream,
	struct str server);

/* Copies it, in place of an earlier one of that server. A void one goes. */
void server_changes_put(struct server_changes *changes,
			const struct server_change *change);

#endif
