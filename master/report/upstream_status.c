/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First which servers an upstream has now, then their numbers, then both as
 * text and as JSON. A server's numbers are in a cell of each worker's slot,
 * under the key of its names. They are added up over the workers that there are;
 * whether a server is asked is taken from those of the generation that serves.
 * Nothing that a worker has written is used but as a number, or a text, to be
 * printed.
 */
#include "master/report/upstream_status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec/json.h"
#include "base/mem.h"
#include "master/known_servers.h"

/* The servers. */

static struct server_view *add_view(struct server_views *views)
{
	size_t size = (views->n + 1) * sizeof(*views->items);
	struct server_view *view;

	views->items = mem_resize(views->items, size);
	view = &views->items[views->n++];
	*view = (struct server_view){.weight = 1, .configured_weight = 1};
	return view;
}

static void name_view(struct server_view *view, struct str text)
{
	snprintf(view->text, sizeof(view->text), "%" STR_FMT, STR_ARG(text));
}

static void view_change(struct master *m, const struct conf_upstream *u,
			struct server_view *view)
{
	const struct server_change *c = server_changes_find(
		&m->children.changes, str_of(u->name), str_of(view->text));

	if (c == NULL)
		return;
	view->mode = c->mode;
	view->is_removed = c->is_removed;
	if (c->weight > 0)
		view->weight = c->weight;
	view->is_changed = true;
}

static bool has_conf(const struct conf_upstream *u, struct str server)
{
	for (size_t i = 0; i < u->n_servers; i++)
		if (u->servers[i].text != NULL &&
		    str_equal(str_of(u->servers[i].text), server))
			return true;
	return false;
}

static bool has_view(const struct server_views *views, const char *text)
{
	for (size_t i = 0; i < views->n; i++)
		if (strcmp(views->items[i].text, text) == 0)
			return true;
	return false;
}

/* One of an SRV record, by what a worker says: its text may be anything. */
static void view_found(struct master *m, const struct conf_upstream *u,
		       const struct server_health *cell, struct server_views *views)
{
	char text[SCOREBOARD_SERVER_TEXT + 1] = "";

	for (size_t i = 0; i < SCOREBOARD_SERVER_TEXT && cell->text[i] != '\0'; i++)
		text[i] = cell->text[i] > ' ' && cell->text[i] < 0x7f
				  ? cell->text[i]
				  : '?';
	if (cell->key != server_health_key(str_of(u->name), str_of(text)) ||
	    has_view(views, text))
		return;
	struct server_view *view = add_view(views);

	name_view(view, str_of(text));
	view->origin = SERVER_OF_SRV;
	view->is_backup = cell->is_backup != 0;
	view->weight = view->configured_weight = cell->weight;
	view_change(m, u, view);
}

static void view_all_found(struct master *m, const struct conf_upstream *u,
			   struct server_views *views)
{
	for (struct child *c = NULL;
	     (c = children_next(&m->children, m->serving, c)) != NULL;)
		for (size_t i = 0; i < SCOREBOARD_SERVERS; i++)
			if (c->slot->servers[i].text[0] != '\0')
				view_found(m, u, &c->slot->servers[i], views);
}

void server_views_make(struct master *m, const struct conf_upstream *u,
		       struct server_views *views)
{
	const struct server_changes *changes = &m->children.changes;

	*views = (struct server_views){0};
	bool has_srv = false;

	for (size_t i = 0; i < u->n_servers; i++) {
		if (u->servers[i].text == NULL) {
			has_srv = true;
			continue;
		}
		struct server_view *view = add_view(views);

		name_view(view, str_of(u->servers[i].text));
		view->is_backup = u->servers[i].backup;
		view->weight = view->configured_weight = u->servers[i].weight;
		view_change(m, u, view);
	}
	for (size_t i = 0; i < changes->n; i++) {
		const struct server_change *c = &changes->items[i];

		if (!c->is_added || !str_equal(c->upstream, str_of(u->name)) ||
		    has_conf(u, c->server))
			continue;
		struct server_view *view = add_view(views);

		name_view(view, c->server);
		view->origin = SERVER_ADDED;
		view_change(m, u, view);
	}
	if (has_srv)
		view_all_found(m, u, views);
}

void server_views_fini(struct server_views *views)
{
	free(views->items);
	*views = (struct server_views){0};
}

/* Their numbers. */

struct server_sum {
	uint64_t requests, failures, active, idle;
	unsigned workers;      /* of the generation that serves */
	unsigned workers_down; /* those that do not ask it, for its failures */
	bool is_down;          /* by checks */
};

