/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The servers of upstreams: which there are is known from the configuration,
 * from what an operator has changed and, of SRV records, from the scoreboard,
 * which has what workers think of all of them, too. Master.
 */
#ifndef MASTER_REPORT_UPSTREAM_STATUS_H
#define MASTER_REPORT_UPSTREAM_STATUS_H

#include "base/buf.h"
#include "master/master.h"

enum server_origin {
	SERVER_OF_FILE,
	SERVER_ADDED,  /* at run time */
	SERVER_OF_SRV, /* found by a record that the file names */
};

struct server_view {
	char text[ADDR_TEXT > 264 ? ADDR_TEXT : 264];
	enum server_origin origin;
	enum server_mode mode;
	uint64_t weight, configured_weight;
	bool is_backup;
	bool is_removed; /* at run time: of the file, but not in use */
	bool is_changed; /* it is not as the file says */
};

struct server_views {
	struct server_view *items;
	size_t n;
};

/* Those of an upstream of the generation that serves. */
void server_views_make(struct master *m, const struct conf_upstream *u,
		       struct server_views *views_out);
void server_views_fini(struct server_views *views);

/* A table; nothing where there are no upstreams. `only`: of that one; or NULL. */
void upstream_status_text(struct master *m, const struct conf_upstream *only,
			  struct buf *out);
/* Lines of words, for holdfast top. */
void upstream_status_lines(struct master *m, struct buf *out);
/* A member of an object. */
void upstream_status_json(struct master *m, const struct conf_upstream *only,
			  struct buf *out);

#endif
