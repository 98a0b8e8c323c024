/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections that are held on to: what a client notices of a server that is
 * reloaded, upgraded or loses workers. No connection is ever opened again and
 * no request tried again; every byte of every answer is checked. A test tool,
 * one process.
 *
 *   hold [--http HOST:PORT --connections N] [--echo HOST:PORT --echoes M]
 *        [--seconds S] [--patience S] [--seed N] [--tolerate-closed]
 *
 * The HTTP service (IPv4) has to answer
 *
 *   GET /q?x=TOKEN             with TOKEN
 *   POST /form, x=TOKEN        with TOKEN, as a form
 *   GET /f/SIZE                with SIZE bytes: "0000000\n0000001\n" and on
 *
 * Connections differ by their number: most send one request after another,
 * some 2 to 8 at once, some their heads a byte at a time, some bodies, with
 * Content-Length or chunked, a few bytes at a time; some get larger files.
 * Between requests each thinks for up to 20 ms. Echo connections send a
 * stream of their own, in bursts, and check it as it comes back.
 *
 * After S seconds, or on SIGTERM, what is outstanding is finished, for at
 * most the patience. Standard output has one line, in JSON; standard error
 * says "served" as soon as each connection has had its first answer.
 *
 *   lost    requests that a closed connection left without a whole answer
 *   hung    requests that an open connection left so
 *   closed_by_server, closed_ports   connections, and our ports of them
 *   wrong   answers, or echoes, that were not as they have to be
 *
 * Exits 0 only if all of these are 0; with --tolerate-closed lost and
 * closed_by_server may be anything.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	THINK_US = 20000,
	PACE_US = 2000,   /* between the pieces of a slow request */
	DEPTH = 8,        /* requests on one connection at once */
	OUT_ROOM = 4096,  /* their text */
	HEAD_ROOM = 2048, /* of a response */
	EVENTS = 512,
	ECHO_WINDOW = 262144, /* sent and not yet back */
	PIECE = 65536,
	LATENCIES = 600000, /* of 100 us each */
	FAULTS = 20,        /* that are described */
};

enum style { PLAIN, PIPELINED, SLOW_HEAD, SLOW_LENGTH, SLOW_CHUNKED, FILES };

/* Of every ten connections. */
static const enum style styles[10] = {
	PLAIN,       PIPELINED, PLAIN,     SLOW_HEAD,    PLAIN,
	SLOW_LENGTH, FILES,     PIPELINED, SLOW_CHUNKED, PLAIN,
};

struct request {
	uint64_t size; /* of the body that has to come */
	bool is_file;
	char token[64];   /* otherwise this is it */
	uint64_t sent_at; /* its last byte; 0 before that */
	size_t end;       /* of its text in http.out */
};

struct http {
	enum style style;
	struct request asked[DEPTH]; /* a ring */
	unsigned first, n;
	char out[OUT_ROOM];
	size_t out_size, out_sent;
	char head[HEAD_ROOM];
	size_t head_size;
	bool in_body;
	uint64_t body_at;
	uint64_t made; /* requests */
};

struct echo {
	uint64_t sent, received, goal;
	bool half_closed;
};

struct conn {
	int fd;
	unsigned number, port;
	bool is_echo, connected, served, closed;
	uint64_t random;
	uint64_t wake_at; /* us; 0: waits for the peer */
	union {
		struct http http;
		struct echo echo;
	};
};

static struct {
	struct sockaddr_in http, echo;
	unsigned n_http, n_echo, n;
	uint64_t seconds, patience_s, seed;
	bool tolerate_closed;
} ask = {.patience_s = 60};

static struct {
	struct conn *conns;
	int epoll;
	uint64_t now; /* us */
	bool ending;
	unsigned served, open;
	uint64_t requests, lost, hung, closed, wrong, echo_bytes, max_us;
	uint32_t *latencies;
	unsigned n_faults;
	char faults[FAULTS][200];
} held;

static volatile sig_atomic_t asked_to_end;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static uint64_t clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* xorshift64: 0 .. below - 1 */
static uint64_t chance(struct conn *c, uint64_t below)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return c->random % below;
}

