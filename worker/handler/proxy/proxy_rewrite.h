/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server says of itself in a response, made into what its client can
 * use: where it redirects to, and for whom its cookies are. Worker.
 */
#ifndef WORKER_HANDLER_PROXY_PROXY_REWRITE_H
#define WORKER_HANDLER_PROXY_PROXY_REWRITE_H

#include <stdbool.h>

#include "base/codec/response_head.h"
#include "base/str.h"

struct exchange;
struct proxy;

/*
 * The rules of the route for this request, with their templates evaluated:
 * plain bytes, which move with the request. In the exchange's arena; empty if
 * there are none. False when a template could not be evaluated (413).
 */
bool proxy_rewrite_rules(struct exchange *x, const struct proxy *proxy,
			 bool with_names, struct str *rules_out)
	__attribute__((warn_unused_result));

/* Whether a trailer of that name may be passed on: not if the route says itself
 * what the field is to be. Only of rules made `with_names`. */
bool proxy_rewrite_keeps(struct str rules, struct str name);

/* The value that a field gets by the rules: the same, or a new one in the
 * exchange's arena. */
struct str proxy_rewrite_field(struct exchange *x, struct str rules,
			       const struct field *field, enum response_field kind);

#endif
