/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The workers that serve now, from the scoreboard, by whichever worker is
 * asked. `holdfast status` knows more: this is for those who may only make a
 * request. 503 when the server quits, as handler ready. Worker.
 */
#include "worker/handler/status_page.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "worker/http/exchange.h"
#include "worker/http/http.h"
#include "worker/report/metrics.h"

static void *status_create(struct http *http, const struct conf_route *conf,
			   const char **why_out)
{
	(void)conf;
	(void)why_out;
	return http;
}

static void status_destroy(void *instance)
{
	(void)instance;
}

static void put_slot(struct buf *out, uint32_t number, const struct slot *slot)
{
	buf_printf(out, "{\"slot\":%u,\"generation\":%ju,\"connections\":%ju,",
		   number, (uintmax_t)slot->generation,
		   (uintmax_t)slot->connections);
	metrics_put_json(&counters_table, &slot->counters, false, out);
	buf_put(out, STR("}"));
}

static void put_workers(struct buf *out, const struct scoreboard *board)
{
	const char *comma = "";

	for (uint32_t i = 0; i < board->n_used && i < SCOREBOARD_SLOTS; i++) {
		if (board->slots[i].generation == 0)
			continue;
		buf_put_cstr(out, comma);
		put_slot(out, i, &board->slots[i]);
		comma = ",";
	}
}

/* Of all workers, also those that are gone. */
static void put_totals(struct buf *out, const struct scoreboard *board)
{
	struct counters *total = mem_alloc(sizeof(*total));

	metrics_total(board, total);
	metrics_put_json(&counters_table, total, true, out);
	free(total);
}

static void status_answer(struct exchange *x, void *instance)
{
	const struct http *http = instance;
	struct buf text = {0};

	buf_printf(&text, "{\"state\":\"%s\",\"workers\":[",
		   http->is_quitting ? "quitting" : "serving");
	put_workers(&text, http->board);
	buf_put(&text, STR("],\"totals\":{"));
	put_totals(&text, http->board);
	buf_put(&text, STR("}}\n"));
	x->response.status = http->is_quitting ? 503 : 200;
	fields_add(&x->response.fields, &x->arena, STR("Cache-Control"),
		   STR("no-store"));
	exchange_set_bytes(x, STR("application/json"),
			   arena_copy(&x->arena, buf_str(&text)));
	buf_release(&text);
	exchange_answer(x);
}

const struct handler status_handler = {
	.name = "status",
	.create = status_create,
	.destroy = status_destroy,
	.answer = status_answer,
};
