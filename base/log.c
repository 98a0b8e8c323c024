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
	LOG_HEAD = 160,        /* what stands before the text of a line */
	LOG_CLIENT_LINES = 20, /* a second of each kind, that clients may cause */
	LOG_MEMBER_MIN = 32,   /* bytes besides its name; less is no use */
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

/* Lines that clients cause, of no kind; and all kinds that there were. */
static struct log_kind clients = {.about = "clients", .level = LOG_LEVEL_INFO};
static struct log_kind *kinds;

/* A line, as it is before it is text or JSON. */
struct event {
	enum log_level level;
	struct str text;
	const struct log_member *members;
	size_t n;
};

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

static char *copy_octet(char *to, struct str octet)
{
	*to++ = octet.p[0];
	return to;
}

/* Puts as much of the text as fits before `end`, octet by octet. */
static char *put_cut(char *to, const char *end, struct str text,
		     char *(*put_octet)(char *to, struct str octet))
{
	char one[QUOTE_JSON_GROWTH];

	for (size_t i = 0; i < text.n; i++) {
		size_t n =
			(size_t)(put_octet(one, (struct str){text.p + i, 1}) - one);

		if (n + 3 > (size_t)(end - to))
			return (char *)memcpy(to, "...", 3) + 3;
		memcpy(to, one, n);
		to += n;
	}
	return to;
}

/* The text with its members, in `room`, which may be full. */
static struct str join_members(const struct event *e, char room[LOG_LINE])
{
	char *to = room, *end = room + LOG_LINE - LOG_HEAD;

	if (e->n == 0)
		return e->text;
	to = put_cut(to, end, e->text, copy_octet);
	for (size_t i = 0; i < e->n; i++) {
		const struct log_member *m = &e->members[i];
		bool quotes = m->form == LOG_MEMBER_QUOTED;

		if (m->value.n == 0 || m->place == LOG_MEMBER_JSON ||
		    strlen(m->name) + LOG_MEMBER_MIN > (size_t)(end - to))
			continue;
		to += sprintf(to, ", %s: %s", m->name, quotes ? "\"" : "");
		to = put_cut(to, end - 1, m->value,
			     quotes ? quote_log : copy_octet);
		if (quotes)
			*to++ = '"';
	}
	return (struct str){room, (size_t)(to - room)};
}

static size_t format_text(char line[LOG_LINE], const struct event *e)
{
	char room[LOG_LINE];
	struct str text = join_members(e, room);
	enum log_level level = e->level;
	size_t max = (e->n > 0 ? LOG_LINE : LOG_TEXT) - 1; /* for the newline */
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

static char *put_json_members(const struct event *e, char *to, const char *end)
{
	for (size_t i = 0; i < e->n; i++) {
		const struct log_member *m = &e->members[i];
		const char *quote = m->form == LOG_MEMBER_NUMBER ? "" : "\"";

		if (m->value.n == 0 || m->place == LOG_MEMBER_TEXT ||
		    strlen(m->name) + LOG_MEMBER_MIN > (size_t)(end - to))
			continue;
		to += sprintf(to, ",\"%s\":%s", m->name, quote);
		to = put_cut(to, end - 1, m->value, quote_json);
		to += sprintf(to, "%s", quote);
	}
	return to;
}

static size_t format_json(char line[LOG_LINE], const struct event *e)
{
	static const struct str tail = STR_INIT("}\n");
	char journal[8] = "", time[48];
	const char *end = line + LOG_LINE - tail.n;

	if (log_state.journal)
		snprintf(journal, sizeof(journal), "<%d>", levels[e->level].syslog);
	format_time(time);
	int n = snprintf(line, LOG_LINE,
			 "%s{\"time\":\"%s\",\"level\":\"%s\",\"process\":\"%s\","
			 "\"pid\":%d,\"text\":\"",
			 journal, time, levels[e->level].name, log_state.process,
			 (int)getpid());
	char *to = put_cut(line + n, end - 1, e->text, quote_json);

	*to++ = '"';
	to = put_json_members(e, to, end);
	memcpy(to, tail.p, tail.n);
	return (size_t)(to - line) + tail.n;
}

/* False when it cannot be written, at least not without waiting. */
static bool emit(const struct event *e)
{
	char line[LOG_LINE];
	size_t n = log_state.format == LOG_FORMAT_JSON ? format_json(line, e)
						       : format_text(line, e);

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

	if (emit(&(struct event){.level = LOG_LEVEL_WARN,
				 .text = {text, (size_t)n}}))
		log_state.lost = 0;
}

static void write_event(const struct event *e)
{
	if (log_state.lost > 0)
		emit_lost();
	if (log_state.lost > 0 || !emit(e))
		log_state.lost++;
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
	write_event(&(struct event){.level = level, .text = {text, n}});
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

static void flush_kind(struct log_kind *kind)
{
	uint64_t more = kind->more;

	kind->n = 0;
	kind->more = 0;
	if (more > 0)
		log_line(kind->level, "%ju more lines about %s were not logged",
			 (uintmax_t)more, kind->about);
}

static void link_kind(struct log_kind *kind)
{
	kind->next = kinds;
	kinds = kind;
	kind->is_linked = true;
}

static bool admit(struct log_kind *kind)
{
	log_client_flush();
	if (!kind->is_linked)
		link_kind(kind);
	if (kind->n < LOG_CLIENT_LINES) {
		if (kind->n++ == 0)
			kind->since = clock_read();
		return true;
	}
	kind->more++;
	return false;
}

bool log_kind_may(struct log_kind *kind)
{
	return log_wants(kind->level) && admit(kind);
}

void log_client(enum log_level level, const char *format, ...)
{
	va_list args;
	int saved = errno;

	if (!log_wants(level) || !admit(&clients))
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

	if (!log_wants(level) || !admit(&clients))
		return;
	va_start(args, format);
	write_line(level, saved, format, args);
	va_end(args);
	errno = saved;
}

void log_event(const struct log_kind *kind, struct str text,
	       const struct log_member *members, size_t n)
{
	int saved = errno;

	write_event(&(struct event){
		.level = kind->level, .text = text, .members = members, .n = n});
	errno = saved;
}

uint64_t log_client_due(void)
{
	uint64_t due = 0;

	for (const struct log_kind *k = kinds; k != NULL; k = k->next)
		if (k->more > 0 && (due == 0 || k->since + NS_PER_S < due))
			due = k->since + NS_PER_S;
	return due;
}

void log_client_flush(void)
{
	uint64_t now = 0;

	for (struct log_kind *k = kinds; k != NULL; k = k->next) {
		if (k->n == 0)
			continue;
		if (now == 0)
			now = clock_read();
		if (now - k->since >= NS_PER_S)
			flush_kind(k);
	}
}

void log_client_end(void)
{
	for (struct log_kind *k = kinds; k != NULL; k = k->next)
		flush_kind(k);
}
