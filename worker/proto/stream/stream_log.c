/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream as the access log sees it: an exchange whose method is STREAM, whose
 * target is the upstream, and whose status says what came of it. Worker.
 */
#include "worker/http/http.h"
#include "worker/proto/stream/stream_state.h"

static const struct str end_names[STREAM_ENDS] = {
	[STREAM_CUT] = STR_INIT("cut"),
	[STREAM_CLIENT_CLOSED] = STR_INIT("client_closed"),
	[STREAM_SERVER_CLOSED] = STR_INIT("server_closed"),
	[STREAM_CLIENT_RESET] = STR_INIT("client_reset"),
	[STREAM_SERVER_RESET] = STR_INIT("server_reset"),
	[STREAM_IDLE] = STR_INIT("idle"),
	[STREAM_REFUSED] = STR_INIT("refused"),
};

static void fill_connection(struct exchange_connection *connection,
			    const struct conn *c)
{
	*connection = (struct exchange_connection){
		.id = c->id,
		.accepted_at = c->accepted_at,
		.peer = c->peer,
		.proxy = c->via != NULL ? &c->via->proxy : NULL,
		.is_secured = c->socket.transport->is_secure,
	};
}

static void fill_asked(struct exchange_upstream *asked, const struct stream *s)
{
	*asked = (struct exchange_upstream){
		.name = str_of(s->upstream->conf->name),
		.server =
			s->server != NULL ? str_of(s->server->conf->text) : STR(""),
		.tries = s->tries,
		.begun = s->begun,
		.asked = s->asked,
		.connected = s->connected,
		.first_byte = s->first_byte,
	};
}

struct exchange *stream_exchange(struct stream *s)
{
	struct stream_worker *w = s->worker;
	struct exchange *x = &w->exchange;

	fill_connection(&w->connection, s->conn);
	x->peer = s->conn->peer;
	x->request.method = METHOD_COUNT;
	x->request.method_text = STR("STREAM");
	x->request.version = "stream";
	x->request.target = STR("-");
	x->request.host = str_of(s->name != NULL ? s->name : "");
	if (s->upstream != NULL) {
		fill_asked(&w->asked, s);
		x->upstream = &w->asked;
		x->request.target = w->asked.name;
	}
	return x;
}

/* What went to the client: not what still lies here. */
static uint64_t sent(const struct stream *s)
{
	uint64_t unsent = buf_length(&s->conn->socket.out);

	return s->down.bytes > unsent ? s->down.bytes - unsent : 0;
}

void stream_log(struct stream *s)
{
	struct stream_worker *w = s->worker;
	struct exchange *x;

	if (w->http->on_finished == NULL)
		return;
	x = stream_exchange(s);
	w->passed = (struct exchange_stream){.bytes_in = s->up.bytes,
					     .end = end_names[s->end]};
	x->stream = &w->passed;
	x->response.status = s->status;
	x->content_sent = sent(s);
	x->times.first_byte = s->conn->accepted_at;
	x->times.last_byte = stream_now(s);
	w->asked.ended = x->times.last_byte;
	w->http->on_finished(w->http, x);
	exchange_forget(x);
}
