/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A module for the tests that answers with ANSWER, and modules that cannot be
 * loaded, each in a way of its own: -DFAULT_...
 */
#define _DEFAULT_SOURCE
#ifdef FAULT_SYMBOL
#define holdfast_module other_name
#endif

#include <holdfast/module.h>

#include <stdlib.h>
#include <unistd.h>

#ifndef ANSWER
#define ANSWER "good\n"
#endif

#ifdef FAULT_UNRESOLVED
void nobody_has_this(void);
#endif

#ifndef FAULT_REQUEST
static void broken_request(struct holdfast_request *r)
{
#ifdef FAULT_UNRESOLVED
	nobody_has_this();
#endif
	holdfast_respond(r, 200, "text/plain", ANSWER, sizeof(ANSWER) - 1);
}
#endif

#ifdef FAULT_POST
static void broken_run(struct holdfast_route *route, void *argument)
{
	holdfast_log(route, HOLDFAST_LOG_INFO, "runs %s", (char *)argument);
}
#endif

static int broken_load(struct holdfast_route *route)
{
	(void)holdfast_option(route, "known", 0);
#if defined(FAULT_POST)
	if (holdfast_post(route, broken_run, "early") != HOLDFAST_ERROR)
		abort();
#endif
#if defined(FAULT_FAILS)
	holdfast_fail(route, "no %s today", "luck");
	return HOLDFAST_ERROR;
#elif defined(FAULT_SILENT)
	return HOLDFAST_ERROR;
#elif defined(FAULT_CRASHES)
	abort();
#elif defined(FAULT_EXITS)
	_exit(0);
#elif defined(FAULT_HANGS)
	for (;;)
		pause();
#endif
	return HOLDFAST_OK;
}

static int broken_start(struct holdfast_route *route)
{
#ifdef FAULT_POST
	if (holdfast_post(route, broken_run, "now") != HOLDFAST_OK)
		abort();
#endif
#ifdef FAULT_START
	holdfast_fail(route, "not as user %d", (int)getuid());
	return HOLDFAST_ERROR;
#endif
	(void)route;
	return HOLDFAST_OK;
}

#ifdef FAULT_BODY
static int broken_body(struct holdfast_request *r, const void *piece, size_t size)
{
	(void)r;
	(void)piece;
	(void)size;
	return HOLDFAST_OK;
}
#endif

HOLDFAST_MODULE = {
#if defined(FAULT_HEAD)
	.abi = HOLDFAST_ABI,
#elif defined(FAULT_ABI)
	.abi = HOLDFAST_ABI + 1,
#elif defined(FAULT_LATER)
	.abi = HOLDFAST_ABI,
	.size = sizeof(struct holdfast_module) + 8,
	.api_size = sizeof(struct holdfast_api),
	.api = &holdfast_api,
#elif defined(FAULT_LATER_API)
	.abi = HOLDFAST_ABI,
	.size = sizeof(struct holdfast_module),
	.api_size = sizeof(struct holdfast_api) + 8,
	.api = &holdfast_api,
#else
	HOLDFAST_MODULE_VERSION,
#endif
#ifdef FAULT_FLAGS
	.flags = 1u << 30,
#endif
#ifdef FAULT_BODY
	.flags = HOLDFAST_WHOLE_BODY,
	.body = broken_body,
#endif
#ifndef FAULT_NAME
	.name = "broken",
#endif
#ifndef FAULT_REQUEST
	.request = broken_request,
#endif
	.load = broken_load,
	.start = broken_start,
};
