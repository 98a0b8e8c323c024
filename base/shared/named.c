/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/shared/named.h"

#include <string.h>

uint64_t named_key(enum named_kind kind, struct str name, struct str inner)
{
	uint64_t key = (str_hash(name) * 31 + str_hash(inner)) * 31 + kind;

	return key != 0 ? key : 1;
}

/* Where the key is, or would be: a cell that is free; NULL when none is. */
static const struct named *find(const struct named *cells, uint64_t key)
{
	size_t at = (size_t)((key ^ key >> 32) % NAMED_ROOM);

	for (size_t i = 0; i < NAMED_ROOM; i++) {
		const struct named *cell = &cells[(at + i) % NAMED_ROOM];

		if (cell->key == key || cell->key == 0)
			return cell;
	}
	return NULL;
}

const struct named *named_find(const struct named cells[NAMED_ROOM], uint64_t key)
{
	const struct named *cell = key != 0 ? find(cells, key) : NULL;

	return cell != NULL && cell->key == key ? cell : NULL;
}

struct named *named_take(struct named cells[NAMED_ROOM], uint64_t key)
{
	const struct named *found = find(cells, key);

	if (found == NULL)
		return NULL;
	struct named *cell = &cells[found - cells];

	cell->key = key;
	return cell;
}

void named_sum(const struct named cells[NAMED_ROOM], uint64_t key,
	       uint64_t n[NAMED_NUMBERS])
{
	const struct named *cell = named_find(cells, key);

	for (size_t i = 0; cell != NULL && i < NAMED_NUMBERS; i++)
		n[i] += cell->n[i];
}

static void add(struct named into[NAMED_ROOM], const struct named *cell)
{
	struct named *own = named_take(into, cell->key);

	for (size_t i = 0; own != NULL && i < NAMED_NUMBERS; i++)
		own->n[i] += cell->n[i];
}

void named_merge(struct named into[NAMED_ROOM], const struct named from[NAMED_ROOM])
{
	for (size_t i = 0; i < NAMED_ROOM; i++)
		if (from[i].key != 0)
			add(into, &from[i]);
}

void named_keep(struct named cells[NAMED_ROOM],
		bool (*is_kept)(uint64_t key, void *context), void *context)
{
	struct named kept[NAMED_ROOM] = {0};

	for (size_t i = 0; i < NAMED_ROOM; i++)
		if (cells[i].key != 0 && is_kept(cells[i].key, context))
			add(kept, &cells[i]);
	memcpy(cells, kept, sizeof(kept));
}
