/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In this order: the scoreboard as of one moment, families and samples, the rows
 * of the table of counters, what has names, and the state of now. A family is its
 * help and type, once, and then all its samples, as both forms ask for. Worker.
 */
#include "worker/report/metrics.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"

enum {
	METRICS_TRIES = 100000, /* while the master moves numbers about */
	/* The bounds of histograms are 2^n - 1 microseconds, for these n. */
	METRICS_BOUND_MIN = 5,
	METRICS_BOUND_MAX = 26,
};

struct metrics {
	const struct scoreboard *board;
	const struct conf *conf;
	struct buf *out;
	bool is_openmetrics;
};

/* One moment. */

static uint32_t sequence_of(const struct scoreboard *board)
{
	return __atomic_load_n(&board->master.sequence, __ATOMIC_ACQUIRE);
}

static uint32_t slots_of(const struct scoreboard *board)
{
	return board->n_used < SCOREBOARD_SLOTS ? board->n_used : SCOREBOARD_SLOTS;
}

/* Calls read() until nothing was moved meanwhile: a worker's numbers are counted
 * once, in its slot or with those that are gone. */
static void read_whole(const struct scoreboard *board,
		       void (*read)(const struct scoreboard *board, void *context),
		       void *context)
{
	for (int i = 0; i < METRICS_TRIES; i++) {
		uint32_t before = sequence_of(board);

		if (before % 2 != 0)
			continue;
		read(board, context);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (sequence_of(board) == before)
			return;
	}
	read(board, context);
}

static void read_total(const struct scoreboard *board, void *context)
{
	struct counters *total = context;

	*total = board->master.retired;
	for (uint32_t i = 0; i < slots_of(board); i++)
		counters_add(total, &board->slots[i].counters);
}

void metrics_total(const struct scoreboard *board, struct counters *total_out)
{
	read_whole(board, read_total, total_out);
}

struct wanted {
	uint64_t key;
	uint64_t n[NAMED_NUMBERS];
};

static void read_named(const struct scoreboard *board, void *context)
{
	struct wanted *w = context;

	memset(w->n, 0, sizeof(w->n));
	named_sum(board->master.named, w->key, w->n);
	for (uint32_t i = 0; i < slots_of(board); i++)
		named_sum(board->slots[i].named, w->key, w->n);
}

/* The numbers of a server. */
struct server_numbers {
	uint64_t key; /* server_health_key() */
	uint64_t requests, failures;
};

static void add_server(struct server_numbers *n, const struct server_health *cells)
{
	size_t hint = 0;
	const struct server_health *cell = server_health_find(cells, n->key, &hint);

	if (cell == NULL)
		return;
	n->requests += cell->requests;
	n->failures += cell->failures;
}

static void read_server(const struct scoreboard *board, void *context)
{
	struct server_numbers *n = context;

	n->requests = n->failures = 0;
	add_server(n, board->known);
	for (uint32_t i = 0; i < slots_of(board); i++)
		add_server(n, board->slots[i].servers);
}

/* Families and samples. */

static const char *const prefix = "holdfast_";

static void put_family(struct metrics *m, const char *name, const char *type,
		       const char *help)
{
	bool is_counter = strcmp(type, "counter") == 0;
	const char *end = is_counter && !m->is_openmetrics ? "_total" : "";

	buf_printf(m->out, "# HELP %s%s%s %s\n# TYPE %s%s%s %s\n", prefix, name,
		   end, help, prefix, name, end, type);
}

/* A label's value. */
static void put_value(struct metrics *m, struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		if (c == '\n')
			buf_put(m->out, STR("\\n"));
		else if (c == '\\' || c == '"')
			buf_printf(m->out, "\\%c", c);
		else
			buf_put(m->out, (struct str){&c, 1});
	}
}

static void begin_sample(struct metrics *m, const char *name, const char *end)
{
	buf_printf(m->out, "%s%s%s", prefix, name, end);
}

static void put_label(struct metrics *m, bool is_first, const char *name,
		      struct str value)
{
	buf_printf(m->out, "%s%s=\"", is_first ? "{" : ",", name);
	put_value(m, value);
	buf_put(m->out, STR("\""));
}

static void end_sample(struct metrics *m, bool has_labels, uint64_t value)
{
	buf_printf(m->out, "%s %ju\n", has_labels ? "}" : "", (uintmax_t)value);
}

static void put_gauge(struct metrics *m, const char *name, const char *help,
		      uint64_t value)
{
	put_family(m, name, "gauge", help);
	begin_sample(m, name, "");
	end_sample(m, false, value);
}

/* The table of counters. */

static void put_counter(struct metrics *m, const struct metric *row,
			const struct counters *total)
{
	put_family(m, row->name, "counter", row->help);
	for (size_t k = 0; k < metric_cells(row); k++) {
		begin_sample(m, row->name, "_total");
		if (row->dimension != NULL)
			put_label(m, true, row->dimension->label,
				  str_of(row->dimension->values[k]));
		end_sample(m, row->dimension != NULL, metric_value(row, total, k));
	}
}

