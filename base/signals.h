/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals as events: blocked, and read from a signalfd(2) in the loop, so
 * that no code of ours ever runs in a signal handler. Any process.
 */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <stddef.h>

#include "base/loop.h"

struct signals {
	struct watch watch;
	void (*on_signal)(struct signals *signals, int number);
};

/*
 * Blocks the `n` signals; first thing in main(), so that none is lost or
 * kills us before the loop runs. Ignores SIGPIPE and SIGXFSZ.
 */
void signals_block(const int *numbers, size_t n);

/*
 * Opens a signalfd for the `n` signals, blocks them and calls on_signal for
 * each. 0, or -1 with errno. Signals of one number that come close together
 * are one.
 */
int signals_open(struct signals *signals, struct loop *loop, const int *numbers,
		 size_t n) __attribute__((warn_unused_result));
void signals_close(struct signals *signals);

#endif
