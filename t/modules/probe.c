/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A module for the tests: what follows the path of its route says what to do.
 * Each request that ends is logged: "ended REST whole" or "ended REST cut".
 */
#define _GNU_SOURCE
#include <holdfast/module.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct visit {
	struct visit *next; /* of those that are held, or count */
	struct holdfast_request *r;
	uintptr_t id;
	void (*on_timer)(struct visit *v);
	bool by_writable; /* the stream is made as it is wanted */
	bool sums;        /* the body is not kept */
	uint64_t left;    /* bytes of the stream */
	uint64_t at;
	size_t piece;
	uint64_t ms;
	unsigned pauses; /* so many pieces are taken without one; 0: all */
	unsigned pieces;
	bool continues; /* before it has said that it pauses */
	char *body;
	size_t n_body;
	uint64_t sum;
	unsigned fulls;
};

static struct visit *visits;
static uintptr_t last_id;
static unsigned ticks;
static pthread_t thread;
static bool has_thread;

/* Names that the server has, too: a module has its own. */
void log_line(void);
void log_line(void)
{
	ticks++;
}

static uint64_t number(struct holdfast_request *r, const char *name, uint64_t other)
{
	const char *text = holdfast_query_value(r, name, NULL);

	return text != NULL ? strtoull(text, NULL, 10) : other;
}

static void say(struct holdfast_request *r, const char *text)
{
	holdfast_respond(r, 200, "text/plain", text, strlen(text));
}

/* The byte of a stream at a place. */
static void pattern(char *to, uint64_t at, size_t n)
{
	for (size_t i = 0; i < n; i++, at++)
		to[i] = at % 64 == 63 ? '\n' : (char)('0' + at % 64);
}

static uint64_t add_up(uint64_t sum, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum = (sum * 31 + (unsigned char)p[i]) % 1000000007;
	return sum;
}

/* Streams. False: no more for now. */
static bool put_piece(struct visit *v)
{
	static char bytes[131072];
	size_t n = v->piece < v->left ? v->piece : (size_t)v->left;

	pattern(bytes, v->at, n);
	int result = holdfast_write(v->r, bytes, n);

	v->at += n;
	v->left -= n;
	v->fulls += result == HOLDFAST_FULL;
	if (v->left > 0)
		return result == HOLDFAST_OK;
	holdfast_end(v->r);
	return false;
}

static void put_later(struct visit *v)
{
	if (v->left > 0)
		put_piece(v);
	if (v->left > 0)
		holdfast_timer(v->r, v->ms);
}

static void probe_writable(struct holdfast_request *r)
{
	struct visit *v = holdfast_data(r);

	if (!v->by_writable)
		return;
	while (put_piece(v))
		;
}

static void stream(struct holdfast_request *r, struct visit *v)
{
	v->left = number(r, "size", 1000);
	v->piece = (size_t)number(r, "piece", 16384);
	v->ms = number(r, "ms", 0);
	bool known = number(r, "known", 0);

	v->by_writable = v->ms == 0;
	v->on_timer = put_later;
	holdfast_add_field(r, "X-Stream", known ? "known" : "unknown");
	holdfast_begin(r, (unsigned)number(r, "status", 200), "text/plain",
		       known ? v->left : HOLDFAST_LENGTH_UNKNOWN);
	if (v->left == 0)
		holdfast_end(r);
	else if (!v->by_writable)
		put_later(v);
}

/* Bodies. */
static void go_on(struct visit *v)
{
	holdfast_continue(v->r);
}

static int probe_body(struct holdfast_request *r, const void *piece, size_t size)
{
	struct visit *v = holdfast_data(r);

	if (strcmp(holdfast_rest(r), "/first") == 0) {
		say(r, "at the first piece\n");
		return HOLDFAST_OK;
	}
	if (v->sums) {
		v->sum = add_up(v->sum, piece, size);
	} else {
		v->body = realloc(v->body, v->n_body + size);
		memcpy(v->body + v->n_body, piece, size);
	}
	v->n_body += size;
	if (v->pauses == 0 || ++v->pieces % v->pauses != 0)
		return HOLDFAST_OK;
	if (v->ms == UINT64_MAX)
		return HOLDFAST_PAUSE; /* for ever */
	if (v->continues)
		holdfast_continue(r);
	else
		holdfast_timer(r, v->ms);
	return HOLDFAST_PAUSE;
}

