/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server of an upstream, in the process of the test: at a Unix socket, with
 * one connection at a time, which a worker makes, or which is made for it as one
 * that another worker had. Nothing waits.
 */
#ifndef T_UNIT_WORKER_MOVE_FAKE_SERVER_H
#define T_UNIT_WORKER_MOVE_FAKE_SERVER_H

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int server_listening = -1;
static int server_end_of_pair = -1; /* ours */

/* Listens at `path`; returns it. */
static inline const char *server_open(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	unlink(path);
	server_listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server_listening, (struct sockaddr *)&at, sizeof(at)),
			 0);
	assert_int_equal(listen(server_listening, 8), 0);
	return path;
}

static inline void server_accept(void)
{
	server_end_of_pair =
		accept4(server_listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_int_not_equal(server_end_of_pair, -1);
}

/* The worker's end of a connection that is established. */
static inline int server_pair(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX,
				    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
				    pair),
			 0);
	server_end_of_pair = pair[1];
	return pair[0];
}

/* What has come since the last time. */
static inline const char *server_hear(void)
{
	static char heard[4096];
	ssize_t n = recv(server_end_of_pair, heard, sizeof(heard) - 1, 0);

	heard[n > 0 ? n : 0] = '\0';
	return heard;
}

static inline void server_say(const char *text)
{
	size_t n = strlen(text);

	assert_int_equal(send(server_end_of_pair, text, n, MSG_NOSIGNAL), n);
}

/* Of the connection. */
static inline void server_end(void)
{
	if (server_end_of_pair != -1)
		close(server_end_of_pair);
	server_end_of_pair = -1;
}

static inline void server_close(void)
{
	server_end();
	close(server_listening);
}

#endif
