/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/map.h"

#include <stdlib.h>

#include "base/mem.h"

struct map_node *map_find(const struct map *map, struct str key)
{
	if (map->n == 0)
		return NULL;
	uint64_t hash = str_hash(key);
	struct map_node *node = map->buckets[hash & (map->n_buckets - 1)];

	while (node != NULL && (node->hash != hash || !str_equal(node->key, key)))
		node = node->next;
	return node;
}

static void link_node(struct map *map, struct map_node *node)
{
	struct map_node **bucket = &map->buckets[node->hash & (map->n_buckets - 1)];

	node->next = *bucket;
	*bucket = node;
}

/* Of equal keys the last one put in comes first: linking the other way round
 * keeps it so. */
static struct map_node *reversed(struct map_node *chain)
{
	struct map_node *result = NULL;

	for (struct map_node *n = chain, *next; n != NULL; n = next) {
		next = n->next;
		n->next = result;
		result = n;
	}
	return result;
}

static void grow(struct map *map)
{
	struct map old = *map;

	map->n_buckets = old.n_buckets ? 2 * old.n_buckets : 16;
	map->buckets = mem_zalloc(map->n_buckets, sizeof(struct map_node *));
	for (size_t i = 0; i < old.n_buckets; i++)
		for (struct map_node *n = reversed(old.buckets[i]), *next; n;
		     n = next) {
			next = n->next;
			link_node(map, n);
		}
	free(old.buckets);
}

void map_put(struct map *map, struct map_node *node)
{
	if (map->n >= map->n_buckets)
		grow(map);
	node->hash = str_hash(node->key);
	link_node(map, node);
	map->n++;
}

void map_remove(struct map *map, struct map_node *node)
{
	struct map_node **at = &map->buckets[node->hash & (map->n_buckets - 1)];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	map->n--;
}

void map_fini(struct map *map)
{
	free(map->buckets);
	*map = (struct map){0};
}
