/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory as JSON (RFC 8259), as nginx's autoindex has it: an array of all
 * its entries, each an object with "name", "type" ("directory" or "file"),
 * "mtime" (an HTTP date) and, of a file, "size". Any thread. Worker.
 */
#ifndef WORKER_HANDLER_STATIC_LISTING_JSON_H
#define WORKER_HANDLER_STATIC_LISTING_JSON_H

#include "worker/handler/static/listing_page.h"

/* Appends the array, of the entries in their order. */
void listing_json_render(const struct listing *listing, struct listing_text *out);

#endif
