/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one setting cannot know: checks that look at a whole configuration and
 * at the system around it. Settings that could not be read are in it as their
 * defaults or as zero, and are passed over. Master only.
 */
#ifndef CONF_LOAD_CHECKS_H
#define CONF_LOAD_CHECKS_H

#include "conf/conf.h"
#include "conf/load/places.h"

/* Also fills in what only the system tells: the default of `control`.
 * Errors that have no line are about `main_file`. */
void conf_check(struct conf *conf, const char *main_file, struct places *places,
		struct conf_errors *errors);

/* Where the control socket is when the file does not say; in `arena`. */
const char *conf_default_control(struct arena *arena);

#endif
