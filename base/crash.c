/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This is the one place where code of ours runs in a signal handler. It calls
 * what signal-safety(7) allows, and backtrace(3), which is safe once it has
 * loaded its library: that is done beforehand.
 */
#include "base/crash.h"

#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum {
	CRASH_FRAMES = 64,
	CRASH_STACK = 64 * 1024, /* for the handler: ours may be used up */
};

/* Sanitizers have their own, better report of what is our fault. */
#if defined(__SANITIZE_ADDRESS__)
static const int caught[] = {SIGABRT};
#else
static const int caught[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
#endif
enum { CAUGHT = sizeof(caught) / sizeof(*caught) };

static char prefix[96];

static void put(const char *text)
{
	/* There is nobody to tell that the log cannot be written. */
	if (write(log_fd(), text, strlen(text)) == -1)
		return;
}

static void put_number(int number)
{
	char digits[12], *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do {
		*--p = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put(p);
}

static void on_fault(int number)
{
	void *frames[CRASH_FRAMES];
	int n = backtrace(frames, CRASH_FRAMES);

	put(prefix);
	put("signal ");
	put_number(number);
	put("; the stack is:\n");
	for (int i = 0; i < n; i++) {
		put(prefix);
		backtrace_symbols_fd(&frames[i], 1, log_fd());
	}
	/* SA_RESETHAND: this time it is the end. */
	raise(number);
}

void crash_install(const char *what)
{
	static char stack[CRASH_STACK];
	stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_handler = on_fault};
	void *frame;

	snprintf(prefix, sizeof(prefix), "error %s[%d]: ", what, (int)getpid());
	(void)backtrace(&frame, 1); /* loads what it needs */
	sigaltstack(&alternative, NULL);
	action.sa_flags = SA_ONSTACK | SA_NODEFER;
	action.sa_flags |= (int)SA_RESETHAND;
	for (int i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &action, NULL);
}
