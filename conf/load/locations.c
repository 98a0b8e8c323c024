/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/locations.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

void locations_add(struct locations *locations, struct location location)
{
	if (locations->n == locations->room) {
		locations->room = locations->room ? 2 * locations->room : 64;
		locations->items =
			mem_resize(locations->items,
				   locations->room * sizeof(*locations->items));
	}
	locations->items[locations->n++] = location;
	locations->is_sorted = false;
}

static int compare(const void *left, const void *right)
{
	const struct location *a = left, *b = right;
	uintptr_t x = (uintptr_t)a->field, y = (uintptr_t)b->field;

	return x < y ? -1 : x > y;
}

const struct location *locations_find(struct locations *locations,
				      const void *field)
{
	struct location key = {.field = field};

	if (locations->n == 0)
		return NULL;
	if (!locations->is_sorted)
		qsort(locations->items, locations->n, sizeof(key), compare);
	locations->is_sorted = true;
	return bsearch(&key, locations->items, locations->n, sizeof(key), compare);
}

void locations_fini(struct locations *locations)
{
	free(locations->items);
	*locations = (struct locations){0};
}
