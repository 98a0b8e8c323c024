/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a request is answered with 4xx or 5xx. Whatever decides that says the
 * reason with failure_set(); when the answer is begun, failure_log() writes the
 * one line of the error log with it, the client and the request. An answer
 * that is somebody else's decision (a server's, a module's) has no reason, and
 * no line. Worker.
 */
#ifndef WORKER_HTTP_FAILURE_H
#define WORKER_HTTP_FAILURE_H

#include "base/str.h"

struct exchange;

/* Each has its level, and its own bound on lines in a second: see failure.c. */
enum failure_kind {
	FAILURE_MALFORMED,  /* it is no request that can be understood */
	FAILURE_TOO_LARGE,  /* it is over a limit on sizes */
	FAILURE_SLOW,       /* it came too slowly */
	FAILURE_MISSING,    /* nothing is there, or not for the method */
	FAILURE_CONDITION,  /* a condition or range of its own does not hold */
	FAILURE_DENIED,     /* it may not be answered */
	FAILURE_LOGIN,      /* without a name and password that are right */
	FAILURE_LIMITED,    /* over a rate or a number at a time */
	FAILURE_CONFIGURED, /* the configuration says that status */
	FAILURE_PERMISSION, /* the workers' user may not do what it takes */
	FAILURE_SYSTEM,     /* the system cannot */
	FAILURE_UPSTREAM,   /* no server answered */
	FAILURE_SETTINGS,   /* the configuration cannot answer it */
	FAILURE_MODULE,     /* a module gave up */
	FAILURE_CUT,        /* the response does not go out whole */
	FAILURE_KINDS
};

/* In the exchange's arena. */
struct failure {
	enum failure_kind kind;
	struct str reason; /* what was tried, and why it cannot be */
	struct str sent;   /* what came in place of a request */
};

/*
 * The reason of the error that answers the exchange, in place of an earlier
 * one; the first bytes of it, when it is long. What a client has sent is put
 * into it by failure_quote(). errno stays.
 */
void failure_set(struct exchange *x, enum failure_kind kind, const char *format,
		 ...) __attribute__((format(printf, 3, 4)));

/* The same, of what is not a request: `sent` is what came, or the beginning of
 * it; it may be empty, and go on after the request line. */
void failure_set_sent(struct exchange *x, enum failure_kind kind, struct str sent,
		      const char *why);

/* In quotes, escaped, cut; in the exchange's arena. */
const char *failure_quote(struct exchange *x, struct str text);
/* A path below a directory, in the same way, but without quotes where nothing in
 * it needs them. */
const char *failure_path(struct exchange *x, const char *directory,
			 struct str path);

/* What the status alone tells. */
enum failure_kind failure_kind_of(unsigned status);

/* The answer has the status of an error and is about to begin: writes its line. */
void failure_log(struct exchange *x);

/* A line in the same form, of what happened to an exchange without deciding its
 * status. */
void failure_note(struct exchange *x, enum failure_kind kind, const char *format,
		  ...) __attribute__((format(printf, 3, 4)));

#endif
