/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page that lists a directory, as HTML. Knows nothing of files and
 * exchanges; any thread may make one. Worker.
 */
#ifndef WORKER_HANDLER_STATIC_LISTING_PAGE_H
#define WORKER_HANDLER_STATIC_LISTING_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/str.h"
#include "worker/handler/static/listing_text.h"

enum {
	LISTING_MAX = 100 * 1000, /* entries that are read */
	LISTING_PAGE = 1000,      /* and shown on one page */
};

enum listing_key { LISTING_NAME, LISTING_SIZE, LISTING_TIME };

/* Which page of it, in which order. */
struct listing_view {
	enum listing_key key;
	bool descending;
	size_t page; /* from 0 */
};

struct listing_entry {
	struct str name; /* any bytes but NUL and "/" */
	bool is_directory;
	uint64_t size; /* of a file */
	time_t modified;
};

struct listing {
	struct str path; /* decoded, of the request; ends in "/" */
	struct listing_view view;
	struct listing_entry *entries;
	size_t n;
	bool is_cut; /* there are more than LISTING_MAX */
};

/* What the query "sort=size&order=desc&page=2" asks for. */
struct listing_view listing_view_of(struct str query);

/* Puts the entries in the order of the view, directories first. */
void listing_sort(struct listing *listing);

/* Appends the page for a listing that is in order; the last, where there are
 * not that many. */
void listing_render(const struct listing *listing, struct listing_text *out);

#endif
