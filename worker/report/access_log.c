/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One write is under way at a time; lines that come meanwhile wait in memory
 * and go with the next. After a reopen the old file is written first, and then
 * closed, so that no line is in the wrong one.
 */
#include "worker/report/access_log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "worker/report/access_line.h"
#include "worker/report/syslog.h"

enum {
	ACCESS_LOG_BATCH = 24 * 1024, /* bytes that are worth a write */
	ACCESS_LOG_MS = 500,          /* as long as a line waits for others */
	ACCESS_LOG_LOST_MS = 1000,    /* between two messages */
};

static uint64_t count_lines(struct str text)
{
	uint64_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

/* In the thread. */

/* The length of whole lines at the front of `text` that a pipe takes in one
 * piece, unmixed with those of other writers; of a longer line, the line. */
static size_t piece_of(struct str text)
{
	const char *end;

	if (text.n <= PIPE_BUF)
		return text.n;
	end = memrchr(text.p, '\n', PIPE_BUF);
	if (end == NULL)
		end = memchr(text.p, '\n', text.n);
	return end != NULL ? (size_t)(end - text.p) + 1 : text.n;
}

/* Returns 0 or an errno; written bytes are cut off the front of *text. */
static int write_all(int fd, struct str *text, bool is_shared)
{
	while (text->n > 0) {
		size_t max = is_shared ? piece_of(*text) : text->n;
		ssize_t n = write(fd, text->p, max);

		if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
			struct pollfd room = {.fd = fd, .events = POLLOUT};

			poll(&room, 1, -1);
			continue;
		}
		if (n <= 0)
			return n == 0 ? EIO : errno;
		*text = str_tail(*text, (size_t)n);
	}
	return 0;
}

static void do_write(struct job *job)
{
	struct access_write *w = CONTAINER_OF(job, struct access_write, job);
	struct access_file *file = w->file;
	struct str newline = STR("\n");
	const char *begin = w->left.p;

	if (file->is_torn && w->left.n > 0) {
		w->error = write_all(file->fd, &newline, file->is_shared);
		file->is_torn = w->error != 0;
	}
	if (file->syslog != NULL)
		w->error = syslog_send(file->syslog, file->fd, &w->left);
	else if (w->error == 0)
		w->error = write_all(file->fd, &w->left, file->is_shared);
	if (w->left.p != begin && file->syslog == NULL)
		file->is_torn = w->left.p[-1] != '\n';
	if (w->closes && file->fd > STDERR_FILENO)
		close(file->fd); /* which may take its time, too */
}

/* In the loop: lines that are lost. */

static void say_lost(struct access_log *log)
{
	errno = log->error;
	if (log->error != 0)
		log_errno(LOG_LEVEL_WARN,
			  "cannot write the access log (%s), %ju lines are lost",
			  log->to, (uintmax_t)log->unsaid);
	else
		log_warn("the access log (%s) is not written fast enough, %ju "
			 "lines are lost",
			 log->to, (uintmax_t)log->unsaid);
	log->unsaid = 0;
	log->error = 0;
}

static void say_recovered(struct access_log *log)
{
	log_warn("the access log (%s) is written again; %ju lines were lost",
		 log->to, (uintmax_t)log->lost);
	log->lost = 0;
}

static void on_lost_timer(struct timer *timer)
{
	struct access_log *log = CONTAINER_OF(timer, struct access_log, lost_timer);

	if (log->unsaid > 0) {
		say_lost(log);
		loop_timer(log->loop, &log->lost_timer, ACCESS_LOG_LOST_MS);
	} else if (log->has_recovered && log->lost > 0) {
		say_recovered(log);
	}
}

/* `error` is 0 when too many waited: then it is one line, and others will
 * follow, which are told of together. */
static void lose(struct access_log *log, uint64_t n, int error)
{
	log->counters->log_lost += n;
	log->lost += n;
	log->unsaid += n;
	log->has_recovered = false;
	if (error != 0)
		log->error = error;
	if (timer_is_armed(&log->lost_timer))
		return;
	if (error != 0)
		say_lost(log);
	loop_timer(log->loop, &log->lost_timer, ACCESS_LOG_LOST_MS);
}

/* In the loop: writing. */

static void start_write(struct access_log *log);

static void free_file(struct access_file *file)
{
	list_remove(&file->link);
	buf_release(&file->lines);
	free(file);
}

/* True when there is something that should not wait for more. */
static bool has_work(const struct access_log *log)
{
	size_t n = buf_length(&log->file->lines);

	return log->files.next != &log->file->link || n >= ACCESS_LOG_BATCH ||
	       (n > 0 && (log->is_due || log->is_ending));
}