__attribute__((format(printf, 2, 3))) static void fault(const struct conn *c,
							const char *format, ...)
{
	if (held.n_faults == FAULTS)
		return;
	char *text = held.faults[held.n_faults++];
	int n = snprintf(text, sizeof(held.faults[0]),
			 "connection %u (port %u): ", c->number, c->port);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text + n, sizeof(held.faults[0]) - (size_t)n, format, ap);
	va_end(ap);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '"' || *p == '\\' || !isprint((unsigned char)*p))
			*p = '.';
}

static void let_go(struct conn *c)
{
	close(c->fd);
	c->fd = -1;
	c->wake_at = 0;
	held.open--;
}

static bool owes(const struct conn *c)
{
	return c->is_echo ? c->echo.received < c->echo.sent : c->http.n > 0;
}

/* Only a request of which something was sent can be lost. */
static unsigned unanswered(const struct conn *c)
{
	const struct http *h = &c->http;
	unsigned n = 0;

	if (c->is_echo)
		return owes(c);
	for (unsigned i = 0; i < h->n; i++) {
		size_t begin =
			i == 0 ? 0 : h->asked[(h->first + i - 1) % DEPTH].end;

		n += h->out_sent > begin;
	}
	return n;
}

static void closed_by_server(struct conn *c, const char *how)
{
	unsigned n = unanswered(c);

	held.closed++;
	held.lost += n;
	c->closed = true;
	if (!ask.tolerate_closed)
		fault(c, "%s with %u requests unanswered after %llu", how, n,
		      (unsigned long long)(c->is_echo ? c->echo.received
						      : c->http.made));
	let_go(c);
}

/* It is worth nothing any more. */
static void went_wrong(struct conn *c)
{
	held.wrong++;
	let_go(c);
}

static void was_served(struct conn *c)
{
	if (c->served)
		return;
	c->served = true;
	if (++held.served == ask.n) {
		fprintf(stderr, "served\n");
		fflush(stderr);
	}
}

/* --- HTTP: asking */

