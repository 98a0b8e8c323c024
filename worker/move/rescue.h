/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker that crashes gives its resting connections away: a crash costs the
 * requests in flight in that worker, no more. Runs in the handler of SIGSEGV,
 * SIGBUS, SIGFPE, SIGILL and SIGABRT (which the watchdog sends too), on the
 * handler's stack; see base/crash.h. SIGKILL cannot be handled; in a build with
 * AddressSanitizer only SIGABRT is, since the sanitizer handles the others.
 * Worker.
 */
#ifndef WORKER_MOVE_RESCUE_H
#define WORKER_MOVE_RESCUE_H

#include "worker/move/handoff.h"

/* Registers the connections of handoff->net, which is borrowed; NULL: none. To
 * be called by the thread that runs the loop. */
void rescue_set(struct handoff *handoff);

#endif
