/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration as the program uses it: plain data, complete with
 * defaults, checked, and never changed after conf_load(). The master loads
 * it; a worker has it by fork. Everything in it lives in its arena.
 *
 * Sizes are bytes, durations are milliseconds. Where a setting is kept its
 * comment is only what its name and holdfast.conf(5) do not say.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"
#include "conf/condition.h"
#include "conf/template.h"

/* A list of strings, as from `hosts = [ "a", "b" ]`. */
struct conf_strings {
	struct str *items;
	size_t n;
};

/* A list of networks, as from `allow = [ "192.0.2.0/24" ]`. */
struct conf_networks {
	struct network *items;
	size_t n;
};

/* Where in the file a group was, for messages that come later. */
struct conf_origin {
	const char *where; /* "sites[0].routes[2]" */
	const char *file;
	int line;
};

/* The largest limit on requests at a time; base/shared/quota counts as far. */
enum { CONF_CONCURRENT_MAX = 65535 };

struct conf_control {
	const char *path;
	int mode;          /* of the socket's file, e.g. 0600 */
	const char *group; /* of the socket's file; "" for the master's own */
};

enum conf_log_format {
	CONF_LOG_INHERITED = -1, /* log.format; only while it is loaded */
	CONF_LOG_COMBINED,
	CONF_LOG_JSON,
	CONF_LOG_TEMPLATE,
};

/* How the values in a line from a template are escaped: as \xHH, or for strings
 * of JSON. */
enum conf_log_escape { CONF_LOG_ESCAPE_NONE, CONF_LOG_ESCAPE_JSON };

/* Different targets of access logs: each costs each worker a thread. */
enum { CONF_LOG_TARGETS_MAX = 64 };

struct conf_access_log {
	const char *to; /* a word, an absolute path, or "syslog:..." */
	bool is_off;
	size_t target;        /* which of conf->log_targets, unless it is off */
	int format;           /* enum conf_log_format */
	struct template line; /* CONF_LOG_TEMPLATE */
	int escape;           /* enum conf_log_escape */
	struct conf_conditions when;
};
struct conf_access_logs {
	struct conf_access_log *items;
	size_t n;
};

struct conf_log {
	const char *error;    /* "stderr" or an absolute path */
	int level;            /* enum log_level */
	int error_format;     /* enum log_format */
	int format;           /* enum conf_log_format */
	struct template line; /* CONF_LOG_TEMPLATE */
	struct conf_access_logs access;
};

/* Of a site or route. */
struct conf_common_log {
	struct conf_access_logs access;
};

struct conf_limits {
	uint64_t connections;             /* per worker */
	uint64_t connections_per_address; /* per worker; 0: no limit */
	uint64_t line;                    /* bytes of a request line */
	uint64_t header;                  /* bytes of a request head */
	uint64_t headers;                 /* fields of a request head */
	uint64_t body;
	uint64_t form_fields; /* of one form */
	uint64_t ranges;      /* of one request */
	uint64_t body_memory; /* bytes of a body that stay in memory */
	uint64_t temp;        /* bytes of all files of bodies; 0: any */
	uint64_t rate;        /* bytes a second; 0: any */
	uint64_t move_file;   /* bytes of content stored to move */
};

struct conf_timeouts {
	uint64_t header;
	uint64_t body;
	uint64_t send;
	uint64_t keepalive;
	uint64_t drain;
	uint64_t watchdog;
	uint64_t linger;
};

/* The servers whose word about the origin of a request is trusted. */
struct conf_real_ip {
	struct conf_networks from;
	const char *field; /* of the request */
};

/* Of a listener with protocol stream: the upstream of some names of TLS. */
struct conf_by_name {
	struct conf_strings hosts; /* as of sites */
	const char *upstream;
	size_t upstream_place; /* in conf->upstreams */
	struct conf_origin origin;
};

/* Whether a site or route is served without TLS. */
enum conf_https { CONF_HTTPS_ANY, CONF_HTTPS_REDIRECT };

/* What a listener speaks. */
enum conf_tls_on {
	CONF_TLS_OFF,
	CONF_TLS_ON,
	CONF_TLS_ALSO, /* and what is no TLS, told apart by its first byte */
};

/* A set of these. */
enum conf_tls_version { CONF_TLS_1_2 = 1, CONF_TLS_1_3 = 2 };

enum conf_tls_profile { CONF_TLS_INTERMEDIATE, CONF_TLS_MODERN };

