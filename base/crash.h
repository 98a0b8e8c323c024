/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that dies of its own fault leaves its stack in the log: for
 * SIGSEGV, SIGBUS, SIGFPE, SIGILL, and SIGABRT, which is also how a process
 * that is stuck is asked for it. Then the signal does what it does. Any
 * process.
 */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

/* `what` is said in front of each line, "worker 3"; copied. */
void crash_install(const char *what);

#endif
