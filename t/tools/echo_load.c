/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * echo_load HOST PORT CLIENTS BYTES: CLIENTS connections at once to an echo
 * service (IPv4), each of which sends BYTES bytes in pieces of odd sizes,
 * reads at its own pace and checks every byte against its place. All are
 * connected before the first byte is sent. Prints one line; exits 0 only if
 * every byte came back and every connection ended as it should: what is sent
 * before a half-close returns, then the end. A test tool, one process.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 65536, STALL_MS = 60000, EVENTS = 512, TURNS = 4 };

struct client {
	int fd;
	bool connected;
	bool done;
	uint64_t sent;
	uint64_t received;
};

static struct {
	struct sockaddr_in server;
	size_t n_clients;
	uint64_t bytes;
	int epoll;
	struct client *clients;
	size_t connected, done;
	uint64_t received;
} load;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void fail(const struct client *c, const char *what)
{
	fprintf(stderr,
		"echo_load: client %zu: %s (sent %llu, received %llu): %s\n",
		(size_t)(c - load.clients), what, (unsigned long long)c->sent,
		(unsigned long long)c->received, strerror(errno));
	exit(1);
}

/* The byte at `place` of a client's stream: no two streams, and no two
 * places a power of two apart, look alike. */
static unsigned char pattern(const struct client *c, uint64_t place)
{
	uint64_t x = place * 0x9e3779b97f4a7c15u +
		     (uint64_t)(c - load.clients) * 0xbf58476d1ce4e5b9u;

	return (unsigned char)(x >> 56);
}

static void open_client(struct client *c)
{
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		fail(c, "socket");
	if (connect(c->fd, (struct sockaddr *)&load.server, sizeof(load.server)) ==
		    -1 &&
	    errno != EINPROGRESS)
		fail(c, "connect");
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c};

	if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, c->fd, &event) == -1)
		fail(c, "epoll_ctl");
}

static void want(struct client *c, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = c};

	if (epoll_ctl(load.epoll, EPOLL_CTL_MOD, c->fd, &event) == -1)
		fail(c, "epoll_ctl");
}

static void on_connected(struct client *c)
{
	int error = 0;
	socklen_t n = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n);
	errno = error;
	if (error != 0)
		fail(c, "connect");
	c->connected = true;
	want(c, 0); /* until all are here */
	if (++load.connected == load.n_clients)
		for (size_t i = 0; i < load.n_clients; i++)
			want(&load.clients[i], EPOLLIN | EPOLLOUT);
}

static void send_some(struct client *c)
{
	static unsigned char piece[PIECE];

	for (int turn = 0; turn < TURNS && c->sent < load.bytes; turn++) {
		/* Odd sizes, other ones for each client. */
		uint64_t n = 1 + (c->sent * 31 + (uint64_t)c->fd * 977) % PIECE;

		if (n > load.bytes - c->sent)
			n = load.bytes - c->sent;
		for (uint64_t i = 0; i < n; i++)
			piece[i] = pattern(c, c->sent + i);
		ssize_t wrote = send(c->fd, piece, (size_t)n, MSG_NOSIGNAL);

		if (wrote == -1 && errno == EAGAIN)
			return;
		if (wrote == -1)
			fail(c, "send");
		c->sent += (uint64_t)wrote;
		if ((uint64_t)wrote < n)
			return;
	}
	if (c->sent == load.bytes) {
		if (shutdown(c->fd, SHUT_WR) == -1)
			fail(c, "shutdown");
		want(c, EPOLLIN);
	}
}

static void receive_some(struct client *c)
{
	static unsigned char piece[PIECE];

	for (int turn = 0; turn < TURNS; turn++) {
		ssize_t n = recv(c->fd, piece, sizeof(piece), 0);

		if (n == -1 && errno == EAGAIN)
			return;
		if (n == -1)
			fail(c, "recv");
		errno = 0;
		if (n == 0) {
			if (c->received != load.bytes)
				fail(c, "closed too early");
			close(c->fd);
			c->done = true;
			load.done++;
			return;
		}
		if (c->received + (uint64_t)n > c->sent)
			fail(c, "more came back than was sent");
		for (ssize_t i = 0; i < n; i++)
			if (piece[i] != pattern(c, c->received + (uint64_t)i)) {
				c->received += (uint64_t)i;
				fail(c, "a wrong byte came back");
			}
		c->received += (uint64_t)n;
		load.received += (uint64_t)n;
	}
}

static void on_event(struct client *c, uint32_t events)
{
	if (c->done)
		return;
	if (!c->connected) {
		if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
			on_connected(c);
		return;
	}
	if (load.connected < load.n_clients && !(events & EPOLLERR))
		return;
	if (events & EPOLLOUT)
		send_some(c);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		receive_some(c);
}

static void run(void)
{
	struct epoll_event events[EVENTS];
	int64_t progress = now_ms();
	size_t connected = 0, done = 0;
	uint64_t received = 0;

	while (load.done < load.n_clients) {
		int n = epoll_wait(load.epoll, events, EVENTS, 1000);

		for (int i = 0; i < n; i++)
			on_event(events[i].data.ptr, events[i].events);
		if (load.connected != connected || load.done != done ||
		    load.received != received) {
			connected = load.connected;
			done = load.done;
			received = load.received;
			progress = now_ms();
		} else if (now_ms() - progress > STALL_MS) {
			fprintf(stderr,
				"echo_load: nothing moves: %zu connected, %zu "
				"done, %llu bytes back\n",
				connected, done, (unsigned long long)received);
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	struct rlimit files;

	if (argc != 5) {
		fprintf(stderr, "usage: echo_load HOST PORT CLIENTS BYTES\n");
		return 2;
	}
	load.server.sin_family = AF_INET;
	load.server.sin_port = htons((uint16_t)atoi(argv[2]));
	if (inet_pton(AF_INET, argv[1], &load.server.sin_addr) != 1) {
		fprintf(stderr, "echo_load: not an address: %s\n", argv[1]);
		return 2;
	}
	load.n_clients = strtoul(argv[3], NULL, 10);
	load.bytes = strtoull(argv[4], NULL, 10);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	load.clients = calloc(load.n_clients, sizeof(*load.clients));
	if (load.epoll == -1 || load.clients == NULL) {
		perror("echo_load");
		return 1;
	}
	int64_t start = now_ms();

	for (size_t i = 0; i < load.n_clients; i++)
		open_client(&load.clients[i]);
	run();
	printf("%zu clients, %llu bytes each, all back in %lld ms\n",
	       load.n_clients, (unsigned long long)load.bytes,
	       (long long)(now_ms() - start));
	free(load.clients);
	close(load.epoll);
	return 0;
}
