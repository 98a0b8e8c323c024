/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First the table of kinds, then setting a reason, and then the line: its text
 * is "answered with 404: REASON", and its members are those of the request, by
 * the names that the access log has for them. Everything that a client chose is
 * escaped and cut. Worker.
 */
#include "worker/http/failure.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/quote.h"
#include "worker/http/exchange.h"
#include "worker/http/request_id.h"
#include "worker/http/router.h"

enum {
	/* Bytes that are logged. */
	FAILURE_REASON_MAX = 1536,
	FAILURE_LINE_MAX = 256, /* of a target, a path, or what was sent */
	FAILURE_WORD_MAX = 128, /* of a host or method */
	FAILURE_MEMBERS = 11,
};

static const char *const names[FAILURE_KINDS] = {
	[FAILURE_MALFORMED] = "malformed",
	[FAILURE_TOO_LARGE] = "too_large",
	[FAILURE_SLOW] = "slow",
	[FAILURE_MISSING] = "missing",
	[FAILURE_CONDITION] = "condition",
	[FAILURE_DENIED] = "denied",
	[FAILURE_LOGIN] = "login",
	[FAILURE_LIMITED] = "limited",
	[FAILURE_CONFIGURED] = "configured",
	[FAILURE_PERMISSION] = "permission",
	[FAILURE_SYSTEM] = "system",
	[FAILURE_UPSTREAM] = "upstream",
	[FAILURE_SETTINGS] = "settings",
	[FAILURE_MODULE] = "module",
	[FAILURE_CUT] = "cut",
};

/* Info: the client's doing. Warn: the server cannot do what it is there for.
 * Error: neither can it after the next reload. */
static struct log_kind kinds[FAILURE_KINDS] = {
	[FAILURE_MALFORMED] = {.about = "malformed requests",
			       .level = LOG_LEVEL_INFO},
	[FAILURE_TOO_LARGE] = {.about = "requests that are too large",
			       .level = LOG_LEVEL_INFO},
	[FAILURE_SLOW] = {.about = "clients that are too slow",
			  .level = LOG_LEVEL_INFO},
	[FAILURE_MISSING] = {.about = "what is not there", .level = LOG_LEVEL_INFO},
	[FAILURE_CONDITION] = {.about = "conditions that do not hold",
			       .level = LOG_LEVEL_INFO},
	[FAILURE_DENIED] = {.about = "requests that are denied",
			    .level = LOG_LEVEL_INFO},
	[FAILURE_LOGIN] = {.about = "names and passwords", .level = LOG_LEVEL_INFO},
	[FAILURE_LIMITED] = {.about = "requests over a limit",
			     .level = LOG_LEVEL_INFO},
	[FAILURE_CONFIGURED] = {.about = "errors that are configured",
				.level = LOG_LEVEL_INFO},
	[FAILURE_PERMISSION] = {.about = "missing permissions",
				.level = LOG_LEVEL_WARN},
	[FAILURE_SYSTEM] = {.about = "errors of the system",
			    .level = LOG_LEVEL_ERROR},
	[FAILURE_UPSTREAM] = {.about = "upstreams that fail",
			      .level = LOG_LEVEL_WARN},
	[FAILURE_SETTINGS] = {.about = "the configuration",
			      .level = LOG_LEVEL_WARN},
	[FAILURE_MODULE] = {.about = "modules that fail", .level = LOG_LEVEL_WARN},
	[FAILURE_CUT] = {.about = "responses that are cut short",
			 .level = LOG_LEVEL_INFO},
};

enum failure_kind failure_kind_of(unsigned status)
{
	switch (status) {
	case 401:
		return FAILURE_LOGIN;
	case 403:
		return FAILURE_DENIED;
	case 404:
	case 405:
	case 410:
		return FAILURE_MISSING;
	case 408:
		return FAILURE_SLOW;
	case 412:
	case 416:
		return FAILURE_CONDITION;
	case 413:
	case 414:
	case 431:
		return FAILURE_TOO_LARGE;
	case 429:
	case 507:
		return FAILURE_LIMITED;
	case 501:
	case 505:
		return FAILURE_MALFORMED;
	case 502:
	case 504:
		return FAILURE_UPSTREAM;
	default:
		return status < 500 ? FAILURE_MALFORMED : FAILURE_SYSTEM;
	}
}

