/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Once a second the master is asked for "status --lines", and a frame is made
 * of the difference to the answer before. A frame is lines of text, as many
 * and as long as the terminal has room for: from above the server, then the
 * workers and the servers of upstreams, and at the bottom how long requests
 * took.
 */
#include "master/client/top.h"

#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/histogram.h"
#include "base/mem.h"
#include "master/client/ask.h"

enum {
	TOP_WORKERS = 1024,
	TOP_SERVERS = 1024, /* of upstreams */
	TOP_MS = 1000,
	TOP_BARS = 9, /* rows of the histogram */
	TOP_BAR_WIDTH = 48,
	TOP_ABOVE = 5, /* lines above the workers */
};

struct worker_row {
	char state[16];
	uint64_t slot, generation, pid;
	uint64_t age_s, connections, requests, in, out, cpu_ms, rss_kib;
	uint64_t per_s, cpu_percent; /* since the sample before */
};

struct server_row {
	char upstream[32], name[64], state[16];
	uint64_t weight, active, idle, requests, failures;
	uint64_t per_s; /* since the sample before */
};

struct sample {
	uint64_t at; /* CLOCK_MONOTONIC ns */
	char state[16];
	uint64_t generation, uptime_s, connections, accepted, requests, in, out,
		respawns, log_lost;
	char reload[256];
	size_t n_workers;
	struct worker_row workers[TOP_WORKERS];
	size_t n_servers;
	struct server_row servers[TOP_SERVERS];
	uint64_t latency[HISTOGRAM_BUCKETS];
};

/* Asking. A line is a word that says what it is about, then KEY=VALUE words;
 * keys that are not known here are for others. */

/* Where the value of a key goes. */
struct place_of {
	const char *key;
	size_t offset;
};

static const struct place_of server_keys[] = {
	{"generation", offsetof(struct sample, generation)},
	{"uptime_s", offsetof(struct sample, uptime_s)},
	{"connections", offsetof(struct sample, connections)},
	{"accepted", offsetof(struct sample, accepted)},
	{"requests", offsetof(struct sample, requests)},
	{"bytes_in", offsetof(struct sample, in)},
	{"bytes_out", offsetof(struct sample, out)},
	{"respawns", offsetof(struct sample, respawns)},
	{"log_lost", offsetof(struct sample, log_lost)},
	{NULL, 0},
};

static const struct place_of worker_keys[] = {
	{"slot", offsetof(struct worker_row, slot)},
	{"pid", offsetof(struct worker_row, pid)},
	{"generation", offsetof(struct worker_row, generation)},
	{"age_s", offsetof(struct worker_row, age_s)},
	{"connections", offsetof(struct worker_row, connections)},
	{"requests", offsetof(struct worker_row, requests)},
	{"handed_in", offsetof(struct worker_row, in)},
	{"handed_out", offsetof(struct worker_row, out)},
	{"cpu_ms", offsetof(struct worker_row, cpu_ms)},
	{"rss_kib", offsetof(struct worker_row, rss_kib)},
	{NULL, 0},
};

static const struct place_of upstream_keys[] = {
	{"weight", offsetof(struct server_row, weight)},
	{"active", offsetof(struct server_row, active)},
	{"idle", offsetof(struct server_row, idle)},
	{"requests", offsetof(struct server_row, requests)},
	{"failures", offsetof(struct server_row, failures)},
	{NULL, 0},
};

/* A word of a line: false at its end. `value_out` ends in NUL. */
static bool next_word(struct str *line, struct str *key_out, char value_out[64])
{
	struct str word;

	if (line->n == 0)
		return false;
	word = str_cut(line, ' ');
	*key_out = str_cut(&word, '=');
	snprintf(value_out, 64, "%" STR_FMT, STR_ARG(word));
	return true;
}

static void read_words(struct str line, const struct place_of *keys, void *into,
		       char state_out[16])
{
	struct str key;
	char value[64];

	while (next_word(&line, &key, value)) {
		if (str_equal(key, STR("state")))
			snprintf(state_out, 16, "%.15s", value);
		for (const struct place_of *k = keys; k->key != NULL; k++)
			if (str_equal(key, str_of(k->key)))
				*(uint64_t *)(void *)((char *)into + k->offset) =
					strtoull(value, NULL, 10);
	}
}

static void read_latency(struct sample *s, struct str line)
{
	struct str key;
	char value[64], number[32];

	while (next_word(&line, &key, value)) {
		snprintf(number, sizeof(number), "%" STR_FMT, STR_ARG(key));
		unsigned long bucket = strtoul(number, NULL, 10);

		if (bucket < HISTOGRAM_BUCKETS)
			s->latency[bucket] = strtoull(value, NULL, 10);
	}
}

