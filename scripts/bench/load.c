/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clients of a measurement: one process, one epoll loop, and as little
 * work as can be for each request, so that what is measured is the server.
 *
 *   load [OPTION...] ADDRESS PORT
 *     -c N     connections that work (default 64)
 *     -i N     idle connections beside them
 *     -s S     seconds to measure (default 1)
 *     -n N     end after N requests instead (closed loop only)
 *     -r RATE  open loop: RATE requests a second in all, due at fixed times
 *              whatever the server does; without it each connection sends its
 *              next request when it has the last answer (closed loop)
 *     -p N     requests sent at once on a connection (closed loop only)
 *     -x       a connection for each request
 *     -w       a client first learns that it is connected, and then sends, as
 *              browsers do and whoever is a round trip away; without it the
 *              request comes in the moment of connecting
 *     -u PATH  what to ask for (default /1k)
 *     -f FILE  the paths in FILE, one a line, in turn
 *     -b BODY  POST this form
 *     -h LINE  a field more, "Accept-Encoding: gzip"
 *     -P       with real-time priority, where that is permitted: clients have
 *              machines of their own in reality, and what competes with them
 *              for a CPU here is not what they wait for. Only for rates that
 *              leave most of a CPU idle.
 *     -e N     not HTTP: send N bytes, and expect as many back
 *
 * Every connection is opened and has had one answer before "ready" is
 * printed. Then commands are read from standard input:
 *
 *   ask I      one request on connection I, then "asked" is printed
 *   rate RATE, seconds S, count N
 *              as the options -r, -s and -n, for what is measured next
 *   go [I...]  measure, with all connections that work or only with these;
 *              prints one line of JSON
 *
 * Latencies of the open loop are counted from the time when a request was due,
 * not from when it could be sent: a server that makes requests wait cannot
 * hide it by making the clients ask less ("coordinated omission"). Those of
 * the closed loop are counted from the send and say little.
 *
 *   requests  answers that came while it was measured
 *   wrong     those that were not a 200, nor a 101 (after which nothing is sent)
 *   lost      requests that were sent and whose connection ended without an
 *             answer
 *   closed    connections that were closed between requests, unannounced
 *   told      connections that were closed after "Connection: close"
 *   refused   connections that could not be opened at once
 *   late      requests that were due and had no answer 5 s after the end
 *
 * Connections that ended are opened again. An answer that is neither of a
 * length that is told nor chunked ends the program.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS = 512,
	HEAD_ROOM = 8192,   /* of an answer */
	PIECE = 1 << 18,    /* read at once */
	SKIP = 1 << 16,     /* a body with more left than this is not copied */
	OPENING = 64,       /* connections whose first answer is awaited */
	RETRY_NS = 1000000, /* after a connection was refused */
	GRACE_S = 5,        /* for answers after the end of an open loop */
	STALL_S = 30,       /* for first answers */
	SUB_BITS = 7,       /* of the histogram: steps of less than 1 % */
	BUCKETS = 64 << SUB_BITS,
};

static const uint64_t second = 1000000000;

enum chunk {
	CHUNK_NONE, /* the body is not chunked */
	CHUNK_SIZE,
	CHUNK_DATA,
	CHUNK_END, /* of the data */
	CHUNK_LAST,
};

struct conn {
	int fd;           /* -1: to be opened again */
	uint32_t pending; /* requests sent and not answered */
	bool works;       /* takes part in what is measured */
	bool connecting;  /* and is to be told that it is connected: -w */
	bool unsent;      /* what it has to send waits for the connect */
	bool told;        /* that it will be closed */
	bool in_body;
	char *head; /* of an answer, while it is not whole */
	size_t n_head;
	enum chunk chunk;   /* what comes next of a body that is chunked */
	uint64_t body_left; /* or, of a chunk */
	uint64_t sent_at;   /* of what is pending; open loop: when it was due */
	uint64_t due;       /* open loop: when the next one is */
};

struct text {
	char *p;
	size_t n;
};

static struct {
	struct sockaddr_in server;
	uint32_t n_working, n_idle, depth;
	double seconds, rate;
	uint64_t max; /* requests; 0: the time is the end */
	bool closing;
	bool learns; /* see -w */
	uint64_t echo;
	struct text *texts;
	size_t n_texts;
} ask = {.n_working = 64, .depth = 1, .seconds = 1};

