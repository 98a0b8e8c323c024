/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * holdfast/module.h - handlers of holdfast(8) as shared objects.
 *
 * A module is a shared object that exports one symbol, holdfast_module: a
 * table of functions that a worker calls. It calls back by the functions below,
 * which go through a table that the worker gives it: nothing has to be linked,
 * and a module that was compiled once goes on working with every later holdfast
 * of the same HOLDFAST_ABI. The smallest one is
 *
 *	#include <holdfast/module.h>
 *
 *	static void hello(struct holdfast_request *r)
 *	{
 *		holdfast_respond(r, 200, "text/plain", "Hello!\n", 7);
 *	}
 *
 *	HOLDFAST_MODULE = {
 *		HOLDFAST_MODULE_VERSION,
 *		.name = "hello",
 *		.request = hello,
 *	};
 *
 *	cc $(pkg-config --cflags holdfast) -shared -o hello.so hello.c \
 *		$(pkg-config --libs holdfast)
 *
 * and a route has it with: handler = "module"; module = "/path/of/hello.so";
 *
 * All functions of a module are called in the one thread of a worker, which
 * serves nobody else meanwhile: they must not block, sleep or wait. Who has to
 * wait returns, and answers later: from a timer, or from a thread of its own by
 * way of holdfast_post(), which is the one function here that another thread
 * may call. The master never runs a module, so what breaks in one costs a
 * worker, which is replaced; a reload takes the new file of a module.
 *
 * Texts end in NUL. What is got from a request lives as long as that request.
 * See holdfast-module(7).
 */
#ifndef HOLDFAST_MODULE_H
#define HOLDFAST_MODULE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Counted up when something that is here changes its meaning or place; what
 * is only added at an end does not count. */
#define HOLDFAST_ABI 1

/* A route of the configuration that a module answers, in one worker: opaque.
 * What the routes of a module share within a worker are the module's static
 * variables. */
struct holdfast_route;

/* A request and its response: opaque. Valid until ended() is called for it,
 * and in there. */
struct holdfast_request;

/* Results. */
enum {
	HOLDFAST_OK = 0,
	HOLDFAST_PAUSE = 1,  /* from body(): no more for now */
	HOLDFAST_FULL = 2,   /* from holdfast_write(): no more for now */
	HOLDFAST_ERROR = -1, /* nothing was done; where a module made a mistake,
			      * the log says which */
};

/* holdfast_module.flags */
enum {
	/* request() is called when the whole body is there: holdfast_body(). */
	HOLDFAST_WHOLE_BODY = 1,
	/* A client that has closed its own side, and may be gone or not, is
	 * still answered. Otherwise it is taken for gone while its request or
	 * the next piece of its response is waited for. */
	HOLDFAST_HALF_CLOSED = 2,
};

enum holdfast_level {
	HOLDFAST_LOG_ERROR, /* somebody has to act */
	HOLDFAST_LOG_WARN,  /* something is wrong, and we go on */
	HOLDFAST_LOG_INFO,  /* what happened; what clients do wrong, too */
	HOLDFAST_LOG_DEBUG,
};

/* The length of a response that nobody knows before its end. */
#define HOLDFAST_LENGTH_UNKNOWN UINT64_MAX

struct holdfast_api;

/* What a module exports. All functions but request() may be NULL. */
struct holdfast_module {
	uint32_t abi;      /* these first four by HOLDFAST_MODULE_VERSION */
	uint32_t size;     /* of this struct */
	uint32_t api_size; /* of struct holdfast_api */
	const struct holdfast_api **api;

	uint32_t flags;
	const char *name; /* in the log */

	/*
	 * A route is made: reads its options, and opens what only the master's
	 * user may (a worker has dropped nothing yet). It is called by
	 * `holdfast check`, too: it must not have effects that stay. An
	 * option that was not asked for by holdfast_option() is an error of the
	 * configuration. Returns 0; or anything else when the route cannot be
	 * answered, after holdfast_fail() with the reason.
	 */
	int (*load)(struct holdfast_route *route);

	/* The worker is about to serve, as the user it will be: starts
	 * threads and timers, connects. Results as of load(). */
	int (*start)(struct holdfast_route *route);

	/* The worker takes no new connections any more and ends when it has
	 * answered what it has, or after timeouts.drain, which cuts: finish
	 * streams without an end, and answer what is being held. */
	void (*leave)(struct holdfast_route *route);

