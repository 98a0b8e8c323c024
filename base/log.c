/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In this order: where the log goes to (a descriptor of our own where a write
 * could wait), the text or JSON of a line, writing it and counting lost lines,
 * and at the end the lines that clients cause, whose number is bounded. Any
 * process.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/quote.h"

enum {
	LOG_TEXT = 2048,       /* a longer line is cut and ends in "..." */
	LOG_LINE = 4096,       /* including quotes; PIPE_BUF */
	LOG_CLIENT_LINES = 20, /* a second, that clients may cause */
};

static struct {
	int fd;
	/* The same pipe or terminal, opened again: other processes that share
	 * it may want their writes to wait, and ours must not. -1 for files
	 * that never wait. */
	int own;
	bool is_socket;
	enum log_format format;
	bool journal;  /* stderr goes to the systemd journal */
	uint64_t lost; /* lines that could not be written */
	char process[64];
} log_state = {.fd = STDERR_FILENO, .own = -1};

enum log_level log_level_now = LOG_LEVEL_INFO;

/* Lines that clients cause; see log_client(). */
static struct {
	uint64_t since; /* CLOCK_MONOTONIC ns */
	unsigned n;     /* logged since then */
	uint64_t more;  /* not logged */
} clients;

static const struct {
	const char *name;
	int syslog; /* the number that sd-daemon(3) wants, from syslog(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", 3},
	[LOG_LEVEL_WARN] = {"warn", 4},
	[LOG_LEVEL_INFO] = {"info", 6},
	[LOG_LEVEL_DEBUG] = {"debug", 7},
};

/* systemd.exec(5), JOURNAL_STREAM: "device:inode" of the journal's socket. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char here[64];

	if (stream == NULL || fstat(STDERR_FILENO, &st) == -1)
		return false;
	snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	return strcmp(here, stream) == 0;
}

static int open_anew(int fd)
{
	int flags = O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags | (fcntl(fd, F_GETFL) & O_DIRECT));
}

static void look_at(int fd)
{
	struct stat st = {0};
	bool waits = fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || isatty(fd));

	fd_close(&log_state.own);
	log_state.own = waits ? open_anew(fd) : -1;
	log_state.is_socket = S_ISSOCK(st.st_mode);
	log_state.journal = fd == STDERR_FILENO && stderr_is_journal();
}

void log_set_process(const char *name)
{
	snprintf(log_state.process, sizeof(log_state.process), "%s", name);
	look_at(log_state.fd);
}

void log_set_level(enum log_level level)
{
	log_level_now = level;
}

void log_set_format(enum log_format format)
{
	log_state.format = format;
}

bool log_is_journal(void)
{
	return log_state.journal;
}

enum log_format log_format(void)
{
	return log_state.format;
}

void log_set_fd(int fd)
{
	if (log_state.fd != STDERR_FILENO && log_state.fd != fd)
		close(log_state.fd);
	log_state.fd = fd;
	look_at(fd);
}

int log_fd(void)
{
	return log_state.own != -1 ? log_state.own : log_state.fd;
}

void log_fds(int fds_out[LOG_FDS])
{
	fds_out[0] = log_state.fd;
	fds_out[1] = log_state.own;
}

/* "2026-11-20T16:00:00.123Z". */
static void format_time(char text_out[48])
{
	struct timespec now;
	char stamp[CLOCK_TEXT];

	clock_gettime(CLOCK_REALTIME, &now);
	clock_format_utc(now.tv_sec, stamp);
	snprintf(text_out, 48, "%.19s.%03ldZ", stamp, now.tv_nsec / 1000000);
}

/* Bytes from outside must not be able to forge a line. */
static char *put_defused(char *to, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		*to++ = (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
	}
	return to;
}

static size_t format_text(char line[LOG_LINE], enum log_level level,
			  struct str text)
{
	size_t max = LOG_TEXT - 1; /* for the newline */
	char time[48];
	int n;

	if (log_state.journal) {
		n = snprintf(line, max, "<%d>%s[%d]: ", levels[level].syslog,
			     log_state.process, (int)getpid());
	} else {
		format_time(time);
		n = snprintf(line, max, "%s %s %s[%d]: ", time, levels[level].name,
			     log_state.process, (int)getpid());
	}
	bool fits = text.n < max - (size_t)n;

	if (!fits)
		text.n = max - (size_t)n - 1;
	char *end = put_defused(line + n, text);

	if (!fits)
		memcpy(end - 3, "...", 3);
	*end++ = '\n';
	return (size_t)(end - line);
}

/* Puts as much of the text as fits before `end`. */
static char *put_quoted(char *to, const char *end, struct str text)
{
	char one[QUOTE_JSON_GROWTH];

	for (size_t i = 0; i < text.n; i++) {
		struct str octet = {text.p + i, 1};
		size_t n = (size_t)(quote_json(one, octet) - one);

		if (n + 3 > (size_t)(end - to))
			return (char *)memcpy(to, "...", 3) + 3;
		memcpy(to, one, n);
		to += n;
	}
	return to;
}

static size_t format_json(char line[LOG_LINE], enum log_level level,
			  struct str text)
{
	static const struct str tail = STR_INIT("\"}\n");
	char journal[8] = "", time[48];

	if (log_state.journal)
		snprintf(journal, sizeof(journal), "<%d>", levels[level].syslog);
	format_time(time);
	int n = snprintf(line, LOG_LINE,
			 "%s{\"time\":\"%s\",\"level\":\"%s\",\"process\":\"%s\","
			 "\"pid\":%d,\"text\":\"",
			 journal, time, levels[level].name, log_state.process,
			 (int)getpid());
	char *end = put_quoted(line + n, line + LOG_LINE - tail.n, text);

	memcpy(end, tail.p, tail.n);
	return (size_t)(end - line) + tail.n;
}

/* False when it cannot be written, at least not without waiting. */
static bool emit(enum log_level level, struct str text)
{
	char line[LOG_LINE];
	size_t n = log_state.format == LOG_FORMAT_JSON
			   ? format_json(line, level, text)
			   : format_text(line, level, text);

	if (log_state.is_socket)
		return send(log_state.fd, line, n, MSG_DONTWAIT | MSG_NOSIGNAL) !=
		       -1;
	return write(log_fd(), line, n) != -1;
}

static void emit_lost(void)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%ju lines of this log were lost",
			 (uintmax_t)log_state.lost);

	if (emit(LOG_LEVEL_WARN, (struct str){text, (size_t)n}))
		log_state.lost = 0;
}

