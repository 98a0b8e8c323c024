/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both forms are made from one summary. What workers wrote into the
 * scoreboard is only ever printed here.
 */
#include "master/report/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "master/report/sample.h"

struct summary {
	uint64_t now;
	uint64_t connections;
	struct counters totals; /* of all workers that there were */
};

static const struct phase {
	const char *key;
	const char *title;
	size_t offset; /* of its histogram in struct counters */
} phases[] = {
	{"to_head", "head received", offsetof(struct counters, to_head)},
	{"to_answer", "answer made", offsetof(struct counters, to_answer)},
	{"to_end", "answer sent", offsetof(struct counters, to_end)},
	{"total", "whole request", offsetof(struct counters, total)},
};
enum { PHASES = sizeof(phases) / sizeof(*phases) };

static const struct histogram *phase_of(const struct summary *s, size_t i)
{
	return (const void *)((const char *)&s->totals + phases[i].offset);
}

static void summarise(struct master *m, struct summary *s)
{
	*s = (struct summary){.now = clock_read(), .totals = m->children.retired};
	for (struct child *c = NULL;
	     (c = children_next(&m->children, NULL, c)) != NULL;) {
		s->connections += c->slot->connections;
		counters_add(&s->totals, &c->slot->counters);
	}
}

static uint64_t ms_since(uint64_t now, uint64_t then)
{
	return now > then ? (now - then) / NS_PER_MS : 0;
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

static void text_totals(const struct master *m, const struct summary *s,
			struct buf *out)
{
	const struct counters *t = &s->totals;

	buf_printf(out,
		   "connections: %ju open, %ju accepted, %ju pauses of "
		   "accepting\n"
		   "requests: %ju (1xx %ju, 2xx %ju, 3xx %ju, 4xx %ju, "
		   "5xx %ju, unanswered %ju)\n"
		   "bytes: %ju in, %ju out\n"
		   "lines of the access log lost: %ju\n"
		   "moves: %ju kept for their format, %ju damaged\n"
		   "respawns: %ju\n",
		   (uintmax_t)s->connections, (uintmax_t)t->accepted,
		   (uintmax_t)t->accept_pauses, (uintmax_t)t->requests,
		   (uintmax_t)t->responses[1], (uintmax_t)t->responses[2],
		   (uintmax_t)t->responses[3], (uintmax_t)t->responses[4],
		   (uintmax_t)t->responses[5], (uintmax_t)t->responses[0],
		   (uintmax_t)t->bytes_in, (uintmax_t)t->bytes_out,
		   (uintmax_t)t->log_lost, (uintmax_t)t->kept_for_format,
		   (uintmax_t)t->handoff_damaged, (uintmax_t)m->respawns);
}

static void text_latency(const struct summary *s, struct buf *out)
{
	buf_put_cstr(out, "latency in us     p50        p90        p99"
			  "        max\n");
	for (size_t i = 0; i < PHASES; i++) {
		const struct histogram *h = phase_of(s, i);

		buf_printf(out, "%-13s %7ju  %9ju  %9ju  %9ju\n", phases[i].title,
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
	text_reload(&m->last_reload, out);
	buf_put(out, STR("\n"));
	text_workers(m, s, out);
	buf_put(out, STR("\n"));
	text_totals(m, s, out);
	buf_put(out, STR("\n"));
	text_latency(s, out);
	free(s);
}

/* JSON. */

static void json_string(struct buf *out, const char *s)
{
	buf_put(out, STR("\""));
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < ' ')
			buf_printf(out, "\\u%04x", c);
		else
			buf_put(out, (struct str){s, 1});
	}
	buf_put(out, STR("\""));
}

static void json_worker(const struct child *c, const struct summary *s,
			struct buf *out)
{
	const struct counters *n = &c->slot->counters;
	struct usage usage = usage_of(c->pid);

	buf_printf(out,
		   "{\"slot\":%u,\"pid\":%d,\"generation\":%u,"
		   "\"state\":\"%s\",\"age_s\":%ju,\"beat_age_ms\":%ju,"
		   "\"connections\":%ju,\"accepted\":%ju,\"handed_in\":%ju,"
		   "\"handed_out\":%ju,\"requests\":%ju,\"requests_per_s\":%ju,"
		   "\"bytes_in\":%ju,\"bytes_out\":%ju,\"log_lost\":%ju,"
		   "\"cpu_ms\":%ju,"
		   "\"rss_kib\":%ju}",
		   c->number, (int)c->pid, generation_of(c),
		   child_state_name(c->state),
		   (uintmax_t)ms_since(s->now, c->started_at) / 1000,
		   (uintmax_t)ms_since(s->now, c->slot->beat),
		   (uintmax_t)c->slot->connections, (uintmax_t)n->accepted,
		   (uintmax_t)n->handed_in, (uintmax_t)n->handed_out,
		   (uintmax_t)n->requests, (uintmax_t)c->rate.per_s,
		   (uintmax_t)n->bytes_in, (uintmax_t)n->bytes_out,
		   (uintmax_t)n->log_lost, (uintmax_t)usage.cpu_ms,
		   (uintmax_t)usage.rss_kib);
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
		json_string(out, addr_format(&g->bound[i]->addr, address));
		buf_put(out, STR(",\"configured\":"));
		json_string(out, g->conf->listeners[i].text);
		buf_printf(out, ",\"protocol\":\"%s\"}",
			   g->conf->listeners[i].protocol);
		comma = ",";
	}
	buf_put(out, STR("]"));
}

