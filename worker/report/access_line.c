/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines are put together straight in the buffer, in room that is enough for
 * them whatever has to be escaped: this runs for every request.
 */
#include "worker/report/access_line.h"

#include "base/clock.h"
#include "base/digits.h"
#include "base/quote.h"
#include "worker/http/request_id.h"
#include "worker/http/router.h"
#include "worker/http/log_time.h"
#include "worker/http/variables.h"

/* More than all that is not a text of the client's. */
enum { COMBINED_FIXED = 256, JSON_FIXED = 1280 };

static char *put(char *to, struct str s)
{
	memcpy(to, s.p, s.n);
	return to + s.n;
}

#define PUT(to, literal) put(to, STR(literal))

static char *put_ip(char *to, const struct exchange *x)
{
	char ip[ADDR_TEXT];

	return put(to, str_of(endpoint_ip(&x->peer, ip)));
}

/* A field that the server knows by its number; "" when there is none. */
static struct str field(const struct exchange *x, enum field_id id)
{
	const struct request *r = &x->request;

	for (size_t i = 0; request_has(r, id) && i < r->n_fields; i++)
		if (r->fields[i].id == id)
			return r->fields[i].value;
	return STR("");
}

static struct str version(const struct request *r)
{
	return r->version != NULL ? str_of(r->version) : STR("");
}

/* Combined. */

static char *put_or_dash(char *to, struct str s)
{
	if (s.n == 0)
		*to++ = '-';
	return quote_log(to, s);
}

static char *put_request_line(char *to, const struct request *r)
{
	if (r->target.n == 0)
		return PUT(to, "-");
	to = quote_log(to, r->method_text);
	*to++ = ' ';
	to = quote_log(to, r->target);
	*to++ = ' ';
	return put(to, version(r));
}

static void put_combined(const struct exchange *x, struct buf *out)
{
	const struct request *r = &x->request;
	struct str referer = field(x, FIELD_REFERER);
	struct str agent = field(x, FIELD_USER_AGENT);
	size_t texts =
		x->user.n + r->method_text.n + r->target.n + referer.n + agent.n;
	char *start = buf_room(out, COMBINED_FIXED + QUOTE_LOG_GROWTH * texts);
	char *to = put_ip(start, x);

	to = PUT(to, " - ");
	to = put_or_dash(to, x->user);
	to = PUT(to, " [");
	to = put(to, log_time_local());
	to = PUT(to, "] \"");
	to = put_request_line(to, r);
	to = PUT(to, "\" ");
	to = digits_put(to, logged_status(x));
	*to++ = ' ';
	to = digits_put(to, x->content_sent);
	to = PUT(to, " \"");
	to = put_or_dash(to, referer);
	to = PUT(to, "\" \"");
	to = put_or_dash(to, agent);
	to = PUT(to, "\"\n");
	buf_added(out, (size_t)(to - start));
}

/* JSON. */

/* `before` is what stands before the value: `,"name":"`. */
static char *put_member(char *to, struct str before, struct str value)
{
	to = put(to, before);
	to = quote_json(to, value);
	*to++ = '"';
	return to;
}

static char *put_count(char *to, struct str before, uint64_t value)
{
	return digits_put(put(to, before), value);
}

static char *put_phase(char *to, struct str before, uint64_t from, uint64_t end)
{
	uint64_t ns;

	return put_count(to, before, phase_ns(from, end, &ns) ? ns / NS_PER_US : 0);
}

static char *put_times(char *to, const struct exchange *x)
{
	const struct exchange_times *t = &x->times;

	to = PUT(to, ",\"times_us\":{");
	to = put_phase(to, STR("\"accepted_to_first_byte\":"),
		       x->connection->accepted_at, t->first_byte);
	to = put_phase(to, STR(",\"first_byte_to_head\":"), t->first_byte, t->head);
	to = put_phase(to, STR(",\"head_to_answer\":"), t->head, t->answered);
	to = put_phase(to, STR(",\"answer_to_last_byte\":"), t->answered,
		       t->last_byte);
	to = put_phase(to, STR(",\"total\":"), t->first_byte, t->last_byte);
	return PUT(to, "}");
}

