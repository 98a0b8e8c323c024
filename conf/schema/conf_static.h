/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of a route whose handler is static: conf_route.settings. */
#ifndef CONF_SCHEMA_CONF_STATIC_H
#define CONF_SCHEMA_CONF_STATIC_H

#include "conf/conf.h"

enum conf_symlinks {
	CONF_SYMLINKS_INSIDE, /* followed while they stay below the root */
	CONF_SYMLINKS_FOLLOW, /* followed anywhere */
	CONF_SYMLINKS_NONE,   /* not followed at all */
};

struct conf_static {
	const char *root; /* absolute; a directory when the file was loaded */
	struct conf_strings index;
	int symlinks; /* enum conf_symlinks */
	struct conf_try try;
	bool listing;
	struct conf_codings precompressed;
	const char *charset;       /* "" for none */
	const char *cache_control; /* "" for none */
	uint64_t expires;          /* 0 for none */
};

#endif
