/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes the stack of a process that crashes to the log: on SIGSEGV, SIGBUS,
 * SIGFPE, SIGILL, and SIGABRT, which the master also sends to ask a stuck
 * worker for its stack. Then the signal takes its usual effect. A process may
 * register a function that saves what can be saved before that. Any process.
 */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

#include <stdbool.h>

/* `what` stands at the beginning of each line, "worker 3"; copied. */
void crash_install(const char *what);

/*
 * The handler calls `save` first, in the thread that registers it; NULL: nothing
 * is called. It may call only what signal-safety(7) allows. When another thread
 * crashes, this one is interrupted to call it; if it cannot be within a second,
 * `save` is not called.
 */
void crash_set_saver(void (*save)(void));

/* For use in `save`: calls `run`; false if `run` crashed itself, wherever that
 * was. May be nested. */
bool crash_guard(void (*run)(void *context), void *context);

#endif
