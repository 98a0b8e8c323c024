/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/upstream/srv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "worker/upstream/resolver.h"
#include "worker/upstream/server.h"
#include "worker/upstream/srv_answer.h"
#include "worker/upstream/upstream.h"
#include "worker/upstream/upstreams.h"

enum { SRV_TEXT = SRV_TARGET_MAX + 8 }; /* "name:port" with its NUL */

/* RFC 2782: those of the lowest priority are asked while one can be reached,
 * which is what backups are; and a weight of 0 is a small one. */
static void describe(const struct srv *srv, const struct srv_record *record,
		     unsigned lowest, struct conf_server *conf_out)
{
	*conf_out = (struct conf_server){
		.weight = record->weight > 0 ? record->weight : 1,
		.backup = record->priority > lowest,
		.max_connections = srv->conf->max_connections,
	};
}

static void update(struct server *server, const struct conf_server *conf)
{
	bool is_as_told = server->weight == server->own.weight;

	server->own.weight = conf->weight;
	server->own.backup = conf->backup;
	if (is_as_told) /* and not changed at run time */
		server->weight = conf->weight;
	server->is_superseded = false;
	server_show_record(server);
}

static void take_record(struct srv *srv, const struct srv_record *record,
			unsigned lowest)
{
	struct upstream *u = srv->upstream;
	struct conf_server conf;
	char text[SRV_TEXT];
	struct server *server;

	snprintf(text, sizeof(text), "%s:%u", record->target, record->port);
	describe(srv, record, lowest, &conf);
	conf.text = text;
	server = upstream_find(u, str_of(text));
	if (server == NULL) {
		server = server_create_own(u, &conf);
		server->srv = srv;
		upstreams_take(u->all, server);
		log_info("upstream %s: server %s: added by the SRV record of %s",
			 u->conf->name, text, srv->conf->srv);
	} else if (server->srv == srv && server->is_superseded) {
		update(server, &conf);
	}
}

void srv_settle(struct srv *srv)
{
	struct upstream *u = srv->upstream;
	bool is_any_known = false;

	for (size_t i = 0; i < u->n_servers; i++) {
		const struct server *s = u->servers[i];

		if (s->srv != srv || s->is_superseded)
			continue;
		if (!resolver_was_answered(s->name))
			return;
		is_any_known |= resolver_count(s->name) > 0;
	}
	if (!is_any_known)
		return;
	for (size_t i = u->n_servers; i-- > 0;) {
		struct server *s = u->servers[i];

		if (s->srv != srv || !s->is_superseded)
			continue;
		log_info("upstream %s: server %s: removed by the SRV record of "
			 "%s",
			 u->conf->name, s->conf->text, srv->conf->srv);
		upstream_remove(u, s);
	}
}

static void on_records(void *context, const struct srv_answer *answer)
{
	struct srv *srv = context;
	struct upstream *u = srv->upstream;
	unsigned lowest = UINT16_MAX;

	for (size_t i = 0; i < u->n_servers; i++)
		if (u->servers[i]->srv == srv)
			u->servers[i]->is_superseded = true;
	for (size_t i = 0; i < answer->n; i++)
		if (answer->records[i].priority < lowest)
			lowest = answer->records[i].priority;
	for (size_t i = 0; i < answer->n; i++)
		take_record(srv, &answer->records[i], lowest);
	srv_settle(srv);
}

/* "name:port"; others may have written anything. */
static bool is_server_text(const char *text)
{
	struct str port = str_of(text), name = str_cut(&port, ':');
	uint64_t number;

	return name.n > 0 && port.p != NULL && str_to_u64(port, &number) &&
	       number > 0 && number <= UINT16_MAX;
}

/* One that another worker has. */
static void adopt(struct srv *srv, const struct server_health *cell)
{
	struct upstream *u = srv->upstream;
	char text[SCOREBOARD_SERVER_TEXT];
	struct conf_server conf = {
		.text = text,
		.weight = cell->weight > 0 ? cell->weight : 1,
		.backup = cell->is_backup != 0,
		.max_connections = srv->conf->max_connections,
	};
	struct server *server;

	memcpy(text, cell->text, sizeof(text));
	if (memchr(text, '\0', sizeof(text)) == NULL ||
	    cell->key != server_health_key(str_of(u->conf->name), str_of(text)) ||
	    !is_server_text(text) || upstream_find(u, str_of(text)) != NULL)
		return;
	server = server_create_own(u, &conf);
	server->srv = srv;
	upstream_add(u, server);
}

static void adopt_all(struct srv *srv, const struct server_health *cells)
{
	for (size_t i = 0; i < SCOREBOARD_SERVERS; i++)
		if (cells[i].key != 0 && cells[i].text[0] != '\0')
			adopt(srv, &cells[i]);
}

/* Until the name service answers, its servers are those that other workers have,
 * or had. */
static void begin_with_known(struct srv *srv)
{
	const struct upstreams *all = srv->upstream->all;
	const struct scoreboard *board = all->board;

	for (uint32_t i = 0; i < board->n_used && i < SCOREBOARD_SLOTS; i++)
		if (&board->slots[i] != all->net->slot &&
		    board->slots[i].generation != 0)
			adopt_all(srv, board->slots[i].servers);
	if (srv->upstream->n_servers == 0)
		adopt_all(srv, board->known);
}

/* Of which record a server is others do not tell. */
static bool is_sole(const struct srv *srv)
{
	const struct conf_upstream *conf = srv->upstream->conf;
	size_t n = 0;

	for (size_t i = 0; i < conf->n_servers; i++)
		n += conf->servers[i].text == NULL;
	return n == 1;
}

struct srv *srv_create(struct upstream *u, const struct conf_server *conf)
{
	struct srv *srv = mem_zalloc(1, sizeof(*srv));

	srv->conf = conf;
	srv->upstream = u;
	list_init(&srv->link);
	if (is_sole(srv))
		begin_with_known(srv);
	resolver_watch_srv(upstreams_resolver(u->all), conf->srv, on_records, srv);
	return srv;
}

void srv_destroy(struct srv **srv)
{
	list_remove(&(*srv)->link);
	free(*srv);
	*srv = NULL;
}