/* Buckets count all that is within their bounds, here. */
static void put_histogram(struct metrics *m, const struct metric *row,
			  const struct counters *total)
{
	const struct histogram *h = metric_histogram(row, total);
	uint64_t sum = 0, all = 0;
	unsigned next = 0;
	char name[64];

	snprintf(name, sizeof(name), "request_%s_seconds", row->name);
	put_family(m, name, "histogram", row->help);
	for (unsigned n = METRICS_BOUND_MIN; n <= METRICS_BOUND_MAX; n++) {
		uint64_t bound = (UINT64_C(1) << n) - 1;

		for (; next <= histogram_bucket(bound); next++)
			sum += h->buckets[next];
		buf_printf(m->out, "%s%s_bucket{le=\"%ju.%06ju\"} %ju\n", prefix,
			   name, (uintmax_t)(bound / 1000000),
			   (uintmax_t)(bound % 1000000), (uintmax_t)sum);
	}
	/* Not h->count: it may have been counted a moment apart. */
	for (all = sum; next < HISTOGRAM_BUCKETS; next++)
		all += h->buckets[next];
	buf_printf(m->out,
		   "%s%s_bucket{le=\"+Inf\"} %ju\n%s%s_sum %ju.%06ju\n"
		   "%s%s_count %ju\n",
		   prefix, name, (uintmax_t)all, prefix, name,
		   (uintmax_t)(h->sum_us / 1000000),
		   (uintmax_t)(h->sum_us % 1000000), prefix, name, (uintmax_t)all);
}

static void put_table(struct metrics *m)
{
	struct counters *total = mem_alloc(sizeof(*total));

	metrics_total(m->board, total);
	for (size_t i = 0; i < counters_table.n; i++) {
		const struct metric *row = &counters_table.rows[i];

		if (row->kind == METRIC_HISTOGRAM)
			put_histogram(m, row, total);
		else if (row->kind == METRIC_COUNTER)
			put_counter(m, row, total);
	}
	free(total);
}

/* What has names. */

/* A route, or (NULL) what no route of the site has answered. */
struct counted_route {
	struct str site, route;
	struct wanted numbers;
};

static void put_route_labels(struct metrics *m, const struct counted_route *r)
{
	put_label(m, true, "site", r->site);
	put_label(m, false, "route", r->route);
}

static bool has_route(const struct counted_route *routes, size_t n, uint64_t key)
{
	for (size_t i = 0; i < n; i++)
		if (routes[i].numbers.key == key)
			return true;
	return false;
}

static void add_route(struct metrics *m, struct counted_route *routes, size_t *n,
		      const struct conf_site *site, const char *name)
{
	struct counted_route *r = &routes[*n];

	*r = (struct counted_route){.site = str_of(site->name),
				    .route = str_of(name)};
	r->numbers.key = named_key(NAMED_ROUTE, r->site, r->route);
	if (has_route(routes, *n, r->numbers.key))
		return; /* of other methods: they are counted together */
	read_whole(m->board, read_named, &r->numbers);
	(*n)++;
}

static struct counted_route *read_routes(struct metrics *m, size_t *n_out)
{
	const struct conf *conf = m->conf;
	size_t room = 0;

	for (size_t i = 0; i < conf->n_sites; i++)
		room += conf->sites[i].n_routes + 1;
	struct counted_route *routes = mem_zalloc(room, sizeof(*routes));

	*n_out = 0;
	for (size_t i = 0; i < conf->n_sites; i++) {
		const struct conf_site *site = &conf->sites[i];

		for (size_t k = 0; k < site->n_routes; k++)
			add_route(m, routes, n_out, site, site->routes[k].name);
		add_route(m, routes, n_out, site, "");
	}
	return routes;
}

static void put_routes(struct metrics *m)
{
	static const char *const classes[] = {"unanswered", "1xx", "2xx",
					      "3xx",        "4xx", "5xx"};
	size_t n;
	struct counted_route *routes = read_routes(m, &n);

	put_family(m, "route_responses", "counter",
		   "Responses by site, route and class of their status; without a "
		   "route, what no route has answered.");
	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < 6; k++) {
			begin_sample(m, "route_responses", "_total");
			put_route_labels(m, &routes[i]);
			put_label(m, false, "class", str_of(classes[k]));
			end_sample(m, true,
				   routes[i].numbers.n[NAMED_RESPONSES + k]);
		}
	put_family(m, "route_content_bytes", "counter",
		   "Bytes of the content of responses by site and route.");
	for (size_t i = 0; i < n; i++) {
		begin_sample(m, "route_content_bytes", "_total");
		put_route_labels(m, &routes[i]);
		end_sample(m, true, routes[i].numbers.n[NAMED_BYTES]);
	}
	put_family(
		m, "route_duration_seconds", "counter",
		"The time of requests by site and route, from their first byte to "
		"the last of the response.");
	for (size_t i = 0; i < n; i++) {
		uint64_t us = routes[i].numbers.n[NAMED_NS] / NS_PER_US;

		begin_sample(m, "route_duration_seconds", "_total");
		put_route_labels(m, &routes[i]);
		buf_printf(m->out, "} %ju.%06ju\n", (uintmax_t)(us / 1000000),
			   (uintmax_t)(us % 1000000));
	}
	free(routes);
}

