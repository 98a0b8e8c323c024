/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both forms are made from one summary. What workers wrote into the
 * scoreboard is only ever printed here.
 */
#include "master/report/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec/json.h"
#include "base/mem.h"
#include "master/report/rates.h"
#include "master/report/upstream_status.h"

struct summary {
	uint64_t now;
	uint64_t connections;
	struct counters totals; /* of all workers that there were */
};

static void summarise(struct master *m, struct summary *s)
{
	*s = (struct summary){.now = clock_read(),
			      .totals = children_total(&m->children)};
	for (struct child *c = NULL;
	     (c = children_next(&m->children, NULL, c)) != NULL;)
		s->connections += c->slot->connections;
}

static uint64_t ms_since(uint64_t now, uint64_t then)
{
	return now > then ? (now - then) / NS_PER_MS : 0;
}

/* For how long a worker has been at what it is doing; 0 while it waits. */
static uint64_t ms_in_tick(uint64_t now, const struct child *c)
{
	uint64_t woke;
	bool waits = pulse_waits(&c->slot->pulse, &woke);

	return waits || woke == 0 ? 0 : ms_since(now, woke);
}

/* Text. */

static unsigned generation_of(const struct child *c)
{
	return c->generation != NULL ? c->generation->number : 0;
}

static void text_workers(struct master *m, const struct summary *s, struct buf *out)
{
	buf_put_cstr(out, "worker     pid   gen  state       age s  conns   req/s"
			  "  moved in/out   cpu s   MiB\n");
	for (struct child *c = NULL;
	     (c = children_next(&m->children, NULL, c)) != NULL;) {
		const struct counters *n = &c->slot->counters;
		struct usage usage = usage_of(c->pid);
		char moved[48];

		snprintf(moved, sizeof(moved), "%ju/%ju", (uintmax_t)n->handed_in,
			 (uintmax_t)n->handed_out);
		buf_printf(
			out, "%6u %7d %5u  %-9s %7ju %6ju %7ju  %12s %7.1f %5.1f\n",
			c->number, (int)c->pid, generation_of(c),
			child_state_name(c->state),
			(uintmax_t)ms_since(s->now, c->started_at) / 1000,
			(uintmax_t)c->slot->connections, (uintmax_t)c->rate.per_s,
			moved, (double)usage.cpu_ms / 1000,
			(double)usage.rss_kib / 1024);
	}
}

static void text_reload(const struct outcome *last, struct buf *out)
{
	char when[CLOCK_TEXT];

	if (last->at == 0)
		return;
	buf_printf(out, "last reload: %s at %s%s%s\n", last->ok ? "ok" : "failed",
		   clock_format_utc(last->at, when), last->ok ? "" : ": ",
		   last->reason);
}

static void text_row(const struct metric *row, const struct counters *totals,
		     struct buf *out)
{
	buf_printf(out, "%s:", row->text);
	for (size_t k = 0; k < metric_cells(row); k++)
		buf_printf(out, "%s %s%s%ju", k > 0 ? "," : "",
			   row->dimension != NULL ? row->dimension->values[k] : "",
			   row->dimension != NULL ? " " : "",
			   (uintmax_t)metric_value(row, totals, k));
	buf_put(out, STR("\n"));
}

static void text_totals(const struct summary *s, struct buf *out)
{
	buf_printf(out, "connections open: %ju\n", (uintmax_t)s->connections);
	for (size_t i = 0; i < counters_table.n; i++)
		if (counters_table.rows[i].kind != METRIC_HISTOGRAM)
			text_row(&counters_table.rows[i], &s->totals, out);
}

static void text_latency(const struct summary *s, struct buf *out)
{
	buf_put_cstr(out, "latency in us     p50        p90        p99"
			  "        max\n");
	for (size_t i = 0; i < counters_table.n; i++) {
		const struct metric *row = &counters_table.rows[i];
		const struct histogram *h = metric_histogram(row, &s->totals);

		if (row->kind != METRIC_HISTOGRAM)
			continue;
		buf_printf(out, "%-13s %7ju  %9ju  %9ju  %9ju\n", row->text,
			   (uintmax_t)histogram_quantile(h, 0.5),
			   (uintmax_t)histogram_quantile(h, 0.9),
			   (uintmax_t)histogram_quantile(h, 0.99),
			   (uintmax_t)h->max_us);
	}
}

static void text_listeners(const struct generation *g, struct buf *out)
{
	char address[ADDR_TEXT];

	for (size_t i = 0; g != NULL && i < g->conf->n_listeners; i++)
		if (g->bound[i] != NULL)
			buf_printf(out, "listening on %s (%s)\n",
				   addr_format(&g->bound[i]->addr, address),
				   g->conf->listeners[i].protocol);
}

/* When the first certificate expires of those that the workers have; 0: they have
 * none. */
