/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fields of a form in the body of a request: urlencoded (WHATWG URL section
 * 5.1) or multipart/form-data (RFC 7578). They are read out of the body once
 * for an exchange, so that looking up many of them in a large body costs one
 * pass over it; a large body is read over many ticks, so that other connections
 * do not wait for it. Worker.
 */
#ifndef WORKER_HTTP_FORM_FIELDS_H
#define WORKER_HTTP_FORM_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct exchange;

struct form_field {
	struct str name;     /* as it is in the body when that is urlencoded */
	struct str value;    /* as it is in the body */
	struct str filename; /* p == NULL: not a file */
	struct str type;     /* of a part; p == NULL when it has none */
};

/* In the exchange's arena, but for values. */
struct form_fields {
	/* 0, or the status of the error that answers the request: 400 for a
	 * malformed body, 413 for too many fields, 415 when it is encoded in a
	 * way that is not known here. There are no fields then. */
	unsigned status;
	const char *why; /* a static sentence for the log; or NULL */
	bool is_encoded; /* names and values are urlencoded */
	struct form_field *items;
	size_t n;
};

/*
 * For a handler that got the whole body: reads the fields and calls ready(x),
 * before it returns or in a later tick (the exchange is held meanwhile; ready()
 * has to answer then). When the body is refused it answers that itself.
 */
void form_fields_await(struct exchange *x, void (*ready)(struct exchange *x));

/* The fields of the exchange; read now if they were not. A body whose type is
 * no form's has none, nor has one that has not come yet. Never NULL. */
const struct form_fields *form_fields_of(struct exchange *x);

/* The first field of that name, or NULL. */
const struct form_field *form_fields_find(const struct form_fields *fields,
					  struct str name);

#endif