enum conf_unknown_name { CONF_UNKNOWN_NAME_DEFAULT, CONF_UNKNOWN_NAME_REFUSE };

enum conf_client_verify {
	CONF_CLIENT_NONE,
	CONF_CLIENT_OPTIONAL,
	CONF_CLIENT_REQUIRED,
};

/* Paths are absolute, and "" for none. After the checks none is a directory. */
struct conf_certificate {
	const char *chain;
	const char *key;
	const char *ocsp;
	const char *directory;
	struct conf_origin origin;
};

struct conf_tls_client {
	const char *ca;
	int verify; /* enum conf_client_verify */
	const char *crl;
};

/* What a listener does not give itself it has from the group at the top. */
struct conf_tls {
	int on; /* enum conf_tls_on; of a listener */
	struct conf_certificate *certificates;
	size_t n_certificates;
	unsigned versions; /* set of enum conf_tls_version */
	struct conf_strings ciphers;
	struct conf_strings curves;
	int profile;      /* enum conf_tls_profile */
	int unknown_name; /* enum conf_unknown_name */
	struct conf_tls_client client;
	struct conf_origin origin;
};

struct conf_listener {
	const char *name; /* for metrics: `text`, where it is not given */
	const char *text; /* canonical, from addr_format(): the key */
	struct addr addr;
	const char *protocol; /* "http", "stream" or "echo" */
	uint64_t backlog;
	int mode;          /* of a Unix socket's file, e.g. 0660 */
	const char *owner; /* of that file, "" for the master's user */
	const char *group; /* and "" for the master's group */
	/* From these each connection begins with a header of the PROXY
	 * protocol. */
	struct conf_networks proxy_protocol;
	/* Of protocol stream: one or the other. */
	const char *upstream;  /* ""; and of a listener that is gone NULL */
	size_t upstream_place; /* in conf->upstreams */
	struct conf_by_name *by_name;
	size_t n_by_name;
	uint64_t idle_timeout; /* 0: none */
	struct conf_tls *tls;  /* NULL: it has none */
	struct conf_origin origin;
};

/* Methods of HTTP that routes can name; a set is an OR of 1u << METHOD_X. */
enum conf_method {
	METHOD_GET,
	METHOD_HEAD,
	METHOD_POST,
	METHOD_PUT,
	METHOD_DELETE,
	METHOD_OPTIONS,
	METHOD_PATCH,
	METHOD_TRACE,
	METHOD_CONNECT,
	METHOD_COUNT
};
extern const struct str conf_method_names[METHOD_COUNT];
#define CONF_METHOD(name) (1u << METHOD_##name)
#define CONF_METHODS_ALL  ((1u << METHOD_COUNT) - 1)

/* The methods that a handler takes when its route names none; 0 for a name
 * that is not a handler's. */
unsigned conf_handler_methods(const char *handler);

enum conf_match { CONF_MATCH_PREFIX, CONF_MATCH_EXACT, CONF_MATCH_REGEX };

/* "Name: value", "+Name: value" or "-Name", of a request or a response. */
struct conf_field_edit {
	enum conf_field_edit_kind {
		CONF_FIELD_SET, /* replaces existing ones */
		CONF_FIELD_ADD,
		CONF_FIELD_REMOVE,
	} kind;
	struct str name;
	struct template value;
	struct str source; /* as written */
};
struct conf_fields {
	struct conf_field_edit *items;
	size_t n;
};

/* "FROM TO": values that begin with `from`, or are it. */
struct conf_replacement {
	struct str from;
	struct template to;
	struct str source; /* as written */
};
struct conf_replacements {
	struct conf_replacement *items;
	size_t n;
};

/* "10/s" */
struct conf_rate {
	uint64_t n;      /* 0: no limit */
	uint64_t period; /* ms */
};

enum {
	CONF_ERROR_MIN = 400,
	CONF_ERROR_MAX = 599,
	CONF_ERROR_PAGE_MAX = 1 << 20, /* bytes of a page; workers keep it */
};

/* "404,500-504 errors/page.html" */
struct conf_error_page {
	bool statuses[CONF_ERROR_MAX - CONF_ERROR_MIN + 1];
	const char *path; /* absolute; a file when this was loaded */
};
struct conf_error_pages {
	struct conf_error_page *items;
	size_t n;
};

/* Content codings, and a list of them in order of preference. */
enum conf_coding {
	CONF_CODING_ZSTD,
	CONF_CODING_BR,
	CONF_CODING_GZIP,
	CONF_CODINGS
};
extern const struct str conf_coding_names[CONF_CODINGS];

