/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tells a request from all others, in every log that it leaves a line in:
 * the one that came in its X-Request-Id, or a new one. Found out when somebody
 * asks for it, and then the same until the exchange is over. Worker.
 */
#ifndef WORKER_HTTP_REQUEST_ID_H
#define WORKER_HTTP_REQUEST_ID_H

#include "base/str.h"

struct exchange;

/*
 * An id that came is taken when it is 1 to 128 of the characters
 * A-Z a-z 0-9 . _ ~ + / = -, and comes once; a new one is 128 random bits in
 * hexadecimal digits. Lives as long as the exchange.
 */
struct str request_id(struct exchange *x);

#endif
