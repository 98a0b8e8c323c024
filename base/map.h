/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash table from strings to objects that embed their node. It owns neither
 * the objects nor the keys. Any process.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct map_node {
	struct map_node *next; /* with the same bucket */
	uint64_t hash;
	struct str key; /* must outlive the node's stay in the map */
};

/* All zero is an empty map. */
struct map {
	struct map_node **buckets;
	size_t n_buckets; /* a power of two */
	size_t n;
};

/* The first node with that key put in last, or NULL. */
struct map_node *map_find(const struct map *map, struct str key);

/* Adds a node, whose key is set. Several nodes may have equal keys. */
void map_put(struct map *map, struct map_node *node);

void map_remove(struct map *map, struct map_node *node);

/* Frees the table, not the nodes. */
void map_fini(struct map *map);

#endif
