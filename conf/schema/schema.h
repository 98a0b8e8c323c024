/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every setting there is, once: the loader, `holdfast show`, "did you mean"
 * and the reference of holdfast.conf(5) are all driven by these tables. A new
 * setting is a field of conf.h and a row here; a new handler is its fields, a
 * row of schema_handlers and the rows of its settings. Any process.
 */
#ifndef CONF_SCHEMA_SCHEMA_H
#define CONF_SCHEMA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* What a setting holds, and the type of its field. */
enum schema_type {
	SCHEMA_STRING,          /* const char *: text on one line; may be empty
				 * when its default is */
	SCHEMA_TOKEN,           /* likewise: letters, digits and some signs */
	SCHEMA_PATH,            /* const char *: absolute, or one of the words;
				 * may be empty when its default is */
	SCHEMA_DIRECTORY,       /* const char *: absolute, and there */
	SCHEMA_MODULE,          /* const char *: absolute; a name alone is of a
				 * file in the directory of modules */
	SCHEMA_MEDIA_TYPE,      /* const char *: what goes into Content-Type */
	SCHEMA_FIELD_NAME,      /* const char *: of a field of a message */
	SCHEMA_NAME,            /* const char *: one of the words */
	SCHEMA_HANDLER,         /* const char *: one of schema_handlers */
	SCHEMA_CHOICE,          /* int: which of the words */
	SCHEMA_BOOLEAN,         /* bool */
	SCHEMA_COUNT,           /* uint64_t */
	SCHEMA_CODE,            /* uint64_t: one of the words, all numbers */
	SCHEMA_WORKERS,         /* uint64_t, or "auto": then the bool is true */
	SCHEMA_SIZE,            /* uint64_t, bytes */
	SCHEMA_DURATION,        /* uint64_t, milliseconds */
	SCHEMA_MODE,            /* int */
	SCHEMA_RATE,            /* struct conf_rate */
	SCHEMA_ADDRESS,         /* const char * and struct addr */
	SCHEMA_ROUTE_PATH,      /* struct str */
	SCHEMA_TEMPLATE,        /* struct template */
	SCHEMA_LINE,            /* struct template on one line, not empty */
	SCHEMA_LOG_FORMAT,      /* int: which of the words, or the number after
				 * the last for a struct template */
	SCHEMA_HOSTS,           /* struct conf_strings, at least one */
	SCHEMA_FILE_NAMES,      /* struct conf_strings */
	SCHEMA_TRY,             /* struct conf_try */
	SCHEMA_CODINGS,         /* struct conf_codings */
	SCHEMA_MEDIA_RANGES,    /* struct conf_strings */
	SCHEMA_METHODS,         /* unsigned, a set of enum conf_method */
	SCHEMA_NETWORKS,        /* struct conf_networks */
	SCHEMA_REQUEST_FIELDS,  /* struct conf_fields */
	SCHEMA_RESPONSE_FIELDS, /* struct conf_fields */
	SCHEMA_ERROR_PAGES,     /* struct conf_error_pages */
	SCHEMA_OPTIONS,         /* struct conf_strings: "name=value" */
	SCHEMA_TYPES
};

/* Parents come before their children. */
enum schema_section_id {
	SCHEMA_TOP,
	SCHEMA_LOG,
	SCHEMA_LIMITS,
	SCHEMA_TIMEOUTS,
	SCHEMA_REAL_IP,
	SCHEMA_LISTENERS,
	SCHEMA_SITES,
	SCHEMA_ROUTES,
	SCHEMA_COMMON, /* in no other: what sites and routes both have */
	SCHEMA_SECTIONS
};

struct schema_section {
	const char *title; /* "sites[].routes[]" */
	const char *name;  /* in its parent: "routes" */
	enum schema_section_id parent;
	bool is_list;  /* of groups: `offset` is of a pointer to elements */
	bool required; /* and, a list, not empty */
	size_t offset; /* in the parent's struct */
	size_t count;  /* lists: offset of the size_t beside the pointer */
	size_t size;   /* lists: of an element */
	/* Has the settings of SCHEMA_COMMON too, in the struct conf_common at
	 * this offset. */
	bool has_common;
	size_t common;
	const char *help;
};

struct schema_setting {
	enum schema_section_id section;
	enum schema_type type;
	const char *name;
	const char *handler; /* whose setting it is; NULL: everyone's */
	size_t offset;       /* of the field in the section's struct */
	size_t also;         /* of the second field, where a type has two */
	bool required;
	/* The default as the file would have it; for lists the items with
	 * "|" between them. NULL: none, or made by code, as `fallback_help` says.
	 */
	const char *fallback;
	const char *fallback_help;
	uint64_t least, most; /* numbers, sizes and durations */
	const char *words;    /* "error|warn|info" */
	const char *help;     /* sentences for holdfast.conf(5) */
};

struct schema_handler {
	const char *name;
	unsigned methods; /* when a route names none */
	const char *help;
};

extern const struct schema_section schema_sections[SCHEMA_SECTIONS];
extern const struct schema_setting schema_settings[];
extern const size_t schema_n_settings;
extern const struct schema_handler schema_handlers[];
extern const size_t schema_n_handlers;

/* Whether groups of that section have the setting. */
static inline bool schema_has(enum schema_section_id section,
			      const struct schema_setting *setting)
{
	return setting->section == section || (setting->section == SCHEMA_COMMON &&
					       schema_sections[section].has_common);
}

/* The struct that holds the setting's field, in the group at `group`. */
static inline void *schema_base(enum schema_section_id section,
				const struct schema_setting *setting,
				const void *group)
{
	size_t offset =
		setting->section == section ? 0 : schema_sections[section].common;

	return (char *)(size_t)group + offset;
}

/* The bit of a common setting in conf_common.given. */
uint64_t schema_common_bit(const struct schema_setting *setting);

/* The i-th word that a setting may be; false when there are fewer. */
bool schema_word(const struct schema_setting *setting, size_t i,
		 struct str *word_out);

/* Whether the setting means something beside `handler` (NULL outside of
 * routes). */
bool schema_applies(const struct schema_setting *setting, const char *handler);

/* Whether the type is a list of strings in the file. */
bool schema_is_list(enum schema_type type);

/* Whether such a list may have no items. */
bool schema_may_be_empty(enum schema_type type);

/* What the file has to hold, as "a number" or "a size such as \"16k\"". */
const char *schema_expects(enum schema_type type);

/* A number as the setting would have it written: 16384 as "16k". */
const char *schema_format_number(const struct schema_setting *setting,
				 uint64_t number, char text_out[32]);

#endif
