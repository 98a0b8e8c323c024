/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The types of settings. A type is one struct that describes it completely: its
 * forms in the file, how it is read into its field, how `holdfast show` writes
 * it back and what holdfast.conf(5) calls it. A new type is one such struct in
 * one of the files types_*.c, and its name below.
 *
 * Reading runs in the master, while a file is loaded; nothing here knows
 * libconfig or the location of a value in the file.
 */
#ifndef CONF_SCHEMA_TYPES_H
#define CONF_SCHEMA_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/schema/schema.h"

struct template;

/* A scalar of the file. */
struct setting_value {
	enum setting_form {
		SETTING_TEXT = 1,
		SETTING_NUMBER = 2,
		SETTING_BOOLEAN = 4,
	} form;
	int64_t number;
	bool boolean;
	struct str text; /* ends in a NUL */
};

/* What reading needs besides the value. */
struct setting_context {
	struct arena *arena;   /* what is read lives there */
	const char *directory; /* absolute: of the main file, for paths */
};

/* A setting of one group, as the functions of its type get it. */
struct setting_field {
	const struct setting_context *context; /* NULL when it is shown */
	const struct schema_setting *setting;
	void *field; /* the C type that `struct setting_type` documents */
	void *also;
};

/*
 * A scalar type has `forms`, read() and show(); a list of strings has
 * read_item() and show_item(), and its field is a struct that begins with a
 * pointer to the items and their number.
 *
 * Functions that read return NULL, or a sentence that describes the error,
 * static or in the arena, and leave the field as it was.
 */
struct setting_type {
	const char *name;         /* in holdfast.conf(5): "size" */
	const char *name_or_word; /* when the setting has words; or NULL */
	const char *expects;      /* in errors: "a size such as \"16k\"" */
	unsigned forms;           /* set of enum setting_form */
	bool has_other_values;    /* besides the setting's words */
	const char *(*read)(const struct setting_field *f,
			    struct setting_value value);
	/* Writes the value in the syntax of the file. */
	void (*show)(const struct setting_field *f, struct buf *out);
	/* Numbers: as it is written in the file. NULL: in decimal. */
	const char *(*format)(uint64_t number, char text_out[32]);
	/* The i-th word, for types that have the same words in all settings;
	 * false when there are fewer. */
	bool (*word)(size_t i, struct str *word_out);

	bool may_be_empty; /* the list */
	size_t item_size;  /* 0: not a pointer and a number; see start() */
	void (*start)(const struct setting_field *f); /* empties such a field */
	/* Adds an item. */
	const char *(*read_item)(const struct setting_field *f, struct str item);
	/* Writes the text of the i-th item; false when there are fewer. */
	bool (*show_item)(const struct setting_field *f, size_t i,
			  struct buf *text);

	/* The i-th template in the field; NULL when there are fewer. */
	struct template *(*template_at)(const struct setting_field *f, size_t i);
};

/* The fields are named after the type. */

/* Scalars: types_scalar.c */
extern const struct setting_type type_boolean;  /* bool */
extern const struct setting_type type_count;    /* uint64_t */
extern const struct setting_type type_code;     /* uint64_t: one of the words,
						 * which are numbers */
extern const struct setting_type type_workers;  /* uint64_t, or "auto": then the
						 * bool is true */
extern const struct setting_type type_size;     /* uint64_t, bytes */
extern const struct setting_type type_duration; /* uint64_t, milliseconds */
extern const struct setting_type type_mode;     /* int */
extern const struct setting_type type_rate;     /* struct conf_rate */
extern const struct setting_type type_choice;   /* int: which of the words */

/* Text: types_text.c. A string, token or path may be empty if its default is.
 */
extern const struct setting_type type_string;     /* const char *: one line */
extern const struct setting_type type_token;      /* const char *: letters, digits
						   * and some signs */
extern const struct setting_type type_media_type; /* const char * */
extern const struct setting_type type_field_name; /* const char * */
extern const struct setting_type type_name;       /* const char *: a word */
extern const struct setting_type type_handler;    /* const char *: one of
						   * schema_handlers */
extern const struct setting_type type_address;    /* const char *, struct addr */
extern const struct setting_type type_server;     /* const char *, struct addr: of
						   * length 0 for "name:port" */
extern const struct setting_type type_route_path; /* struct str */
extern const struct setting_type type_template;   /* struct template */
extern const struct setting_type type_line;       /* struct template on one line,
						   * not empty */
extern const struct setting_type type_choice_or_line; /* int: which of the words,
						       * or the number after the
						       * last for a struct template
						       * on one line */
extern const struct setting_type type_log_format;     /* int: which of the words, or
						       * the number after the last
						       * for a struct template */

