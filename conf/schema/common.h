/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values of the settings that sites and routes have in common: changes of
 * fields and error pages, and how those of a route go together with those of
 * its site. Master only.
 *
 * Those that parse or check return NULL, or a sentence that says what is
 * wrong, static or in the arena.
 */
#ifndef CONF_SCHEMA_COMMON_H
#define CONF_SCHEMA_COMMON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "conf/conf.h"

/* "Name: template", "+Name: template" or "-Name". */
const char *common_parse_field(struct arena *arena, struct str text,
			       bool of_request, struct conf_field_edit *edit_out)
	__attribute__((warn_unused_result));

/* Whether the edit at items[n] goes together with those before it. */
const char *common_check_field(struct arena *arena,
			       const struct conf_fields *fields)
	__attribute__((warn_unused_result));

/* "404,500-504 path"; the path is not looked at. */
const char *common_parse_error_page(struct str text,
				    struct conf_error_page *page_out,
				    struct str *path_out)
	__attribute__((warn_unused_result));

/* Whether the page at items[n] can be read, and goes together with those
 * before it. */
const char *common_check_error_page(struct arena *arena,
				    const struct conf_error_pages *pages)
	__attribute__((warn_unused_result));

/* The text that common_parse_error_page() reads back. */
void common_put_error_page(struct buf *out, const struct conf_error_page *page);

/* Names the limits that a group gives; `name` is its own. */
void common_name_zones(struct conf_common *common, struct str name);

/* Completes the lists that `route` gives with what `site` has of them. */
void common_merge(struct arena *arena, const struct conf_common *site,
		  struct conf_common *route);

#endif