static void write_line(enum log_level level, int error, const char *format,
		       va_list args)
{
	char text[LOG_TEXT];
	size_t n = 0;
	int more = vsnprintf(text, sizeof(text), format, args);

	if (more > 0)
		n += (size_t)more;
	if (error != 0 && n < sizeof(text))
		n += (size_t)snprintf(text + n, sizeof(text) - n, ": %s",
				      strerror(error));
	if (n >= sizeof(text)) {
		n = sizeof(text) - 1;
		memcpy(text + n - 3, "...", 3);
	}
	if (log_state.lost > 0)
		emit_lost();
	if (log_state.lost > 0 || !emit(level, (struct str){text, n}))
		log_state.lost++;
}

void log_line(enum log_level level, const char *format, ...)
{
	va_list args;
	int saved = errno;

	if (!log_wants(level))
		return;
	va_start(args, format);
	write_line(level, 0, format, args);
	va_end(args);
	errno = saved;
}

void log_errno(enum log_level level, const char *format, ...)
{
	va_list args;
	int saved = errno;

	if (!log_wants(level))
		return;
	va_start(args, format);
	write_line(level, saved, format, args);
	va_end(args);
	errno = saved;
}

void log_fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(LOG_LEVEL_ERROR, 0, format, args);
	va_end(args);
	abort();
}

/* What clients cause. */

static bool may_log_client(void)
{
	log_client_flush();
	if (clients.n < LOG_CLIENT_LINES) {
		if (clients.n++ == 0)
			clients.since = clock_read();
		return true;
	}
	clients.more++;
	return false;
}

void log_client(enum log_level level, const char *format, ...)
{
	va_list args;
	int saved = errno;

	if (!log_wants(level) || !may_log_client())
		return;
	va_start(args, format);
	write_line(level, 0, format, args);
	va_end(args);
	errno = saved;
}

void log_client_errno(enum log_level level, const char *format, ...)
{
	va_list args;
	int saved = errno;

	if (!log_wants(level) || !may_log_client())
		return;
	va_start(args, format);
	write_line(level, saved, format, args);
	va_end(args);
	errno = saved;
}

uint64_t log_client_due(void)
{
	return clients.more > 0 ? clients.since + NS_PER_S : 0;
}

void log_client_flush(void)
{
	if (clients.n == 0 || clock_read() - clients.since < NS_PER_S)
		return;
	log_client_end();
}

void log_client_end(void)
{
	uint64_t more = clients.more;

	clients.n = 0;
	clients.more = 0;
	if (more > 0)
		log_line(LOG_LEVEL_INFO,
			 "%ju more lines about clients were not logged",
			 (uintmax_t)more);
}
