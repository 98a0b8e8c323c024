/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the table of what is counted, then the cells of a row, adding and
 * subtracting, rows as messages for another process, and rows as JSON and as
 * words. Any process.
 */
#include "base/shared/counters.h"

#include <inttypes.h>
#include <string.h>

static const char *const class_values[] = {"unanswered", "1xx", "2xx",
					   "3xx",        "4xx", "5xx"};
static const struct dimension classes = {"class", class_values, 6};

static const char *const protocol_values[] = {"none", "HTTP/1.0", "HTTP/1.1",
					      "HTTP/2"};
static const struct dimension protocols = {"protocol", protocol_values, 4};
static const char *const outcome_values[] = {"failed", "done"};
static const struct dimension outcomes = {"outcome", outcome_values, 2};

#define AT(member) offsetof(struct counters, member)

static const struct metric rows[] = {
	{.name = "accepted",
	 .text = "connections accepted",
	 .help = "Connections that were accepted.",
	 .unit = "",
	 .offset = AT(accepted)},
	{.name = "closed",
	 .text = "connections closed",
	 .help = "Connections that have ended.",
	 .unit = "",
	 .offset = AT(closed)},
	{.name = "handed_in",
	 .text = "connections taken from other workers",
	 .help = "Connections that a worker took from another one.",
	 .unit = "",
	 .offset = AT(handed_in)},
	{.name = "handed_out",
	 .text = "connections given to other workers",
	 .help = "Connections that a worker gave to another one.",
	 .unit = "",
	 .offset = AT(handed_out)},
	{.name = "kept_for_format",
	 .text = "connections kept for their format",
	 .help = "Connections that did not move, because the workers that serve "
		 "are of another release.",
	 .unit = "",
	 .offset = AT(kept_for_format)},
	{.name = "handoff_damaged",
	 .text = "handed over damaged",
	 .help = "Messages with a connection that no worker could read.",
	 .unit = "",
	 .offset = AT(handoff_damaged)},
	{.name = "connections_cut",
	 .text = "connections cut",
	 .help = "Connections that did not end within timeouts.drain.",
	 .unit = "",
	 .is_masters = true,
	 .offset = AT(connections_cut)},
	{.name = "accept_pauses",
	 .text = "pauses of accepting",
	 .help = "Times that a worker stopped accepting for a while, for lack of "
		 "descriptors or memory.",
	 .unit = "",
	 .offset = AT(accept_pauses)},
	{.name = "requests",
	 .text = "requests",
	 .help = "Requests that have ended.",
	 .unit = "",
	 .offset = AT(requests)},
	{.name = "responses",
	 .text = "responses",
	 .help = "Responses by the class of their status; unanswered: the client "
		 "was gone.",
	 .unit = "",
	 .dimension = &classes,
	 .offset = AT(responses)},
	{.name = "protocols",
	 .text = "requests by protocol",
	 .help = "Requests by the version of HTTP; none: what is no request.",
	 .unit = "",
	 .dimension = &protocols,
	 .offset = AT(protocols)},
	{.name = "limited",
	 .text = "requests refused by a limit",
	 .help = "Requests that a rate or a number of requests at a time refused, "
		 "and connections over limits.connections_per_address.",
	 .unit = "",
	 .offset = AT(limited)},
	{.name = "temp_bodies",
	 .text = "bodies in files",
	 .help = "Request bodies over limits.body_memory, which went to a file.",
	 .unit = "",
	 .offset = AT(temp_bodies)},
	{.name = "upstream_requests",
	 .text = "requests passed on",
	 .help = "Requests that were passed on to a server of an upstream.",
	 .unit = "",
	 .offset = AT(upstream_requests)},
	{.name = "upstream_retries",
	 .text = "requests passed on again",
	 .help = "Times that a request was passed on again, after a try that "
		 "failed or a connection that the server had closed.",
	 .unit = "",
	 .offset = AT(upstream_retries)},
	{.name = "upstream_failures",
	 .text = "failures of servers",
	 .help = "Tries that failed: no connection, no response in time, or one "
		 "that was not valid or broke off.",
	 .unit = "",
	 .offset = AT(upstream_failures)},
	{.name = "upstream_queued",
	 .text = "requests that waited for a server",
	 .help = "Requests that waited in the queue of an upstream.",
	 .unit = "",
	 .offset = AT(upstream_queued)},
	{.name = "upstream_queue_full",
	 .text = "requests refused by a full queue",
	 .help = "Requests that found the queue of their upstream full.",
	 .unit = "",
	 .offset = AT(upstream_queue_full)},
	{.name = "upstream_queue_timeouts",
	 .text = "requests that waited too long",
	 .help = "Requests that waited for a server until queue_timeout.",
	 .unit = "",
	 .offset = AT(upstream_queue_timeouts)},
	{.name = "streams",
	 .text = "streams",
	 .help = "Connections to listeners with protocol stream that were "
		 "passed on to a server.",
	 .unit = "",
	 .offset = AT(streams)},
	{.name = "streams_refused",
	 .text = "streams refused",
	 .help = "Connections to them that reached no server.",
	 .unit = "",
	 .offset = AT(streams_refused)},
	{.name = "bytes_in",
	 .text = "bytes received",
	 .help = "Bytes received from clients.",
	 .unit = "bytes",
	 .offset = AT(bytes_in)},
	{.name = "bytes_out",
	 .text = "bytes sent",
	 .help = "Bytes sent to clients.",
	 .unit = "bytes",
	 .offset = AT(bytes_out)},
	{.name = "log_lost",
	 .text = "lines of the access log lost",
	 .help = "Lines of the access log that could not be written.",
	 .unit = "",
	 .offset = AT(log_lost)},
	{.name = "reloads",
	 .text = "reloads",
	 .help = "Reloads of the configuration by their outcome.",
	 .unit = "",
	 .dimension = &outcomes,
	 .is_masters = true,
	 .offset = AT(reloads)},
	{.name = "respawns",
	 .text = "respawns",
	 .help = "Workers that had to be replaced.",
	 .unit = "",
	 .is_masters = true,
	 .offset = AT(respawns)},
	{.name = "to_head",
	 .text = "head received",
	 .help = "From the first byte of a request to the end of its head.",
	 .unit = "seconds",
	 .kind = METRIC_HISTOGRAM,
	 .offset = AT(to_head)},
	{.name = "to_answer",
	 .text = "answer made",
	 .help = "From the end of the head to the handler's answer.",
	 .unit = "seconds",
	 .kind = METRIC_HISTOGRAM,
	 .offset = AT(to_answer)},
	{.name = "to_end",
	 .text = "answer sent",
	 .help = "From the handler's answer to its last byte being sent.",
	 .unit = "seconds",
	 .kind = METRIC_HISTOGRAM,
	 .offset = AT(to_end)},
	{.name = "total",
	 .text = "whole request",
	 .help = "From the first byte of a request to the last of its response.",
	 .unit = "seconds",
	 .kind = METRIC_HISTOGRAM,
	 .offset = AT(total)},
};

