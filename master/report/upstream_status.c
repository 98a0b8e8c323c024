/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server's numbers are in a cell of each worker's slot, under the key of its
 * names. They are added up over the workers that there are; whether a server
 * is asked is taken from those of the generation that serves. Nothing that a
 * worker has written is used but as a number to be printed.
 */
#include "master/report/upstream_status.h"

#include <inttypes.h>

#include "base/codec/json.h"

struct server_sum {
	uint64_t requests, failures, active, idle;
	unsigned workers;      /* of the generation that serves */
	unsigned workers_down; /* those that do not ask it, for its failures */
	bool is_down;          /* by checks */
};

/* Workers of one configuration have the same servers in the same places: the
 * search begins where the last server was found. */
static const struct server_health *find_cell(const struct slot *slot, uint64_t key,
					     size_t *at)
{
	for (size_t i = 0; i < SCOREBOARD_SERVERS; i++) {
		size_t place = (*at + i) % SCOREBOARD_SERVERS;

		if (slot->servers[place].key != key)
			continue;
		*at = place;
		return &slot->servers[place];
	}
	return NULL;
}

static struct server_sum add_up(struct master *m, const struct conf_upstream *u,
				const struct conf_server *s, size_t *at)
{
	uint64_t key = server_health_key(str_of(u->name), str_of(s->text));
	struct server_sum sum = {0};

	for (struct child *c = NULL;
	     (c = children_next(&m->children, NULL, c)) != NULL;) {
		const struct server_health *cell = find_cell(c->slot, key, at);

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

static void text_server(const struct conf_upstream *u, const struct conf_server *s,
			const struct server_sum *sum, struct buf *out)
{
	buf_printf(out, "%-16s %-24s %-16s %6ju %6ju %9ju %9ju\n", u->name, s->text,
		   state_of(sum), (uintmax_t)sum->active, (uintmax_t)sum->idle,
		   (uintmax_t)sum->requests, (uintmax_t)sum->failures);
}

void upstream_status_text(struct master *m, struct buf *out)
{
	const struct conf *conf = m->serving != NULL ? m->serving->conf : NULL;
	size_t at = 0;

	if (conf == NULL || conf->n_upstreams == 0)
		return;
	buf_printf(out, "%-16s %-24s %-16s %6s %6s %9s %9s\n", "upstream", "server",
		   "state", "busy", "idle", "requests", "failures");
	for (size_t i = 0; i < conf->n_upstreams; i++) {
		const struct conf_upstream *u = &conf->upstreams[i];

		for (size_t k = 0; k < u->n_servers; k++) {
			struct server_sum sum = add_up(m, u, &u->servers[k], &at);

			text_server(u, &u->servers[k], &sum, out);
		}
	}
	buf_put(out, STR("\n"));
}

static void json_server(const struct conf_server *s, const struct server_sum *sum,
			struct buf *out)
{
	buf_put_cstr(out, "{\"address\":");
	json_put_string(out, s->text);
	buf_printf(out,
		   ",\"backup\":%s,\"state\":\"%s\",\"workers_down\":%u,"
		   "\"active\":%ju,\"idle\":%ju,\"requests\":%ju,"
		   "\"failures\":%ju}",
		   s->backup ? "true" : "false", state_of(sum), sum->workers_down,
		   (uintmax_t)sum->active, (uintmax_t)sum->idle,
		   (uintmax_t)sum->requests, (uintmax_t)sum->failures);
}

void upstream_status_json(struct master *m, struct buf *out)
{
	const struct conf *conf = m->serving != NULL ? m->serving->conf : NULL;
	size_t at = 0;

	buf_put(out, STR(",\"upstreams\":["));
	for (size_t i = 0; conf != NULL && i < conf->n_upstreams; i++) {
		const struct conf_upstream *u = &conf->upstreams[i];

		buf_put_cstr(out, i > 0 ? ",{\"name\":" : "{\"name\":");
		json_put_string(out, u->name);
		buf_put(out, STR(",\"servers\":["));
		for (size_t k = 0; k < u->n_servers; k++) {
			struct server_sum sum = add_up(m, u, &u->servers[k], &at);

			buf_put_cstr(out, k > 0 ? "," : "");
			json_server(&u->servers[k], &sum, out);
		}
		buf_put(out, STR("]}"));
	}
	buf_put(out, STR("]"));
}
