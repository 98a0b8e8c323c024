/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The error log: one line, one write(2), from any process.
 *
 *   2026-11-20T16:00:00.123Z info master[812]: generation 2 serves
 *   {"time":"2026-11-20T16:00:00.123Z","level":"info","process":"master",
 *    "pid":812,"text":"generation 2 serves"}   (on one line)
 *
 * A write never waits, whether it is to a pipe that nobody reads, a terminal
 * that is stopped, or a socket: the line is lost, and their number is told
 * before the next one that is not.
 *
 * To the systemd journal (stderr is the socket that JOURNAL_STREAM names) the
 * time is left out and the level is said as sd-daemon(3) asks, "<6>". The log
 * is state of the process, and the one such state that everything shares.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum log_level {
	LOG_LEVEL_ERROR, /* an operator has to act */
	LOG_LEVEL_WARN,  /* something is wrong, and we go on */
	LOG_LEVEL_INFO,  /* what happened */
	LOG_LEVEL_DEBUG, /* how it happened */
};

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

void log_set_format(enum log_format format);
enum log_format log_format(void);
/* True when lines go to the systemd journal, which has its own time. */
bool log_is_journal(void);

/* The name of the process: "master", "worker 3". Copied. */
void log_set_process(const char *name);

/* Set by log_set_level() only. */
extern enum log_level log_level_now;

void log_set_level(enum log_level level);
static inline bool log_wants(enum log_level level)
{
	return level <= log_level_now;
}

/*
 * Lines go to `fd` from now on; the log owns it unless it is 2 (stderr, which
 * is where they go at first).
 */
void log_set_fd(int fd);

/* The descriptor that is written to: that one, or the same file opened again.
 * */
int log_fd(void);

/* Both of them, for a process that closes all descriptors but those it knows;
 * -1 for none. */
enum { LOG_FDS = 2 };
void log_fds(int fds_out[LOG_FDS]);

void log_line(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                          \
	do {                                                    \
		if (log_wants(LOG_LEVEL_DEBUG))                 \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

/* As log_line(), with ": " and strerror(errno) at the end. */
void log_errno(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * As log_line() and log_errno(), for events that clients can cause as often as
 * they like. Of more than 20 such lines in a second, log_client_flush() logs
 * only the number when the second is over, or log_client_end().
 */
void log_client(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void log_client_errno(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Of every kind of such events. */
void log_client_flush(void);
/* When there will be such a number to log (CLOCK_MONOTONIC ns); 0: never. */
uint64_t log_client_due(void);
void log_client_end(void);

/* Events that are bounded and counted apart from others, so that many of one
 * kind leave room for those of another. Static; the log links them. */
struct log_kind {
	const char *about;    /* "N more lines about ABOUT were not logged" */
	enum log_level level; /* of its lines, and of the one about their number */
	uint64_t since;       /* CLOCK_MONOTONIC ns */
	unsigned n;           /* logged since then */
	uint64_t more;        /* not logged */
	struct log_kind *next;
	bool is_linked;
};

/* What a line says besides its text, by name: ", name: value" in a line of
 * text, a member in JSON. */
struct log_member {
	const char *name;
	struct str value; /* of any bytes; it is cut where the line is full */
	enum log_member_form {
		LOG_MEMBER_WORD,   /* in text as it is, of printable bytes */
		LOG_MEMBER_QUOTED, /* in text in quotes, escaped */
		LOG_MEMBER_NUMBER, /* no quotes in JSON, either */
	} form;
	enum log_member_place {
		LOG_MEMBER_BOTH,
		LOG_MEMBER_TEXT, /* only in a line of text, */
		LOG_MEMBER_JSON, /* only in one of JSON */
	} place;
};

/* Whether a line of that kind is to be written now: it is, at the cost of one
 * that may, or counted as one that was not. */
bool log_kind_may(struct log_kind *kind) __attribute__((warn_unused_result));

/* Writes one, after log_kind_may(). Members without a value are left out. */
void log_event(const struct log_kind *kind, struct str text,
	       const struct log_member *members, size_t n);

/* An error line, then abort(): an invariant of ours does not hold. */
void log_fatal(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* Always on; for our own invariants, never for bytes from a peer. */
#define ASSERT(condition)                                                  \
	do {                                                               \
		if (__builtin_expect(!(condition), 0))                     \
			log_fatal("%s:%d: assertion failed: %s", __FILE__, \
				  __LINE__, #condition);                   \
	} while (0)

#endif
