/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages that releases have written, one for each protocol and state, are kept
 * in t/corpus/frozen/RELEASE; every later release thaws them and serves their
 * connections to the end. NAME is the message, NAME.file the content of the file
 * that goes along, unless that is the large one made here. The last release's are
 * made by
 *
 *     BUILD/t/unit/worker/move/corpus record t/corpus/frozen/RELEASE
 *
 * once, when the release is made (and again before that, when a record has
 * changed). Those of earlier releases never change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/shared/quota.h"
#include "conf/conf.h"
#include "conf/load/errors.h"
#include "t/unit/base/scratch.h"
#include "t/unit/worker/move/fake_server.h"
#include "worker/http/http.h"
#include "worker/move/pack.h"
#include "worker/net/conn.h"
#include "worker/net/listener.h"
#include "worker/net/net.h"
#include "worker/parts.h"
#include "worker/upstream/upstreams.h"

enum {
	FILE_BYTES = 96 * 1024, /* of what is sent slowly */
	TICKS = 400,
	GOT_BYTES = 1024 * 1024,
	DAMAGED = 700, /* octets at the beginning, and at the end */
};

/* The clock, which goes on by a millisecond with each tick. Messages are from
 * the time before READ_AT. */
#define WRITTEN_AT (100000 * NS_PER_S)
#define READ_AT    (100005 * NS_PER_S)
static uint64_t now_ns;

int clock_gettime(clockid_t id, struct timespec *now)
{
	if (id != CLOCK_MONOTONIC)
		return (int)syscall(SYS_clock_gettime, id, now);
	*now = (struct timespec){.tv_sec = (time_t)(now_ns / NS_PER_S),
				 .tv_nsec = (long)(now_ns % NS_PER_S)};
	return 0;
}

/* The cases. */

#define AGAIN               "GET /q?x=again HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET(target, fields) "GET " target " HTTP/1.1\r\nHost: a\r\n" fields "\r\n"
#define FORM(fields)        "POST /form HTTP/1.1\r\nHost: a\r\n" fields FORM_TYPE "\r\n"
#define UPGRADE             "Connection: Upgrade\r\nUpgrade: x\r\n"
#define CHUNKED             "Transfer-Encoding: chunked\r\n"
#define POST_UNWANTED       "POST /q?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
#define FORM_TYPE           "Content-Type: application/x-www-form-urlencoded\r\n"
#define X1000               X100 X100 X100 X100 X100 X100 X100 X100 X100 X100
#define X100                X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X10                 "xxxxxxxxxx"