static void put(struct http *h, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void put(struct http *h, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	h->out_size += (size_t)vsnprintf(h->out + h->out_size,
					 OUT_ROOM - h->out_size, format, ap);
	va_end(ap);
	if (h->out_size >= OUT_ROOM)
		abort();
}

static void put_form(struct conn *c, const char *token, bool chunked)
{
	struct http *h = &c->http;
	size_t n = strlen(token) + 2;

	put(h, "POST /form HTTP/1.1\r\nHost: held\r\n"
	       "Content-Type: application/x-www-form-urlencoded\r\n");
	if (!chunked) {
		put(h, "Content-Length: %zu\r\n\r\nx=%s", n, token);
		return;
	}
	put(h, "Transfer-Encoding: chunked\r\n\r\n2\r\nx=\r\n");
	for (const char *p = token; *p != '\0';) {
		size_t left = strlen(p), part = 1 + chance(c, 9);

		if (part > left)
			part = left;
		put(h, "%zx%s\r\n%.*s\r\n", part, part % 3 ? "" : ";e=\"1\"",
		    (int)part, p);
		p += part;
	}
	put(h, "0\r\n%s\r\n", chance(c, 2) ? "" : "Trailer-1: yes\r\n");
}

static void make_request(struct conn *c)
{
	struct http *h = &c->http;
	struct request *r = &h->asked[(h->first + h->n++) % DEPTH];
	static const unsigned sizes[] = {10000, 100000, 300000};

	*r = (struct request){.is_file = h->style == FILES};
	if (r->is_file) {
		r->size = sizes[chance(c, 3)];
		put(h, "GET /f/%llu HTTP/1.1\r\nHost: held\r\n\r\n",
		    (unsigned long long)r->size);
	} else {
		snprintf(r->token, sizeof(r->token), "c%u-r%llu-%0*llx", c->number,
			 (unsigned long long)h->made, (int)(1 + chance(c, 30)),
			 (unsigned long long)chance(c, UINT32_MAX));
		r->size = strlen(r->token);
		if (h->style == SLOW_LENGTH || h->style == SLOW_CHUNKED)
			put_form(c, r->token, h->style == SLOW_CHUNKED);
		else
			put(h,
			    "GET /q?x=%s HTTP/1.1\r\nHost: held\r\n"
			    "User-Agent: hold\r\n\r\n",
			    r->token);
	}
	r->end = h->out_size;
	h->made++;
}

static void ask_more(struct conn *c)
{
	struct http *h = &c->http;
	unsigned n = h->style == PIPELINED ? 2 + (unsigned)chance(c, 7) : 1;

	h->out_size = h->out_sent = 0;
	while (n-- > 0)
		make_request(c);
}

/* How much goes at once: all, but from the slow. */
static size_t piece_size(struct conn *c)
{
	struct http *h = &c->http;
	size_t left = h->out_size - h->out_sent;
	const char *body;
	size_t n = left;

	switch (h->style) {
	case SLOW_HEAD:
		n = 1;
		break;
	case SLOW_LENGTH:
	case SLOW_CHUNKED:
		body = memmem(h->out, h->out_size, "\r\n\r\n", 4);
		n = body + 4 > h->out + h->out_sent
			    ? (size_t)(body + 4 - (h->out + h->out_sent))
			    : 1 + chance(c, 5);
		break;
	default:
		break;
	}
	return n < left ? n : left;
}

static void note_sent(struct http *h)
{
	for (unsigned i = 0; i < h->n; i++) {
		struct request *r = &h->asked[(h->first + i) % DEPTH];

		if (r->sent_at == 0 && r->end <= h->out_sent)
			r->sent_at = held.now;
	}
}

/* What was to be sent at `due`, by the clock of held.now. */
static void http_send(struct conn *c, uint64_t due)
{
	struct http *h = &c->http;

	while (h->out_sent < h->out_size) {
		size_t n = piece_size(c);
		ssize_t sent = send(c->fd, h->out + h->out_sent, n, MSG_NOSIGNAL);

		if (sent == -1 && errno == EAGAIN)
			return; /* EPOLLOUT will come */
		if (sent == -1) {
			closed_by_server(c, "no request could be sent");
			return;
		}
		h->out_sent += (size_t)sent;
		note_sent(h);
		if (h->style >= SLOW_HEAD && h->style <= SLOW_CHUNKED &&
		    h->out_sent < h->out_size) {
			/* Counted from when it was due: where we are slow, the
			 * pieces that are late go at once, or a request would
			 * take longer than the server allows. */
			due += 1 + chance(c, PACE_US);
			if (due <= held.now)
				continue;
			c->wake_at = due;
			return;
		}
	}
}

/* --- HTTP: being answered */

static void note_latency(const struct request *r)
{
	uint64_t us = held.now - r->sent_at, i = us / 100;

	if (us > held.max_us)
		held.max_us = us;
	held.latencies[i < LATENCIES ? i : LATENCIES - 1]++;
}

static void answered(struct conn *c)
{
	struct http *h = &c->http;

	note_latency(&h->asked[h->first]);
	held.requests++;
	was_served(c);
	h->first = (h->first + 1) % DEPTH;
	h->n--;
	h->in_body = false;
	h->head_size = 0;
	if (h->n == 0)
		c->wake_at = held.now + 1 + chance(c, THINK_US);
}

/* The byte at `place` of a file. */
static char file_byte(uint64_t place)
{
	static const uint64_t tens[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
	unsigned column = place % 8;

	return column == 7 ? '\n' : (char)('0' + place / 8 / tens[column] % 10);
}

/* Strict about what is asked: 200, one Content-Length, no word of closing. */
static bool head_is_right(struct conn *c, const struct request *r)
{
	struct http *h = &c->http;
	unsigned lengths = 0;
	char *rest = h->head, *line;

	if (strncmp(rest, "HTTP/1.1 200 OK\r\n", 17) != 0) {
		fault(c, "answered with %.60s", h->head);
		return false;
	}
	while ((line = strsep(&rest, "\n")) != NULL && *line > '\r') {
		if (strncasecmp(line, "Connection:", 11) == 0 ||
		    strncasecmp(line, "Transfer-Encoding:", 18) == 0) {
			fault(c, "answered with %.60s", line);
			return false;
		}
		if (strncasecmp(line, "Content-Length:", 15) != 0)
			continue;
		lengths++;
		if (strtoull(line + 15, NULL, 10) != r->size) {
			fault(c, "answered with %.40s, not %llu", line,
			      (unsigned long long)r->size);
			return false;
		}
	}
	if (lengths != 1)
		fault(c, "answered with %u Content-Length", lengths);
	return lengths == 1;
}

/* Takes what it needs of the bytes; how many, or -1 when they are wrong. */
static ssize_t take_head(struct conn *c, const char *p, size_t n)
{
	struct http *h = &c->http;

	for (size_t i = 0; i < n; i++) {
		if (h->head_size == HEAD_ROOM - 1) {
			fault(c, "answered with an endless head");
			return -1;
		}
		h->head[h->head_size++] = p[i];
		if (h->head_size < 4 ||
		    memcmp(h->head + h->head_size - 4, "\r\n\r\n", 4) != 0)
			continue;
		h->head[h->head_size] = '\0';
		if (!head_is_right(c, &h->asked[h->first]))
			return -1;
		h->in_body = true;
		h->body_at = 0;
		return (ssize_t)i + 1;
	}
	return (ssize_t)n;
}

static ssize_t take_body(struct conn *c, const char *p, size_t n)
{
	struct http *h = &c->http;
	const struct request *r = &h->asked[h->first];

	if (n > r->size - h->body_at)
		n = (size_t)(r->size - h->body_at);
	for (size_t i = 0; i < n; i++, h->body_at++) {
		char want =
			r->is_file ? file_byte(h->body_at) : r->token[h->body_at];

		if (p[i] == want)
			continue;
		fault(c, "request %llu: byte %llu of %llu is %d, not %d (%s)",
		      (unsigned long long)(h->made - h->n),
		      (unsigned long long)h->body_at, (unsigned long long)r->size,
		      p[i], want, r->token);
		return -1;
	}
	if (h->body_at == r->size)
		answered(c);
	return (ssize_t)n;
}

static bool http_take(struct conn *c, const char *p, size_t n)
{
	struct http *h = &c->http;

	while (n > 0) {
		if (h->n == 0 || h->asked[h->first].sent_at == 0) {
			fault(c, "%zu bytes that nobody asked for: %.60s", n, p);
			return false;
		}
		ssize_t took = h->in_body ? take_body(c, p, n) : take_head(c, p, n);

		if (took == -1)
			return false;
		p += took;
		n -= (size_t)took;
	}
	return true;
}

/* --- echo */

/* The byte at `place` of a connection's stream: no two streams, and no two
 * places a power of two apart, look alike. */
static unsigned char pattern(const struct conn *c, uint64_t place)
{
	uint64_t x = place * 0x9e3779b97f4a7c15u +
		     (uint64_t)c->number * 0xbf58476d1ce4e5b9u;

	return (unsigned char)(x >> 56);
}

/* Most send a little; some fill the buffers on both sides. */
static void echo_more(struct conn *c)
{
	struct echo *e = &c->echo;
	uint64_t max = c->number % 10 == 0 ? 131072 : 4096;

	e->goal = e->sent + 1 + chance(c, max);
	if (e->goal > e->received + ECHO_WINDOW)
		e->goal = e->received + ECHO_WINDOW;
}

static void echo_send(struct conn *c)
{
	static unsigned char piece[PIECE];
	struct echo *e = &c->echo;

	while (e->sent < e->goal) {
		size_t n = e->goal - e->sent < PIECE ? (size_t)(e->goal - e->sent)
						     : PIECE;

		for (size_t i = 0; i < n; i++)
			piece[i] = pattern(c, e->sent + i);
		ssize_t sent = send(c->fd, piece, n, MSG_NOSIGNAL);

		if (sent == -1 && errno == EAGAIN)
			break;
		if (sent == -1) {
			closed_by_server(c, "nothing more could be sent");
			return;
		}
		e->sent += (uint64_t)sent;
	}
	c->wake_at = held.ending ? 0 : held.now + 1 + chance(c, THINK_US);
}

static bool echo_take(struct conn *c, const char *p, size_t n)
{
	struct echo *e = &c->echo;

	if (n > e->sent - e->received) {
		fault(c, "more came back than was sent");
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] != pattern(c, e->received + i)) {
			fault(c, "the echo of byte %llu is wrong",
			      (unsigned long long)(e->received + i));
			return false;
		}
	e->received += n;
	held.echo_bytes += n;
	was_served(c);
	return true;
}

/* --- both */

static void connected(struct conn *c)
{
	struct sockaddr_in name;
	socklen_t n = sizeof(int);
	int error = 0;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	errno = error;
	if (error != 0)
		die("hold: connect");
	n = sizeof(name);
	getsockname(c->fd, (struct sockaddr *)&name, &n);
	c->port = ntohs(name.sin_port);
	c->connected = true;
	c->wake_at = held.now + 1 + chance(c, THINK_US);
}

static void receive(struct conn *c)
{
	static char piece[PIECE + 1];

	while (c->fd != -1) {
		ssize_t n = recv(c->fd, piece, PIECE, 0);

		if (n == -1 && errno == EAGAIN)
			return;
		if (n == 0 && c->is_echo && c->echo.half_closed && !owes(c)) {
			let_go(c);
			return;
		}
		if (n <= 0) {
			closed_by_server(c, n == 0 ? "ended" : "reset");
			return;
		}
		piece[n] = '\0';
		if (!(c->is_echo ? echo_take : http_take)(c, piece, (size_t)n))
			went_wrong(c);
	}
}

static void on_event(struct conn *c, uint32_t events)
{
	if (c->fd == -1)
		return;
	if (!c->connected) {
		if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
			connected(c);
		return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		receive(c);
	if (c->fd == -1 || !(events & EPOLLOUT) || c->wake_at != 0)
		return;
	if (c->is_echo)
		echo_send(c);
	else
		http_send(c, held.now);
}

/* The end of a connection that we want to end, once nothing is owed. */
static void part(struct conn *c)
{
	if (c->is_echo && !c->echo.half_closed) {
		c->echo.half_closed = true;
		shutdown(c->fd, SHUT_WR);
	} else if (!c->is_echo) {
		receive(c); /* what nobody asked for */
		if (c->fd != -1)
			let_go(c);
	}
}

static void on_wake(struct conn *c)
{
	uint64_t due = c->wake_at;

	c->wake_at = 0;
	if (c->is_echo) {
		if (!held.ending)
			echo_more(c);
		echo_send(c);
		return;
	}
	if (c->http.n == 0) {
		if (held.ending)
			return;
		ask_more(c);
		due = held.now;
	}
	http_send(c, due);
}

static void open_conn(struct conn *c, const struct sockaddr_in *server)
{
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		die("hold: socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(c->fd, (const struct sockaddr *)server, sizeof(*server)) ==
		    -1 &&
	    errno != EINPROGRESS)
		die("hold: connect");
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};

	if (epoll_ctl(held.epoll, EPOLL_CTL_ADD, c->fd, &event) == -1)
		die("hold: epoll_ctl");
	held.open++;
}

static void open_all(void)
{
	for (unsigned i = 0; i < ask.n; i++) {
		struct conn *c = &held.conns[i];

		c->number = i;
		c->is_echo = i >= ask.n_http;
		c->random = (ask.seed + i + 1) * 0x9e3779b97f4a7c15u | 1;
		if (!c->is_echo)
			c->http.style = styles[i % 10];
		open_conn(c, c->is_echo ? &ask.echo : &ask.http);
	}
}

/* Wakes those whose time has come; us until the next, at most a second. */
static uint64_t wake_all(void)
{
	uint64_t next = held.now + 1000000;

	for (unsigned i = 0; i < ask.n; i++) {
		struct conn *c = &held.conns[i];

		if (c->fd == -1)
			continue;
		if (c->wake_at != 0 && c->wake_at <= held.now)
			on_wake(c);
		if (c->fd != -1 && held.ending && c->connected && !owes(c))
			part(c);
		if (c->wake_at != 0 && c->wake_at < next)
			next = c->wake_at;
	}
	return next > held.now ? next - held.now : 0;
}

static void run(void)
{
	struct epoll_event events[EVENTS];
	uint64_t end = UINT64_MAX, give_up = UINT64_MAX;

	held.now = clock_us();
	if (ask.seconds > 0)
		end = held.now + ask.seconds * 1000000;
	while (held.open > 0 && held.now < give_up) {
		uint64_t wait_us = wake_all();
		int n = epoll_wait(held.epoll, events, EVENTS,
				   (int)((wait_us + 999) / 1000));

		held.now = clock_us();
		for (int i = 0; i < n; i++)
			on_event(events[i].data.ptr, events[i].events);
		if (!held.ending && (held.now >= end || asked_to_end)) {
			held.ending = true;
			give_up = held.now + ask.patience_s * 1000000;
		}
	}
	for (unsigned i = 0; i < ask.n; i++) {
		struct conn *c = &held.conns[i];

		if (c->fd == -1)
			continue;
		held.hung += unanswered(c) > 0 ? unanswered(c) : 1;
		fault(c, "%u requests unanswered in the end, %llu made",
		      unanswered(c),
		      (unsigned long long)(c->is_echo ? c->echo.sent
						      : c->http.made));
	}
}

static double quantile_ms(double q)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < LATENCIES; i++)
		if ((sum += held.latencies[i]) > 0 &&
		    (double)sum >= q * (double)held.requests)
			return (i + 1) / 10.0;
	return 0;
}

