/* SPDX-License-Identifier: BSD-2-Clause */
/* The files that are sent with errors, read when the worker starts. Worker. */
#ifndef WORKER_HTTP_POLICY_ERROR_PAGES_H
#define WORKER_HTTP_POLICY_ERROR_PAGES_H

#include "conf/conf.h"

struct error_page;
struct error_pages;
struct http;

/* In the arena of `http`; *pages_out is NULL if none are configured. As
 * policy_create(). */
int error_pages_create(struct http *http, const struct conf_error_pages *conf,
		       struct error_pages **pages_out, const char **why_out)
	__attribute__((warn_unused_result));

/* NULL when that status has none. */
const struct error_page *error_pages_find(const struct error_pages *pages,
					  unsigned status);

#endif
