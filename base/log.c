/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LINE = 2048 }; /* a longer line is cut and ends in "..." */

static struct {
	int fd;
	enum log_level level;
	bool journal; /* stderr goes to the systemd journal */
	char process[64];
} log_state = {.fd = STDERR_FILENO, .level = LOG_LEVEL_INFO};

static const struct {
	const char *name;
	int syslog; /* the number that sd-daemon(3) wants, from syslog(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = {"error", 3},
	[LOG_LEVEL_WARN] = {"warn", 4},
	[LOG_LEVEL_INFO] = {"info", 6},
	[LOG_LEVEL_DEBUG] = {"debug", 7},
};

const char *log_level_name(enum log_level level)
{
	return levels[level].name;
}

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

void log_set_process(const char *name)
{
	snprintf(log_state.process, sizeof(log_state.process), "%s", name);
	log_state.journal = log_state.fd == STDERR_FILENO && stderr_is_journal();
}

void log_set_level(enum log_level level)
{
	log_state.level = level;
}

bool log_wants(enum log_level level)
{
	return level <= log_state.level;
}

void log_set_fd(int fd)
{
	if (log_state.fd != STDERR_FILENO && log_state.fd != fd)
		close(log_state.fd);
	log_state.fd = fd;
	log_state.journal = fd == STDERR_FILENO && stderr_is_journal();
}

int log_fd(void)
{
	return log_state.fd;
}

static size_t put_prefix(char *line, size_t size, enum log_level level)
{
	int n;

	if (log_state.journal) {
		n = snprintf(line, size, "<%d>%s[%d]: ", levels[level].syslog,
			     log_state.process, (int)getpid());
	} else {
		struct timespec now;
		struct tm tm;
		char stamp[32];

		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &tm);
		strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
		n = snprintf(line, size, "%s.%03ldZ %s %s[%d]: ", stamp,
			     now.tv_nsec / 1000000, levels[level].name,
			     log_state.process, (int)getpid());
	}
	return (size_t)n;
}

/* What comes from outside must not be able to forge a line of ours. */
static void defuse(char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = '?';
}

static void write_line(enum log_level level, int error, const char *format,
		       va_list args)
{
	char line[LOG_LINE];
	size_t room = sizeof(line) - 1; /* for the newline */
	size_t start = put_prefix(line, room, level), n = start;
	int more = vsnprintf(line + n, room - n, format, args);

	if (more > 0)
		n += (size_t)more;
	if (error != 0 && n < room) {
		more = snprintf(line + n, room - n, ": %s", strerror(error));
		n += (size_t)more;
	}
	if (n >= room) {
		n = room - 1;
		memcpy(line + n - 3, "...", 3);
	}
	defuse(line + start, n - start);
	line[n++] = '\n';
	/* A log that cannot be written has nobody to be reported to. */
	if (write(log_state.fd, line, n) == -1)
		return;
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