/* A phase that not every request has. */
static char *put_phase_if(char *to, struct str before, uint64_t from, uint64_t end)
{
	uint64_t ns;

	if (!phase_ns(from, end, &ns))
		return to;
	return put_count(to, before, ns / NS_PER_US);
}

static char *put_upstream(char *to, const struct exchange *x)
{
	const struct exchange_upstream *u = x->upstream;

	to = put_member(to, STR(",\"upstream\":{\"name\":\""), u->name);
	if (u->server.n > 0)
		to = put_member(to, STR(",\"server\":\""), u->server);
	to = put_count(to, STR(",\"tries\":"), u->tries);
	if (u->status != 0)
		to = put_count(to, STR(",\"status\":"), u->status);
	to = put_phase(to, STR(",\"times_us\":{\"total\":"), u->begun,
		       upstream_end(x));
	if (u->queued != 0)
		to = put_phase(to, STR(",\"queue\":"), u->begun,
			       u->begun + u->queued);
	to = put_phase_if(to, STR(",\"connect\":"), u->asked, u->connected);
	to = put_phase_if(to, STR(",\"first_byte\":"), u->asked, u->first_byte);
	return PUT(to, "}}");
}

static void put_json(struct exchange *x, struct buf *out)
{
	const struct request *r = &x->request;
	struct str id = request_id(x);
	struct str route = x->route != NULL ? x->route->conf->path : STR("");
	struct str referer = field(x, FIELD_REFERER);
	struct str agent = field(x, FIELD_USER_AGENT);
	size_t texts = id.n + x->user.n + r->method_text.n + r->target.n +
		       r->host.n + route.n + referer.n + agent.n;
	if (x->upstream != NULL)
		texts += x->upstream->name.n + x->upstream->server.n;
	char *start = buf_room(out, JSON_FIXED + QUOTE_JSON_GROWTH * texts);
	char *to = PUT(start, "{\"time\":\"");

	log_time_utc(to);
	to += LOG_TIME_UTC;
	to = PUT(to, "\",\"remote_addr\":\"");
	to = put_ip(to, x);
	to = put_count(to, STR("\",\"remote_port\":"), x->peer.port);
	to = put_count(to, STR(",\"connection\":"), x->connection->id);
	to = put_member(to, STR(",\"request_id\":\""), id);
	if (x->user.n > 0)
		to = put_member(to, STR(",\"user\":\""), x->user);
	to = put_member(to, STR(",\"method\":\""), r->method_text);
	to = put_member(to, STR(",\"target\":\""), r->target);
	to = put_member(to, STR(",\"protocol\":\""), version(r));
	to = put_member(to, STR(",\"host\":\""), r->host);
	to = put_member(to, STR(",\"route\":\""), route);
	to = put_count(to, STR(",\"status\":"), logged_status(x));
	to = put_count(to, STR(",\"bytes\":"), x->content_sent);
	if (x->broke_off)
		to = PUT(to, ",\"complete\":false");
	to = put_member(to, STR(",\"referer\":\""), referer);
	to = put_member(to, STR(",\"user_agent\":\""), agent);
	to = put_times(to, x);
	if (x->upstream != NULL)
		to = put_upstream(to, x);
	if (x->stream != NULL) {
		to = put_count(to, STR(",\"stream\":{\"bytes_in\":"),
			       x->stream->bytes_in);
		to = put_member(to, STR(",\"end\":\""), x->stream->end);
		to = PUT(to, "}");
	}
	to = PUT(to, "}\n");
	buf_added(out, (size_t)(to - start));
}

void access_line_put(const struct conf_access_log *conf, struct exchange *x,
		     struct buf *out)
{
	switch ((enum conf_log_format)conf->format) {
	case CONF_LOG_INHERITED: /* it is settled when it is loaded */
	case CONF_LOG_COMBINED:
		put_combined(x, out);
		return;
	case CONF_LOG_JSON:
		put_json(x, out);
		return;
	case CONF_LOG_TEMPLATE:
		template_put(&conf->line, x,
			     conf->escape == CONF_LOG_ESCAPE_JSON ? ESCAPE_JSON
								  : ESCAPE_LOG,
			     out);
		buf_put(out, STR("\n"));
		return;
	}
}
