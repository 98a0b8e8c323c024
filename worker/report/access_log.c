/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/report/access_log.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "worker/http/router.h"

enum {
	ACCESS_LOG_BATCH = 24 * 1024, /* bytes that are worth a write */
	ACCESS_LOG_MS = 500,          /* as long as a line waits */
};

static void on_timer(struct timer *timer)
{
	access_log_flush(CONTAINER_OF(timer, struct access_log, timer));
}

void access_log_init(struct access_log *log, struct loop *loop, int fd,
		     enum conf_log_format format)
{
	*log = (struct access_log){
		.fd = fd, .format = format, .loop = loop, .second = -1};
	timer_init(&log->timer, on_timer);
}

static uint64_t count_lines(struct str text)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

/* What does not fit the file is lost and counted: a full disk must not stop
 * the server. */
void access_log_flush(struct access_log *log)
{
	bool wrote = false;

	timer_disarm(&log->timer);
	while (buf_length(&log->lines) > 0) {
		struct str all = buf_str(&log->lines);
		ssize_t n = write(log->fd, all.p, all.n);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (log->lost == 0)
				log_errno(LOG_LEVEL_ERROR,
					  "cannot write the access log");
			log->lost += count_lines(all);
			buf_consume(&log->lines, all.n);
			return;
		}
		buf_consume(&log->lines, (size_t)n);
		wrote = true;
	}
	if (!wrote || log->lost == 0)
		return;
	log_warn("the access log goes on; %ju lines were lost",
		 (uintmax_t)log->lost);
	log->lost = 0;
}

void access_log_reopen(struct access_log *log, int fd)
{
	access_log_flush(log);
	if (log->fd != STDERR_FILENO && log->fd != STDOUT_FILENO)
		fd_close(&log->fd);
	log->fd = fd;
}

void access_log_fini(struct access_log *log)
{
	access_log_flush(log);
	timer_detach(&log->loop->timers, &log->timer);
	buf_release(&log->lines);
	if (log->fd != STDERR_FILENO && log->fd != STDOUT_FILENO)
		fd_close(&log->fd);
}

/* Inside quotes: what could end them, and all that is not printable ASCII,
 * as \xHH for combined and \u00HH for JSON. */
static void put_quoted(struct buf *out, struct str s, bool json)
{
	static const char hex[] = "0123456789abcdef";
	char *to = buf_room(out, 6 * s.n), *start = to;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= ' ' && c < 0x7f && c != '"' && c != '\\') {
			*to++ = (char)c;
			continue;
		}
		*to++ = '\\';
		*to++ = json ? 'u' : 'x';
		if (json) {
			*to++ = '0';
			*to++ = '0';
		}
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	buf_added(out, (size_t)(to - start));
}

static struct str or_dash(struct str s)
{
	return s.n > 0 ? s : STR("-");
}

/* What is logged for an exchange that ended before it was answered. */
static unsigned logged_status(const struct exchange *x)
{
	return x->response.status != 0 ? x->response.status : 499;
}

/* The local time as combined has it, formatted once a second. */
static const char *stamp(struct access_log *log)
{
	time_t now = time(NULL);
	struct tm tm;

	if (now == log->second)
		return log->stamp;
	log->second = now;
	localtime_r(&now, &tm);
	if (strftime(log->stamp, sizeof(log->stamp), "%d/%b/%Y:%H:%M:%S %z", &tm) ==
	    0)
		log->stamp[0] = '\0';
	return log->stamp;
}

static void add_combined(struct access_log *log, const struct exchange *x)
{
	struct buf *out = &log->lines;
	const struct request *r = &x->request;
	char ip[ADDR_TEXT];

	buf_printf(out, "%s - - [%s] \"", endpoint_ip(&x->peer, ip), stamp(log));
	if (r->target.n > 0) {
		put_quoted(out, r->method_text, false);
		buf_put(out, STR(" "));
		put_quoted(out, r->target, false);
		buf_printf(out, " %s", r->version);
	} else {
		buf_put(out, STR("-"));
	}
	buf_printf(out, "\" %u %ju \"", logged_status(x),
		   (uintmax_t)x->content_sent);
	put_quoted(out, or_dash(exchange_field(x, STR("referer"))), false);
	buf_put(out, STR("\" \""));
	put_quoted(out, or_dash(exchange_field(x, STR("user-agent"))), false);
	buf_put(out, STR("\"\n"));
}

static void put_member(struct buf *out, const char *name, struct str value)
{
	buf_printf(out, ",\"%s\":\"", name);
	put_quoted(out, value, true);
	buf_put(out, STR("\""));
}

static uint64_t phase_us(uint64_t from, uint64_t to)
{
	return from != 0 && to >= from ? (to - from) / NS_PER_US : 0;
}

static void put_times(struct buf *out, const struct exchange_times *t)
{
	buf_printf(out,
		   ",\"times_us\":{\"accepted_to_first_byte\":%ju,"
		   "\"first_byte_to_head\":%ju,\"head_to_answer\":%ju,"
		   "\"answer_to_last_byte\":%ju,\"total\":%ju}}\n",
		   (uintmax_t)phase_us(t->accepted, t->first_byte),
		   (uintmax_t)phase_us(t->first_byte, t->head),
		   (uintmax_t)phase_us(t->head, t->answered),
		   (uintmax_t)phase_us(t->answered, t->last_byte),
		   (uintmax_t)phase_us(t->first_byte, t->last_byte));
}

static void add_json(struct access_log *log, const struct exchange *x)
{
	struct buf *out = &log->lines;
	const struct request *r = &x->request;
	char text[ADDR_TEXT];

	buf_printf(out, "{\"time\":\"%s\"", clock_format_utc(time(NULL), text));
	put_member(out, "remote_addr", str_of(endpoint_ip(&x->peer, text)));
	buf_printf(out, ",\"remote_port\":%u", x->peer.port);
	put_member(out, "method", r->method_text);
	put_member(out, "target", r->target);
	put_member(out, "protocol", str_of(r->version != NULL ? r->version : ""));
	put_member(out, "host", r->host);
	put_member(out, "route", x->route != NULL ? x->route->conf->path : STR(""));
	buf_printf(out, ",\"status\":%u,\"bytes\":%ju", logged_status(x),
		   (uintmax_t)x->content_sent);
	put_member(out, "referer", exchange_field(x, STR("referer")));
	put_member(out, "user_agent", exchange_field(x, STR("user-agent")));
	put_times(out, &x->times);
}

void access_log_add(struct access_log *log, const struct exchange *x)
{
	if (log->format == CONF_LOG_JSON)
		add_json(log, x);
	else
		add_combined(log, x);
	if (buf_length(&log->lines) >= ACCESS_LOG_BATCH)
		access_log_flush(log);
	else if (!timer_is_armed(&log->timer))
		loop_timer(log->loop, &log->timer, ACCESS_LOG_MS);
}