static struct server_sum add_up(struct master *m, const struct conf_upstream *u,
				const struct server_view *s, size_t *at)
{
	uint64_t key = server_health_key(str_of(u->name), str_of(s->text));
	const struct server_health *known =
		known_servers_find(m->children.board, key);
	struct server_sum sum = {0};

	if (known != NULL) {
		sum.requests = known->requests;
		sum.failures = known->failures;
	}
	for (struct child *c = NULL;
	     (c = children_next(&m->children, NULL, c)) != NULL;) {
		const struct server_health *cell =
			server_health_find(c->slot->servers, key, at);

		if (cell == NULL)
			continue;
		sum.requests += cell->requests;
		sum.failures += cell->failures;
		sum.active += cell->active;
		sum.idle += cell->idle;
		if (c->generation != m->serving)
			continue;
		sum.workers++;
		sum.workers_down += cell->has_failed != 0;
		sum.is_down |= cell->is_down != 0;
	}
	return sum;
}

static const char *state_of(const struct server_sum *sum)
{
	if (sum->workers == 0)
		return "unknown";
	if (sum->is_down)
		return "down by checks";
	return sum->workers_down > 0 ? "down by requests" : "up";
}

/* As text. */

/* What an operator wants to know first. */
static const char *short_state(const struct server_view *s,
			       const struct server_sum *sum)
{
	if (s->is_removed)
		return "removed";
	if (s->mode != SERVER_ENABLED)
		return server_mode_name(s->mode);
	return state_of(sum);
}

static void text_change(const struct server_view *s, struct buf *out)
{
	if (s->origin == SERVER_OF_SRV)
		buf_put_cstr(out, "  (by the SRV record)");
	if (!s->is_changed)
		return;
	buf_put_cstr(out, "  (at run time: ");
	if (s->origin == SERVER_ADDED)
		buf_put_cstr(out, "added");
	else if (s->is_removed)
		buf_put_cstr(out, "removed");
	else if (s->mode != SERVER_ENABLED)
		buf_put_cstr(out, server_mode_name(s->mode));
	if (s->weight != s->configured_weight)
		buf_printf(out, "%sweight %ju",
			   s->origin == SERVER_ADDED || s->mode != SERVER_ENABLED
				   ? ", "
				   : "",
			   (uintmax_t)s->weight);
	if (s->weight != s->configured_weight && s->origin == SERVER_OF_FILE)
		buf_printf(out, "; the file says %ju",
			   (uintmax_t)s->configured_weight);
	buf_put_cstr(out, ")");
}

static void text_server(const struct conf_upstream *u, const struct server_view *s,
			const struct server_sum *sum, struct buf *out)
{
	buf_printf(out, "%-16s %-24s %-16s %6ju %6ju %6ju %9ju %9ju", u->name,
		   s->text, short_state(s, sum), (uintmax_t)s->weight,
		   (uintmax_t)sum->active, (uintmax_t)sum->idle,
		   (uintmax_t)sum->requests, (uintmax_t)sum->failures);
	text_change(s, out);
	buf_put(out, STR("\n"));
}

static struct upstream_queue add_up_queue(struct master *m,
					  const struct conf_upstream *u)
{
	struct upstream_queue sum = {.key = str_hash(str_of(u->name))};

	for (struct child *c = NULL;
	     (c = children_next(&m->children, NULL, c)) != NULL;)
		for (size_t i = 0; i < SCOREBOARD_UPSTREAMS; i++) {
			const struct upstream_queue *q = &c->slot->queues[i];

			if (q->key != sum.key)
				continue;
			sum.waiting += q->waiting;
			sum.queued += q->queued;
			sum.ms += q->ms;
		}
	return sum;
}

static void text_queue(struct master *m, const struct conf_upstream *u,
		       struct buf *out)
{
	struct upstream_queue sum = add_up_queue(m, u);

	if (u->queue > 0)
		buf_printf(out,
			   "%-16s queue: %ju of %ju waiting, %ju have waited for "
			   "%ju ms on average\n",
			   u->name, (uintmax_t)sum.waiting, (uintmax_t)u->queue,
			   (uintmax_t)sum.queued,
			   (uintmax_t)(sum.queued > 0 ? sum.ms / sum.queued : 0));
}

static void text_upstream(struct master *m, const struct conf_upstream *u,
			  size_t *at, struct buf *out)
{
	struct server_views views;

	server_views_make(m, u, &views);
	for (size_t i = 0; i < views.n; i++) {
		struct server_sum sum = add_up(m, u, &views.items[i], at);

		text_server(u, &views.items[i], &sum, out);
	}
	text_queue(m, u, out);
	server_views_fini(&views);
}

void upstream_status_text(struct master *m, const struct conf_upstream *only,
			  struct buf *out)
{
	const struct conf *conf = m->serving != NULL ? m->serving->conf : NULL;
	size_t at = 0;

	if (conf == NULL || conf->n_upstreams == 0)
		return;
	buf_printf(out, "%-16s %-24s %-16s %6s %6s %6s %9s %9s\n", "upstream",
		   "server", "state", "weight", "busy", "idle", "requests",
		   "failures");
	for (size_t i = 0; i < conf->n_upstreams; i++)
		if (only == NULL || only == &conf->upstreams[i])
			text_upstream(m, &conf->upstreams[i], &at, out);
}