/* Whether this program can compress with it. */
bool conf_coding_is_built(enum conf_coding coding);

struct conf_codings {
	enum conf_coding *items;
	size_t n;
};

/*
 * The settings that a site and each of its routes can have. A route inherits
 * those that it does not give from its site, so that code that serves a route
 * looks at the route's only.
 */
struct conf_common {
	uint64_t given;    /* those that this group gives itself: conf_gives() */
	const char *where; /* "sites[0].routes[2]" */
	const struct conf_common *site; /* a route's; NULL for a site */
	struct conf_codings compress;
	struct conf_strings compress_types; /* a part of each may be a star */
	uint64_t compress_min;
	struct conf_networks allow;
	struct conf_networks deny;
	uint64_t body_limit;
	/* A route's are merged with its site's, by name and by status. */
	struct conf_fields request_fields;
	struct conf_fields response_fields;
	struct conf_error_pages error_pages;
	struct conf_rate rate;
	uint64_t rate_burst;
	struct template rate_key;
	uint64_t concurrent; /* 0: no limit */
	struct template concurrent_key;
	/* The names of the limits: routes that inherit their site's share it.
	 * Also for messages. */
	struct str rate_zone;
	struct str concurrent_zone;
	const char *auth_file; /* absolute; "" for none */
	const char *auth_realm;
	struct conf_common_log *log; /* NULL: that of struct conf */
	const char *authorize;       /* a path; "" for none */
	int https;                   /* enum conf_https */
	uint64_t hsts;               /* 0: none */
};

/* Whether the group itself gives the setting whose field is at `field`. */
bool conf_gives(const struct conf_common *common, const void *field);

/* The group that gives it: that one, or its site; "sites[0]". */
const char *conf_giver(const struct conf_common *common, const void *field);

/* The paths that a static route tries, one after the other. */
struct conf_try {
	struct template *items;
	size_t n;
	unsigned status; /* of the last item, "=404"; 0 without one */
};

struct conf_route {
	struct conf_origin origin;
	const char *name; /* for metrics: its path, where it is not given */
	struct str path;  /* begins with "/", normalised: no "//", no dots;
			   * or a pattern */
	int match;        /* enum conf_match */
	unsigned methods; /* set, never 0: when not given, the handler's own */
	const char *handler;
	/* The handler's own: a struct conf_HANDLER, from the header of that name
	 * in conf/schema/; NULL for a handler that has none. */
	void *settings;
	struct conf_common common;
};

struct conf_site {
	const char *name; /* for metrics: its first host, where it is not given */
	struct conf_strings hosts; /* lower case: "a.b", "*.b" or "*" */
	struct conf_common common;
	struct conf_route *routes;
	size_t n_routes;
	struct conf_origin origin;
};

/* A server that requests are passed on to. */
struct conf_server {
	const char *text; /* canonical: its address, or "host:port"; NULL: srv */
	const char *srv;  /* the name of an SRV record; or "" */
	struct addr addr; /* of length 0 for a name that has to be resolved */
	uint64_t weight;
	bool backup;
	uint64_t max_connections; /* of one worker; 0: any number */
	struct conf_origin origin;
};

enum conf_balance {
	CONF_BALANCE_ROUND_ROBIN,
	CONF_BALANCE_LEAST_CONN,
	CONF_BALANCE_RANDOM,
	CONF_BALANCE_HASH,
};

/* Why a request is tried again: a set of 1u << CONF_RETRY_X. */
enum conf_retry {
	CONF_RETRY_CONNECT, /* there was no connection */
	CONF_RETRY_TIMEOUT, /* the server was too slow */
	CONF_RETRY_CLOSED,  /* it closed the connection before a response */
	CONF_RETRY_INVALID, /* what it sent is no response */
	CONF_RETRY_403,     /* its response had that status */
	CONF_RETRY_404,
	CONF_RETRY_408,
	CONF_RETRY_429,
	CONF_RETRY_500,
	CONF_RETRY_502,
	CONF_RETRY_503,
	CONF_RETRY_504,
	CONF_RETRY_NON_IDEMPOTENT, /* POST and PATCH, too */
};

struct conf_upstream_timeouts {
	uint64_t connect;
	uint64_t send;
	uint64_t first_byte;
	uint64_t read;
	uint64_t total; /* 0: none */
};

/* As base/codec/proxy_protocol.h numbers its versions. */
enum conf_proxy_protocol {
	CONF_PROXY_PROTOCOL_OFF,
	CONF_PROXY_PROTOCOL_V1,
	CONF_PROXY_PROTOCOL_V2,
};