static struct {
	int epoll;
	struct conn *conns;
	uint32_t n;
	uint32_t n_down;
	size_t next_text;
	uint64_t first_answers;
	bool opened; /* all of them, and answered */
	bool measuring;
	uint64_t now, start, end;
	uint64_t gap;  /* open loop: between two requests of a connection */
	uint64_t sent; /* requests, but for those that were lost */
	uint64_t requests, bytes, wrong, lost, closed, told, refused, late;
	uint64_t histogram[BUCKETS], slowest;
	char piece[PIECE];
} run;

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format,
								 ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "load: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(1);
}

static void *must(void *allocated)
{
	if (allocated == NULL)
		fail("no memory");
	return allocated;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * second + (uint64_t)t.tv_nsec;
}

/* Buckets double in width with each power of two: 1 << SUB_BITS of each. */
static void note_latency(uint64_t ns)
{
	int shift = 63 - __builtin_clzll(ns | 1) - SUB_BITS;

	if (shift < 0)
		shift = 0;
	run.histogram[((uint64_t)shift << SUB_BITS) + (ns >> shift)]++;
	if (ns > run.slowest)
		run.slowest = ns;
}

static double quantile_us(double share)
{
	uint64_t total = 0, seen = 0;
	size_t i = 0;

	for (size_t k = 0; k < BUCKETS; k++)
		total += run.histogram[k];
	while (i < BUCKETS - 1 &&
	       (seen += run.histogram[i]) < (uint64_t)(share * (double)total) + 1)
		i++;
	size_t shift = i >> SUB_BITS > 0 ? (i >> SUB_BITS) - 1 : 0;

	return (double)((i - (shift << SUB_BITS)) << shift) / 1000;
}

/*
 * A connection: opened, asked, answered, ended.
 */

static void watch(struct conn *c, int operation, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = c};

	if (epoll_ctl(run.epoll, operation, c->fd, &event) == -1)
		fail("epoll_ctl: %s", strerror(errno));
}