/* As lines, each of "upstream NAME SERVER" and words. */

static const char *state_word(const struct server_view *s,
			      const struct server_sum *sum)
{
	if (s->is_removed || s->mode != SERVER_ENABLED || sum->workers == 0)
		return short_state(s, sum);
	if (sum->is_down)
		return "down-checks";
	return sum->workers_down > 0 ? "down-requests" : "up";
}

static void lines_upstream(struct master *m, const struct conf_upstream *u,
			   size_t *at, struct buf *out)
{
	struct server_views views;

	server_views_make(m, u, &views);
	for (size_t i = 0; i < views.n; i++) {
		const struct server_view *s = &views.items[i];
		struct server_sum sum = add_up(m, u, s, at);

		if (strchr(s->text, ' ') !=
		    NULL) /* a path; it would be two words */
			continue;
		buf_printf(out,
			   "\nupstream %s %s state=%s weight=%ju active=%ju "
			   "idle=%ju requests=%ju failures=%ju",
			   u->name, s->text, state_word(s, &sum),
			   (uintmax_t)s->weight, (uintmax_t)sum.active,
			   (uintmax_t)sum.idle, (uintmax_t)sum.requests,
			   (uintmax_t)sum.failures);
	}
	server_views_fini(&views);
}

void upstream_status_lines(struct master *m, struct buf *out)
{
	const struct conf *conf = m->serving != NULL ? m->serving->conf : NULL;
	size_t at = 0;

	for (size_t i = 0; conf != NULL && i < conf->n_upstreams; i++)
		lines_upstream(m, &conf->upstreams[i], &at, out);
}

/* As JSON. */

static void json_server(const struct server_view *s, const struct server_sum *sum,
			struct buf *out)
{
	static const char *const origins[] = {
		[SERVER_OF_FILE] = "file",
		[SERVER_ADDED] = "added",
		[SERVER_OF_SRV] = "srv",
	};

	buf_put_cstr(out, "{\"address\":");
	json_put_string(out, s->text);
	buf_printf(out,
		   ",\"origin\":\"%s\",\"backup\":%s,\"mode\":\"%s\","
		   "\"weight\":%ju,\"configured_weight\":%ju,\"changed\":%s,"
		   "\"state\":\"%s\",\"workers_down\":%u,"
		   "\"active\":%ju,\"idle\":%ju,\"requests\":%ju,"
		   "\"failures\":%ju}",
		   origins[s->origin], s->is_backup ? "true" : "false",
		   s->is_removed ? "removed" : server_mode_name(s->mode),
		   (uintmax_t)s->weight, (uintmax_t)s->configured_weight,
		   s->is_changed ? "true" : "false", state_of(sum),
		   sum->workers_down, (uintmax_t)sum->active, (uintmax_t)sum->idle,
		   (uintmax_t)sum->requests, (uintmax_t)sum->failures);
}

/* `max` is of each worker. */
static void json_queue(struct master *m, const struct conf_upstream *u,
		       struct buf *out)
{
	struct upstream_queue sum = add_up_queue(m, u);

	buf_printf(out,
		   ",\"queue\":{\"max\":%ju,\"waiting\":%ju,\"queued\":%ju,"
		   "\"queued_ms\":%ju}",
		   (uintmax_t)u->queue, (uintmax_t)sum.waiting,
		   (uintmax_t)sum.queued, (uintmax_t)sum.ms);
}

static void json_upstream(struct master *m, const struct conf_upstream *u,
			  size_t *at, struct buf *out)
{
	struct server_views views;

	server_views_make(m, u, &views);
	buf_put_cstr(out, "{\"name\":");
	json_put_string(out, u->name);
	buf_put(out, STR(",\"servers\":["));
	for (size_t i = 0; i < views.n; i++) {
		struct server_sum sum = add_up(m, u, &views.items[i], at);

		buf_put_cstr(out, i > 0 ? "," : "");
		json_server(&views.items[i], &sum, out);
	}
	buf_put(out, STR("]"));
	json_queue(m, u, out);
	buf_put(out, STR("}"));
	server_views_fini(&views);
}

void upstream_status_json(struct master *m, const struct conf_upstream *only,
			  struct buf *out)
{
	const struct conf *conf = m->serving != NULL ? m->serving->conf : NULL;
	const char *comma = "";
	size_t at = 0;

	buf_put(out, STR("\"upstreams\":["));
	for (size_t i = 0; conf != NULL && i < conf->n_upstreams; i++) {
		if (only != NULL && only != &conf->upstreams[i])
			continue;
		buf_put_cstr(out, comma);
		json_upstream(m, &conf->upstreams[i], &at, out);
		comma = ",";
	}
	buf_put(out, STR("]"));
}
