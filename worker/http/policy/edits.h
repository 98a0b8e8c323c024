/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The changes that request_fields and response_fields ask for. A value comes
 * out on one line whatever it is made from, and one that comes out empty makes
 * no field. Worker.
 */
#ifndef WORKER_HTTP_POLICY_EDITS_H
#define WORKER_HTTP_POLICY_EDITS_H

#include "conf/conf.h"

struct exchange;

/* Gives x->request other fields, in its arena. */
void edits_change_request(const struct conf_fields *edits, struct exchange *x);

/* Gives x->response other fields, in place of the prepared ones too. */
void edits_change_response(const struct conf_fields *edits, struct exchange *x);

#endif