static void print(void)
{
	const char *comma = "";

	printf("{\"requests\":%llu,\"lost\":%llu,\"hung\":%llu,"
	       "\"closed_by_server\":%llu,\"wrong\":%llu,\"echo_bytes\":%llu,"
	       "\"max_latency_ms\":%.1f,\"p99_ms\":%.1f,\"served\":%u,"
	       "\"seed\":%llu,\"closed_ports\":[",
	       (unsigned long long)held.requests, (unsigned long long)held.lost,
	       (unsigned long long)held.hung, (unsigned long long)held.closed,
	       (unsigned long long)held.wrong, (unsigned long long)held.echo_bytes,
	       (double)held.max_us / 1000, quantile_ms(0.99), held.served,
	       (unsigned long long)ask.seed);
	for (unsigned i = 0; i < ask.n; i++) {
		if (!held.conns[i].closed)
			continue;
		printf("%s%u", comma, held.conns[i].port);
		comma = ",";
	}
	printf("],\"faults\":[");
	for (unsigned i = 0; i < held.n_faults; i++)
		printf("%s\"%s\"", i > 0 ? "," : "", held.faults[i]);
	printf("]}\n");
}

/* --- what is asked */

static void usage(void)
{
	fprintf(stderr, "usage: hold [--http HOST:PORT --connections N] "
			"[--echo HOST:PORT --echoes M] [--seconds S] "
			"[--patience S] [--seed N] [--tolerate-closed]\n");
	exit(2);
}