static const struct example {
	const char *name;
	const char *listener;
	const char *before; /* what the client sent before the move, */
	const char *after;  /* and after it */
	const char *end;    /* how what it gets after the move ends, */
	const char *begin;  /* and begins; NULL: in the middle of a response */
	uint8_t crashes;
	bool has_file;
	bool ends; /* the connection is closed then */
	/* Of a server that the request is passed on to. */
	bool has_server;
	const char *said_before; /* by it, before the move, */
	const char *said_after;  /* and after it, when the client has spoken; */
	const char *heard;       /* and what it hears then */
} examples[] = {
#define ECHO(n, b, a, e)                                               \
	{                                                              \
		.name = (n), .listener = "127.0.0.1:8", .before = (b), \
		.after = (a), .end = (e), .begin = (e)                 \
	}
	ECHO("echo-quiet", "", "hello", "hello"),
	ECHO("echo-bytes", "", "lo", "hello"),
#define HTTP(n, b, a, e, ...)                                                    \
	{                                                                        \
		.name = (n), .listener = "127.0.0.1:7", .before = b, .after = a, \
		.end = (e), __VA_ARGS__                                          \
	}
#define ANSWERED .begin = "HTTP/1.1 200"
	HTTP("http-idle", GET("/q?x=1", ""), AGAIN, "again", ANSWERED),
	HTTP("http-head", "GET /q?x=12", "3 HTTP/1.1\r\nHost: a\r\n\r\n", "123",
	     ANSWERED),
	HTTP("http-head-crashed", "GET /q?x=12", "3 HTTP/1.1\r\nHost: a\r\n\r\n",
	     "123", ANSWERED, .crashes = 1),
	HTTP("http-body-length", FORM("Content-Length: 5\r\n") "x=a", "bc" AGAIN,
	     "again", ANSWERED),
	HTTP("http-body-chunked",
	     FORM(CHUNKED) "3\r\nx=", "a\r\n2\r\nbc\r\n0\r\n\r\n", "abc", ANSWERED),
	HTTP("http-body-chunk-size", FORM(CHUNKED) "3\r\nx=a\r\n0",
	     "2;e\r\nbc\r\n0\r\nt: v\r\n\r\n", "abc", ANSWERED),
	HTTP("http-body-file",
	     FORM("Content-Length: 2103\r\n") "x=" X1000 X1000 X100, "y", "xxy",
	     ANSWERED, .has_file = true),
	HTTP("http-skip", POST_UNWANTED "ab", "cde" AGAIN, "again", ANSWERED),
	HTTP("http-send-bytes", GET("/medium", ""), AGAIN, "again"),
	HTTP("http-send-stored", GET("/large", ""), AGAIN, "again",
	     .has_file = true),
	HTTP("http-send-file", GET("/f/large.txt", ""), AGAIN, "again",
	     .has_file = true),
	HTTP("http-send-parts",
	     GET("/f/large.txt", "Range: bytes=0-60000,60002-98000\r\n"), AGAIN,
	     "again", .begin = "", .has_file = true),
	HTTP("http-send-stream", GET("/z/noise.txt", "Accept-Encoding: gzip\r\n"),
	     AGAIN, "again", .begin = "", .has_file = true),
	HTTP("http-send-last", GET("/f/large.txt", "Connection: close\r\n"), "",
	     "0012287\n", .has_file = true, .ends = true),
#define PROXIED(n, b, a, e, s, t, ...)                                          \
	HTTP(n, b, a, e, .has_server = true, .said_before = s, .said_after = t, \
	     __VA_ARGS__)
#define OK "HTTP/1.1 200 OK\r\n"
	PROXIED("proxy-asked", GET("/app", ""), AGAIN, "again", "",
		OK "Content-Length: 2\r\n\r\nhi", ANSWERED, .heard = ""),
	PROXIED("proxy-body",
		"POST /app HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
		"cde" AGAIN, "again", "", OK "Content-Length: 2\r\n\r\nhi",
		ANSWERED, .heard = "cde"),
	PROXIED("proxy-content", GET("/app", ""), AGAIN, "again",
		OK "Content-Length: 9\r\n\r\n0123", "45678", .begin = "45678" OK,
		.heard = ""),
	PROXIED("proxy-chunks", GET("/app", ""), AGAIN, "again",
		OK CHUNKED "\r\n5\r\n012", "34\r\n0\r\n\r\n",
		.begin = "0002\r\n34\r\n0\r\n\r\n" OK, .heard = ""),
	PROXIED("proxy-tunnel", GET("/app", UPGRADE), "ping", "pong",
		"HTTP/1.1 101 Yes\r\n" UPGRADE "\r\nhello", "pong", .begin = "pong",
		.heard = "ping"),
	{.name = "stream-passing",
	 .listener = "127.0.0.1:9",
	 .has_server = true,
	 .before = "",
	 .said_before = "hello",
	 .after = "ping",
	 .said_after = "pong",
	 .heard = "ping",
	 .begin = "pong",
	 .end = "pong"},
#define BEHIND(n, b, a)                                                 \
	{                                                               \
		.name = (n), .listener = "127.0.0.1:10", .before = (b), \
		.after = (a), .end = "again", ANSWERED                  \
	}
	BEHIND("header-awaited", "PROXY TCP4 192.0.2.1 19",
	       "8.51.100.1 1 2\r\n" AGAIN),
	BEHIND("header-read", "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r\n", AGAIN),
};
enum { N_EXAMPLES = sizeof(examples) / sizeof(*examples) };

/* A worker. */

static struct loop loop;
static struct conf *conf;
static struct scoreboard board; /* of workers that are gone */
static const struct server_changes no_changes;
static struct slot slot;
static struct quota *quota;
static struct net net;
static struct http http;
static struct task nothing;
static char *large;

