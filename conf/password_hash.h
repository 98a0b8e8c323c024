/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hash of a password: of crypt(3), or of the kinds that htpasswd(1) has made
 * besides, $apr1$, {SHA} and {SSHA}. Any process, any thread.
 */
#ifndef CONF_PASSWORD_HASH_H
#define CONF_PASSWORD_HASH_H

#include <crypt.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { PASSWORD_HASH_MAX = CRYPT_OUTPUT_SIZE - 1 }; /* bytes */

/* NULL, or a static sentence that says why it is of no use, and how a good one
 * is made. `hash` ends in a NUL that is not counted. */
const char *password_hash_check(struct str hash);

/* About how many microseconds it takes to hash a password so. */
uint64_t password_hash_cost(struct str hash);

/* Whether the password has that hash, which was checked. It takes as long
 * wherever the two differ. `data` is room to work in. */
bool password_hash_matches(const char *hash, const char *password,
			   struct crypt_data *data)
	__attribute__((warn_unused_result));

#endif
