/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of the listeners of a configuration. Master only. */
#ifndef CONF_LOAD_CHECK_LISTENERS_H
#define CONF_LOAD_CHECK_LISTENERS_H

#include "conf/load/check_context.h"

void check_listeners(struct check *c);

#endif