	/* The worker ends; no request is left. Ends the threads: what they
	 * have posted is run after this. Only after start() returned 0. */
	void (*stop)(struct holdfast_route *route);

	/* Frees what load() made. Only after that returned 0. */
	void (*unload)(struct holdfast_route *route);

	/* The time of holdfast_route_timer() has passed. */
	void (*tick)(struct holdfast_route *route);

	/*
	 * The head of a request is there. Answers it by holdfast_respond(),
	 * holdfast_error() or holdfast_begin(), or returns and does that
	 * later: then the connection waits, without a limit of time.
	 */
	void (*request)(struct holdfast_request *r);

	/*
	 * A piece of the request's body, valid during the call, while it is
	 * not answered: what is left of the body then is dropped. Returns
	 * HOLDFAST_OK, or HOLDFAST_PAUSE: no more before holdfast_continue().
	 * NULL, and no HOLDFAST_WHOLE_BODY: bodies are dropped.
	 */
	int (*body)(struct holdfast_request *r, const void *piece, size_t size);

	/* That was all of the body, or there is none. With body() only, and
	 * not when it is answered already. */
	void (*body_end)(struct holdfast_request *r);

	/* There is room for pieces of the response: after holdfast_begin(),
	 * and when most of what was written has gone to the client. */
	void (*writable)(struct holdfast_request *r);

	/* The time of holdfast_timer() has passed. */
	void (*timer)(struct holdfast_request *r);

	/*
	 * The request is over; called once for each that request() was called
	 * for. `complete` is 0 when the client has gone, the worker was told to
	 * cut, or the module did not bring its response to an end: then
	 * whatever is under way for it is to be cancelled.
	 */
	void (*ended)(struct holdfast_request *r, int complete);
};

/* The functions of a worker; see below what they do. New ones come last. */
struct holdfast_api {
	const char *(*option)(struct holdfast_route *, const char *, size_t);
	void (*fail)(struct holdfast_route *, const char *, va_list);
	void (*set_route_data)(struct holdfast_route *, void *);
	void *(*route_data)(struct holdfast_route *);
	int (*route_timer)(struct holdfast_route *, uint64_t);
	int (*post)(struct holdfast_route *,
		    void (*)(struct holdfast_route *, void *), void *);
	void (*log)(struct holdfast_route *, int, const char *, va_list);

	struct holdfast_route *(*route)(struct holdfast_request *);
	void (*set_data)(struct holdfast_request *, void *);
	void *(*data)(struct holdfast_request *);
	void *(*alloc)(struct holdfast_request *, size_t);
	const char *(*method)(struct holdfast_request *);
	const char *(*path)(struct holdfast_request *);
	const char *(*rest)(struct holdfast_request *);
	const char *(*query)(struct holdfast_request *);
	const char *(*host)(struct holdfast_request *);
	const char *(*protocol)(struct holdfast_request *);
	const char *(*request_id)(struct holdfast_request *);
	const char *(*peer)(struct holdfast_request *, unsigned *);
	const char *(*field)(struct holdfast_request *, const char *);
	int (*field_at)(struct holdfast_request *, size_t, const char **,
			const char **);
	const char *(*query_value)(struct holdfast_request *, const char *,
				   size_t *);
	const char *(*form_value)(struct holdfast_request *, const char *,
				  size_t *);
	const void *(*body)(struct holdfast_request *, size_t *);
	void (*continue_body)(struct holdfast_request *);
	int (*timer)(struct holdfast_request *, uint64_t);

	int (*add_field)(struct holdfast_request *, const char *, const char *);
	int (*respond)(struct holdfast_request *, unsigned, const char *,
		       const void *, size_t);
	int (*error)(struct holdfast_request *, unsigned);
	int (*begin)(struct holdfast_request *, unsigned, const char *, uint64_t);
	int (*write)(struct holdfast_request *, const void *, size_t);
	int (*end)(struct holdfast_request *);
	void (*abort)(struct holdfast_request *);
};

#ifdef __GNUC__
#define HOLDFAST_EXPORT       __attribute__((visibility("default")))
#define HOLDFAST_HIDDEN       __attribute__((visibility("hidden")))
#define HOLDFAST_PRINTF(n, m) __attribute__((format(printf, n, m)))
#else
#define HOLDFAST_EXPORT
#define HOLDFAST_HIDDEN
#define HOLDFAST_PRINTF(n, m)
#endif

/* Set before any function of the module is called. */
extern HOLDFAST_HIDDEN const struct holdfast_api *holdfast_api;

