/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For `holdfast check`: what is wrong with a certificate and its key that the
 * server would find out, or its clients. It reads the key, so it is not for a
 * process of the server.
 */
#ifndef WORKER_TLS_CERTIFICATE_CHECK_H
#define WORKER_TLS_CERTIFICATE_CHECK_H

#include "base/buf.h"
#include "conf/conf.h"

/* Adds each error as "FILE:LINE: text\n" to `said`, and returns their number. */
unsigned certificate_check(const struct conf *conf, struct buf *said);

#endif
