/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/report/rates.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/read_file.h"

enum { RATES_MS = 1000 };

static void measure(struct child *child, uint64_t now)
{
	struct rate *rate = &child->rate;
	uint64_t requests = child->slot->counters.requests;
	uint64_t span = now - rate->taken_at;

	if (span == 0)
		return;
	rate->per_s = rate->taken_at == 0 || requests < rate->requests
			      ? 0
			      : (requests - rate->requests) * NS_PER_S / span;
	rate->requests = requests;
	rate->taken_at = now;
}

/* After a rest: what comes now is a rate of now. */
static void begin(struct child *child, uint64_t now)
{
	child->rate = (struct rate){.requests = child->slot->counters.requests,
				    .taken_at = now};
}

static void on_timer(struct timer *timer)
{
	struct rates *rates = CONTAINER_OF(timer, struct rates, timer);
	struct children *children = rates->children;
	uint64_t now = clock_read(), sum = 0;

	for (struct child *c = NULL;
	     (c = children_next(children, NULL, c)) != NULL;) {
		measure(c, now);
		sum += c->rate.per_s;
	}
	if (sum > 0)
		loop_timer(children->loop, timer, RATES_MS);
}

void rates_wake(struct rates *rates)
{
	struct children *children = rates->children;
	uint64_t now = clock_read();

	if (timer_is_armed(&rates->timer))
		return;
	for (struct child *c = NULL;
	     (c = children_next(children, NULL, c)) != NULL;)
		begin(c, now);
	loop_timer(children->loop, &rates->timer, RATES_MS);
}

void rates_init(struct rates *rates, struct children *children)
{
	rates->children = children;
	timer_init(&rates->timer, on_timer);
}

void rates_stop(struct rates *rates)
{
	timer_detach(&rates->children->loop->timers, &rates->timer);
}

/* Reads a small file of proc(5); an empty text when it is not there. */
static void read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	struct buf content = {0};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	bool is_there = read_file(path, size - 1, &content) == NULL;

	snprintf(text, size, "%" STR_FMT,
		 STR_ARG(is_there ? buf_str(&content) : STR("")));
	buf_release(&content);
}

struct usage usage_of(pid_t pid)
{
	struct usage usage = {0};
	uint64_t user = 0, system = 0, pages = 0;
	char text[1024];

	/* proc_pid_stat(5): the name in parentheses may hold anything; utime
	 * and stime are the 14th and 15th field, the 11th and 12th after it. */
	read_proc(pid, "stat", text, sizeof(text));
	const char *rest = strrchr(text, ')');

	if (rest != NULL &&
	    sscanf(rest + 1,
		   " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64
		   " %" SCNu64,
		   &user, &system) == 2)
		usage.cpu_ms =
			(user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
	read_proc(pid, "statm", text, sizeof(text));
	if (sscanf(text, "%*u %" SCNu64, &pages) == 1)
		usage.rss_kib = pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
	return usage;
}
