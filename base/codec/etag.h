/* SPDX-License-Identifier: BSD-2-Clause */
/* Entity tags and lists of them (RFC 9110 sections 8.8.3 and 13.1). Pure. */
#ifndef BASE_CODEC_ETAG_H
#define BASE_CODEC_ETAG_H

#include <stdbool.h>

#include "base/str.h"

enum etag_compare {
	ETAG_STRONG, /* the same bytes, and neither is weak */
	ETAG_WEAK,   /* ignoring the W/ before them */
};

/* Whether two entity tags, each "..." or W/"...", are the same one. */
bool etag_matches(struct str a, struct str b, enum etag_compare compare);

/*
 * Whether `list`, a value of If-Match or If-None-Match, has `etag`. "*" has
 * every one. Empty elements are skipped; what follows something that is no
 * entity tag is not looked at.
 */
bool etag_list_has(struct str list, struct str etag, enum etag_compare compare);

#endif
