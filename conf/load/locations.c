/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/load/places.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

void places_add(struct places *places, struct place place)
{
	if (places->n == places->room) {
		places->room = places->room ? 2 * places->room : 64;
		places->items = mem_resize(places->items,
					   places->room * sizeof(*places->items));
	}
	places->items[places->n++] = place;
	places->is_sorted = false;
}

static int compare(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	uintptr_t x = (uintptr_t)a->field, y = (uintptr_t)b->field;

	return x < y ? -1 : x > y;
}

const struct place *places_find(struct places *places, const void *field)
{
	struct place key = {.field = field};

	if (places->n == 0)
		return NULL;
	if (!places->is_sorted)
		qsort(places->items, places->n, sizeof(key), compare);
	places->is_sorted = true;
	return bsearch(&key, places->items, places->n, sizeof(key), compare);
}

void places_fini(struct places *places)
{
	free(places->items);
	*places = (struct places){0};
}