static void open_conn(struct conn *c)
{
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		fail("socket: %s", strerror(errno));
	if (connect(c->fd, (struct sockaddr *)&ask.server, sizeof(ask.server)) ==
		    -1 &&
	    errno != EINPROGRESS) {
		run.refused++;
		run.n_down++;
		close(c->fd);
		c->fd = -1;
		return;
	}
	c->connecting = ask.learns;
	watch(c, EPOLL_CTL_ADD, ask.learns ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* The requests of `depth` in one send. */
static void send_text(struct conn *c)
{
	const struct text *text = &ask.texts[run.next_text];

	if (c->connecting) {
		c->unsent = true;
		return;
	}
	ssize_t n = send(c->fd, text->p, text->n, MSG_NOSIGNAL);

	c->unsent = n == -1 && errno == EAGAIN;
	if (c->unsent) {
		watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
		return;
	}
	/* Of a connection that is gone recv tells. */
	if (n != -1 && (size_t)n != text->n)
		fail("%zd of %zu bytes sent", n, text->n);
	if (++run.next_text == ask.n_texts)
		run.next_text = 0;
}

static void send_requests(struct conn *c, uint64_t at)
{
	c->pending = ask.depth;
	run.sent += ask.depth;
	c->sent_at = at;
	if (ask.echo > 0)
		c->in_body = true;
	c->body_left = ask.echo;
	send_text(c);
}

/* All of a number of requests are under way: with one more, the server would
 * have work that is in no answer that counts. */
static bool are_enough(void)
{
	return ask.rate == 0 && ask.max > 0 && run.sent >= ask.max;
}

/* What a connection without pending requests does next. */
static void go_on(struct conn *c)
{
	if (!run.measuring || !c->works || c->fd == -1 || are_enough())
		return;
	if (ask.rate == 0) {
		send_requests(c, run.now);
	} else if (c->due <= run.now && c->due < run.end) {
		send_requests(c, c->due);
		c->due += run.gap;
	}
}

static void ended(struct conn *c)
{
	if (c->pending > 0 && !run.opened)
		fail("closed without an answer: is this the right server?");
	close(c->fd);
	if (c->pending > 0)
		run.lost += c->pending;
	else if (c->told)
		run.told++;
	else if (!ask.closing)
		run.closed++;
	run.sent -= c->pending;
	c->fd = -1;
	c->pending = 0;
	c->n_head = 0;
	c->told = c->in_body = c->unsent = false;
	if (ask.closing && (!run.measuring || are_enough()))
		return;
	open_conn(c);
	go_on(c);
}

static void answered(struct conn *c)
{
	c->in_body = false;
	c->pending--;
	if (!run.measuring) {
		run.first_answers++;
		return;
	}
	if (ask.rate > 0)
		run.now = now_ns();
	run.requests++;
	note_latency(run.now - c->sent_at);
	if (c->pending == 0 && !ask.closing && !c->told)
		go_on(c);
}

/* The value of a field, or NULL. The head ends with an empty line. */
static const char *field(const char *head, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = head; (line = strchr(line, '\n')) != NULL;)
		if (strncasecmp(++line, name, n) == 0)
			return line + n;
	return NULL;
}

static void read_head(struct conn *c, const char *head)
{
	const char *length = field(head, "Content-Length:");
	const char *coding = field(head, "Transfer-Encoding:");
	const char *connection = field(head, "Connection:");

	bool is_tunnel = strncmp(head, "HTTP/1.1 101", 12) == 0;

	if (length == NULL && coding == NULL && !is_tunnel)
		fail("an answer of unknown length:\n%s", head);
	if (strncmp(head, "HTTP/1.1 200", 12) != 0 && !is_tunnel)
		run.wrong++;
	c->body_left = length != NULL ? strtoull(length, NULL, 10) : 0;
	c->chunk = length != NULL || is_tunnel ? CHUNK_NONE : CHUNK_SIZE;
	c->told =
		!ask.closing && connection != NULL &&
		strncasecmp(connection + strspn(connection, " "), "close", 5) == 0;
	c->in_body = true;
}

/* Takes bytes of a head; returns how many of them belong to it. */
static size_t take_head(struct conn *c, char *p, size_t n)
{
	char *end = c->n_head == 0 ? memmem(p, n, "\r\n\r\n", 4) : NULL;

	if (end != NULL) { /* as nearly always */
		end[3] = '\0';
		read_head(c, p);
		return (size_t)(end + 4 - p);
	}
	if (c->head == NULL)
		c->head = must(malloc(HEAD_ROOM));
	for (size_t i = 0; i < n; i++) {
		if (c->n_head == HEAD_ROOM - 1)
			fail("the head of an answer is too long");
		c->head[c->n_head++] = p[i];
		if (c->n_head >= 4 &&
		    memcmp(c->head + c->n_head - 4, "\r\n\r\n", 4) == 0) {
			c->head[c->n_head] = '\0';
			c->n_head = 0;
			read_head(c, c->head);
			return i + 1;
		}
	}
	return n;
}

static size_t take_body(struct conn *c, size_t n)
{
	size_t taken = n < c->body_left ? n : c->body_left;

	c->body_left -= taken;
	return taken;
}

static uint64_t digit(char c)
{
	return (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* Takes bytes of a chunked body; extensions and trailers do not come. */
static size_t take_chunk(struct conn *c, const char *p, size_t n)
{
	if (c->chunk == CHUNK_DATA) {
		size_t taken = take_body(c, n);

		if (c->body_left == 0)
			c->chunk = CHUNK_END;
		return taken;
	}
	if (*p == '\n') {
		if (c->chunk == CHUNK_LAST)
			c->chunk = CHUNK_NONE; /* nothing is left */
		else if (c->chunk == CHUNK_END)
			c->chunk = CHUNK_SIZE;
		else
			c->chunk = c->body_left > 0 ? CHUNK_DATA : CHUNK_LAST;
	} else if (c->chunk == CHUNK_SIZE && *p != '\r') {
		c->body_left = 16 * c->body_left + digit(*p);
	}
	return 1;
}

static void take(struct conn *c, char *p, size_t n)
{
	while (n > 0) {
		size_t taken;

		if (c->pending == 0)
			fail("more bytes than were asked for");
		if (!c->in_body)
			taken = take_head(c, p, n);
		else if (c->chunk != CHUNK_NONE)
			taken = take_chunk(c, p, n);
		else
			taken = take_body(c, n);
		p += taken;
		n -= taken;
		if (c->in_body && c->chunk == CHUNK_NONE && c->body_left == 0)
			answered(c);
	}
}

static void on_readable(struct conn *c)
{
	/* MSG_TRUNC without a buffer throws the bytes away: tcp(7). */
	bool skip = c->in_body && c->chunk == CHUNK_NONE && c->body_left > SKIP;
	ssize_t n = skip ? recv(c->fd, NULL, c->body_left, MSG_TRUNC)
			 : recv(c->fd, run.piece, PIECE, 0);

	if (n > 0) {
		run.bytes += (uint64_t)n;
		if (skip)
			c->body_left -= (uint64_t)n;
		else
			take(c, run.piece, (size_t)n);
		if (skip && c->body_left == 0)
			answered(c);
	} else if (n == 0 || errno != EAGAIN) {
		ended(c);
	}
}

static void on_event(struct conn *c, uint32_t events)
{
	if ((c->unsent || c->connecting) && (events & EPOLLOUT)) {
		watch(c, EPOLL_CTL_MOD, EPOLLIN);
		c->connecting = false;
		if (c->unsent)
			send_text(c);
	}
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		on_readable(c);
}

static void retry(void)
{
	run.n_down = 0;
	for (uint32_t i = 0; i < run.n; i++) {
		if (run.conns[i].fd != -1)
			continue;
		open_conn(&run.conns[i]);
		go_on(&run.conns[i]);
	}
}

/* Waits for events until then, and handles them. */
static void turn(uint64_t until)
{
	struct epoll_event events[EVENTS];

	if (run.n_down > 0 && until > run.now + RETRY_NS)
		until = run.now + RETRY_NS;
	uint64_t wait = until > run.now ? until - run.now : 0;
	struct timespec timeout = {(time_t)(wait / second), (long)(wait % second)};
	int n = epoll_pwait2(run.epoll, events, EVENTS, &timeout, NULL);

	run.now = now_ns();
	if (n == -1 && errno != EINTR)
		fail("epoll_pwait2: %s", strerror(errno));
	for (int i = 0; i < n; i++)
		on_event(events[i].data.ptr, events[i].events);
	if (run.n_down > 0)
		retry();
}

/*
 * The phases.
 */

/* All are opened, in their order, and have one answer. */
static void open_all(void)
{
	uint64_t patience;

	run.now = now_ns();
	patience = run.now + STALL_S * second;
	for (uint32_t opened = 0;
	     run.first_answers < (uint64_t)run.n * ask.depth;) {
		while (opened < run.n &&
		       opened - run.first_answers / ask.depth < OPENING) {
			open_conn(&run.conns[opened]);
			if (run.n_down > 0)
				fail("connect: %s", strerror(errno));
			send_requests(&run.conns[opened++], run.now);
		}
		turn(run.now + second);
		if (run.now > patience)
			fail("only %ju of %u connections were answered",
			     (uintmax_t)run.first_answers, run.n);
	}
	/* The server has closed its ends: take note of that. */
	while (ask.closing && run.conns[run.n - 1].fd != -1)
		turn(run.now + second / 100);
}

static void ask_one(uint32_t i)
{
	if (i >= run.n)
		fail("there is no connection %u", i);
	run.now = now_ns();
	send_requests(&run.conns[i], run.now);
	while (run.conns[i].pending > 0)
		turn(run.now + second);
	printf("asked\n");
}

/* Closed loop: everyone asks again until the end. */
static void measure_closed(struct conn **working, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (ask.closing)
			open_conn(working[i]);
		go_on(working[i]);
	}
	while (ask.max > 0 ? run.requests < ask.max : run.now < run.end)
		turn(ask.max > 0 ? run.now + second : run.end);
}

static bool are_done(struct conn **working, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (working[i]->pending > 0 || working[i]->due < run.end)
			return false;
	return true;
}

/* Open loop: request k is due at start + k / rate, on connection k mod n. */
static void measure_open(struct conn **working, uint32_t n)
{
	double interval = (double)second / ask.rate;
	uint64_t k = 0, due = run.start;

	run.gap = (uint64_t)(interval * n);
	for (uint32_t i = 0; i < n; i++)
		working[i]->due = run.start + (uint64_t)(interval * i);
	while (due < run.end) {
		for (; due <= run.now && due < run.end;
		     due = run.start + (uint64_t)(interval * (double)++k))
			if (working[k % n]->pending == 0 && !working[k % n]->told)
				go_on(working[k % n]);
		turn(due);
	}
	uint64_t patience = run.end + GRACE_S * second;

	while (!are_done(working, n) && run.now < patience) {
		for (uint32_t i = 0; i < n; i++)
			if (working[i]->pending == 0 && !working[i]->told)
				go_on(working[i]);
		turn(run.now + RETRY_NS);
	}
	for (uint32_t i = 0; i < n; i++) {
		struct conn *c = working[i];

		if (c->pending > 0) {
			note_latency(run.now - c->sent_at);
			run.late++;
		}
		for (; c->due < run.end; c->due += run.gap, run.late++)
			note_latency(run.now - c->due);
	}
}

static void report(void)
{
	printf("{\"requests\":%ju,\"seconds\":%.6f,\"bytes\":%ju,\"wrong\":%ju,"
	       "\"lost\":%ju,\"closed\":%ju,\"told\":%ju,\"refused\":%ju,"
	       "\"late\":%ju,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,"
	       "\"p999\":%.1f,\"max\":%.1f}\n",
	       (uintmax_t)run.requests, (double)(run.now - run.start) / 1e9,
	       (uintmax_t)run.bytes, (uintmax_t)run.wrong, (uintmax_t)run.lost,
	       (uintmax_t)run.closed, (uintmax_t)run.told, (uintmax_t)run.refused,
	       (uintmax_t)run.late, quantile_us(0.5), quantile_us(0.9),
	       quantile_us(0.99), quantile_us(0.999), (double)run.slowest / 1000);
}

/* Until nothing is outstanding, so that the next measurement begins clean. */
static void settle(void)
{
	uint64_t patience = run.now + GRACE_S * second;

	run.measuring = false;
	for (uint32_t i = 0; i < run.n; i++)
		while ((run.conns[i].pending > 0 ||
			(ask.closing && run.conns[i].fd != -1)) &&
		       run.now < patience)
			turn(run.now + second / 100);
}

static void measure(struct conn **working, uint32_t n)
{
	for (uint32_t i = 0; i < run.n; i++)
		run.conns[i].works = false;
	for (uint32_t i = 0; i < n; i++)
		working[i]->works = true;
	run.sent = run.requests = run.bytes = run.wrong = run.slowest = 0;
	run.lost = run.closed = run.told = run.refused = run.late = 0;
	memset(run.histogram, 0, sizeof(run.histogram));
	run.now = run.start = now_ns();
	run.end = run.start + (uint64_t)(ask.seconds * (double)second);
	run.measuring = true;
	if (ask.rate > 0)
		measure_open(working, n);
	else
		measure_closed(working, n);
	report();
	settle();
}

/* With the connections that are named, or all that work. */
static void go(const char *names)
{
	struct conn **working = must(calloc(run.n, sizeof(*working)));
	uint32_t n = 0;
	char *end;

	for (; n < run.n; names = end) {
		unsigned long i = strtoul(names, &end, 10);

		if (end == names)
			break;
		if (i >= run.n)
			fail("there is no connection %lu", i);
		working[n++] = &run.conns[i];
	}
	if (n == 0)
		for (; n < ask.n_working; n++)
			working[n] = &run.conns[n];
	measure(working, n);
	free(working);
}

static void obey(void)
{
	char line[65536], name[16];
	int at;

	printf("ready\n");
	while (fflush(stdout), fgets(line, sizeof(line), stdin) != NULL) {
		if (sscanf(line, "%15s%n", name, &at) != 1)
			continue;
		if (strcmp(name, "ask") == 0)
			ask_one((uint32_t)strtoul(line + at, NULL, 10));
		else if (strcmp(name, "rate") == 0)
			ask.rate = strtod(line + at, NULL);
		else if (strcmp(name, "seconds") == 0)
			ask.seconds = strtod(line + at, NULL);
		else if (strcmp(name, "count") == 0)
			ask.max = strtoull(line + at, NULL, 10);
		else if (strcmp(name, "go") == 0)
			go(line + at);
		else
			fail("no such command: %s", name);
	}
}

/*
 * What to send, and to whom.
 */

static void add_text(const char *path, const char *form, const char *line)
{
	struct text text = {0};
	FILE *out = open_memstream(&text.p, &text.n);

	if (out == NULL)
		fail("no memory");
	for (uint32_t i = 0; i < ask.depth; i++) {
		for (uint64_t k = 0; k < ask.echo; k++)
			fputc('e', out);
		if (ask.echo > 0)
			continue;
		fprintf(out,
			"%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
			"User-Agent: load\r\nAccept: */*\r\n%s%s%s",
			form != NULL ? "POST" : "GET", path, line,
			*line != '\0' ? "\r\n" : "",
			ask.closing ? "Connection: close\r\n" : "");
		if (form != NULL)
			fprintf(out,
				"Content-Type: "
				"application/x-www-form-urlencoded\r\n"
				"Content-Length: %zu\r\n\r\n%s",
				strlen(form), form);
		else
			fprintf(out, "\r\n");
	}
	fclose(out);
	ask.texts = must(realloc(ask.texts, (ask.n_texts + 1) * sizeof(text)));
	ask.texts[ask.n_texts++] = text;
}

static void add_texts_of(const char *name)
{
	FILE *file = fopen(name, "r");
	char line[4096];

	if (file == NULL)
		fail("%s: %s", name, strerror(errno));
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		add_text(line, NULL, "");
	}
	fclose(file);
	if (ask.n_texts == 0)
		fail("%s: no paths in it", name);
}

static void read_address(char **args, int n)
{
	if (n != 2)
		fail("ADDRESS and PORT are missing; see the head of load.c");
	ask.server = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(args[1], NULL, 10)),
	};
	if (inet_pton(AF_INET, args[0], &ask.server.sin_addr) != 1)
		fail("not an IPv4 address: %s", args[0]);
}

