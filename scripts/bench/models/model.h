/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the models have in common, so that each of them shows only its way of
 * waiting for many clients: a socket that listens, and the answer to what one
 * client has sent. It does no more than has to be done for a client that
 * behaves well: it finds the end of each head and sends the same 1 KiB. What
 * a server takes beyond that is the price of being one.
 *
 *   MODEL PORT [close | echo | upgrade]
 *
 * close ends each connection after one answer; upgrade answers with 101, as a
 * server of WebSockets does.
 */
#ifndef MODEL_H
#define MODEL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BODY = 1024, MAX = 64, PIECE = 16384, FILES = 1 << 16 };

static struct {
	bool close, echo;
	char answers[MAX * (BODY + 128)]; /* the same one, many times */
	size_t n_answer;
	unsigned char matched[FILES]; /* of CR LF CR LF, for each descriptor */
} model;

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

/* A socket that listens on 127.0.0.1, and the answer to every request. */
static inline int model_start(int argc, char **argv)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)atoi(argc > 1 ? argv[1] : "")),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct rlimit files;
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	model.close = argc > 2 && strcmp(argv[2], "close") == 0;
	model.echo = argc > 2 && strcmp(argv[2], "echo") == 0;
	model.n_answer = (size_t)sprintf(model.answers,
					 "HTTP/1.1 200 OK\r\n"
					 "Content-Length: %d\r\n\r\n%0*d",
					 BODY, BODY, 0);
	if (argc > 2 && strcmp(argv[2], "upgrade") == 0)
		model.n_answer = (size_t)sprintf(
			model.answers, "HTTP/1.1 101 Switching Protocols\r\n"
				       "Connection: Upgrade\r\n"
				       "Upgrade: websocket\r\n"
				       "Sec-WebSocket-Accept: "
				       "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
	for (size_t i = 1; i < MAX; i++)
		memcpy(model.answers + i * model.n_answer, model.answers,
		       model.n_answer);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1 ||
	    listen(fd, SOMAXCONN) == -1)
		die("bind");
	return fd;
}

/* How many heads end in these bytes. */
static inline size_t count_heads(int fd, const char *p, size_t n)
{
	unsigned char matched = model.matched[fd];
	size_t heads = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == "\r\n\r\n"[matched])
			matched++;
		else
			matched = p[i] == '\r';
		if (matched == 4) {
			heads++;
			matched = 0;
		}
	}
	model.matched[fd] = matched;
	return heads;
}

/*
 * Reads once and answers. Returns how many bytes came: less than PIECE says
 * that there are no more; -1: the connection has to be closed, because its
 * client has ended it, or would not take an answer.
 */
static inline ssize_t model_answer(int fd)
{
	char in[PIECE], *out = in;
	ssize_t n = recv(fd, in, sizeof(in), 0);
	size_t size = n > 0 ? (size_t)n : 0;

	if (n <= 0) {
		model.matched[fd] = 0;
		return -1;
	}
	if (!model.echo) {
		size_t heads = count_heads(fd, in, size);

		out = model.answers;
		size = (heads < MAX ? heads : MAX) * model.n_answer;
	}
	if (size > 0 && send(fd, out, size, MSG_NOSIGNAL) != (ssize_t)size)
		return -1;
	return model.close && size > 0 ? -1 : n;
}

#endif
