/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/codec/trailers.h"

#include <stddef.h>

/* Tables, laid out by hand. */
/* clang-format off */
static const struct str forbidden[] = {
	/* Framing, and of the connection. */
	STR_INIT("connection"), STR_INIT("content-length"),
	STR_INIT("keep-alive"), STR_INIT("te"), STR_INIT("trailer"),
	STR_INIT("transfer-encoding"), STR_INIT("upgrade"),
	/* Routing, and where a request has been. */
	STR_INIT("host"), STR_INIT("forwarded"), STR_INIT("max-forwards"),
	STR_INIT("via"),
	/* What is to be done with a request or a response. */
	STR_INIT("age"), STR_INIT("cache-control"), STR_INIT("expect"),
	STR_INIT("expires"), STR_INIT("date"), STR_INIT("location"),
	STR_INIT("pragma"), STR_INIT("range"), STR_INIT("retry-after"),
	STR_INIT("vary"), STR_INIT("warning"),
	/* Who sends it. */
	STR_INIT("authorization"), STR_INIT("cookie"), STR_INIT("set-cookie"),
	STR_INIT("www-authenticate"), STR_INIT("authentication-info"),
};
/* All whose names begin so. */
static const struct str forbidden_beginnings[] = {
	STR_INIT("content-"), STR_INIT("if-"), STR_INIT("proxy-"),
	STR_INIT("x-forwarded-"), STR_INIT("access-control-"),
};
/* clang-format on */

bool trailers_may_have(struct str name)
{
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++)
		if (str_equal_nocase(name, forbidden[i]))
			return false;
	for (size_t i = 0;
	     i < sizeof(forbidden_beginnings) / sizeof(*forbidden_beginnings);
	     i++) {
		struct str beginning = forbidden_beginnings[i];

		if (name.n > beginning.n &&
		    str_equal_nocase((struct str){name.p, beginning.n}, beginning))
			return false;
	}
	return true;
}

bool trailers_next(struct str *rest, struct str *name_out, struct str *value_out)
{
	while (rest->n > 0) {
		struct str value = str_cut(rest, '\n');
		struct str name = str_cut(&value, ':');

		if (value.n == 0 || value.p[value.n - 1] != '\r')
			return false; /* not what the decoder gives */
		value.n--;
		*name_out = name;
		*value_out = str_trim(value);
		if (trailers_may_have(name))
			return true;
	}
	return false;
}

bool trailers_are_taken(struct str te)
{
	while (te.p != NULL)
		if (str_equal_nocase(str_trim(str_cut(&te, ',')), STR("trailers")))
			return true;
	return false;
}