static void on_written(struct job *job)
{
	struct access_log *log = CONTAINER_OF(job, struct access_log, write.job);
	struct access_write *w = &log->write;

	log->is_writing = false;
	log->waiting -= buf_length(&w->lines);
	if (w->error != 0)
		lose(log, count_lines(w->left), w->error);
	else
		log->has_recovered = true;
	buf_release(&w->lines);
	if (w->closes)
		free_file(w->file);
	if (log->lost > 0 && log->has_recovered &&
	    !timer_is_armed(&log->lost_timer))
		say_recovered(log);
	if (has_work(log))
		start_write(log);
}

/* Submits the first file's lines to the thread. */
static void start_write(struct access_log *log)
{
	struct access_file *file =
		CONTAINER_OF(log->files.next, struct access_file, link);
	struct access_write *w = &log->write;

	timer_disarm(&log->timer);
	log->is_due = false;
	*w = (struct access_write){
		.job = {.work = do_write, .done = on_written},
		.file = file,
		.lines = file->lines,
		.left = buf_str(&file->lines),
		.closes = file != log->file,
	};
	file->lines = (struct buf){0};
	if (!w->closes) /* or it was counted when the file was replaced */
		log->waiting += w->left.n;
	log->is_writing = offload_submit(&log->offload, &w->job);
	if (log->is_writing)
		return;
	/* No thread, and so no file that could be waited for. */
	w->error = EAGAIN;
	if (w->closes && file->fd > STDERR_FILENO)
		close(file->fd);
	on_written(&w->job);
}

void access_log_flush(struct access_log *log)
{
	log->is_due = true;
	timer_disarm(&log->timer);
	if (!log->is_writing && has_work(log))
		start_write(log);
}

static void on_timer(struct timer *timer)
{
	access_log_flush(CONTAINER_OF(timer, struct access_log, timer));
}

void access_log_add(struct access_log *log, const struct conf_access_log *conf,
		    struct exchange *x)
{
	struct buf *lines = &log->file->lines;

	if (log->waiting + buf_length(lines) >= ACCESS_LOG_MAX) {
		lose(log, 1, 0);
		return;
	}
	if (log->syslog != NULL)
		syslog_put_head(log->syslog, lines);
	access_line_put(conf, x, lines);
	if (buf_length(lines) >= ACCESS_LOG_BATCH)
		access_log_flush(log);
	else if (!timer_is_armed(&log->timer))
		loop_timer(log->loop, &log->timer, ACCESS_LOG_MS);
}

static void add_file(struct access_log *log, int fd)
{
	struct access_file *file = mem_zalloc(1, sizeof(*file));
	struct stat st;

	file->fd = fd;
	file->is_shared = fstat(fd, &st) == 0 && !S_ISREG(st.st_mode);
	file->syslog = log->syslog;
	list_append(&log->files, &file->link);
	log->file = file;
}

void access_log_init(struct access_log *log, struct loop *loop, int fd,
		     const char *to, struct counters *counters)
{
	*log = (struct access_log){.to = to,
				   .syslog = syslog_create(to),
				   .loop = loop,
				   .counters = counters};
	offload_init(&log->offload, loop, "access log", 1);
	list_init(&log->files);
	add_file(log, fd);
	timer_init(&log->timer, on_timer);
	timer_init(&log->lost_timer, on_lost_timer);
}

void access_log_reopen(struct access_log *log, int fd)
{
	log->waiting += buf_length(&log->file->lines);
	add_file(log, fd);
	access_log_flush(log);
}

/* All that is in memory; what the thread has may have been written. */
static uint64_t count_waiting(const struct access_log *log)
{
	uint64_t n = log->is_writing ? count_lines(buf_str(&log->write.lines)) : 0;

	LIST_EACH (l, &log->files)
		n += count_lines(
			buf_str(&CONTAINER_OF(l, struct access_file, link)->lines));
	return n;
}

bool access_log_fini(struct access_log *log, uint64_t ms)
{
	log->is_ending = true;
	access_log_flush(log);
	if (!offload_wait(&log->offload, ms)) {
		uint64_t n = count_waiting(log);

		log->counters->log_lost += n;
		log_warn("the access log (%s) is stuck, up to %ju lines are lost",
			 log->to, (uintmax_t)n);
		return false;
	}
	if (log->unsaid > 0)
		say_lost(log);
	timer_detach(&log->loop->timers, &log->timer);
	timer_detach(&log->loop->timers, &log->lost_timer);
	if (log->file->fd > STDERR_FILENO)
		close(log->file->fd);
	free_file(log->file);
	free(log->syslog);
	return offload_fini(&log->offload, OFFLOAD_RUN, UINT64_MAX);
}
