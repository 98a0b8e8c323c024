/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Texts with variables, "Hello, ${query.name:-world}!", taken apart once when
 * the configuration is loaded. What a variable is worth is not known here:
 * worker/http/variables.c evaluates a template for an exchange.
 *
 *   ${path}            the path, decoded and normalised
 *   ${rest}            what of the path follows the route's own path
 *   ${query}           the query as sent, without the "?"
 *   ${?query}          the same with the "?", or nothing
 *   ${method} ${host} ${scheme} ${remote_addr} ${remote_port}
 *   ${connection_addr} ${proxy_addr} ${user}
 *   ${query.NAME} ${form.NAME} ${header.NAME} ${cookie.NAME}
 *   ${form_filename.NAME} ${form_type.NAME} ${form_size.NAME}  of a part
 *   ${match.1} ${match.NAME}  a group of the pattern of the route
 *   ${target} ${protocol} ${route} ${request_id}
 *   ${connection} ${connection_requests} ${server_addr} ${server_port}
 *   ${authorize.status} ${authorize.header.NAME}
 *   ${tls.version} ${tls.cipher} ${tls.sni} ${tls.resumed}
 *   ${tls.client.subject} ${tls.client.issuer} ${tls.client.serial}
 *   ${tls.client.fingerprint}
 *   ${time} ${time.local} ${time.epoch} ${time.head}
 * when there is a response:
 *   ${status} ${time.answer} ${sent.NAME}
 *   ${upstream} ${upstream.server} ${upstream.tries} ${upstream.status}
 *   ${upstream.time.queue} ${upstream.time.connect}
 *   ${upstream.time.first_byte}
 * and when it has been sent (but then no form and no match):
 *   ${bytes} ${bytes_sent} ${complete} ${time.send} ${time.total}
 *   ${upstream.time.total} ${stream.bytes_in} ${stream.end}
 * Anywhere:
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
	TEMPLATE_PROXY_ADDR,
	TEMPLATE_USER,
	TEMPLATE_FORM_FILENAME, /* of the field `name` of the form body */
	TEMPLATE_FORM_TYPE,
	TEMPLATE_FORM_SIZE,
	TEMPLATE_COOKIE, /* `name` is its name */
	TEMPLATE_TARGET,
	TEMPLATE_PROTOCOL,
	TEMPLATE_ROUTE,
	TEMPLATE_REQUEST_ID,
	TEMPLATE_CONNECTION,
	TEMPLATE_CONNECTION_REQUESTS,
	TEMPLATE_TIME,
	TEMPLATE_TIME_LOCAL,
	TEMPLATE_TIME_HEAD,
	TEMPLATE_TIME_ANSWER,
	TEMPLATE_TIME_SEND,
	TEMPLATE_TIME_TOTAL,
	TEMPLATE_STATUS,
	TEMPLATE_BYTES,
	TEMPLATE_SENT_FIELD, /* `name` is the field name, in lower case */
	TEMPLATE_QUERY_PART, /* the query with its "?" */
	TEMPLATE_UPSTREAM,
	TEMPLATE_UPSTREAM_SERVER,
	TEMPLATE_UPSTREAM_TRIES,
	TEMPLATE_UPSTREAM_STATUS,
	TEMPLATE_UPSTREAM_TIME_QUEUE,
	TEMPLATE_UPSTREAM_TIME_CONNECT,
	TEMPLATE_UPSTREAM_TIME_FIRST_BYTE,
	TEMPLATE_UPSTREAM_TIME_TOTAL,
	TEMPLATE_STREAM_BYTES_IN,
	TEMPLATE_STREAM_END,
	TEMPLATE_TIME_EPOCH,
	TEMPLATE_SERVER_ADDR,
	TEMPLATE_SERVER_PORT,
	TEMPLATE_BYTES_SENT,
	TEMPLATE_COMPLETE,
	TEMPLATE_AUTHORIZE_STATUS,
	TEMPLATE_AUTHORIZE_FIELD, /* `name` is the field name, in lower case */
	TEMPLATE_TLS_VERSION,
	TEMPLATE_TLS_CIPHER,
	TEMPLATE_TLS_SNI,
	TEMPLATE_TLS_RESUMED,
	TEMPLATE_TLS_CLIENT_SUBJECT,
	TEMPLATE_TLS_CLIENT_ISSUER,
	TEMPLATE_TLS_CLIENT_SERIAL,
	TEMPLATE_TLS_CLIENT_FINGERPRINT,
};

/* When a template is evaluated: which variables are known then. */
enum template_moment {
	TEMPLATE_AT_REQUEST,  /* nothing is answered yet */
	TEMPLATE_AT_RESPONSE, /* the response is there, and not sent yet */
	TEMPLATE_AT_END,      /* it is over: the result is a line of a log */
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
 * Compiles `source`; the result lives in `arena`. Returns true, or false with
 * *why_out set to a sentence in `arena` that names the error and its place: an
 * unknown variable (with "did you mean"), one that is not known at that moment,
 * a "${" without "}", a missing name. At TEMPLATE_AT_END a variable without a
 * default has "-".
 */
bool template_compile_at(enum template_moment moment, struct arena *arena,
			 struct str source, struct template *template_out,
			 const char **why_out) __attribute__((warn_unused_result));

/* The same at TEMPLATE_AT_REQUEST. */
static inline bool __attribute__((warn_unused_result))
template_compile(struct arena *arena, struct str source,
		 struct template *template_out, const char **why_out)
{
	return template_compile_at(TEMPLATE_AT_REQUEST, arena, source, template_out,
				   why_out);
}

#endif