extern HOLDFAST_EXPORT const struct holdfast_module holdfast_module;

/* The definition of both, in one file of a module. */
#define HOLDFAST_MODULE                          \
	const struct holdfast_api *holdfast_api; \
	const struct holdfast_module holdfast_module

/* The first members of it: what it was compiled for. */
#define HOLDFAST_MODULE_VERSION                                      \
	.abi = HOLDFAST_ABI, .size = sizeof(struct holdfast_module), \
	.api_size = sizeof(struct holdfast_api), .api = &holdfast_api

/*
 * Of a route.
 */

/* The i-th value, from 0, that the route's `options` give for that name; NULL
 * when there are not so many. In load() only. */
static inline const char *holdfast_option(struct holdfast_route *route,
					  const char *name, size_t i)
{
	return holdfast_api->option(route, name, i);
}

/* Why load() or start() fails; as printf(3). */
static inline void holdfast_fail(struct holdfast_route *route, const char *format,
				 ...) HOLDFAST_PRINTF(2, 3);
static inline void holdfast_fail(struct holdfast_route *route, const char *format,
				 ...)
{
	va_list args;

	va_start(args, format);
	holdfast_api->fail(route, format, args);
	va_end(args);
}

/* A pointer of the module's, NULL at first. */
static inline void holdfast_set_route_data(struct holdfast_route *route, void *data)
{
	holdfast_api->set_route_data(route, data);
}
static inline void *holdfast_route_data(struct holdfast_route *route)
{
	return holdfast_api->route_data(route);
}

/* tick() is called once, in `ms` milliseconds; replaces an earlier time; 0:
 * not at all. From start() on. */
static inline int holdfast_route_timer(struct holdfast_route *route, uint64_t ms)
{
	return holdfast_api->route_timer(route, ms);
}

/*
 * Has the worker call run(route, argument), soon, in its own thread. For other
 * threads, which must not call anything else here; from start() on, and until
 * stop() returns. In the order of the calls. A request that the argument names
 * may be over then: ended() has to see to that.
 */
static inline int holdfast_post(struct holdfast_route *route,
				void (*run)(struct holdfast_route *route,
					    void *argument),
				void *argument)
{
	return holdfast_api->post(route, run, argument);
}

/* A line of the error log, with the module's name before it; as printf(3).
 * Control characters become "?". */
static inline void holdfast_log(struct holdfast_route *route,
				enum holdfast_level level, const char *format, ...)
	HOLDFAST_PRINTF(3, 4);
static inline void holdfast_log(struct holdfast_route *route,
				enum holdfast_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	holdfast_api->log(route, (int)level, format, args);
	va_end(args);
}

/*
 * Of a request.
 */

static inline struct holdfast_route *holdfast_route(struct holdfast_request *r)
{
	return holdfast_api->route(r);
}

/* A pointer of the module's, NULL at first. */
static inline void holdfast_set_data(struct holdfast_request *r, void *data)
{
	holdfast_api->set_data(r, data);
}
static inline void *holdfast_data(struct holdfast_request *r)
{
	return holdfast_api->data(r);
}

/* Memory that is all zero, for any type, and gone with the request. Never
 * NULL. */
static inline void *holdfast_alloc(struct holdfast_request *r, size_t size)
{
	return holdfast_api->alloc(r, size);
}

/* "GET" */
static inline const char *holdfast_method(struct holdfast_request *r)
{
	return holdfast_api->method(r);
}

/* Decoded, without dot segments; it begins with "/". */
static inline const char *holdfast_path(struct holdfast_request *r)
{
	return holdfast_api->path(r);
}

/* What of the path follows the path of the route. */
static inline const char *holdfast_rest(struct holdfast_request *r)
{
	return holdfast_api->rest(r);
}

/* As it was sent, without the "?"; NULL when there is none. */
static inline const char *holdfast_query(struct holdfast_request *r)
{
	return holdfast_api->query(r);
}

/* In lower case, without the port; may be empty. */
static inline const char *holdfast_host(struct holdfast_request *r)
{
	return holdfast_api->host(r);
}

/* "HTTP/1.1" */
static inline const char *holdfast_protocol(struct holdfast_request *r)
{
	return holdfast_api->protocol(r);
}

/* What the logs call the request: its X-Request-Id, or one that was made. */
static inline const char *holdfast_request_id(struct holdfast_request *r)
{
	return holdfast_api->request_id(r);
}

