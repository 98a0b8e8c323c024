/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The id of a request, in every log that mentions it: the one in its
 * X-Request-Id, or a new one. It is found when it is first needed, and stays
 * the same until the exchange is over. Worker.
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
