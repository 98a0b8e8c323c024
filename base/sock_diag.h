/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only the kernel knows of TCP connections, by sock_diag(7). Asking takes
 * some 0.03 ms, and never waits. Any process.
 */
#ifndef BASE_SOCK_DIAG_H
#define BASE_SOCK_DIAG_H

#include <stdint.h>

/*
 * Whether a connection to this port of ours is half open: its handshake is not
 * done, or it is held back by TCP_DEFER_ACCEPT. 1, 0, or -1 with errno when the
 * kernel does not tell.
 */
int sock_diag_has_half_open(uint16_t port);

#endif
