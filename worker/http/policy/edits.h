/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The changes of request_fields and response_fields. A value is put on one line
 * whatever it is made from, and an empty value makes no field. Worker.
 */
#ifndef WORKER_HTTP_POLICY_EDITS_H
#define WORKER_HTTP_POLICY_EDITS_H

#include "conf/conf.h"

struct exchange;

/* Changes the fields of x->request, in its arena. */
void edits_change_request(const struct conf_fields *edits, struct exchange *x);

/* Changes the fields of x->response, the prepared ones too. */
void edits_change_response(const struct conf_fields *edits, struct exchange *x);

#endif