static void do_nothing(struct task *task)
{
	(void)task;
}

static void on_tick_end(struct loop *l)
{
	net_free_closed(&net);
	loop_stop(l);
}

/* Without waiting. */
static void tick(void)
{
	loop.stopped = false;
	now_ns += NS_PER_MS;
	loop_queue(&loop, &nothing);
	loop_run(&loop);
}

static void some_ticks(void)
{
	for (int i = 0; i < 20; i++)
		tick();
}

static const char *write_file(const char *name, struct str text)
{
	const char *path = scratch_path(name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text.p, 1, text.n, file), text.n);
	assert_int_equal(fclose(file), 0);
	return path;
}

/* A route that answers with the last `n` bytes of the large file; what ends its
 * lines would have to be escaped. */
static void put_route(struct buf *out, const char *path, size_t n)
{
	buf_printf(out, " { path = \"%s\"; handler = \"respond\"; body = \"", path);
	for (const char *p = large + FILE_BYTES - n; *p != '\0'; p++)
		buf_put(out, *p == '\n' ? STR(".") : (struct str){p, 1});
	buf_put(out, STR("\"; },\n"));
}

static void make_conf(void)
{
	struct conf_errors errors = {0};
	struct buf text = {0};

	buf_printf(
		&text,
		"listeners = (\n"
		" { address = \"127.0.0.1:7\"; },\n"
		" { address = \"127.0.0.1:8\"; protocol = \"echo\"; },\n"
		" { address = \"127.0.0.1:9\"; protocol = \"stream\"; upstream = "
		"\"app\"; },\n"
		" { address = \"127.0.0.1:10\"; proxy_protocol = [ \"unix:\" ]; } "
		");\n"
		"control = \"off\"; temp = \"%s\";\n"
		"limits = { body_memory = \"1k\"; };\n"
		"upstreams = ( { name = \"app\";\n"
		" servers = ( { address = \"unix:%s\"; } ); } );\n"
		"sites = ( { routes = (\n"
		" { path = \"/app\"; handler = \"proxy\"; upstream = \"app\"; },\n"
		" { path = \"/q\"; handler = \"respond\"; body = "
		"\"${query.x}\"; },\n"
		" { path = \"/form\"; methods = [ \"POST\" ]; handler = "
		"\"respond\";\n"
		"   body = \"${form.x}\"; },\n"
		" { path = \"/z/\"; handler = \"static\"; root = \".\";\n"
		"   compress = [ \"gzip\" ]; },\n",
		scratch, server_open(scratch_path("server")));
	put_route(&text, "/medium", 24 * 1024);
	put_route(&text, "/large", FILE_BYTES);
	buf_put(&text, STR(" { path = \"/f/\"; handler = \"static\"; "
			   "root = \".\"; } ); } );\n"));
	conf = conf_load(write_file("a.conf", buf_str(&text)), &errors);
	buf_release(&text);
	if (conf == NULL)
		fail_msg("%s", errors.items[0].text);
	conf_errors_fini(&errors);
}

/* Text that is not much smaller when it is compressed. */
static void write_noise(void)
{
	char *noise = malloc(FILE_BYTES);
	uint32_t n = 1;

	for (size_t i = 0; i < FILE_BYTES; i++) {
		n = n * 1664525 + 1013904223;
		noise[i] = "0123456789abcdef"[n >> 28];
	}
	write_file("noise.txt", (struct str){noise, FILE_BYTES});
	free(noise);
}