static struct str cut(struct str text, size_t max)
{
	return (struct str){text.p, text.n < max ? text.n : max};
}

const char *failure_quote(struct exchange *x, struct str text)
{
	struct str shown = cut(text, FAILURE_LINE_MAX);
	char *out = arena_bytes(&x->arena, QUOTE_LOG_GROWTH * shown.n + 6);
	char *to = out;

	*to++ = '"';
	to = quote_log(to, shown);
	memcpy(to, shown.n < text.n ? "...\"" : "\"",
	       shown.n < text.n ? sizeof("...\"") : sizeof("\""));
	return out;
}

static bool needs_quotes(struct str path)
{
	for (size_t i = 0; i < path.n; i++) {
		char lower = ascii_lower(path.p[i]);

		if (!(lower >= 'a' && lower <= 'z') &&
		    !(lower >= '0' && lower <= '9') &&
		    (lower == '\0' || strchr("/._~+@=%-", lower) == NULL))
			return true;
	}
	return false;
}

const char *failure_path(struct exchange *x, const char *directory, struct str path)
{
	bool is_top = directory[0] == '/' && directory[1] == '\0';
	struct str whole;

	if (path.n > 0 && path.p[0] == '/')
		path = str_tail(path, 1);
	whole = arena_printf(&x->arena, "%s/%" STR_FMT, is_top ? "" : directory,
			     STR_ARG(path));
	if (whole.n > FAILURE_LINE_MAX || needs_quotes(whole))
		return failure_quote(x, whole);
	return whole.p;
}

static struct failure *set(struct exchange *x, enum failure_kind kind,
			   const char *format, va_list args)
{
	struct failure *failure = arena_zalloc(&x->arena, 1, sizeof(*failure));
	int saved = errno;

	failure->kind = kind;
	failure->reason = arena_vprintf(&x->arena, format, args);
	x->response.failure = failure;
	errno = saved;
	return failure;
}

void failure_set(struct exchange *x, enum failure_kind kind, const char *format,
		 ...)
{
	va_list args;

	va_start(args, format);
	set(x, kind, format, args);
	va_end(args);
}

/* Without the empty line that may stand before it (RFC 9112 section 2.2). */
static struct str first_line(struct str sent)
{
	size_t n = 0;

	while (sent.n > 0 && (sent.p[0] == '\r' || sent.p[0] == '\n'))
		sent = str_tail(sent, 1);
	while (n < sent.n && sent.p[n] != '\r' && sent.p[n] != '\n')
		n++;
	sent.n = n;
	return sent;
}

void failure_set_sent(struct exchange *x, enum failure_kind kind, struct str sent,
		      const char *why)
{
	struct failure *failure = arena_zalloc(&x->arena, 1, sizeof(*failure));

	failure->kind = kind;
	failure->reason = str_of(why);
	/* One byte more than is logged, so that it shows as cut. */
	failure->sent =
		arena_copy(&x->arena, cut(first_line(sent), FAILURE_LINE_MAX + 1));
	x->response.failure = failure;
}

/* The line. */

/* Its members, as far as they are put together. */
struct line {
	struct exchange *x;
	struct log_member members[FAILURE_MEMBERS];
	size_t n;
};

/* Cut, with dots. */
static void put(struct line *line, const char *name, struct str value, size_t max,
		enum log_member_form form, enum log_member_place place)
{
	if (value.n > max)
		value = arena_printf(&line->x->arena, "%" STR_FMT "...", (int)max,
				     value.p);
	line->members[line->n++] = (struct log_member){name, value, form, place};
}

/* What came in place of a request line, or that. */
static struct str request_line(struct exchange *x, const struct failure *failure)
{
	const struct request *r = &x->request;
	struct str target = cut(r->target, FAILURE_LINE_MAX);