enum conf_health_type { CONF_HEALTH_HTTP, CONF_HEALTH_TCP };

/* Active checks of servers. */
struct conf_health {
	int type; /* enum conf_health_type */
	const char *path;
	const char *host; /* "": the server's own */
	uint64_t interval;
	uint64_t timeout;
	uint64_t rise;
	uint64_t fall;
	uint64_t expect_status; /* 0: 200 to 399 */
	const char *expect_body;
};

enum conf_secure { CONF_SECURE_AUTO, CONF_SECURE_ALWAYS, CONF_SECURE_NEVER };

enum conf_samesite {
	CONF_SAMESITE_LAX,
	CONF_SAMESITE_STRICT,
	CONF_SAMESITE_NONE,
	CONF_SAMESITE_OFF, /* not said */
};

/* A cookie that binds clients to a server. */
struct conf_sticky {
	const char *cookie;
	const char *path;
	uint64_t max_age; /* 0: until the client ends */
	int secure;       /* enum conf_secure */
	bool httponly;
	int samesite; /* enum conf_samesite */
	const char *secret;
};

struct conf_upstream {
	const char *name;
	int balance; /* enum conf_balance */
	struct template hash;
	uint64_t keepalive; /* idle connections to each server, per worker */
	uint64_t keepalive_time;
	uint64_t retries;
	int proxy_protocol; /* enum conf_proxy_protocol: what its servers get */
	unsigned retry_on;  /* a set: enum conf_retry */
	uint64_t queue;     /* requests that wait, per worker */
	uint64_t queue_timeout;
	struct conf_upstream_timeouts timeouts;
	struct conf_sticky *sticky; /* NULL: each request by itself */
	struct conf_health *health; /* NULL: no active checks */
	struct conf_server *servers;
	size_t n_servers;
	struct conf_origin origin;
};

struct conf {
	struct arena arena;
	const char *file; /* absolute path of the file it came from */
	const char *user;
	struct conf_origin user_origin; /* looked up by the master */
	uint64_t workers;               /* "auto" is already a number here */
	bool workers_auto;              /* it was "auto" */
	struct conf_control control;
	const char *pid_file;   /* absolute path or "" for none */
	const char *mime_types; /* absolute path or "" for the built-in table */
	const char *temp;       /* absolute path of a directory */
	struct conf_log log;
	struct conf_strings log_targets; /* where access logs go to, each once */
	struct conf_limits limits;
	struct conf_timeouts timeouts;
	struct conf_real_ip real_ip;
	struct conf_tls tls;
	struct conf_listener *listeners;
	size_t n_listeners;
	struct conf_site *sites;
	size_t n_sites;
	struct conf_upstream *upstreams;
	size_t n_upstreams;
};

/* The errors of a configuration, sorted by file and line. */
struct conf_error {
	const char *file;
	int line;         /* 0 when the whole file is meant */
	const char *text; /* "limits.header: 3 is below the minimum, 1k" */
};
struct conf_errors {
	struct arena arena;
	struct conf_error *items;
	size_t n, room;
};
void conf_errors_fini(struct conf_errors *errors);

/* Every error as "FILE:LINE: text\n" ("FILE: text\n" without a line). */
void conf_errors_print(const struct conf_errors *errors, struct buf *out);

/*
 * Loads and checks `path`. Returns the configuration, or NULL with every
 * error of the file in *errors (which the caller empties with
 * conf_errors_fini() in both cases). Does not log.
 */
struct conf *conf_load(const char *path, struct conf_errors *errors)
	__attribute__((warn_unused_result));

/*
 * The control socket that `path` names, also if other settings in the file are
 * wrong, so that a server can be asked while its file is being edited. To be
 * freed. NULL if the file cannot be read or is not libconfig's syntax: then
 * nothing in it can be trusted. *errors as for conf_load().
 */
char *conf_find_control(const char *path, struct conf_errors *errors)
	__attribute__((warn_unused_result));

/* Clears the caller's pointer; takes a pointer to NULL too. */
void conf_destroy(struct conf **conf);

/*
 * The effective configuration in the syntax of the file, defaults included.
 * Loading what is written here gives the same configuration and the same
 * text again.
 */
void conf_show(const struct conf *conf, struct buf *out);

/* Writes the reference of every setting in man(7) macros: the middle of
 * holdfast.conf(5). */
void conf_reference(struct buf *out);

#endif
