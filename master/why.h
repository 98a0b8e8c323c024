/* SPDX-License-Identifier: BSD-2-Clause */
/* The size of the texts that say why something of the master failed: one line
 * without its newline, in a buffer of the caller's. */
#ifndef MASTER_WHY_H
#define MASTER_WHY_H

enum { WHY_SIZE = 480 };

#endif