static int set_up(void **state)
{
	const char *why = NULL;

	(void)state;
	now_ns = WRITTEN_AT;
	large = malloc(FILE_BYTES + 1);
	for (unsigned i = 0; i < FILE_BYTES / 8; i++)
		snprintf(large + 8 * i, 9, "%07u\n", i);
	write_file("large.txt", (struct str){large, FILE_BYTES});
	write_noise();
	make_conf();
	slot = (struct slot){0};
	quota = quota_create();
	assert_non_null(quota);
	assert_int_equal(loop_init(&loop), 0);
	loop.on_tick_end = on_tick_end;
	task_init(&nothing, do_nothing);
	net_init(&net, &loop, conf, &slot, parts_transports);
	net.last_id = 0;
	net_open_protocols(&net, parts_protocols,
			   &(struct protocol_env){.net = &net, .http = &http});
	net.n_listeners = conf->n_listeners;
	net.listeners = calloc(net.n_listeners, sizeof(*net.listeners));
	for (size_t i = 0; i < net.n_listeners; i++)
		listener_init(&net.listeners[i], &net, &conf->listeners[i], -1,
			      parts_transport(&conf->listeners[i]),
			      parts_protocol(conf->listeners[i].protocol));
	if (http_init(&http, &loop, conf, &slot.counters, parts_handlers, &why) ==
		    -1 ||
	    http_check(&http, &why) == -1)
		fail_msg("%s", why);
	http.quota = quota;
	http.upstreams =
		upstreams_create(&net, conf, parts_balancers, &board, &no_changes);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	net_fini(&net);
	free(net.listeners);
	http_fini(&http);
	upstreams_destroy(&http.upstreams);
	server_close();
	assert_int_equal(slot.connections, 0);
	loop_fini(&loop);
	conf_destroy(&conf);
	quota_destroy(&quota);
	buf_free_all();
	free(large);
	return 0;
}

static void make_pair(int pair[2])
{
	const int small = 4096;

	assert_int_equal(socketpair(AF_UNIX,
				    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
				    pair),
			 0);
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
}

/* What the client gets. */

static char got[GOT_BYTES];
static size_t n_got;
static bool at_end;

static void get(int client)
{
	ssize_t n = recv(client, got + n_got, sizeof(got) - n_got, 0);

	at_end |= n == 0;
	if (n > 0)
		n_got += (size_t)n;
}

static bool ends_in(const char *text)
{
	return str_ends_with((struct str){got, n_got}, str_of(text));
}

static void say(int client, const char *text)
{
	for (int i = 0; i < TICKS && *text != '\0'; i++) {
		ssize_t n = send(client, text, strlen(text), MSG_NOSIGNAL);

		if (n > 0)
			text += n;
		tick();
		if (n == -1 && errno != EAGAIN)
			break;
	}
	assert_string_equal(text, "");
}

static struct conn *last_conn(void)
{
	return CONTAINER_OF(net.conns.prev, struct conn, link);
}

/* Recording. */

static const char *folder; /* in which messages are */

static const char *path_of(const char *name, const char *suffix)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s%s", folder, name, suffix);
	return path;
}

