/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of conf_tls.c. */
#ifndef CONF_SCHEMA_CONF_TLS_H
#define CONF_SCHEMA_CONF_TLS_H

#include "conf/schema/schema.h"

extern const struct schema_group schema_tls;
extern const struct schema_group schema_listener_tls;

#endif
