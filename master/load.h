/* SPDX-License-Identifier: BSD-2-Clause */
/* Loading a configuration for somebody at a terminal. Master. */
#ifndef MASTER_LOAD_H
#define MASTER_LOAD_H

#include "base/buf.h"
#include "conf/conf.h"

/* As conf_load(); everything that is wrong is said on standard error, and put
 * into *said_out, which is the caller's to release. */
struct conf *load_aloud(const char *file, struct buf *said_out)
	__attribute__((warn_unused_result));

#endif