static void keep(const char *path, const char *bytes, size_t n)
{
	FILE *file = fopen(path, "w");

	if (file == NULL)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void keep_file(const char *name, int fd)
{
	static char bytes[GOT_BYTES];
	ssize_t n = pread(fd, bytes, sizeof(bytes), 0);

	assert_true(n > 0);
	if (n != FILE_BYTES || memcmp(bytes, large, FILE_BYTES) != 0)
		keep(path_of(name, ".file"), bytes, (size_t)n);
}

static const char *protocol_of(const char *listener)
{
	for (size_t i = 0; i < conf->n_listeners; i++)
		if (strcmp(conf->listeners[i].text, listener) == 0)
			return conf->listeners[i].protocol;
	return "";
}

static void record(const struct example *example)
{
	static char bytes[96 * 1024];
	struct addr peer = {.length = sizeof(sa_family_t)};
	struct frozen_writer w = {0};
	struct conn *c;
	int pair[2];

	peer.any.sa_family = AF_UNIX;
	make_pair(pair);
	conn_open(net_find_listener(&net, example->listener,
				    protocol_of(example->listener), -1),
		  pair[0], &peer);
	c = last_conn();
	say(pair[1], example->before);
	some_ticks();
	if (example->has_server) {
		server_accept();
		server_hear();
		server_say(example->said_before);
		some_ticks();
	}
	if (strcmp(example->name, "echo-bytes") == 0)
		/* As if its client did not read. */
		buf_put(&c->socket.in, STR("hel"));
	for (int i = 0; i < TICKS; i++) {
		if (c->protocol->prepare != NULL)
			c->protocol->prepare(c);
		tick();
		if (pack_conn(&w, c, bytes, sizeof(bytes), &frozen_ours,
			      example->crashes) &&
		    w.result == FROZEN_OK)
			break;
	}
	assert_int_equal(w.result, FROZEN_OK);
	assert_int_equal(w.n_fds, example->has_file || example->has_server ? 2 : 1);
	keep(path_of(example->name, ""), bytes, w.n);
	if (example->has_file)
		keep_file(example->name, w.fds[1]);
	conn_cut(c);
	tick();
	close(pair[1]);
	server_end();
}

/* Thawing. */

static struct str read_file(const char *path)
{
	static char bytes[GOT_BYTES];
	FILE *file = fopen(path, "r");

	if (file == NULL)
		fail_msg("%s: %s", path, strerror(errno));
	size_t n = fread(bytes, 1, sizeof(bytes), file);

	fclose(file);
	return (struct str){bytes, n};
}

static int make_file(const char *name)
{
	const char *path = path_of(name, ".file");
	struct str content = access(path, F_OK) == 0
				     ? read_file(path)
				     : (struct str){large, FILE_BYTES};
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_int_equal(write(fd, content.p, content.n), content.n);
	return fd;
}

/* `other`: the file or the server, or -1. */
static void adopt(const struct example *example, struct str message, int socket,
		  int other)
{
	int fds[] = {socket, other};
	struct frozen_reader r;
	struct unpacked u;
	char listener[ADDR_TEXT], protocol[16];

	assert_int_equal(frozen_open(&r, message, fds, other == -1 ? 1 : 2),
			 FROZEN_OK);
	assert_int_equal(unpack_conn(&r, &u), FROZEN_OK);
	snprintf(listener, sizeof(listener), "%" STR_FMT, STR_ARG(u.listener));
	snprintf(protocol, sizeof(protocol), "%" STR_FMT, STR_ARG(u.protocol));
	assert_string_equal(listener, example->listener);
	u.origin.transport = net_find_transport(&net, u.transport);
	assert_non_null(u.origin.transport);
	assert_int_equal(u.origin.crashes, example->crashes);
	assert_int_equal(u.origin.peer.family,
			 u.origin.has_via ? AF_INET : AF_UNIX);
	struct listener *l = net_find_listener(&net, listener, protocol, -1);

	assert_non_null(l);
	assert_int_equal(frozen_get_fd(&r, 0), socket);
	assert_true(conn_adopt(l, socket, &u.origin, &r));
	assert_int_equal(frozen_next(&r), 0); /* nothing was left unread */
	frozen_close(&r);
}

/* The content of the large file, from somewhere on, in the one form or in the
 * other; before the next response. */
static void check_content(void)
{
	const char *next = memmem(got, n_got, "HTTP/1.1 200", 12);
	size_t n = next != NULL ? (size_t)(next - got) : n_got;

	for (size_t i = 0; i < n; i++)
		if (got[i] == '.')
			got[i] = '\n';
	assert_true(n > 10000 && n <= FILE_BYTES);
	assert_memory_equal(got, large + FILE_BYTES - n, n);
}

static void thaw(const struct example *example, struct str message)
{
	int other = example->has_file     ? make_file(example->name)
		    : example->has_server ? server_pair()
					  : -1;
	int pair[2];

	n_got = 0;
	at_end = false;
	now_ns = READ_AT;
	make_pair(pair);
	adopt(example, message, pair[0], other);
	say(pair[1], example->after);
	if (example->has_server) {
		some_ticks();
		assert_string_equal(server_hear(), example->heard);
		server_say(example->said_after);
	}
	const char *end = example->end;

	for (int i = 0; i < TICKS && !(ends_in(end) && at_end == example->ends);
	     i++) {
		tick();
		get(pair[1]);
	}
	got[n_got] = '\0';
	if (!ends_in(end))
		fail_msg("%s: %zu bytes do not end in \"%s\": ...%s", example->name,
			 n_got, end, got + (n_got > 200 ? n_got - 200 : 0));
	assert_int_equal(at_end, example->ends);
	if (example->begin == NULL)
		check_content();
	else if (!str_starts_with(str_of(got), str_of(example->begin)))
		fail_msg("%s: \"%.100s\"", example->name, got);
	close(pair[1]);
	server_end();
	for (int i = 0; i < 5; i++)
		tick();
}

/* One release: all that it can be asked for is there. */
static void thaw_release(const char *release)
{
	static char kept[96 * 1024];
	size_t n = 0;

	folder = release;
	for (size_t i = 0; i < N_EXAMPLES; i++) {
		const char *path = path_of(examples[i].name, "");

		if (access(path, R_OK) == -1)
			continue; /* a later release's */
		struct str message = read_file(path);

		assert_true(message.n <= sizeof(kept));
		memcpy(kept, message.p, message.n);
		thaw(&examples[i], (struct str){kept, message.n});
		n++;
	}
	assert_true(n >= 10);
}

static void every_release(void **state)
{
	char path[4096];
	DIR *all = opendir(FROZEN_CORPUS);
	struct dirent *entry;
	size_t n = 0;

	(void)state;
	assert_non_null(all);
	while ((entry = readdir(all)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), FROZEN_CORPUS "/%s", entry->d_name);
		thaw_release(path);
		n++;
	}
	closedir(all);
	assert_true(n > 0);
}