const struct metric_table counters_table = {
	.rows = rows,
	.n = sizeof(rows) / sizeof(*rows),
	.size = sizeof(struct counters),
};

static const uint64_t *cells_of(const struct metric *row, const void *counters)
{
	return (const void *)((const char *)counters + row->offset);
}

size_t metric_cells(const struct metric *row)
{
	return row->dimension != NULL ? row->dimension->n : 1;
}

uint64_t metric_value(const struct metric *row, const void *counters, size_t cell)
{
	return cells_of(row, counters)[cell];
}

const struct histogram *metric_histogram(const struct metric *row,
					 const void *counters)
{
	return (const void *)cells_of(row, counters);
}

const struct metric *metric_find(const struct metric_table *table, const char *name)
{
	for (size_t i = 0; i < table->n; i++)
		if (strcmp(table->rows[i].name, name) == 0)
			return &table->rows[i];
	return NULL;
}

/* The cells of a row in a struct that is not const. */
static uint64_t *own_cells(const struct metric *row, void *counters)
{
	return (void *)((char *)counters + row->offset);
}

void metrics_add(const struct metric_table *table, void *into, const void *from)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct metric *row = &table->rows[i];
		uint64_t *cells = own_cells(row, into);

		if (row->kind == METRIC_HISTOGRAM)
			histogram_merge((struct histogram *)cells,
					metric_histogram(row, from));
		else if (row->kind == METRIC_COUNTER)
			for (size_t k = 0; k < metric_cells(row); k++)
				cells[k] += metric_value(row, from, k);
	}
}

