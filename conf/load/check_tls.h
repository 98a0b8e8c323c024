/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of the settings of TLS, which become what workers use: listeners get
 * what they have of the group at the top, and directories become the
 * certificates in them. Master only.
 */
#ifndef CONF_LOAD_CHECK_TLS_H
#define CONF_LOAD_CHECK_TLS_H

#include "conf/load/check_context.h"

void check_tls(struct check *c);

#endif