/* "NAME SERVER state=STATE ..." */
static void read_server(struct server_row *row, struct str line)
{
	struct str upstream = str_cut(&line, ' '), name = str_cut(&line, ' ');

	*row = (struct server_row){0};
	snprintf(row->upstream, sizeof(row->upstream), "%" STR_FMT,
		 STR_ARG(upstream));
	snprintf(row->name, sizeof(row->name), "%" STR_FMT, STR_ARG(name));
	read_words(line, upstream_keys, row, row->state);
}

static void read_line(struct sample *s, struct str line)
{
	struct str rest = line, subject = str_cut(&rest, ' ');

	if (str_equal(subject, STR("server"))) {
		read_words(rest, server_keys, s, s->state);
	} else if (str_equal(subject, STR("worker"))) {
		if (s->n_workers == TOP_WORKERS)
			return;
		struct worker_row *w = &s->workers[s->n_workers++];

		*w = (struct worker_row){0};
		read_words(rest, worker_keys, w, w->state);
	} else if (str_equal(subject, STR("upstream"))) {
		if (s->n_servers < TOP_SERVERS)
			read_server(&s->servers[s->n_servers++], rest);
	} else if (str_equal(subject, STR("latency"))) {
		read_latency(s, rest);
	} else {
		snprintf(s->reload, sizeof(s->reload), "%" STR_FMT, STR_ARG(line));
	}
}

/* False, with the reason on standard error, when nobody answers. */
static bool ask(const struct question *question, struct sample *s)
{
	struct buf answer = {0};
	bool ok = ask_master(question, &answer) == ASK_OK;
	struct str rest = buf_str(&answer);

	memset(s, 0, sizeof(*s));
	s->at = clock_read();
	while (ok && rest.n > 0) {
		read_line(s, str_cut(&rest, '\n'));
	}
	if (!ok)
		fprintf(stderr, "%" STR_FMT, STR_ARG(buf_str(&answer)));
	buf_release(&answer);
	return ok;
}

/* What happened between two samples. */

static uint64_t per_second(uint64_t now, uint64_t before, uint64_t span_ns)
{
	return now > before && span_ns > 0 ? (now - before) * NS_PER_S / span_ns
					   : 0;
}

static void compare_servers(struct sample *now, const struct sample *before)
{
	uint64_t span = now->at - before->at;

	for (size_t i = 0; i < now->n_servers; i++) {
		struct server_row *s = &now->servers[i];

		for (size_t k = 0; k < before->n_servers; k++)
			if (strcmp(before->servers[k].upstream, s->upstream) == 0 &&
			    strcmp(before->servers[k].name, s->name) == 0)
				s->per_s = per_second(s->requests,
						      before->servers[k].requests,
						      span);
	}
}

static void compare(struct sample *now, const struct sample *before)
{
	uint64_t span = now->at - before->at;

	for (size_t i = 0; i < now->n_workers; i++) {
		struct worker_row *w = &now->workers[i];

		for (size_t k = 0; k < before->n_workers; k++) {
			const struct worker_row *b = &before->workers[k];

			if (b->pid != w->pid)
				continue;
			w->per_s = per_second(w->requests, b->requests, span);
			/* ms a second are tenths of a percent. */
			w->cpu_percent =
				per_second(w->cpu_ms, b->cpu_ms, span) / 10;
		}
	}
	compare_servers(now, before);
}

/* Sorting. */

static char sort_key = 'w';

static int by_key(const void *a, const void *b)
{
	const struct worker_row *x = a, *y = b;
	uint64_t p = 0, q = 0;

	switch (sort_key) {
	case 'c':
		p = x->connections, q = y->connections;
		break;
	case 'r':
		p = x->per_s, q = y->per_s;
		break;
	case 'u':
		p = x->cpu_percent, q = y->cpu_percent;
		break;
	case 'm':
		p = x->rss_kib, q = y->rss_kib;
		break;
	default:
		break;
	}
	if (p != q)
		return p < q ? 1 : -1; /* the most first */
	return (x->slot > y->slot) - (x->slot < y->slot);
}

/* Drawing. */

struct frame {
	struct buf text;
	int rows, columns, used;
};

/* A line, cut to the width; what was there before is wiped. */
static void put_line(struct frame *f, const char *line)
{
	if (f->used >= f->rows)
		return;
	if (f->used++ > 0)
		buf_put_cstr(&f->text, "\r\n");
	buf_printf(&f->text, "%.*s\033[K", f->columns, line);
}