/* And what this one writes, which as of the next release is shifted. */
static void our_own(void **state)
{
	char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/own", scratch);
	assert_int_equal(mkdir(path, 0700), 0);
	folder = path;
	for (size_t i = 0; i < N_EXAMPLES; i++)
		record(&examples[i]);
	thaw_release(path);
}

/* Damage. */

static unsigned n_fds(void)
{
	DIR *fds = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(fds);
	while (readdir(fds) != NULL)
		n++;
	closedir(fds);
	return n;
}

/* As handoff.c does, whatever the message says. */
static void take_any(struct str message, int socket, int other)
{
	int fds[] = {socket, other}, fd;
	struct frozen_reader r;
	struct unpacked u;
	struct listener *l = NULL;
	char listener[256], protocol[256];

	if (frozen_open(&r, message, fds, other == -1 ? 1 : 2) == FROZEN_OK &&
	    unpack_conn(&r, &u) == FROZEN_OK) {
		snprintf(listener, sizeof(listener), "%" STR_FMT,
			 STR_ARG(u.listener));
		snprintf(protocol, sizeof(protocol), "%" STR_FMT,
			 STR_ARG(u.protocol));
		u.origin.transport = net_find_transport(&net, u.transport);
		if (u.origin.transport != NULL)
			l = net_find_listener(&net, listener, protocol, -1);
	}
	fd = l != NULL ? frozen_get_fd(&r, 0) : -1;
	if (fd != -1 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		(void)!conn_adopt(l, fd, &u.origin, &r);
	else
		fd_close(&fd);
	frozen_close(&r);
}

/* A worker that is taken over may send what it likes; whoever takes it lives on,
 * and keeps nothing of it. */
/* `fd`: in the place of the client's connection; or -1. */
static void thaw_odd(const struct example *example, struct str message, int fd,
		     int other)
{
	int pair[2];

	n_got = 0;
	now_ns = READ_AT;
	make_pair(pair);
	if (fd != -1) {
		close(pair[0]);
		pair[0] = fd;
	}
	take_any(message, pair[0], other);
	tick();
	(void)!send(pair[1], example->after, strlen(example->after), MSG_NOSIGNAL);
	for (int i = 0; i < 3; i++) {
		tick();
		get(pair[1]);
	}
	close(pair[1]);
	while (!list_is_empty(&net.conns)) {
		conn_cut(last_conn());
		tick();
	}
	tick();
}

static void thaw_damaged(const struct example *example, struct str message)
{
	thaw_odd(example, message, -1,
		 example->has_file     ? make_file(example->name)
		 : example->has_server ? server_pair()
				       : -1);
	if (example->has_server)
		server_end();
}

static void damage_at(const struct example *example, char *bytes, size_t n,
		      size_t i)
{
	const char *bits =
		getenv("HOLDFAST_TEST_LONG") != NULL ? "\xff\x01\x80" : "\xff";
	char was = bytes[i];
	unsigned before = n_fds();

	for (const char *b = bits; *b != '\0'; b++) {
		bytes[i] = (char)(was ^ *b);
		thaw_damaged(example, (struct str){bytes, n});
		if (n_fds() != before)
			fail_msg("%s: octet %zu as %02x: %u descriptors, not %u",
				 example->name, i, (unsigned char)bytes[i], n_fds(),
				 before);
	}
	bytes[i] = was;
}

static void damage(const struct example *example)
{
	static char bytes[96 * 1024];
	struct str message = read_file(path_of(example->name, ""));

	assert_true(message.n <= sizeof(bytes));
	memcpy(bytes, message.p, message.n);
	for (size_t i = 0; i < message.n; i++) {
		/* In between is content. */
		if (i < DAMAGED || i + DAMAGED > message.n)
			damage_at(example, bytes, message.n, i);
	}
}

static void any_octet_may_be_another(void **state)
{
	static char path[4096];

	(void)state;
	snprintf(path, sizeof(path), "%s/damaged", scratch);
	assert_int_equal(mkdir(path, 0700), 0);
	folder = path;
	for (size_t i = 0; i < N_EXAMPLES; i++)
		record(&examples[i]);
	for (size_t i = 0; i < N_EXAMPLES; i++)
		damage(&examples[i]);
}

/* Descriptors in the place of a file, or of a server's connection, among them
 * those that a read(2) would wait for. */
static int odd_descriptor(unsigned which, int *other_end_out)
{
	int ends[2] = {-1, -1};

	*other_end_out = -1;
	switch (which) {
	case 0: /* nothing comes from it */
	case 1: /* nor does it take much */
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		*other_end_out = ends[which == 0];
		return ends[which];
	case 2:
		assert_int_equal(
			socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends),
			0);
		*other_end_out = ends[1];
		return ends[0];
	case 3:
		return open("/dev/null", O_WRONLY | O_CLOEXEC);
	case 4:
		return open("/dev/zero", O_RDONLY | O_CLOEXEC);
	case 5:
		return open(scratch, O_RDONLY | O_CLOEXEC);
	case 6:
		return open(scratch, O_PATH | O_CLOEXEC);
	case 7:
		return epoll_create1(EPOLL_CLOEXEC);
	case 8:
		return memfd_create("empty", MFD_CLOEXEC);
	default:
		return -1;
	}
}

