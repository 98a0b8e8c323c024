/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/handler/static/listing_json.h"

#include <inttypes.h>

#include "base/codec/date.h"
#include "base/codec/json.h"

static void put_string(struct listing_text *out, struct str s)
{
	char escape[JSON_ESCAPE];

	listing_text_put(out, STR("\""));
	while (s.n > 0)
		listing_text_put(out, json_next(&s, escape));
	listing_text_put(out, STR("\""));
}

static void put_entry(struct listing_text *out, const struct listing_entry *entry)
{
	char date[HTTP_DATE_SIZE];

	listing_text_put(out, STR("{ \"name\":"));
	put_string(out, entry->name);
	http_date_format(entry->modified, date);
	listing_text_format(out, ", \"type\":\"%s\", \"mtime\":\"%.*s\"",
			    entry->is_directory ? "directory" : "file",
			    (int)sizeof(date), date);
	if (!entry->is_directory)
		listing_text_format(out, ", \"size\":%" PRIu64, entry->size);
	listing_text_put(out, STR(" }"));
}

void listing_json_render(const struct listing *listing, struct listing_text *out)
{
	listing_text_put(out, STR("[\n"));
	for (size_t i = 0; i < listing->n; i++) {
		put_entry(out, &listing->entries[i]);
		listing_text_put(out, i + 1 < listing->n ? STR(",\n") : STR("\n"));
	}
	listing_text_put(out, STR("]\n"));
}