/* "12.3M": at most six characters. */
static const char *human(uint64_t n, char text_out[16])
{
	static const char units[] = " kMGTPE";
	double value = (double)n;
	int unit = 0;

	for (; value >= 99999.5 || (unit > 0 && value >= 999.5); unit++)
		value /= 1000;
	if (unit == 0)
		snprintf(text_out, 16, "%.0f", value);
	else
		snprintf(text_out, 16, "%.1f%c", value, units[unit]);
	return text_out;
}

static void put_server(struct frame *f, const struct sample *now,
		       const struct sample *before)
{
	uint64_t span = now->at - before->at;
	char line[512], lost[64] = "", a[16], b[16], c[16], d[16], e[16];

	if (now->log_lost > 0)
		snprintf(lost, sizeof(lost), ", %ju log lines lost",
			 (uintmax_t)now->log_lost);
	snprintf(line, sizeof(line),
		 "holdfast %s, generation %ju, up %ju s, %zu workers, %ju "
		 "respawns%s",
		 now->state, (uintmax_t)now->generation, (uintmax_t)now->uptime_s,
		 now->n_workers, (uintmax_t)now->respawns, lost);
	put_line(f, line);
	snprintf(
		line, sizeof(line),
		"%s requests/s  %s connections  %s accepted/s  in %sB/s  out %sB/s",
		human(per_second(now->requests, before->requests, span), a),
		human(now->connections, b),
		human(per_second(now->accepted, before->accepted, span), c),
		human(per_second(now->in, before->in, span), d),
		human(per_second(now->out, before->out, span), e));
	put_line(f, line);
	put_line(f, now->reload);
	put_line(f, "");
}

/* In place of the rows that there is no room for. */
static void put_rest(struct frame *f, size_t n, const char *what)
{
	char line[64];

	snprintf(line, sizeof(line), "  and %zu %s more", n, what);
	put_line(f, line);
}

static void put_workers(struct frame *f, struct sample *now, int rows)
{
	char line[256], moved[48], a[16], b[16], c[16];

	snprintf(line, sizeof(line), "%6s %7s %5s %-9s %6s %6s %8s %10s %5s %6s",
		 sort_key == 'w' ? "WORKER" : "worker", "pid", "gen", "state",
		 "age s", sort_key == 'c' ? "CONNS" : "conns",
		 sort_key == 'r' ? "REQ/S" : "req/s", "in/out",
		 sort_key == 'u' ? "CPU%" : "cpu%",
		 sort_key == 'm' ? "MIB" : "MiB");
	put_line(f, line);
	qsort(now->workers, now->n_workers, sizeof(*now->workers), by_key);
	for (int i = 0; i < rows; i++) {
		const struct worker_row *w = &now->workers[i];

		if ((size_t)i >= now->n_workers) {
			put_line(f, "");
			continue;
		}
		if (i == rows - 1 && now->n_workers > (size_t)rows) {
			put_rest(f, now->n_workers - (size_t)i, "workers");
			continue;
		}
		snprintf(moved, sizeof(moved), "%s/%s", human(w->in, a),
			 human(w->out, b));
		snprintf(line, sizeof(line),
			 "%6ju %7ju %5ju %-9s %6ju %6ju %8s %10s %5ju %6.1f",
			 (uintmax_t)w->slot, (uintmax_t)w->pid,
			 (uintmax_t)w->generation, w->state, (uintmax_t)w->age_s,
			 (uintmax_t)w->connections, human(w->per_s, c), moved,
			 (uintmax_t)w->cpu_percent, (double)w->rss_kib / 1024);
		put_line(f, line);
	}
}

static void put_servers(struct frame *f, const struct sample *now, int rows)
{
	char line[256], a[16], b[16];

	if (rows == 0)
		return;
	snprintf(line, sizeof(line), "%-12s %-21s %-13s %6s %4s %4s %6s %6s",
		 "upstream", "server", "state", "weight", "busy", "idle", "req/s",
		 "failed");
	put_line(f, line);
	for (int i = 0; i < rows; i++) {
		const struct server_row *s = &now->servers[i];

		if (i == rows - 1 && now->n_servers > (size_t)rows) {
			put_rest(f, now->n_servers - (size_t)i, "servers");
			return;
		}
		snprintf(line, sizeof(line),
			 "%-12s %-21s %-13s %6ju %4ju %4ju %6s %6s", s->upstream,
			 s->name, s->state, (uintmax_t)s->weight,
			 (uintmax_t)s->active, (uintmax_t)s->idle,
			 human(s->per_s, a), human(s->failures, b));
		put_line(f, line);
	}
}

