/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is counted, as one table: status, its JSON, top, the status handler and
 * the upgrade all walk it, so that a new counter is a member here and a row in
 * counters.c. The members are added to directly (counters->requests++): the
 * cost is one instruction. Any process.
 *
 * A row may have several cells, one for each value of a dimension, such as the
 * class of a status. A table of rows describes any struct: one that is counted
 * for each route or site has a table of its own, and all functions below work
 * on it.
 */
#ifndef BASE_SHARED_COUNTERS_H
#define BASE_SHARED_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/histogram.h"

/* What is counted from when a worker starts; also the sum over workers that
 * are gone, so only numbers that can be added. */
struct counters {
	uint64_t accepted;
	uint64_t closed;
	uint64_t requests;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t handed_in;
	uint64_t handed_out;
	uint64_t accept_pauses;
	uint64_t limited;
	uint64_t temp_bodies;
	uint64_t responses[6]; /* by the first digit of the status */
	struct histogram to_head;
	struct histogram to_answer;
	struct histogram to_end;
	struct histogram total;
	uint64_t log_lost;
	uint64_t kept_for_format;
	uint64_t handoff_damaged;
	uint64_t upstream_requests;
	uint64_t upstream_retries;
	uint64_t upstream_failures;
	uint64_t upstream_queued;
	uint64_t upstream_queue_full;
	uint64_t upstream_queue_timeouts;
	uint64_t streams;
	uint64_t streams_refused;
	uint64_t protocols[4];    /* requests by version of HTTP */
	uint64_t reloads[2];      /* the master's: that failed, that were done */
	uint64_t respawns;        /* the master's */
	uint64_t connections_cut; /* the master's */
};

enum metric_kind {
	METRIC_COUNTER,   /* uint64_t cells, which only rise */
	METRIC_GAUGE,     /* uint64_t cells: what is now, never added up over
			   * processes that are gone */
	METRIC_HISTOGRAM, /* one struct histogram */
};

/* The values that tell the cells of a row apart. */
struct dimension {
	const char *label;
	const char *const *values;
	size_t n;
};

struct metric {
	const char *name; /* the key in JSON */
	const char *text; /* the label in the text of status */
	const char *help; /* a sentence */
	const char *unit; /* "bytes", "seconds"; "" for things that are counted */
	enum metric_kind kind;
	bool is_masters;                   /* no worker counts it */
	const struct dimension *dimension; /* NULL: one cell */
	size_t offset;
};

struct metric_table {
	const struct metric *rows;
	size_t n;
	size_t size; /* of the struct that it describes */
};

/* Of struct counters: every member has a row. */
extern const struct metric_table counters_table;

size_t metric_cells(const struct metric *row);
/* The cell, of a row that is no histogram. */
uint64_t metric_value(const struct metric *row, const void *counters, size_t cell);
const struct histogram *metric_histogram(const struct metric *row,
					 const void *counters);
/* NULL if there is no such row. */
const struct metric *metric_find(const struct metric_table *table,
				 const char *name);

/* Gauges stay as they are, and so does a histogram's largest value when
 * something is subtracted. Nothing falls below 0. */
void metrics_add(const struct metric_table *table, void *into, const void *from);
void metrics_subtract(const struct metric_table *table, void *from,
		      const void *before);

/* The numbers of one row as an array, for a process that may have other rows or
 * more cells; returns how many. metric_unpack() adds them to what is there, and
 * ignores those that it has no place for. */
enum { METRIC_NUMBERS = sizeof(struct histogram) / sizeof(uint64_t) };
size_t metric_pack(const struct metric *row, const void *counters,
		   uint64_t numbers_out[METRIC_NUMBERS]);
void metric_unpack(const struct metric *row, void *counters,
		   const uint64_t *numbers, size_t n);

/* All rows but histograms, as JSON members ("requests":3,"responses":{...})
 * and as words ("requests=3 responses.2xx=3"); `masters_too`: those that no
 * worker counts, too. */
void metrics_put_json(const struct metric_table *table, const void *counters,
		      bool masters_too, struct buf *out);
void metrics_put_words(const struct metric_table *table, const void *counters,
		       bool masters_too, struct buf *out);

void counters_add(struct counters *into, const struct counters *from);
void counters_subtract(struct counters *from, const struct counters *before);

#endif
