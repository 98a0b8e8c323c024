/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Collects the errors of a configuration: the half of struct conf_errors that
 * only conf/ uses. Texts are copied, so that they outlive the configuration.
 * Master only.
 */
#ifndef CONF_LOAD_ERRORS_H
#define CONF_LOAD_ERRORS_H

#include "conf/conf.h"

/* Control characters in the text, which can come from the file, become "?":
 * an error is one line. `line` is 0 when the whole file is meant. */
void conf_errors_add(struct conf_errors *errors, const char *file, int line,
		     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Sorts by file, in the order of `files`, then by line; a file that is not
 * one of them comes last. Errors of one line stay as they are. */
void conf_errors_sort(struct conf_errors *errors, const char *const *files,
		      size_t n_files);

#endif