	if (r->target.n == 0)
		return failure->sent.n <= FAILURE_LINE_MAX
			       ? failure->sent
			       : arena_printf(&x->arena, "%.*s...",
					      FAILURE_LINE_MAX, failure->sent.p);
	return arena_printf(&x->arena, "%" STR_FMT " %" STR_FMT "%s %s",
			    STR_ARG(cut(r->method_text, FAILURE_WORD_MAX)),
			    STR_ARG(target), target.n < r->target.n ? "..." : "",
			    r->version != NULL ? r->version : "");
}

static void put_request(struct line *line, const struct failure *failure)
{
	const struct request *r = &line->x->request;
	struct str sent = r->target.n == 0 ? failure->sent : STR("");

	put(line, "request", request_line(line->x, failure), 2 * FAILURE_LINE_MAX,
	    LOG_MEMBER_QUOTED, LOG_MEMBER_TEXT);
	put(line, "sent", sent, FAILURE_LINE_MAX, LOG_MEMBER_WORD, LOG_MEMBER_JSON);
	put(line, "method", r->target.n == 0 ? STR("") : r->method_text,
	    FAILURE_WORD_MAX, LOG_MEMBER_WORD, LOG_MEMBER_JSON);
	put(line, "target", r->target, FAILURE_LINE_MAX, LOG_MEMBER_WORD,
	    LOG_MEMBER_JSON);
	put(line, "host", r->host, FAILURE_WORD_MAX, LOG_MEMBER_QUOTED,
	    LOG_MEMBER_BOTH);
}

static struct str client_of(struct exchange *x)
{
	char ip[ADDR_TEXT];
	const char *text = endpoint_ip(&x->peer, ip);

	if (x->peer.family == AF_INET6)
		return arena_printf(&x->arena, "[%s]:%u", text, x->peer.port);
	if (x->peer.family == AF_INET)
		return arena_printf(&x->arena, "%s:%u", text, x->peer.port);
	return arena_printf(&x->arena, "%s", text);
}

static struct str route_of(struct exchange *x)
{
	const struct conf_origin *origin;

	if (x->route == NULL || x->route->conf == NULL)
		return STR("");
	origin = &x->route->conf->origin;
	if (origin->where == NULL) /* it moved here from another configuration */
		return x->route->conf->path;
	return str_of(origin->where);
}

static void write_line(struct exchange *x, const struct failure *failure,
		       struct str text, struct str status)
{
	struct line line = {.x = x};

	put(&line, "status", status, 8, LOG_MEMBER_NUMBER, LOG_MEMBER_JSON);
	put(&line, "kind", str_of(names[failure->kind]), 16, LOG_MEMBER_WORD,
	    LOG_MEMBER_BOTH);
	put(&line, "client", client_of(x), 128, LOG_MEMBER_WORD, LOG_MEMBER_BOTH);
	put(&line, "request_id", request_id(x), 128, LOG_MEMBER_WORD,
	    LOG_MEMBER_BOTH);
	put(&line, "route", route_of(x), FAILURE_LINE_MAX, LOG_MEMBER_WORD,
	    LOG_MEMBER_BOTH);
	put_request(&line, failure);
	log_event(&kinds[failure->kind], text, line.members, line.n);
}

void failure_log(struct exchange *x)
{
	const struct failure *failure = x->response.failure;
	unsigned status = x->response.status;

	if (!log_kind_may(&kinds[failure->kind]))
		return;
	write_line(x, failure,
		   arena_printf(&x->arena, "answered with %u: %" STR_FMT, status,
				STR_ARG(cut(failure->reason, FAILURE_REASON_MAX))),
		   arena_printf(&x->arena, "%u", status));
}

void failure_note(struct exchange *x, enum failure_kind kind, const char *format,
		  ...)
{
	struct failure note = {.kind = kind};
	va_list args;

	if (!log_kind_may(&kinds[kind]))
		return;
	va_start(args, format);
	struct str text = arena_vprintf(&x->arena, format, args);

	va_end(args);
	write_line(x, &note, cut(text, FAILURE_REASON_MAX), STR(""));
}
