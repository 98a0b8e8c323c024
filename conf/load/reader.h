/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One value of the file, or the default of a setting, read into its field as
 * the schema says. Knows the types of settings, but neither libconfig nor
 * where in the file we are. Master only.
 */
#ifndef CONF_LOAD_READER_H
#define CONF_LOAD_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "conf/schema/schema.h"

/* A scalar of the file. */
struct reader_value {
	enum reader_form {
		READER_TEXT = 1,
		READER_NUMBER = 2,
		READER_BOOLEAN = 4,
	} form;
	int64_t number;
	bool boolean;
	struct str text; /* ends in a NUL */
};

struct reader {
	struct arena *arena;   /* what is read lives there */
	const char *directory; /* absolute: of the main file, for paths */
};

/* Whether settings of this type take such a value. */
bool reader_takes(enum schema_type type, enum reader_form form);

/*
 * Reads `value` into the field of `setting` in the struct at `base`. Returns
 * NULL, or what is wrong with it, in the arena or static; the field is as it
 * was then. Not for lists.
 */
const char *reader_read(const struct reader *reader,
			const struct schema_setting *setting, void *base,
			struct reader_value value)
	__attribute__((warn_unused_result));

/* Makes room in a list's field for `n` items, and empties it. */
void reader_start_list(const struct reader *reader,
		       const struct schema_setting *setting, void *base, size_t n);

/* Adds an item; results as reader_read(). */
const char *reader_read_item(const struct reader *reader,
			     const struct schema_setting *setting, void *base,
			     struct str item) __attribute__((warn_unused_result));

/* Sets the field to its default, or leaves it zero when it has none. */
void reader_set_default(const struct reader *reader,
			const struct schema_setting *setting, void *base);

#endif