static void probe_body_end(struct holdfast_request *r)
{
	struct visit *v = holdfast_data(r);
	char text[64];

	if (strcmp(holdfast_rest(r), "/hold") == 0 || v->on_timer != go_on)
		return;
	if (!v->sums) {
		holdfast_respond(r, 200, "text/plain", v->body, v->n_body);
		return;
	}
	snprintf(text, sizeof(text), "%zu %llu\n", v->n_body,
		 (unsigned long long)v->sum);
	say(r, text);
}

static void take_body(struct holdfast_request *r, struct visit *v)
{
	v->sums = strcmp(holdfast_rest(r), "/sum") == 0;
	holdfast_add_field(r, "X-Sum", v->sums ? "yes" : "no");
	v->pauses = (unsigned)number(r, "pauses", 0);
	v->ms = number(r, "ms", 1);
	if (number(r, "forever", 0))
		v->ms = UINT64_MAX;
	v->continues = number(r, "at_once", 0);
	v->on_timer = go_on;
}

/* What it knows of a request. */
static void tell(struct holdfast_request *r)
{
	char text[8192], *to = text, *end = text + sizeof(text);
	const char *name, *value, *query = holdfast_query(r);
	size_t n = 0;
	unsigned port;
	const char *peer = holdfast_peer(r, &port);

	to += snprintf(to, (size_t)(end - to), "%s|%s|%s|%s|%s|%s|%s|%u\n",
		       holdfast_method(r), holdfast_path(r), holdfast_rest(r),
		       query != NULL ? query : "(none)", holdfast_host(r),
		       holdfast_protocol(r), peer, port);
	for (size_t i = 0; holdfast_field_at(r, i, &name, &value) == HOLDFAST_OK;
	     i++)
		to += snprintf(to, (size_t)(end - to), "%s=%s\n", name, value);
	value = holdfast_field(r, "x-One");
	to += snprintf(to, (size_t)(end - to), "one: %s\n",
		       value != NULL ? value : "(none)");
	value = holdfast_query_value(r, "a", &n);
	snprintf(to, (size_t)(end - to), "a: %zu %s\n", n,
		 value != NULL ? value : "(none)");
	say(r, text);
}

static void add_fields(struct holdfast_request *r)
{
	static const char *const bad[][2] = {
		{"X-A", "a\r\nX-B: b"},
		{"X-A", "a\nb"},
		{"X-A", "a\x7f"},
		{"X A", "a"},
		{"", "a"},
		{"X-A:", "a"},
		{"Content-Length", "3"},
		{"content-length", "3"},
		{"Transfer-Encoding", "chunked"},
		{"Connection", "close"},
		{"Keep-Alive", "1"},
		{"Date", "now"},
		{"Server", "me"},
		{"Upgrade", "h2c"},
		{"Trailer", "X-A"},
		{"TE", "trailers"},
	};
	char text[64];
	unsigned refused = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refused += holdfast_add_field(r, bad[i][0], bad[i][1]) ==
			   HOLDFAST_ERROR;
	holdfast_add_field(r, "X-Good", "  one two\tthree ");
	holdfast_add_field(r, "Set-Cookie", "a=1");
	holdfast_add_field(r, "Set-Cookie", "b=2");
	holdfast_add_field(r, "X-Latin", "caf\xe9");
	snprintf(text, sizeof(text), "%u of %zu\n", refused,
		 sizeof(bad) / sizeof(*bad));
	say(r, text);
}

