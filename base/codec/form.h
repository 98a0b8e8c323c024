/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * application/x-www-form-urlencoded (WHATWG URL section 5.1): queries and
 * form bodies. Pure; nothing is decoded before it is asked for.
 */
#ifndef BASE_CODEC_FORM_H
#define BASE_CODEC_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/*
 * Takes the next "name=value" off *rest, both still encoded; a pair without
 * "=" has an empty value, empty pairs ("&&") are skipped. False at the end.
 */
bool form_next(struct str *rest, struct str *name_out, struct str *value_out);

/* Whether `encoded`, the name of a field, is `name` when it is decoded. */
bool form_name_is(struct str encoded, struct str name);

/* The size of `encoded` when it is decoded. */
size_t form_decoded_size(struct str encoded);

/*
 * The value, still encoded, of the first field whose decoded name is `name`;
 * p == NULL when there is none. Allocates nothing.
 */
struct str form_find(struct str form, struct str name);

#endif
