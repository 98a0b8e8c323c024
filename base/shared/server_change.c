/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/shared/server_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const char *const mode_names[] = {
	[SERVER_ENABLED] = "enabled",
	[SERVER_DRAINED] = "drained",
	[SERVER_DISABLED] = "disabled",
};
enum { MODES = sizeof(mode_names) / sizeof(*mode_names) };

const char *server_mode_name(enum server_mode mode)
{
	return mode_names[mode];
}

bool server_change_is_void(const struct server_change *change)
{
	return change->mode == SERVER_ENABLED && change->weight == 0 &&
	       !change->is_added && !change->is_removed;
}

/* The name of the server comes last: it may have spaces. */
bool server_change_format(const struct server_change *change,
			  char text_out[SERVER_CHANGE_TEXT])
{
	int n = snprintf(text_out, SERVER_CHANGE_TEXT,
			 "%s %u %d %d %" STR_FMT " %" STR_FMT,
			 mode_names[change->mode], change->weight, change->is_added,
			 change->is_removed, STR_ARG(change->upstream),
			 STR_ARG(change->server));

	return n > 0 && n < SERVER_CHANGE_TEXT;
}

static bool parse_mode(struct str text, enum server_mode *mode_out)
{
	for (int i = 0; i < MODES; i++) {
		if (!str_equal(text, str_of(mode_names[i])))
			continue;
		*mode_out = (enum server_mode)i;
		return true;
	}
	return false;
}

bool server_change_parse(const char *text, struct server_change *change_out)
{
	struct str rest = str_of(text), mode = str_cut(&rest, ' ');
	struct server_change change = {0};
	uint64_t weight, is_added, is_removed;

	if (!parse_mode(mode, &change.mode) ||
	    !str_to_u64(str_cut(&rest, ' '), &weight) ||
	    weight > SERVER_WEIGHT_MAX ||
	    !str_to_u64(str_cut(&rest, ' '), &is_added) || is_added > 1 ||
	    !str_to_u64(str_cut(&rest, ' '), &is_removed) || is_removed > 1)
		return false;
	change.weight = (uint32_t)weight;
	change.is_added = is_added == 1;
	change.is_removed = is_removed == 1;
	change.upstream = str_cut(&rest, ' ');
	change.server = rest;
	*change_out = change;
	return change.upstream.n > 0 && change.server.n > 0;
}

static struct str copy(struct str s)
{
	char *text = mem_alloc(s.n + 1);

	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return (struct str){text, s.n};
}

static void free_names(struct server_change *change)
{
	free((char *)(size_t)change->upstream.p);
	free((char *)(size_t)change->server.p);
}

void server_changes_fini(struct server_changes *changes)
{
	for (size_t i = 0; i < changes->n; i++)
		free_names(&changes->items[i]);
	free(changes->items);
	*changes = (struct server_changes){0};
}

static struct server_change *find(const struct server_changes *changes,
				  struct str upstream, struct str server)
{
	for (size_t i = 0; i < changes->n; i++)
		if (str_equal(changes->items[i].upstream, upstream) &&
		    str_equal(changes->items[i].server, server))
			return &changes->items[i];
	return NULL;
}

const struct server_change *server_changes_find(
	const struct server_changes *changes, struct str upstream,
	struct str server)
{
	return find(changes, upstream, server);
}

static void drop(struct server_changes *changes, struct server_change *item)
{
	struct server_change *end = changes->items + changes->n;

	free_names(item);
	memmove(item, item + 1, (size_t)(end - (item + 1)) * sizeof(*item));
	changes->n--;
}

void server_changes_put(struct server_changes *changes,
			const struct server_change *change)
{
	struct server_change *item =
		find(changes, change->upstream, change->server);

	if (server_change_is_void(change)) {
		if (item != NULL)
			drop(changes, item);
		return;
	}
	if (item == NULL) {
		changes->items = mem_resize(
			changes->items, (changes->n + 1) * sizeof(*changes->items));
		item = &changes->items[changes->n++];
		item->upstream = copy(change->upstream);
		item->server = copy(change->server);
	}
	item->mode = change->mode;
	item->weight = change->weight;
	item->is_added = change->is_added;
	item->is_removed = change->is_removed;
}
