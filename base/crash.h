/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes the stack of a process that crashes to the log: on SIGSEGV, SIGBUS,
 * SIGFPE, SIGILL, and SIGABRT, which the master also sends to ask a stuck
 * worker for its stack. Then the signal takes its usual effect. Any process.
 */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

/* `what` stands at the beginning of each line, "worker 3"; copied. */
void crash_install(const char *what);

#endif
