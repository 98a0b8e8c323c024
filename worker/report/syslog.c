/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The socket is the master's making, and connected. A reader that was started
 * again has another socket at the same path: then this one is connected anew. A
 * message is not sent twice, and none is waited for: what a reader does not take
 * within a moment is lost, as is what comes while there is none. Worker.
 */
#include "worker/report/syslog.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/mem.h"
#include "worker/http/log_time.h"

enum {
	SYSLOG_PRIORITY = 23 * 8 + 6, /* local7, informational: section 6.2.1 */
	SYSLOG_WAIT_MS = 200,
};

struct syslog {
	struct addr addr;
	char host[HOST_NAME_MAX + 1];
	int pid;
};

struct syslog *syslog_create(const char *target)
{
	static const struct str prefix = STR_INIT("syslog:");
	struct syslog *syslog;

	if (!str_starts_with(str_of(target), prefix))
		return NULL;
	target += prefix.n;
	if (str_starts_with(str_of(target), STR("udp:")))
		target += strlen("udp:");
	syslog = mem_zalloc(1, sizeof(*syslog));
	if (addr_parse(str_of(target), &syslog->addr) != NULL)
		syslog->addr = (struct addr){0}; /* the configuration was checked */
	if (gethostname(syslog->host, sizeof(syslog->host) - 1) == -1 ||
	    syslog->host[0] == '\0')
		memcpy(syslog->host, "-", 2);
	syslog->pid = (int)getpid();
	return syslog;
}

void syslog_put_head(const struct syslog *syslog, struct buf *out)
{
	char time[LOG_TIME_UTC];

	log_time_utc(time);
	buf_printf(out, "<%d>1 %.*s %s holdfast %d access - ", SYSLOG_PRIORITY,
		   LOG_TIME_UTC, time, syslog->host, syslog->pid);
}

static bool has_no_reader(int error)
{
	return error == ECONNREFUSED || error == ENOTCONN || error == ECONNRESET ||
	       error == EPIPE;
}

static ssize_t send_message(const struct syslog *syslog, int fd, struct str message)
{
	const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	ssize_t n = send(fd, message.p, message.n, flags);

	if (n == -1 && (errno == EAGAIN || errno == ENOBUFS)) {
		struct pollfd room = {.fd = fd, .events = POLLOUT};

		if (poll(&room, 1, SYSLOG_WAIT_MS) == 1)
			n = send(fd, message.p, message.n, flags);
	} else if (n == -1 && has_no_reader(errno)) {
		/* Of UDP it was the one before that nobody took. */
		(void)connect(fd, &syslog->addr.any, syslog->addr.length);
		n = send(fd, message.p, message.n, flags);
	}
	return n;
}

int syslog_send(const struct syslog *syslog, int fd, struct str *lines)
{
	while (lines->n > 0) {
		const char *end = memchr(lines->p, '\n', lines->n);
		size_t n = end != NULL ? (size_t)(end - lines->p) : lines->n;

		if (send_message(syslog, fd, (struct str){lines->p, n}) == -1)
			return errno;
		*lines = str_tail(*lines, n + 1);
	}
	return 0;
}