static void read_options(int argc, char **argv)
{
	const char *path = "/1k", *file = NULL, *form = NULL, *line = "";
	int option;

	while ((option = getopt(argc, argv, "c:i:s:n:r:p:xwu:f:b:h:Pe:")) != -1) {
		switch (option) {
		case 'c':
			ask.n_working = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'i':
			ask.n_idle = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 's':
			ask.seconds = strtod(optarg, NULL);
			break;
		case 'n':
			ask.max = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			ask.rate = strtod(optarg, NULL);
			break;
		case 'p':
			ask.depth = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'x':
			ask.closing = true;
			break;
		case 'w':
			ask.learns = true;
			break;
		case 'u':
			path = optarg;
			break;
		case 'f':
			file = optarg;
			break;
		case 'b':
			form = optarg;
			break;
		case 'h':
			line = optarg;
			break;
		case 'P': {
			struct sched_param first = {.sched_priority = 1};

			(void)sched_setscheduler(0, SCHED_FIFO, &first);
			break;
		}
		case 'e':
			ask.echo = strtoull(optarg, NULL, 10);
			break;
		default:
			fail("see the head of load.c");
		}
	}
	read_address(argv + optind, argc - optind);
	if (ask.n_working == 0 || ask.depth == 0 ||
	    (ask.rate > 0 && (ask.depth > 1 || ask.closing)) ||
	    (ask.echo > 0 && ask.depth > 1))
		fail("these options do not go together");
	if (file != NULL)
		add_texts_of(file);
	else
		add_text(path, form, line);
}

static void allow_files(rlim_t n)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < n)
		limit.rlim_max = n;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == -1)
		fail("%ju files may not be open: %s", (uintmax_t)n,
		     strerror(errno));
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	run.n = ask.n_working + ask.n_idle;
	allow_files(run.n + 16);
	prctl(PR_SET_TIMERSLACK, 1); /* waits of the open loop are exact */
	run.conns = must(calloc(run.n, sizeof(*run.conns)));
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (run.epoll == -1)
		fail("epoll_create1: %s", strerror(errno));
	open_all();
	run.opened = true;
	obey();
	return 0;
}
