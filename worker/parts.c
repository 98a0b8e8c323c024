/* SPDX-License-Identifier: BSD-2-Clause */
/* The one file that names every transport, protocol and handler. */
#include "worker/parts.h"

#include <stddef.h>
#include <string.h>

#include "worker/handler/metrics_page.h"
#include "worker/handler/module/module_route.h"
#include "worker/handler/proxy/proxy.h"
#include "worker/handler/ready.h"
#include "worker/handler/redirect.h"
#include "worker/handler/respond.h"
#include "worker/handler/rewrite.h"
#include "worker/handler/static/static.h"
#include "worker/handler/status_page.h"
#include "worker/proto/echo.h"
#include "worker/proto/http1/http1.h"
#include "worker/proto/stream/stream.h"
#include "worker/tls/tls.h"

const struct handler *const parts_handlers[] = {
	&static_handler,   &respond_handler,
	&redirect_handler, &rewrite_handler,
	&module_handler,   &proxy_handler,
	&ready_handler,    &status_handler,
	&metrics_handler,  NULL,
};

const struct protocol *const parts_protocols[] = {
	&http1_protocol,
	&stream_protocol,
	&echo_protocol,
	NULL,
};

const struct balancer *const parts_balancers[] = {
	&round_robin_balancer,
	&least_conn_balancer,
	&random_balancer,
	&hash_balancer,
	NULL,
};

const struct transport *const parts_transports[] = {
	&plain_transport,
	&tls_transport,
	NULL,
};

const struct transport *parts_transport(const struct conf_listener *conf)
{
	return conf->tls != NULL ? &tls_transport : &plain_transport;
}

const struct handler *parts_handler(const char *name)
{
	for (const struct handler *const *h = parts_handlers; *h; h++)
		if (strcmp((*h)->name, name) == 0)
			return *h;
	return NULL;
}

const struct protocol *parts_protocol(const char *name)
{
	for (const struct protocol *const *p = parts_protocols; *p; p++)
		if (strcmp((*p)->name, name) == 0)
			return *p;
	return NULL;
}