void metrics_subtract(const struct metric_table *table, void *from,
		      const void *before)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct metric *row = &table->rows[i];
		uint64_t *cells = own_cells(row, from);

		if (row->kind == METRIC_HISTOGRAM)
			histogram_subtract((struct histogram *)cells,
					   metric_histogram(row, before));
		else if (row->kind == METRIC_COUNTER)
			for (size_t k = 0; k < metric_cells(row); k++) {
				uint64_t n = metric_value(row, before, k);

				cells[k] -= n < cells[k] ? n : cells[k];
			}
	}
}

size_t metric_pack(const struct metric *row, const void *counters,
		   uint64_t numbers_out[METRIC_NUMBERS])
{
	size_t n =
		row->kind == METRIC_HISTOGRAM ? METRIC_NUMBERS : metric_cells(row);

	memcpy(numbers_out, cells_of(row, counters), n * sizeof(*numbers_out));
	return n;
}

void metric_unpack(const struct metric *row, void *counters,
		   const uint64_t *numbers, size_t n)
{
	struct histogram h = {0};
	uint64_t *cells = own_cells(row, counters);

	if (row->kind == METRIC_HISTOGRAM) {
		memcpy(&h, numbers,
		       n < METRIC_NUMBERS ? n * sizeof(*numbers) : sizeof(h));
		histogram_merge((struct histogram *)cells, &h);
		return;
	}
	for (size_t k = 0; k < n && k < metric_cells(row); k++)
		cells[k] += numbers[k];
}

static bool is_put(const struct metric *row, bool masters_too)
{
	return row->kind != METRIC_HISTOGRAM && (masters_too || !row->is_masters);
}

static void put_json_cells(const struct metric *row, const void *counters,
			   struct buf *out)
{
	if (row->dimension == NULL) {
		buf_printf(out, "%ju", (uintmax_t)metric_value(row, counters, 0));
		return;
	}
	for (size_t k = 0; k < row->dimension->n; k++)
		buf_printf(out, "%s\"%s\":%ju", k > 0 ? "," : "{",
			   row->dimension->values[k],
			   (uintmax_t)metric_value(row, counters, k));
	buf_put(out, STR("}"));
}

void metrics_put_json(const struct metric_table *table, const void *counters,
		      bool masters_too, struct buf *out)
{
	const char *comma = "";

	for (size_t i = 0; i < table->n; i++) {
		const struct metric *row = &table->rows[i];

		if (!is_put(row, masters_too))
			continue;
		buf_printf(out, "%s\"%s\":", comma, row->name);
		put_json_cells(row, counters, out);
		comma = ",";
	}
}

static void put_words(const struct metric *row, const void *counters,
		      struct buf *out)
{
	for (size_t k = 0; k < metric_cells(row); k++) {
		buf_printf(out, " %s", row->name);
		if (row->dimension != NULL)
			buf_printf(out, ".%s", row->dimension->values[k]);
		buf_printf(out, "=%ju", (uintmax_t)metric_value(row, counters, k));
	}
}

void metrics_put_words(const struct metric_table *table, const void *counters,
		       bool masters_too, struct buf *out)
{
	for (size_t i = 0; i < table->n; i++)
		if (is_put(&table->rows[i], masters_too))
			put_words(&table->rows[i], counters, out);
}

void counters_add(struct counters *into, const struct counters *from)
{
	metrics_add(&counters_table, into, from);
}

void counters_subtract(struct counters *from, const struct counters *before)
{
	metrics_subtract(&counters_table, from, before);
}