/* Row `row` of the histogram holds what took up to 4^(row+2) microseconds. */
static unsigned row_of(unsigned bucket)
{
	uint64_t bound = histogram_bound(bucket), limit = 16;
	unsigned row = 0;

	for (; row < TOP_BARS - 1 && bound > limit; row++)
		limit *= 4;
	return row;
}

static void put_histogram(struct frame *f, const struct sample *now,
			  const struct sample *before)
{
	static const char *const names[TOP_BARS] = {"16 us", "64 us",  "256 us",
						    "1 ms",  "4 ms",   "16 ms",
						    "65 ms", "262 ms", "longer"};
	uint64_t rows[TOP_BARS] = {0}, max = 1, sum = 0;
	char line[256], bar[TOP_BAR_WIDTH + 1], a[16];

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		if (now->latency[i] > before->latency[i])
			rows[row_of(i)] += now->latency[i] - before->latency[i];
	for (unsigned i = 0; i < TOP_BARS; i++) {
		max = rows[i] > max ? rows[i] : max;
		sum += rows[i];
	}
	put_line(f, "requests took up to");
	for (unsigned i = 0; i < TOP_BARS; i++) {
		size_t width = (size_t)(rows[i] * TOP_BAR_WIDTH / max);

		if (width == 0 && rows[i] > 0)
			width = 1;
		memset(bar, '#', width);
		bar[width] = '\0';
		snprintf(line, sizeof(line), "%8s %7s %5.1f%% %s", names[i],
			 human(rows[i], a),
			 sum > 0 ? 100.0 * (double)rows[i] / (double)sum : 0.0,
			 bar);
		put_line(f, line);
	}
}

/* Servers have a line above theirs, too; neither has more than half of the rows
 * if the other needs them. */
static void share_rows(const struct sample *now, int rows, int *workers_out,
		       int *servers_out)
{
	int workers = (int)now->n_workers, servers = (int)now->n_servers;

	if (servers > 0)
		rows--;
	if (workers + servers > rows) {
		int half = rows / 2;

		if (workers <= half)
			servers = rows - workers;
		else if (servers <= half)
			workers = rows - servers;
		else
			workers = servers = half;
	}
	*workers_out = workers > 1 ? workers : 1;
	*servers_out = servers > 0 ? servers : 0;
}

static void draw(struct sample *now, const struct sample *before)
{
	struct winsize size = {0};
	struct frame f = {.rows = 24, .columns = 80};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0) {
		f.rows = size.ws_row;
		f.columns = size.ws_col;
	}
	int workers, servers;

	share_rows(now, f.rows - TOP_ABOVE - TOP_BARS - 2, &workers, &servers);
	compare(now, before);
	buf_put_cstr(&f.text, "\033[H");
	put_server(&f, now, before);
	put_workers(&f, now, workers);
	put_servers(&f, now, servers);
	put_histogram(&f, now, before);
	put_line(&f, "sort: w)orker c)onnections r)equests u)sed cpu m)emory   "
		     "q)uit");
	buf_put_cstr(&f.text, "\033[J");
	fwrite(buf_str(&f.text).p, 1, buf_length(&f.text), stdout);
	fflush(stdout);
	buf_release(&f.text);
}

/* The terminal. */

static struct termios before_us;

static bool take_terminal(void)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &before_us) == -1)
		return false;
	raw = before_us;
	/* Keys one by one, unseen; Ctrl-C is one of them, so that the terminal
	 * is always given back. */
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs("\033[?1049h\033[?25l", stdout); /* the other screen, no cursor */
	return true;
}

static void give_terminal_back(void)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &before_us);
}

/* Waits for the next frame; false when a key says that this was the last. */
static bool wait_for_key(void)
{
	struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
	char key;

	if (poll(&keys, 1, TOP_MS) <= 0)
		return true;
	if (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q' || key == 3)
		return false;
	if (strchr("wcrum", key) != NULL)
		sort_key = key;
	return true;
}

int top_run(const char *control, const char *file)
{
	const struct question question = {control, "status --lines", file};
	struct sample *now = mem_alloc(sizeof(*now));
	struct sample *before = mem_alloc(sizeof(*before));
	int status = 1;

	if (!ask(&question, before))
		goto out;
	if (!take_terminal()) {
		fputs("holdfast: top needs a terminal; status does not\n", stderr);
		goto out;
	}
	bool more = true;

	while (more && ask(&question, now)) {
		struct sample *spare = before;

		draw(now, before);
		before = now;
		now = spare;
		more = wait_for_key();
	}
	give_terminal_back();
	if (more)
		fputs("holdfast: the server is gone\n", stderr);
	status = more ? 1 : 0;
out:
	free(now);
	free(before);
	buf_free_all();
	return status;
}
