/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handlers that a route can name, each from the file conf_NAME.c beside
 * this one. worker/parts.c lists their code; t/unit/worker/parts.c holds the
 * two lists together. Any process; constant data.
 */
#ifndef CONF_SCHEMA_CONF_HANDLERS_H
#define CONF_SCHEMA_CONF_HANDLERS_H

#include "conf/schema/schema.h"

extern const struct schema_handler conf_static_handler;
extern const struct schema_handler conf_respond_handler;
extern const struct schema_handler conf_redirect_handler;
extern const struct schema_handler conf_rewrite_handler;
extern const struct schema_handler conf_module_handler;
extern const struct schema_handler conf_proxy_handler;

#endif