/* Mistakes. */
static void err(struct holdfast_request *r, const char *what)
{
	if (strcmp(what, "twice") == 0) {
		say(r, "once\n");
		say(r, "twice\n");
	} else if (strcmp(what, "type") == 0) {
		holdfast_respond(r, 200, "text/plain\r\nX: y", "a", 1);
		say(r, "no type\n");
	} else if (strcmp(what, "status") == 0) {
		holdfast_respond(r, 100, NULL, "a", 1);
		holdfast_respond(r, 600, NULL, "a", 1);
		say(r, "no status\n");
	} else if (strcmp(what, "write") == 0) {
		holdfast_write(r, "a", 1);
		holdfast_end(r);
		say(r, "no write\n");
	} else if (strcmp(what, "short") == 0) {
		holdfast_begin(r, 200, "text/plain", 10);
		holdfast_write(r, "short", 5);
		holdfast_end(r);
	} else if (strcmp(what, "long") == 0) {
		holdfast_begin(r, 200, "text/plain", 10);
		holdfast_write(r, "long", 4);
		holdfast_write(r, "and too long", 12);
		holdfast_end(r);
	} else if (strcmp(what, "after") == 0) {
		holdfast_begin(r, 200, "text/plain", HOLDFAST_LENGTH_UNKNOWN);
		holdfast_write(r, "all", 3);
		holdfast_end(r);
		holdfast_write(r, "more", 4);
		holdfast_add_field(r, "X-Late", "1");
	} else if (strcmp(what, "flood") == 0) {
		char *much = calloc(1, 1 << 20);

		holdfast_begin(r, 200, "text/plain", HOLDFAST_LENGTH_UNKNOWN);
		for (int i = 0; i < 80; i++)
			if (holdfast_write(r, much, 1 << 20) == HOLDFAST_ERROR)
				break;
		free(much);
	}
}

/* Answers from elsewhere. */
static void answer_later(struct visit *v)
{
	say(v->r, "later\n");
}

static void cut_later(struct visit *v)
{
	holdfast_abort(v->r);
}

/* An id, not a pointer: the visit may have ended, and another be in its
 * place. */
static void on_post(struct holdfast_route *route, void *argument)
{
	(void)route;
	for (struct visit *v = visits; v != NULL; v = v->next)
		if (v->id == (uintptr_t)argument) {
			say(v->r, "from a thread\n");
			return;
		}
}

struct errand {
	struct holdfast_route *route;
	uintptr_t id;
	useconds_t us;
};

static void *run_thread(void *argument)
{
	struct errand *e = argument;

	usleep(e->us);
	holdfast_post(e->route, on_post, (void *)e->id);
	free(e);
	return NULL;
}

static void ask_thread(struct holdfast_request *r, struct visit *v)
{
	struct errand *e = calloc(1, sizeof(*e));

	if (has_thread)
		pthread_join(thread, NULL);
	*e = (struct errand){holdfast_route(r), v->id,
			     (useconds_t)number(r, "us", 1000)};
	has_thread = pthread_create(&thread, NULL, run_thread, e) == 0;
}

static void probe_request(struct holdfast_request *r)
{
	const char *rest = holdfast_rest(r);
	struct visit *v = calloc(1, sizeof(*v));
	char text[64];

	v->r = r;
	v->id = ++last_id;
	v->next = visits;
	visits = v;
	holdfast_set_data(r, v);
	if (strcmp(rest, "/tell") == 0) {
		tell(r);
	} else if (strcmp(rest, "/id") == 0) {
		say(r, holdfast_request_id(r));
	} else if (strcmp(rest, "/fields") == 0) {
		add_fields(r);
	} else if (strcmp(rest, "/respond") == 0) {
		memset(text, 'x', sizeof(text));
		holdfast_respond(r, (unsigned)number(r, "status", 200),
				 "text/plain", text, (size_t)number(r, "size", 9));
	} else if (strcmp(rest, "/large") == 0) {
		size_t n = (size_t)number(r, "size", 1 << 20);
		char *large = malloc(n);

		pattern(large, 0, n);
		holdfast_respond(r, 200, "text/plain", large, n);
		free(large);
	} else if (strcmp(rest, "/error") == 0) {
		holdfast_add_field(r, "Content-Type", "image/png");
		holdfast_add_field(r, "ETag", "\"1\"");
		holdfast_add_field(r, "X-Kept", "1");
		holdfast_error(r, (unsigned)number(r, "status", 404));
	} else if (strcmp(rest, "/stream") == 0) {
		stream(r, v);
	} else if (strcmp(rest, "/echo") == 0 || strcmp(rest, "/sum") == 0) {
		take_body(r, v);
	} else if (strcmp(rest, "/later") == 0) {
		v->on_timer = answer_later;
		holdfast_timer(r, number(r, "ms", 10));
	} else if (strcmp(rest, "/abort") == 0) {
		holdfast_add_field(r, "X-Gone", "1");
		holdfast_abort(r);
	} else if (strcmp(rest, "/cut") == 0) {
		holdfast_begin(r, 200, "text/plain",
			       number(r, "known", 0) ? 1000
						     : HOLDFAST_LENGTH_UNKNOWN);
		holdfast_write(r, "some", 4);
		v->on_timer = cut_later;
		holdfast_timer(r, number(r, "ms", 10));
	} else if (strcmp(rest, "/open") == 0) {
		holdfast_begin(r, 200, "text/plain", HOLDFAST_LENGTH_UNKNOWN);
		holdfast_write(r, "open\n", 5);
	} else if (strcmp(rest, "/thread") == 0) {
		ask_thread(r, v);
	} else if (strcmp(rest, "/ticks") == 0) {
		snprintf(text, sizeof(text), "%u\n", ticks);
		say(r, text);
	} else if (strcmp(rest, "/held") == 0) {
		unsigned n = 0;

		for (struct visit *held = visits; held != NULL; held = held->next)
			n++;
		snprintf(text, sizeof(text), "%u\n", n);
		say(r, text);
	} else if (strncmp(rest, "/err/", 5) == 0) {
		err(r, rest + 5);
	} else if (strcmp(rest, "/early") == 0) {
		holdfast_respond(r, 403, NULL, "no\n", 3);
	} else if (strcmp(rest, "/crash") == 0) {
		abort();
	}
	/* "/hold" and "/first" wait. */
}

