/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/policy/secure.h"

#include <inttypes.h>

#include "worker/http/http.h"

struct secure {
	bool redirects;
	struct str hsts; /* the value of the field, or empty */
};

struct secure *secure_create(struct http *http, const struct conf_common *conf)
{
	struct secure *secure;

	if (conf->https == CONF_HTTPS_ANY && conf->hsts == 0)
		return NULL;
	secure = arena_zalloc(&http->arena, 1, sizeof(*secure));
	secure->redirects = conf->https == CONF_HTTPS_REDIRECT;
	if (conf->hsts > 0)
		secure->hsts = arena_printf(&http->arena, "max-age=%ju",
					    (uintmax_t)(conf->hsts / 1000));
	return secure;
}

/* 308, and not 301: the method stays what it is (RFC 9110 section 15.4.9). */
unsigned secure_admit(const struct secure *secure, struct exchange *x)
{
	const struct request *r = &x->request;

	if (!secure->redirects || x->connection->is_secured)
		return 0;
	if (r->host.n == 0)
		return 400; /* there is no name to go to */
	fields_add(&x->response.fields, &x->arena, STR("Location"),
		   arena_printf(&x->arena,
				"https://%" STR_FMT "%" STR_FMT "%s%" STR_FMT,
				STR_ARG(r->host), STR_ARG(r->raw_path),
				r->query.p != NULL ? "?" : "", STR_ARG(r->query)));
	return 308;
}

/* Never without TLS: RFC 6797 section 7.2. */
void secure_change_response(const struct secure *secure, struct exchange *x)
{
	if (secure->hsts.n > 0 && x->connection->is_secured)
		fields_add(&x->response.fields, &x->arena,
			   STR("Strict-Transport-Security"), secure->hsts);
}
