/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/publish.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "master/generation.h"
#include "master/master.h"

/* The keys of all names of a configuration. */
struct keys {
	uint64_t *items;
	size_t n;
};

static struct keys keys_of(const struct conf *conf)
{
	struct keys keys = {0};
	size_t room = conf->n_listeners;

	for (size_t i = 0; i < conf->n_sites; i++)
		room += conf->sites[i].n_routes + 1;
	keys.items = mem_zalloc(room, sizeof(*keys.items));
	for (size_t i = 0; i < conf->n_listeners; i++)
		keys.items[keys.n++] = named_key(
			NAMED_LISTENER, str_of(conf->listeners[i].name), STR(""));
	for (size_t i = 0; i < conf->n_sites; i++) {
		const struct conf_site *site = &conf->sites[i];
		struct str name = str_of(site->name);

		keys.items[keys.n++] = named_key(NAMED_ROUTE, name, STR(""));
		for (size_t k = 0; k < site->n_routes; k++)
			keys.items[keys.n++] = named_key(
				NAMED_ROUTE, name, str_of(site->routes[k].name));
	}
	return keys;
}

static bool is_kept(uint64_t key, void *context)
{
	const struct keys *keys = context;

	for (size_t i = 0; i < keys->n; i++)
		if (keys->items[i] == key)
			return true;
	return false;
}

void publish_generation(struct master *m)
{
	struct board_master *board = &m->children.board->master;
	struct keys keys = keys_of(m->serving->conf);

	scoreboard_begin(m->children.board);
	named_keep(board->named, is_kept, &keys);
	board->generation = m->serving->number;
	if (board->pid == 0) {
		board->pid = (uint64_t)getpid();
		board->started_at = (uint64_t)time(NULL);
	}
	scoreboard_end(m->children.board);
	free(keys.items);
}

void publish_reload(struct master *m)
{
	struct board_master *board = &m->children.board->master;

	m->children.retired.reloads[m->last_reload.ok]++;
	board->last_reload_at = (uint64_t)m->last_reload.at;
	board->last_reload_ok = m->last_reload.ok;
	children_publish(&m->children);
}