/* The client's IP address, or "unix"; its port in *port_out unless NULL. */
static inline const char *holdfast_peer(struct holdfast_request *r,
					unsigned *port_out)
{
	return holdfast_api->peer(r, port_out);
}

/* The value of the first header field of that name, in whatever case; NULL
 * when there is none. */
static inline const char *holdfast_field(struct holdfast_request *r,
					 const char *name)
{
	return holdfast_api->field(r, name);
}

/* The i-th header field, from 0; HOLDFAST_ERROR when there are not so many. */
static inline int holdfast_field_at(struct holdfast_request *r, size_t i,
				    const char **name_out, const char **value_out)
{
	return holdfast_api->field_at(r, i, name_out, value_out);
}

/* The decoded value of that name in the query; NULL when there is none. It may
 * hold NUL bytes: its size is in *size_out unless that is NULL. */
static inline const char *holdfast_query_value(struct holdfast_request *r,
					       const char *name, size_t *size_out)
{
	return holdfast_api->query_value(r, name, size_out);
}

/* The same of a body that is a form, application/x-www-form-urlencoded or
 * multipart/form-data; with HOLDFAST_WHOLE_BODY. */
static inline const char *holdfast_form_value(struct holdfast_request *r,
					      const char *name, size_t *size_out)
{
	return holdfast_api->form_value(r, name, size_out);
}

/* The body, with HOLDFAST_WHOLE_BODY; without a NUL at its end. */
static inline const void *holdfast_body(struct holdfast_request *r,
					size_t *size_out)
{
	return holdfast_api->body(r, size_out);
}

/* After HOLDFAST_PAUSE: body() is called again. */
static inline void holdfast_continue(struct holdfast_request *r)
{
	holdfast_api->continue_body(r);
}

/* timer() is called once, in `ms` milliseconds, unless the request is over
 * before; replaces an earlier time; 0: not at all. */
static inline int holdfast_timer(struct holdfast_request *r, uint64_t ms)
{
	return holdfast_api->timer(r, ms);
}

/*
 * Of its response. ended() is never called from within these.
 */

/*
 * Adds a header field; before the answer. HOLDFAST_ERROR, and none is added,
 * when the name is not a token, the value has control characters, or the field
 * is the server's own: Connection, Content-Length, Date, Keep-Alive, Server,
 * TE, Trailer, Transfer-Encoding, Upgrade.
 */
static inline int holdfast_add_field(struct holdfast_request *r, const char *name,
				     const char *value)
{
	return holdfast_api->add_field(r, name, value);
}

/*
 * Answers with a status, 200 to 599, and content that is copied. `type` is its
 * Content-Type; NULL: none is said. To HEAD, and with 204, 205 and 304, the
 * content does not go out.
 */
static inline int holdfast_respond(struct holdfast_request *r, unsigned status,
				   const char *type, const void *content,
				   size_t size)
{
	return holdfast_api->respond(r, status, type, content, size);
}

/* Answers with the page that the server has for that status. */
static inline int holdfast_error(struct holdfast_request *r, unsigned status)
{
	return holdfast_api->error(r, status);
}

/*
 * Begins an answer whose content comes by holdfast_write(): `length` bytes, or
 * HOLDFAST_LENGTH_UNKNOWN until holdfast_end(). Any of the body that was not
 * read is dropped.
 */
static inline int holdfast_begin(struct holdfast_request *r, unsigned status,
				 const char *type, uint64_t length)
{
	return holdfast_api->begin(r, status, type, length);
}

/*
 * A piece of the content, which is copied. HOLDFAST_OK; or HOLDFAST_FULL: it
 * was taken, and is held with others that the client is slow to take: write no
 * more before writable() is called. More than the length that was announced is
 * HOLDFAST_ERROR; what of it is within the length was taken.
 */
static inline int holdfast_write(struct holdfast_request *r, const void *piece,
				 size_t size)
{
	return holdfast_api->write(r, piece, size);
}

/* That was all. Before the length that was announced it is holdfast_abort(),
 * and HOLDFAST_ERROR. */
static inline int holdfast_end(struct holdfast_request *r)
{
	return holdfast_api->end(r);
}

/* It cannot be answered: with 500 when it has not begun; later by cutting the
 * connection, so that the client does not take what it has for all of it. */
static inline void holdfast_abort(struct holdfast_request *r)
{
	holdfast_api->abort(r);
}

#ifdef __cplusplus
}
#endif

#endif
