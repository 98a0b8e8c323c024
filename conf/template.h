/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts with variables, "Hello, ${query.name:-world}!", taken apart once when
 * the configuration is loaded. What a variable is worth is not known here:
 * worker/http/variables.c evaluates a template for an exchange.
 *
 *   ${path}            the path, decoded and normalised
 *   ${rest}            what of the path follows the route's own path
 *   ${query}           the query as sent, without the "?"
 *   ${method} ${host} ${scheme} ${remote_addr} ${remote_port}
 *   ${connection_addr}
 *   ${query.NAME} ${form.NAME} ${header.NAME}
 *   ${form_filename.NAME} ${form_type.NAME} ${form_size.NAME}  of a part
 *   ${match.1} ${match.NAME}  a group of the pattern of the route
 *   ${VARIABLE:-default}  the default where the variable is missing or empty
 *   $$                 one dollar sign; a "$" not before "{" or "$" is itself
 */
#ifndef CONF_TEMPLATE_H
#define CONF_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum template_variable {
	TEMPLATE_LITERAL, /* no variable: `text` stands as it is */
	TEMPLATE_PATH,
	TEMPLATE_REST,
	TEMPLATE_QUERY,
	TEMPLATE_METHOD,
	TEMPLATE_HOST,
	TEMPLATE_SCHEME,
	TEMPLATE_REMOTE_ADDR,
	TEMPLATE_REMOTE_PORT,
	TEMPLATE_QUERY_FIELD,  /* `name` is the field of the query */
	TEMPLATE_FORM_FIELD,   /* `name` is the field of the form body */
	TEMPLATE_HEADER_FIELD, /* `name` is the field name, in lower case */
	TEMPLATE_MATCH,        /* `name` is the group's; `number` too */
	TEMPLATE_CONNECTION_ADDR,
	TEMPLATE_FORM_FILENAME, /* of the field `name` of the form body */
	TEMPLATE_FORM_TYPE,
	TEMPLATE_FORM_SIZE,
};

struct template_piece {
	enum template_variable variable;
	struct str name; /* for the kinds that have one */
	uint32_t number; /* of a group; found when the pattern is known */
	struct str text; /* the literal, or the default ("" without one) */
};

struct template
{
	struct str source; /* as written */
	struct template_piece *pieces;
	size_t n_pieces;
	bool is_literal; /* no variable in it */
	bool uses_form;  /* has a ${form...}: needs the request's body */
};

/*
 * Takes `source` apart; all of the result lives in `arena`. Returns true, or
 * false with *why_out set to a sentence in `arena` that says what is wrong
 * and where: an unknown variable (with "did you mean"), a "${" without "}",
 * a missing name.
 */
bool template_compile(struct arena *arena, struct str source,
		      struct template *template_out, const char **why_out)
	__attribute__((warn_unused_result));

#endif
