/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings of a route whose handler is proxy: conf_route.settings. */
#ifndef CONF_SCHEMA_CONF_PROXY_H
#define CONF_SCHEMA_CONF_PROXY_H

#include "conf/conf.h"

enum conf_proxy_host {
	CONF_PROXY_HOST_CLIENT,
	CONF_PROXY_HOST_SERVER,
	CONF_PROXY_HOST_TEXT,
};
enum conf_proxy_errors { CONF_PROXY_ERRORS_PASS, CONF_PROXY_ERRORS_OWN };

struct conf_proxy {
	const char *upstream; /* the name of one of conf->upstreams */
	bool strip;
	struct template to; /* of no pieces: none */
	int host;           /* enum conf_proxy_host */
	struct template host_text;
	bool request_buffer;
	bool upgrade;
	int errors;                        /* enum conf_proxy_errors */
	struct conf_replacements redirect; /* of Location and its like */
	struct conf_replacements cookie_domain;
	struct conf_replacements cookie_path;
};

#endif
