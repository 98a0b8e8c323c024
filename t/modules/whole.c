/* SPDX-License-Identifier: BSD-2-Clause */
/* A module for the tests: it wants bodies whole. */
#include <holdfast/module.h>

#include <stdio.h>
#include <string.h>

static void whole_request(struct holdfast_request *r)
{
	size_t size;
	const void *body = holdfast_body(r, &size);
	const char *value = holdfast_form_value(r, "x", NULL);

	if (strcmp(holdfast_rest(r), "/form") != 0)
		holdfast_respond(r, 200, "text/plain", body, size);
	else if (value == NULL)
		holdfast_error(r, 400);
	else
		holdfast_respond(r, 200, "text/plain", value, strlen(value));
}

HOLDFAST_MODULE = {
	HOLDFAST_MODULE_VERSION,
	.flags = HOLDFAST_WHOLE_BODY,
	.name = "whole",
	.request = whole_request,
};