static uint64_t certificates_until(struct master *m)
{
	uint64_t first = 0;

	for (struct child *c = NULL;
	     (c = children_next(&m->children, m->serving, c)) != NULL;) {
		uint64_t until = c->slot->certificates_until;

		if (until != 0 && (first == 0 || until < first))
			first = until;
	}
	return first;
}

static int64_t days_until(uint64_t when)
{
	return ((int64_t)when - (int64_t)time(NULL)) / (24 * 3600);
}

static void text_certificates(struct master *m, struct buf *out)
{
	uint64_t until = certificates_until(m);
	char when[CLOCK_TEXT];

	if (until != 0)
		buf_printf(out, "certificates: the first expires in %jd days, %s\n",
			   (intmax_t)days_until(until),
			   clock_format_utc((time_t)until, when));
}

static void json_certificates(struct master *m, struct buf *out)
{
	uint64_t until = certificates_until(m);
	char when[CLOCK_TEXT];

	if (until == 0)
		buf_put(out, STR(",\"certificates\":null"));
	else
		buf_printf(out, ",\"certificates\":{\"days\":%jd,\"until\":\"%s\"}",
			   (intmax_t)days_until(until),
			   clock_format_utc((time_t)until, when));
}

void status_text(struct master *m, struct buf *out)
{
	struct summary *s = mem_alloc(sizeof(*s));

	summarise(m, s);
	buf_printf(out,
		   "holdfast " PACKAGE_VERSION ", master %d, %s for %ju s, "
		   "generation %u\nconfiguration: %s\n",
		   (int)getpid(), life_name(m->state),
		   (uintmax_t)ms_since(s->now, m->started_at) / 1000,
		   m->serving != NULL ? m->serving->number : 0, m->file);
	text_listeners(m->serving, out);
	text_certificates(m, out);
	text_reload(&m->last_reload, out);
	buf_put(out, STR("\n"));
	text_workers(m, s, out);
	buf_put(out, STR("\n"));
	upstream_status_text(m, NULL, out);
	if (m->serving != NULL && m->serving->conf->n_upstreams > 0)
		buf_put(out, STR("\n"));
	text_totals(s, out);
	buf_put(out, STR("\n"));
	text_latency(s, out);
	free(s);
}

/* JSON. */

static void json_worker(const struct child *c, const struct summary *s,
			struct buf *out)
{
	struct usage usage = usage_of(c->pid);

	buf_printf(out,
		   "{\"slot\":%u,\"pid\":%d,\"generation\":%u,"
		   "\"state\":\"%s\",\"age_s\":%ju,\"beat_age_ms\":%ju,"
		   "\"connections\":%ju,\"requests_per_s\":%ju,"
		   "\"cpu_ms\":%ju,\"rss_kib\":%ju,",
		   c->number, (int)c->pid, generation_of(c),
		   child_state_name(c->state),
		   (uintmax_t)ms_since(s->now, c->started_at) / 1000,
		   (uintmax_t)ms_in_tick(s->now, c),
		   (uintmax_t)c->slot->connections, (uintmax_t)c->rate.per_s,
		   (uintmax_t)usage.cpu_ms, (uintmax_t)usage.rss_kib);
	metrics_put_json(&counters_table, &c->slot->counters, false, out);
	buf_put(out, STR("}"));
}

static void json_workers(struct master *m, const struct summary *s, struct buf *out)
{
	const char *comma = "";

	buf_put(out, STR(",\"workers\":["));
	for (struct child *c = NULL;
	     (c = children_next(&m->children, NULL, c)) != NULL;) {
		buf_put_cstr(out, comma);
		json_worker(c, s, out);
		comma = ",";
	}
	buf_put(out, STR("]"));
}

static void json_listeners(const struct generation *g, struct buf *out)
{
	char address[ADDR_TEXT];
	const char *comma = "";

	buf_put(out, STR(",\"listeners\":["));
	for (size_t i = 0; g != NULL && i < g->conf->n_listeners; i++) {
		if (g->bound[i] == NULL)
			continue;
		buf_printf(out, "%s{\"address\":", comma);
		json_put_string(out, addr_format(&g->bound[i]->addr, address));
		buf_put(out, STR(",\"configured\":"));
		json_put_string(out, g->conf->listeners[i].text);
		buf_printf(out, ",\"protocol\":\"%s\"}",
			   g->conf->listeners[i].protocol);
		comma = ",";
	}
	buf_put(out, STR("]"));
}

static void json_totals(const struct summary *s, struct buf *out)
{
	buf_put(out, STR(",\"totals\":{"));
	metrics_put_json(&counters_table, &s->totals, true, out);
	buf_put(out, STR("}"));
}

