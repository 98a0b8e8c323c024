/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/proto/stream/stream_names.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "worker/proto/stream/stream_state.h"

enum { STREAM_NAME_MAX = 255 };

struct stream_name {
	struct map_node node; /* as in the configuration: "a.b", "*.b", "*" */
	size_t upstream;
};

struct stream_names {
	struct map map;
	struct stream_name *items;
	size_t n;
};

static struct stream_names *create(const struct conf_listener *conf)
{
	struct stream_names *names = mem_zalloc(1, sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; i < conf->n_by_name; i++)
		n += conf->by_name[i].hosts.n;
	names->items = mem_zalloc(n, sizeof(*names->items));
	for (size_t i = 0; i < conf->n_by_name; i++) {
		const struct conf_by_name *by_name = &conf->by_name[i];

		for (size_t k = 0; k < by_name->hosts.n; k++) {
			struct stream_name *name = &names->items[names->n++];

			name->upstream = by_name->upstream_place;
			name->node.key = by_name->hosts.items[k];
			map_put(&names->map, &name->node);
		}
	}
	return names;
}

struct stream_names **stream_names_create_all(const struct conf *conf)
{
	struct stream_names **names = mem_zalloc(conf->n_listeners, sizeof(*names));

	for (size_t i = 0; i < conf->n_listeners; i++)
		if (conf->listeners[i].n_by_name > 0)
			names[i] = create(&conf->listeners[i]);
	return names;
}

void stream_names_destroy_all(struct stream_names **names, const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_listeners; i++) {
		if (names[i] == NULL)
			continue;
		map_fini(&names[i]->map);
		free(names[i]->items);
		free(names[i]);
	}
	free(names);
}

const struct stream_names *stream_names_of(const struct stream_worker *worker,
					   const struct conf_listener *conf)
{
	const struct conf_listener *all = worker->conf->listeners;

	return conf >= all && conf < all + worker->conf->n_listeners
		       ? worker->names[conf - all]
		       : NULL;
}

static bool find(const struct stream_names *names, struct str key,
		 size_t *upstream_out)
{
	struct map_node *node = map_find(&names->map, key);

	if (node != NULL)
		*upstream_out =
			CONTAINER_OF(node, struct stream_name, node)->upstream;
	return node != NULL;
}

/* The name itself, then what stands for all names below each domain that it is
 * in, from the longest on, then what stands for all. */
bool stream_names_find(const struct stream_names *names, struct str name,
		       size_t *upstream_out)
{
	char below[STREAM_NAME_MAX + 2] = "*";

	if (name.n > 0 && find(names, name, upstream_out))
		return true;
	while (name.n > 0 && name.n <= STREAM_NAME_MAX) {
		(void)str_cut(&name, '.');
		if (name.p == NULL)
			break;
		below[1] = '.';
		memcpy(below + 2, name.p, name.n);
		if (find(names, (struct str){below, name.n + 2}, upstream_out))
			return true;
	}
	return find(names, STR("*"), upstream_out);
}