static void send_odd_descriptors(const struct example *example)
{
	struct str message = read_file(path_of(example->name, ""));
	static char bytes[96 * 1024];
	int other_end, fd;

	assert_true(message.n <= sizeof(bytes));
	memcpy(bytes, message.p, message.n);
	message.p = bytes;
	for (unsigned n = 0; (fd = odd_descriptor(n, &other_end)) != -1; n++) {
		int other = example->has_file     ? make_file(example->name)
			    : example->has_server ? server_pair()
						  : -1;

		thaw_odd(example, message, fd, other);
		fd_close(&other_end);
		server_end();
		if (other == -1)
			continue;
		fd = odd_descriptor(n, &other_end);
		thaw_odd(example, message, -1, fd);
		fd_close(&other_end);
	}
}

static void any_descriptor_may_come(void **state)
{
	static char path[4096];
	unsigned before;

	(void)state;
	snprintf(path, sizeof(path), "%s/descriptors", scratch);
	assert_int_equal(mkdir(path, 0700), 0);
	folder = path;
	for (size_t i = 0; i < N_EXAMPLES; i++)
		record(&examples[i]);
	before = n_fds();
	for (size_t i = 0; i < N_EXAMPLES; i++)
		send_odd_descriptors(&examples[i]);
	assert_int_equal(n_fds(), before);
}

static void record_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_EXAMPLES; i++)
		record(&examples[i]);
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(every_release),
		TEST(our_own),
		TEST(any_octet_may_be_another),
		TEST(any_descriptor_may_come),
	};
	const struct CMUnitTest recording[] = {
		TEST(record_all),
	};

	alarm(60);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (argc == 3 && strcmp(argv[1], "record") == 0) {
		folder = argv[2];
		return cmocka_run_group_tests(recording, scratch_make,
					      scratch_remove);
	}
	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