static void json_latency(const struct summary *s, struct buf *out)
{
	const char *comma = "";

	buf_put(out, STR(",\"latency_us\":{"));
	for (size_t i = 0; i < counters_table.n; i++) {
		const struct metric *row = &counters_table.rows[i];
		const struct histogram *h = metric_histogram(row, &s->totals);

		if (row->kind != METRIC_HISTOGRAM)
			continue;
		buf_printf(out,
			   "%s\"%s\":{\"count\":%ju,\"sum\":%ju,\"p50\":%ju,"
			   "\"p90\":%ju,\"p99\":%ju,\"max\":%ju}",
			   comma, row->name, (uintmax_t)h->count,
			   (uintmax_t)h->sum_us,
			   (uintmax_t)histogram_quantile(h, 0.5),
			   (uintmax_t)histogram_quantile(h, 0.9),
			   (uintmax_t)histogram_quantile(h, 0.99),
			   (uintmax_t)h->max_us);
		comma = ",";
	}
	buf_put(out, STR("}"));
}

static void json_reload(const struct outcome *last, struct buf *out)
{
	char when[CLOCK_TEXT];

	if (last->at == 0) {
		buf_put(out, STR(",\"last_reload\":null"));
		return;
	}
	buf_printf(out, ",\"last_reload\":{\"ok\":%s,\"at\":\"%s\",\"reason\":",
		   last->ok ? "true" : "false", clock_format_utc(last->at, when));
	json_put_string(out, last->reason);
	buf_put(out, STR("}"));
}

void status_json(struct master *m, struct buf *out)
{
	struct summary *s = mem_alloc(sizeof(*s));

	summarise(m, s);
	buf_printf(out,
		   "{\"version\":\"" PACKAGE_VERSION "\",\"pid\":%d,"
		   "\"state\":\"%s\",\"generation\":%u,\"uptime_s\":%ju,"
		   "\"connections\":%ju,\"configuration\":",
		   (int)getpid(), life_name(m->state),
		   m->serving != NULL ? m->serving->number : 0,
		   (uintmax_t)ms_since(s->now, m->started_at) / 1000,
		   (uintmax_t)s->connections);
	json_put_string(out, m->file);
	json_workers(m, s, out);
	json_listeners(m->serving, out);
	buf_put(out, STR(","));
	upstream_status_json(m, NULL, out);
	json_totals(s, out);
	json_latency(s, out);
	json_reload(&m->last_reload, out);
	json_certificates(m, out);
	buf_put(out, STR("}\n"));
	free(s);
}

static unsigned count_serving(struct master *m)
{
	unsigned n = 0;

	for (struct child *c = NULL;
	     (c = children_next(&m->children, m->serving, c)) != NULL;)
		n += c->state == CHILD_SERVING;
	return n;
}

bool status_check(struct master *m, struct buf *out)
{
	const struct outcome *last = &m->last_reload;
	unsigned serving = m->serving != NULL ? count_serving(m) : 0;
	bool has_failed = last->at != 0 && !last->ok;
	char when[CLOCK_TEXT];

	if (serving == 0)
		buf_put(out, STR("CRITICAL: no worker serves\n"));
	else if (has_failed)
		buf_printf(out, "CRITICAL: the reload at %s has failed: %s\n",
			   clock_format_utc(last->at, when), last->reason);
	else
		buf_printf(out, "OK: generation %u, %u worker%s\n",
			   m->serving->number, serving, serving == 1 ? "" : "s");
	return serving > 0 && !has_failed;
}

/* Lines of words, for holdfast top: see top.c. */

void status_lines(struct master *m, struct buf *out)
{
	struct summary *s = mem_alloc(sizeof(*s));

	summarise(m, s);
	buf_printf(out,
		   "server state=%s generation=%u uptime_s=%ju connections=%ju",
		   life_name(m->state), m->serving != NULL ? m->serving->number : 0,
		   (uintmax_t)ms_since(s->now, m->started_at) / 1000,
		   (uintmax_t)s->connections);
	metrics_put_words(&counters_table, &s->totals, true, out);
	for (struct child *c = NULL;
	     (c = children_next(&m->children, NULL, c)) != NULL;) {
		struct usage usage = usage_of(c->pid);

		buf_printf(out,
			   "\nworker slot=%u pid=%d generation=%u state=%s "
			   "age_s=%ju connections=%ju cpu_ms=%ju rss_kib=%ju",
			   c->number, (int)c->pid, generation_of(c),
			   child_state_name(c->state),
			   (uintmax_t)ms_since(s->now, c->started_at) / 1000,
			   (uintmax_t)c->slot->connections, (uintmax_t)usage.cpu_ms,
			   (uintmax_t)usage.rss_kib);
		metrics_put_words(&counters_table, &c->slot->counters, false, out);
	}
	upstream_status_lines(m, out);
	buf_put(out, STR("\nlatency"));
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (s->totals.total.buckets[i] > 0)
			buf_printf(out, " %u=%ju", i,
				   (uintmax_t)s->totals.total.buckets[i]);
	buf_put(out, STR("\n"));
	text_reload(&m->last_reload, out);
	free(s);
}