/* Paths: types_path.c */
extern const struct setting_type type_path; /* const char *: absolute, or one of
					     * the words */
extern const struct setting_type type_directory; /* const char *: of one that
						  * exists */
extern const struct setting_type type_module;    /* const char *: of a file that
						  * exists; a name alone is of one
						  * in the directory of modules */

extern const struct setting_type
	type_log_target; /* const char *: one of the
			  * words, absolute, or "syslog:..."
			  */

/* Lists of strings: types_list.c */
extern const struct setting_type type_hosts; /* struct conf_strings, not empty */
extern const struct setting_type type_file_names;   /* struct conf_strings */
extern const struct setting_type type_media_ranges; /* struct conf_strings */
extern const struct setting_type type_options;      /* struct conf_strings:
						     * "name=value" */
extern const struct setting_type type_try;          /* struct conf_try */
extern const struct setting_type type_codings;      /* struct conf_codings */
extern const struct setting_type type_networks;     /* struct conf_networks */
extern const struct setting_type type_methods;      /* unsigned, a set of enum
						     * conf_method; not empty */

extern const struct setting_type type_conditions;   /* struct conf_conditions, of
						     * what is over */
extern const struct setting_type type_words;        /* unsigned, a set of the
						     * words, by their numbers */
extern const struct setting_type type_replacements; /* struct conf_replacements */
/* Of TLS: types_tls.c */
extern const struct setting_type type_tls_on;       /* int: enum conf_tls_on */
extern const struct setting_type type_tls_versions; /* unsigned, a set of enum
						     * conf_tls_version; not
						     * empty */
extern const struct setting_type type_tls_ciphers;  /* struct conf_strings: names
						     * of struct tls_suite */
extern const struct setting_type type_tls_curves;   /* struct conf_strings, not
						     * empty */

/* What sites and routes change about messages: types_message.c */
extern const struct setting_type type_request_fields;  /* struct conf_fields */
extern const struct setting_type type_response_fields; /* struct conf_fields */
extern const struct setting_type type_error_pages;     /* struct conf_error_pages */

/* Groups, which the loader reads along `setting.group`: types.c */
extern const struct setting_type type_group;          /* its struct */
extern const struct setting_type type_optional_group; /* a pointer to its struct;
						       * NULL: the file has none
						       */
extern const struct setting_type type_groups; /* a list: a pointer to structs;
					       * `also` is of their number */

/* Not settings: rows of another table that stand in this one. */
extern const struct setting_type type_common_settings;  /* `group`, its struct */
extern const struct setting_type type_handler_settings; /* a pointer to the
							 * handler's struct */

static inline bool setting_is_list(const struct setting_type *type)
{
	return type->read_item != NULL;
}

/* The field of `setting` in the struct at `base`; `context` may be NULL. */
struct setting_field setting_field(const struct setting_context *context,
				   const struct schema_setting *setting,
				   const void *base);

/* Reads a scalar. */
const char *setting_read(const struct setting_context *context,
			 const struct schema_setting *setting, void *base,
			 struct setting_value value)
	__attribute__((warn_unused_result));

/* Makes room in a list's field for `n` items, and empties it. */
void setting_start_list(const struct setting_context *context,
			const struct schema_setting *setting, void *base, size_t n);

/* Adds an item to it. */
const char *setting_read_item(const struct setting_context *context,
			      const struct schema_setting *setting, void *base,
			      struct str item) __attribute__((warn_unused_result));

/* Sets the field to a default, `fallback`, or leaves it alone if that is
 * NULL. */
void setting_set_default(const struct setting_context *context,
			 const struct schema_setting *setting, void *base,
			 const char *fallback);

/* Writes the value of a scalar or a list of strings as the file would. */
void setting_show(const struct schema_setting *setting, const void *base,
		  struct buf *out);

/* For the types. */

/* A string in the syntax of libconfig, in quotes. */
void setting_put_quoted(struct buf *out, struct str s);

/* The number of the word that `text` is; false when it is none. */
bool setting_find_word(const struct schema_setting *setting, struct str text,
		       size_t *index_out);

/* `must be "a", "b" or "c", not "x"`, with a guess at what was meant. */
const char *setting_not_a_word(const struct setting_field *f,
			       struct setting_value value);

/* Whether it is one line of text that is not empty. */
const char *setting_check_line(struct str text);

/* Whether the text is empty and may be: the default is, too. */
bool setting_is_left_empty(const struct setting_field *f, struct str text);

/* The path made absolute by the directory of the file. */
struct str setting_absolute(const struct setting_field *f, struct str path);

#endif
