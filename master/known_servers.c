/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the cells of the scoreboard in which it is kept; then telling the new
 * master of an upgrade, a line for each server; then hearing such a line.
 */
#include "master/known_servers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "master/children.h"

static struct server_health *find(struct scoreboard *board, uint64_t key)
{
	for (size_t i = 0; i < SCOREBOARD_SERVERS; i++)
		if (board->known[i].key == key)
			return &board->known[i];
	return NULL;
}

/* The cell of that key, or one that is free; NULL when there is none. */
static struct server_health *cell_for(struct scoreboard *board, uint64_t key)
{
	struct server_health *cell = find(board, key);

	if (cell == NULL)
		cell = find(board, 0);
	if (cell != NULL)
		cell->key = key;
	return cell;
}

/* All but the counters. */
static void take_health(struct server_health *to, const struct server_health *from)
{
	uint64_t requests = to->requests, failures = to->failures;

	*to = *from;
	to->requests = requests;
	to->failures = failures;
	to->active = to->idle = 0;
}

void known_servers_keep(struct scoreboard *board,
			const struct server_health cells[SCOREBOARD_SERVERS])
{
	for (size_t i = 0; i < SCOREBOARD_SERVERS; i++) {
		struct server_health cell = cells[i];
		struct server_health *known;

		if (cell.key == 0)
			continue;
		known = cell_for(board, cell.key);
		if (known == NULL)
			continue;
		take_health(known, &cell);
		known->requests += cell.requests;
		known->failures += cell.failures;
	}
}

const struct server_health *known_servers_find(const struct scoreboard *board,
					       uint64_t key)
{
	size_t hint = 0;

	return server_health_find(board->known, key, &hint);
}

static bool has_server(struct children *children, const struct generation *g,
		       uint64_t key)
{
	size_t hint = 0;

	for (struct child *c = NULL; (c = children_next(children, g, c)) != NULL;)
		if (server_health_find(c->slot->servers, key, &hint) != NULL)
			return true;
	return false;
}

void known_servers_prune(struct children *children, const struct generation *g)
{
	struct scoreboard *board = children->board;

	for (size_t i = 0; i < SCOREBOARD_SERVERS; i++)
		if (board->known[i].key != 0 &&
		    !has_server(children, g, board->known[i].key))
			board->known[i] = (struct server_health){0};
}

/* Telling. */

/* What all workers know of a server together. */
static struct server_health add_up(struct children *children,
				   const struct generation *g, uint64_t key)
{
	const struct server_health *known =
		known_servers_find(children->board, key);
	struct server_health sum = {0};
	size_t hint = 0;
	bool found = false;

	if (known != NULL)
		sum = *known;
	for (struct child *c = NULL;
	     (c = children_next(children, NULL, c)) != NULL;) {
		const struct server_health *cell =
			server_health_find(c->slot->servers, key, &hint);

		if (cell == NULL)
			continue;
		sum.requests += cell->requests;
		sum.failures += cell->failures;
		if (c->generation == g && !found) {
			take_health(&sum, cell);
			found = true;
		} else if (c->generation == g) {
			sum.is_down |= cell->is_down;
			if (cell->down_until > sum.down_until)
				sum.down_until = cell->down_until;
			if (cell->recovered_at > sum.recovered_at)
				sum.recovered_at = cell->recovered_at;
		}
	}
	sum.key = key;
	return sum;
}

/* Text that a worker wrote, as one word. */
static void put_text(const struct server_health *s, struct buf *out)
{
	if (s->text[0] == '\0')
		buf_put(out, STR("-"));
	for (size_t i = 0; i < SCOREBOARD_SERVER_TEXT && s->text[i] != '\0'; i++) {
		char c = s->text[i] > ' ' && s->text[i] < 0x7f ? s->text[i] : '?';

		buf_put(out, (struct str){&c, 1});
	}
}

static void put_line(const struct server_health *s, uint64_t requests,
		     uint64_t failures, struct buf *out)
{
	struct addr addr;
	char text[ADDR_TEXT];

	buf_printf(out,
		   "%" PRIx64 " %u %" PRIu64 " %" PRIu64 " %u %u %u %" PRIu64
		   " %" PRIu64 " ",
		   s->key, s->is_down, s->down_until, s->recovered_at, s->n_downs,
		   s->weight, s->is_backup, requests, failures);
	put_text(s, out);
	for (size_t i = 0; i < SCOREBOARD_ADDRESSES; i++)
		if (shown_address_get(&s->addresses[i], &addr))
			buf_printf(out, " %s", addr_format(&addr, text));
}

/* What was told of a server; NULL: there is no room for more. */
static uint64_t *told_of(struct known_told *told, uint64_t key,
			 uint64_t **failures_out)
{
	size_t i = 0;

	while (i < told->n && told->items[i].key != key)
		i++;
	if (i == SCOREBOARD_SERVERS)
		return NULL;
	if (i == told->n) {
		told->items[told->n++].key = key;
		told->items[i].requests = told->items[i].failures = 0;
	}
	*failures_out = &told->items[i].failures;
	return &told->items[i].requests;
}

static void tell(struct children *children, const struct generation *g,
		 uint64_t key, struct known_told *told, struct buf *line)
{
	struct server_health sum = add_up(children, g, key);
	uint64_t *failures, *requests = told_of(told, key, &failures);

	if (requests == NULL)
		return;
	put_line(&sum, sum.requests - *requests, sum.failures - *failures, line);
	*requests = sum.requests;
	*failures = sum.failures;
}

void known_servers_tell(struct children *children, const struct generation *g,
			struct known_told *told,
			void (*put)(void *context, const char *line), void *context)
{
	const struct child *c = children_next(children, g, NULL);
	const struct server_health *cells =
		c != NULL ? c->slot->servers : children->board->known;

	for (size_t i = 0; i < SCOREBOARD_SERVERS; i++) {
		struct buf line = {0};
		uint64_t key = cells[i].key;

		if (key != 0)
			tell(children, g, key, told, &line);
		if (buf_length(&line) > 0) {
			buf_put(&line, (struct str){"", 1});
			put(context, buf_str(&line).p);
		}
		buf_release(&line);
	}
}

/* Hearing. */

static void hear_addresses(struct server_health *s, struct str rest)
{
	struct addr addr;

	for (size_t i = 0; i < SCOREBOARD_ADDRESSES && rest.n > 0; i++)
		if (addr_parse(str_cut(&rest, ' '), &addr) == NULL)
			shown_address_set(&s->addresses[i], &addr);
}

void known_servers_hear(struct scoreboard *board, const char *line)
{
	struct server_health s = {0}, *known;
	char text[SCOREBOARD_SERVER_TEXT + 1] = "";
	int n = 0;

	if (sscanf(line,
		   "%" SCNx64 " %" SCNu32 " %" SCNu64 " %" SCNu64 " %" SCNu32
		   " %" SCNu32 " %" SCNu32 " %" SCNu64 " %" SCNu64 " %96s%n",
		   &s.key, &s.is_down, &s.down_until, &s.recovered_at, &s.n_downs,
		   &s.weight, &s.is_backup, &s.requests, &s.failures, text,
		   &n) != 10 ||
	    s.key == 0)
		return;
	if (strcmp(text, "-") != 0)
		memcpy(s.text, text, SCOREBOARD_SERVER_TEXT);
	if (line[n] == ' ')
		hear_addresses(&s, str_of(line + n + 1));
	known = cell_for(board, s.key);
	if (known == NULL)
		return;
	take_health(known, &s);
	known->requests += s.requests;
	known->failures += s.failures;
}
