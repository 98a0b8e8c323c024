/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers for a directory by a page that lists it. The directory is read and
 * the page is made in a thread beside the loop, for as many entries as there
 * are up to LISTING_MAX; a page shows LISTING_PAGE of them. Worker.
 */
#ifndef WORKER_HANDLER_STATIC_LISTING_H
#define WORKER_HANDLER_STATIC_LISTING_H

#include <stdbool.h>

#include "base/loop.h"
#include "base/str.h"
#include "worker/handler/static/file_cache.h"
#include "worker/http/exchange.h"

/* Starts and stops what all the roots of the worker share; as many times as
 * there are roots that list. The first that is closed stops it for all. */
void listing_open(struct loop *loop);
/* False when a directory of any of them is still being read, and all that is
 * needed for that has to stay. */
bool listing_close(void);

/* Answers, in a later tick, for the directory `path` of `files`, which is
 * there until listing_close() is true. */
void listing_answer(struct exchange *x, const struct file_cache *files,
		    struct str path);

#endif