static void probe_timer(struct holdfast_request *r)
{
	struct visit *v = holdfast_data(r);

	v->on_timer(v);
}

static void probe_ended(struct holdfast_request *r, int complete)
{
	struct visit *v = holdfast_data(r), **link = &visits;

	holdfast_log(holdfast_route(r), HOLDFAST_LOG_INFO, "ended %s %s, full %u",
		     holdfast_rest(r), complete ? "whole" : "cut", v->fulls);
	while (*link != v)
		link = &(*link)->next;
	*link = v->next;
	free(v->body);
	free(v);
}

static int probe_load(struct holdfast_route *route)
{
	const char *timer = holdfast_option(route, "tick", 0);
	const char *second = holdfast_option(route, "list", 1);

	holdfast_set_route_data(route, (void *)(size_t)timer);
	if (second != NULL)
		holdfast_log(route, HOLDFAST_LOG_INFO, "list %s %s",
			     holdfast_option(route, "list", 0), second);
	return HOLDFAST_OK;
}

static int probe_start(struct holdfast_route *route)
{
	const char *ms = holdfast_route_data(route);

	return ms == NULL ? HOLDFAST_OK
			  : holdfast_route_timer(route, strtoull(ms, NULL, 10));
}

static void probe_tick(struct holdfast_route *route)
{
	log_line();
	holdfast_route_timer(route, strtoull(holdfast_route_data(route), NULL, 10));
}

/* Those streams that would not end. */
static void probe_leave(struct holdfast_route *route)
{
	holdfast_log(route, HOLDFAST_LOG_INFO, "leaves");
	for (struct visit *v = visits, *next; v != NULL; v = next) {
		next = v->next;
		if (strcmp(holdfast_rest(v->r), "/open") == 0)
			holdfast_end(v->r);
	}
}

static void probe_stop(struct holdfast_route *route)
{
	if (has_thread)
		pthread_join(thread, NULL);
	has_thread = false;
	holdfast_log(route, HOLDFAST_LOG_INFO, "stops");
}

HOLDFAST_MODULE = {
	HOLDFAST_MODULE_VERSION,
	.name = "probe",
#ifdef HALF_CLOSED
	.flags = HOLDFAST_HALF_CLOSED,
#endif
	.load = probe_load,
	.start = probe_start,
	.leave = probe_leave,
	.stop = probe_stop,
	.tick = probe_tick,
	.request = probe_request,
	.body = probe_body,
	.body_end = probe_body_end,
	.writable = probe_writable,
	.timer = probe_timer,
	.ended = probe_ended,
};
