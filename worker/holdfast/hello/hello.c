/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A module of holdfast to start from: copy this directory, and change it. A
 * route has it with
 *
 *	{ path = "/hello"; handler = "module"; module = "hello.so";
 *	  options = [ "greeting=Good morning" ]; }
 *
 * and then answers
 *
 *	/hello?name=Ada        Good morning, Ada! You are number 1.
 *	/hello/count?to=3      1, 2, 3: a line each second, until 60
 *	/hello, with a body    how many bytes it has
 */
#include <holdfast/module.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of each route: what its options say. */
struct hello {
	const char *greeting;
	unsigned long visitors; /* of this route in this worker */
};

/* Of each request that counts, or has a body. */
struct visit {
	unsigned now, to;
	unsigned long long bytes;
};

static int hello_load(struct holdfast_route *route)
{
	struct hello *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		holdfast_fail(route, "no memory");
		return HOLDFAST_ERROR;
	}
	h->greeting = holdfast_option(route, "greeting", 0);
	if (h->greeting == NULL)
		h->greeting = "Hello";
	holdfast_set_route_data(route, h);
	return HOLDFAST_OK;
}

static void hello_unload(struct holdfast_route *route)
{
	free(holdfast_route_data(route));
}

/* An answer at once, and whole. */
static void greet(struct holdfast_request *r)
{
	struct hello *h = holdfast_route_data(holdfast_route(r));
	const char *name = holdfast_query_value(r, "name", NULL);
	char text[256];

	snprintf(text, sizeof(text), "%s, %s! You are number %lu.\n", h->greeting,
		 name != NULL ? name : "world", ++h->visitors);
	holdfast_add_field(r, "Cache-Control", "no-store");
	holdfast_respond(r, 200, "text/plain; charset=utf-8", text, strlen(text));
}

/* An answer in pieces, as time goes by. */
static void count(struct holdfast_request *r)
{
	struct visit *v = holdfast_data(r);
	char line[32];

	snprintf(line, sizeof(line), "%u\n", ++v->now);
	holdfast_write(r, line, strlen(line));
	if (v->now >= v->to)
		holdfast_end(r);
	else
		holdfast_timer(r, 1000);
}

static void begin_count(struct holdfast_request *r)
{
	struct visit *v = holdfast_data(r);
	const char *to = holdfast_query_value(r, "to", NULL);
	long n = to != NULL ? strtol(to, NULL, 10) : 3;

	if (n < 1 || n > 60) {
		holdfast_error(r, 400);
		return;
	}
	v->to = (unsigned)n;
	holdfast_begin(r, 200, "text/plain", HOLDFAST_LENGTH_UNKNOWN);
	count(r);
}

static void hello_request(struct holdfast_request *r)
{
	holdfast_set_data(r, holdfast_alloc(r, sizeof(struct visit)));
	if (strcmp(holdfast_rest(r), "/count") == 0)
		begin_count(r);
	else if (strcmp(holdfast_rest(r), "") != 0)
		holdfast_error(r, 404);
	else if (strcmp(holdfast_method(r), "POST") != 0)
		greet(r);
	/* Else body() and body_end() are called, and that answers. */
}

static int hello_body(struct holdfast_request *r, const void *piece, size_t size)
{
	struct visit *v = holdfast_data(r);

	(void)piece;
	v->bytes += size;
	return HOLDFAST_OK;
}

static void hello_body_end(struct holdfast_request *r)
{
	struct visit *v = holdfast_data(r);
	char text[64];

	snprintf(text, sizeof(text), "%llu bytes\n", v->bytes);
	holdfast_respond(r, 200, "text/plain", text, strlen(text));
}

HOLDFAST_MODULE = {
	HOLDFAST_MODULE_VERSION,    .name = "hello",          .load = hello_load,
	.unload = hello_unload,     .request = hello_request, .body = hello_body,
	.body_end = hello_body_end, .timer = count,
};
