/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf/schema/conf_handlers.h"

#include <stddef.h>

#include "conf/conf.h"

/* These have no settings of their own. */

static const struct schema_handler ready_handler = {
	.name = "ready",
	.methods = CONF_METHOD(GET) | CONF_METHOD(HEAD),
	.help = "Answers 200 while the server serves and 503 once it was told "
		"to quit: for the health check of a load balancer.",
};

static const struct schema_handler status_handler = {
	.name = "status",
	.methods = CONF_METHOD(GET) | CONF_METHOD(HEAD),
	.help = "Answers with the state of the server and of each worker as "
		"JSON; with 200 or 503 like ready. It reveals nothing about "
		"single requests, but is rarely meant for everyone.",
};

static const struct schema_handler metrics_handler = {
	.name = "metrics",
	.methods = CONF_METHOD(GET) | CONF_METHOD(HEAD),
	.help = "Answers with all that is counted, in the text form of "
		"Prometheus, or of OpenMetrics for clients that accept it, as "
		"described under Metrics above. It is rarely meant for everyone.",
};

const struct schema_handler *const schema_handlers[] = {
	&conf_static_handler,   &conf_respond_handler,
	&conf_redirect_handler, &conf_rewrite_handler,
	&conf_module_handler,   &conf_proxy_handler,
	&ready_handler,         &status_handler,
	&metrics_handler,       NULL,
};
