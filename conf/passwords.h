/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of users and the hashes of their passwords, as password_hash.h has them:
 * "name:hash" lines, and comments. Checked by the master, read again by each
 * worker. Any process.
 */
#ifndef CONF_PASSWORDS_H
#define CONF_PASSWORDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/siphash.h"
#include "base/str.h"

struct password {
	struct str name;
	struct str hash; /* ends in a NUL */
	uint64_t cost;   /* about how many microseconds it takes */
	int line;
};

struct passwords {
	struct password *items; /* by name */
	size_t n;
	const struct password *costliest; /* NULL if there is none */
	struct siphash_key key;           /* of the file: stand-ins */
};

/* In the arena. NULL with *why_out, static or in the arena, when the file
 * cannot be read (*line_out is 0) or a line is wrong. */
struct passwords *passwords_load(struct arena *arena, const char *path,
				 const char **why_out, int *line_out)
	__attribute__((warn_unused_result));

/* NULL if there is no such user. */
const struct password *passwords_find(const struct passwords *passwords,
				      struct str name);

/*
 * One whose hash is made for a name that nobody has, always the same one: so that
 * it takes as long for such names as for those of users, of which some have hashes
 * that cost more. There is at least one user.
 */
const struct password *passwords_stand_in(const struct passwords *passwords,
					  struct str name);

#endif