static void put_listeners(struct metrics *m)
{
	put_family(m, "listener_accepted", "counter",
		   "Connections that were accepted, by listener and protocol.");
	for (size_t i = 0; i < m->conf->n_listeners; i++) {
		const struct conf_listener *l = &m->conf->listeners[i];
		struct wanted w = {
			.key = named_key(NAMED_LISTENER, str_of(l->name), STR(""))};

		read_whole(m->board, read_named, &w);
		begin_sample(m, "listener_accepted", "_total");
		put_label(m, true, "listener", str_of(l->name));
		put_label(m, false, "protocol", str_of(l->protocol));
		end_sample(m, true, w.n[NAMED_ACCEPTED]);
	}
}

static void put_servers(struct metrics *m, const char *name, const char *help,
			bool is_failures)
{
	put_family(m, name, "counter", help);
	for (size_t i = 0; i < m->conf->n_upstreams; i++) {
		const struct conf_upstream *u = &m->conf->upstreams[i];

		for (size_t k = 0; k < u->n_servers; k++) {
			struct server_numbers numbers;
			struct str text;

			if (u->servers[k].text == NULL) /* an SRV record */
				continue;
			text = str_of(u->servers[k].text);
			numbers.key = server_health_key(str_of(u->name), text);
			read_whole(m->board, read_server, &numbers);
			begin_sample(m, name, "_total");
			put_label(m, true, "upstream", str_of(u->name));
			put_label(m, false, "server", text);
			end_sample(m, true,
				   is_failures ? numbers.failures
					       : numbers.requests);
		}
	}
}

/* What is now. */

/* Resident memory in bytes; false where /proc does not say. */
static bool memory_of(uint64_t pid, uint64_t *bytes_out)
{
	char path[64], text[128];
	uintmax_t pages;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%ju/statm", (uintmax_t)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	fd_close(&fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	if (sscanf(text, "%*s %ju", &pages) != 1)
		return false;
	*bytes_out = pages * (uint64_t)sysconf(_SC_PAGESIZE);
	return true;
}

static void put_memory(struct metrics *m, const char *process, uint64_t pid)
{
	uint64_t bytes;

	if (pid == 0 || !memory_of(pid, &bytes))
		return;
	begin_sample(m, "memory_bytes", "");
	put_label(m, true, "process", str_of(process));
	end_sample(m, true, bytes);
}

static void put_workers(struct metrics *m)
{
	uint64_t connections = 0, serving = 0;

	put_family(m, "memory_bytes", "gauge", "Resident memory by process.");
	put_memory(m, "master", m->board->master.pid);
	for (uint32_t i = 0; i < slots_of(m->board); i++) {
		const struct slot *slot = &m->board->slots[i];
		char name[32];

		snprintf(name, sizeof(name), "worker %u", i);
		put_memory(m, name, slot->pid);
		connections += slot->connections;
		serving += slot->generation != 0;
	}
	put_gauge(m, "connections", "Connections that are open.", connections);
	put_gauge(m, "workers", "Workers that serve.", serving);
}

static void put_state(struct metrics *m)
{
	const struct board_master *master = &m->board->master;

	put_workers(m);
	put_gauge(m, "generation", "The number of the generation that serves.",
		  master->generation);
	put_gauge(m, "start_time_seconds", "When the master started, in Unix time.",
		  master->started_at);
	if (master->last_reload_at == 0)
		return;
	put_gauge(m, "last_reload_time_seconds",
		  "When the last reload ended, in Unix time.",
		  master->last_reload_at);
	put_gauge(m, "last_reload_success",
		  "1 if the last reload was done, 0 if it failed.",
		  master->last_reload_ok);
}

void metrics_put(const struct scoreboard *board, const struct conf *conf,
		 bool is_openmetrics, struct buf *out)
{
	struct metrics m = {board, conf, out, is_openmetrics};

	put_table(&m);
	put_listeners(&m);
	put_routes(&m);
	put_servers(&m, "upstream_server_requests",
		    "Times that a server of an upstream was asked.", false);
	put_servers(&m, "upstream_server_failures",
		    "Times that a server of an upstream has failed.", true);
	put_state(&m);
	if (is_openmetrics)
		buf_put(out, STR("# EOF\n"));
}
