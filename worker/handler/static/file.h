/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An open file that is ready to be sent: with the fields of its responses, and
 * its content in memory when that is small. Held by the cache in file_cache.c and
 * by each exchange that sends it. Worker.
 */
#ifndef WORKER_HANDLER_STATIC_FILE_H
#define WORKER_HANDLER_STATIC_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/map.h"
#include "base/str.h"
#include "conf/conf.h"
#include "worker/http/fields.h"
#include "worker/http/tools/conditions.h"

enum {
	FILE_CONTENT = 16 * 1024,     /* the largest content that is in memory */
	FILE_COMPRESSED = 256 * 1024, /* the largest that we compressed */
};

struct file {
	struct map_node node; /* by its path below the root */
	struct list used;     /* in files.used, most recent last */
	unsigned holders;
	int fd; /* -1 when all of it is in `content` */
	struct stat st;
	struct str content; /* p == NULL when it is sent from fd */
	struct str version; /* of the content: see version.h */
	struct validators validators;
	struct str type;
	/* All of a 200; without Content-Type, which is the last of them; and
	 * the first of them, which a 304 has too. */
	struct fields fields, untyped, not_modified;
	/* What it is in other codings, held; or NULL. */
	struct file *variants[CONF_CODINGS];
	unsigned has_variants; /* a set of 1u << enum conf_coding */
	/* It is compressed while it is sent; and what is known of that. */
	bool is_compressible;
	struct file *compressed[CONF_CODINGS]; /* held; see file_compressed() */
	unsigned incompressible;               /* a set: it would not be shorter */
	enum conf_coding coding;               /* of one that is compressed by us */
	uint64_t checked_at;                   /* by its path; CLOCK_MONOTONIC ns */
	uint64_t looked_at;                    /* by its descriptor; the same */
	uint64_t used_at;
	struct arena arena; /* of the path, the content and the fields */
};

/* Takes over the descriptor of a regular file. One holder. It is not ready
 * before file_describe(). */
struct file *file_create(int fd, const struct stat *st, struct str path);
void file_release(struct file *file);

/* Makes `variant` (held by `file` from now on) what `file` is in a coding. */
void file_add_variant(struct file *file, enum conf_coding coding,
		      struct file *variant);

/* Makes the fields of the file and its variants, and loads small contents. */
void file_describe(struct file *file, const struct conf_route *route,
		   struct str type);

/*
 * What the file is when it is compressed by us, made when it is first asked
 * for; NULL when that does not make it shorter. A short one has its content; of
 * others that is NULL until somebody has compressed and kept it.
 */
struct file *file_compressed(struct file *file, enum conf_coding coding,
			     const struct conf_route *route);

/* It and its variants; and those of them that have a descriptor. */
unsigned file_count(const struct file *file);
unsigned file_descriptors(const struct file *file);

/* Bytes of content in memory, of variants too. */
uint64_t file_bytes(const struct file *file);

#endif
