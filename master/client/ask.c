/* SPDX-License-Identifier: BSD-2-Clause */
#include "master/client/ask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/addr.h"
#include "base/fd.h"

enum {
	ASK_READ = 4096,
	ASK_TRIES = 10,  /* while one master after the other is replaced */
	ASK_MOVED = 100, /* beside enum ask_result */
};

/* The file is named by its inode, too: the master may have found it by another
 * path. */
static void put_file(struct buf *out, const char *file)
{
	struct stat st = {0};
	char *path = realpath(file, NULL);

	(void)stat(file, &st);
	buf_printf(out, "file %ju:%ju %s\n", (uintmax_t)st.st_dev,
		   (uintmax_t)st.st_ino, path != NULL ? path : file);
	free(path);
}

/* In one piece: the master acts when it has read the first line. */
static int send_question(int fd, const struct question *q)
{
	struct buf text = {0};
	struct str all;
	int result;

	buf_printf(&text, "%s\n", q->verb);
	if (q->file != NULL)
		put_file(&text, q->file);
	all = buf_str(&text);
	result = send(fd, all.p, all.n, MSG_NOSIGNAL) == (ssize_t)all.n ? 0 : -1;
	buf_release(&text);
	return result;
}

static int receive_all(int fd, struct buf *out)
{
	ssize_t n;

	do {
		n = recv(fd, buf_room(out, ASK_READ), ASK_READ, 0);
		if (n > 0)
			buf_added(out, (size_t)n);
	} while (n > 0 || (n == -1 && errno == EINTR));
	return n == 0 ? 0 : -1;
}

/* One question. ASK_MOVED: the master has just been replaced. */
static int ask_once(const struct addr *addr, const struct question *q,
		    struct buf *answer_out)
{
	int fd = addr_connect(addr, 0), failed;

	if (fd == -1)
		return ASK_NOBODY;
	/* What is there is read, also if the verb was not taken. */
	failed = send_question(fd, q) == -1;
	failed |= receive_all(fd, answer_out) == -1;
	fd_close(&fd);
	struct str answer = buf_str(answer_out);

	if (str_starts_with(answer, STR("moved\n"))) {
		buf_release(answer_out);
		return ASK_MOVED;
	}
	if (!failed && str_starts_with(answer, STR("ok\n"))) {
		buf_consume(answer_out, 3);
		return ASK_OK;
	}
	if (!failed && str_starts_with(answer, STR("failed\n"))) {
		buf_consume(answer_out, 7);
		return ASK_FAILED;
	}
	buf_put_cstr(answer_out, "the master exited before it answered\n");
	return ASK_FAILED;
}

enum ask_result ask_master(const struct question *q, struct buf *answer_out)
{
	struct addr addr;
	const char *why = addr_of_path(q->control, &addr);
	int result = why == NULL ? ASK_MOVED : ASK_NOBODY;

	for (int i = 0; result == ASK_MOVED && i < ASK_TRIES; i++)
		result = ask_once(&addr, q, answer_out);
	if (result == ASK_NOBODY || result == ASK_MOVED) {
		buf_printf(answer_out,
			   "no holdfast answers at the control socket %s: "
			   "%s\n",
			   q->control, why != NULL ? why : strerror(errno));
		return ASK_NOBODY;
	}
	return (enum ask_result)result;
}