static void json_totals(const struct master *m, const struct summary *s,
			struct buf *out)
{
	const struct counters *t = &s->totals;

	buf_printf(out,
		   ",\"totals\":{\"accepted\":%ju,\"closed\":%ju,"
		   "\"requests\":%ju,\"bytes_in\":%ju,\"bytes_out\":%ju,"
		   "\"accept_pauses\":%ju,\"limited\":%ju,"
		   "\"temp_bodies\":%ju,\"kept_for_format\":%ju,"
		   "\"handoff_damaged\":%ju,"
		   "\"respawns\":%ju,"
		   "\"connections_cut\":%ju,\"log_lost\":%ju,"
		   "\"responses\":{",
		   (uintmax_t)t->accepted, (uintmax_t)t->closed,
		   (uintmax_t)t->requests, (uintmax_t)t->bytes_in,
		   (uintmax_t)t->bytes_out, (uintmax_t)t->accept_pauses,
		   (uintmax_t)t->limited, (uintmax_t)t->temp_bodies,
		   (uintmax_t)t->kept_for_format, (uintmax_t)t->handoff_damaged,
		   (uintmax_t)m->respawns, (uintmax_t)m->children.cut,
		   (uintmax_t)t->log_lost);
	for (int i = 1; i < 6; i++)
		buf_printf(out, "\"%dxx\":%ju,", i, (uintmax_t)t->responses[i]);
	buf_printf(out, "\"unanswered\":%ju}}", (uintmax_t)t->responses[0]);
}

static void json_latency(const struct summary *s, struct buf *out)
{
	buf_put(out, STR(",\"latency_us\":{"));
	for (size_t i = 0; i < PHASES; i++) {
		const struct histogram *h = phase_of(s, i);

		buf_printf(out,
			   "%s\"%s\":{\"count\":%ju,\"sum\":%ju,\"p50\":%ju,"
			   "\"p90\":%ju,\"p99\":%ju,\"max\":%ju}",
			   i > 0 ? "," : "", phases[i].key, (uintmax_t)h->count,
			   (uintmax_t)h->sum_us,
			   (uintmax_t)histogram_quantile(h, 0.5),
			   (uintmax_t)histogram_quantile(h, 0.9),
			   (uintmax_t)histogram_quantile(h, 0.99),
			   (uintmax_t)h->max_us);
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
	json_string(out, last->reason);
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
	json_string(out, m->file);
	json_workers(m, s, out);
	json_listeners(m->serving, out);
	json_totals(m, s, out);
	json_latency(s, out);
	json_reload(&m->last_reload, out);
	buf_put(out, STR("}\n"));
	free(s);
}

/* Lines of words, for holdfast top: see top.c. */

void status_lines(struct master *m, struct buf *out)
{
	struct summary *s = mem_alloc(sizeof(*s));
	const struct counters *t = &s->totals;

	summarise(m, s);
	buf_printf(out, "server %s %u %ju %ju %ju %ju %ju %ju %ju %ju\n",
		   life_name(m->state), m->serving != NULL ? m->serving->number : 0,
		   (uintmax_t)ms_since(s->now, m->started_at) / 1000,
		   (uintmax_t)s->connections, (uintmax_t)t->accepted,
		   (uintmax_t)t->requests, (uintmax_t)t->bytes_in,
		   (uintmax_t)t->bytes_out, (uintmax_t)m->respawns,
		   (uintmax_t)t->log_lost);
	for (struct child *c = NULL;
	     (c = children_next(&m->children, NULL, c)) != NULL;) {
		const struct counters *n = &c->slot->counters;
		struct usage usage = usage_of(c->pid);

		buf_printf(out, "worker %u %d %u %s %ju %ju %ju %ju %ju %ju %ju\n",
			   c->number, (int)c->pid, generation_of(c),
			   child_state_name(c->state),
			   (uintmax_t)ms_since(s->now, c->started_at) / 1000,
			   (uintmax_t)c->slot->connections, (uintmax_t)n->requests,
			   (uintmax_t)n->handed_in, (uintmax_t)n->handed_out,
			   (uintmax_t)usage.cpu_ms, (uintmax_t)usage.rss_kib);
	}
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (t->total.buckets[i] > 0)
			buf_printf(out, "latency %u %ju\n", i,
				   (uintmax_t)t->total.buckets[i]);
	text_reload(&m->last_reload, out);
	free(s);
}
