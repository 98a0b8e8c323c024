/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of a whole configuration and of the system around it, beyond the types
 * of single settings. Settings that could not be read have their defaults or
 * are zero, and are skipped. Master only.
 */
#ifndef CONF_LOAD_CHECKS_H
#define CONF_LOAD_CHECKS_H

#include "conf/conf.h"
#include "conf/load/locations.h"

/* Also fills in the default of `control`, which depends on the system. Errors
 * without a line are about `main_file`. */
void conf_check(struct conf *conf, const char *main_file,
		struct locations *locations, struct conf_errors *errors);

/* The default path of the control socket; in `arena`. */
const char *conf_default_control(struct arena *arena);

#endif