static struct sockaddr_in address(char *text)
{
	struct sockaddr_in name = {.sin_family = AF_INET};
	char *colon = strrchr(text, ':');

	if (colon == NULL)
		usage();
	*colon = '\0';
	name.sin_port = htons((uint16_t)atoi(colon + 1));
	if (inet_pton(AF_INET, text, &name.sin_addr) != 1)
		usage();
	return name;
}

static void understand(int argc, char **argv)
{
	static const struct option options[] = {
		{"http", required_argument, NULL, 'h'},
		{"connections", required_argument, NULL, 'n'},
		{"echo", required_argument, NULL, 'e'},
		{"echoes", required_argument, NULL, 'm'},
		{"seconds", required_argument, NULL, 's'},
		{"patience", required_argument, NULL, 'p'},
		{"seed", required_argument, NULL, 'r'},
		{"tolerate-closed", no_argument, NULL, 't'},
		{NULL, 0, NULL, 0},
	};
	int option;

	ask.seed = clock_us() % 1000000;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (option) {
		case 'h':
			ask.http = address(optarg);
			break;
		case 'n':
			ask.n_http = (unsigned)atoi(optarg);
			break;
		case 'e':
			ask.echo = address(optarg);
			break;
		case 'm':
			ask.n_echo = (unsigned)atoi(optarg);
			break;
		case 's':
			ask.seconds = strtoull(optarg, NULL, 10);
			break;
		case 'p':
			ask.patience_s = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			ask.seed = strtoull(optarg, NULL, 10);
			break;
		case 't':
			ask.tolerate_closed = true;
			break;
		default:
			usage();
		}
	ask.n = ask.n_http + ask.n_echo;
	if (optind != argc || ask.n == 0 ||
	    (ask.n_http > 0 && ask.http.sin_port == 0) ||
	    (ask.n_echo > 0 && ask.echo.sin_port == 0))
		usage();
}

static void on_signal(int number)
{
	(void)number;
	asked_to_end = 1;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct rlimit files;

	understand(argc, argv);
	sigaction(SIGTERM, &action, NULL);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	held.epoll = epoll_create1(EPOLL_CLOEXEC);
	held.conns = calloc(ask.n, sizeof(*held.conns));
	held.latencies = calloc(LATENCIES, sizeof(*held.latencies));
	if (held.epoll == -1 || held.conns == NULL || held.latencies == NULL)
		die("hold");
	held.now = clock_us();
	open_all();
	run();
	print();
	free(held.conns);
	free(held.latencies);
	close(held.epoll);
	return held.wrong == 0 && held.hung == 0 &&
			       (ask.tolerate_closed ||
				(held.lost == 0 && held.closed == 0))
		       ? 0
		       : 1;
}
