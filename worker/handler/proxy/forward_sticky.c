/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/handler/proxy/forward_sticky.h"

#include <inttypes.h>

#include "worker/handler/proxy/forward_state.h"
#include "worker/http/exchange.h"
#include "worker/http/variables.h"
#include "worker/upstream/sticky.h"

static struct str cookie_of(const struct forward *f)
{
	return request_cookie(&f->x->request,
			      str_of(f->upstream->conf->sticky->cookie));
}

struct server *forward_sticky_server(const struct forward *f)
{
	/* A server that has failed at it is left to others. */
	if (f->upstream->conf->sticky == NULL || f->n_tried > 0)
		return NULL;
	return sticky_find(f->upstream, cookie_of(f));
}

static bool is_secured(const struct exchange *x)
{
	return x->connection->is_secured || x->request.is_https;
}

/* RFC 6265 section 4.1 */
static void put_cookie(const struct forward *f, struct buf *out)
{
	static const char *const samesites[] = {
		[CONF_SAMESITE_LAX] = "Lax",
		[CONF_SAMESITE_STRICT] = "Strict",
		[CONF_SAMESITE_NONE] = "None",
	};
	const struct conf_sticky *conf = f->upstream->conf->sticky;

	buf_printf(out, "%s=%s; Path=%s", conf->cookie, f->server->sticky,
		   conf->path);
	if (conf->max_age > 0)
		buf_printf(out, "; Max-Age=%" PRIu64, conf->max_age / 1000);
	if (conf->httponly)
		buf_put(out, STR("; HttpOnly"));
	if (conf->secure == CONF_SECURE_ALWAYS ||
	    (conf->secure == CONF_SECURE_AUTO && is_secured(f->x)))
		buf_put(out, STR("; Secure"));
	if (conf->samesite != CONF_SAMESITE_OFF)
		buf_printf(out, "; SameSite=%s", samesites[conf->samesite]);
}

void forward_sticky_set(struct forward *f)
{
	struct exchange *x = f->x;
	struct buf cookie = {0};

	if (f->upstream->conf->sticky == NULL ||
	    str_equal(cookie_of(f), str_of(f->server->sticky)))
		return;
	put_cookie(f, &cookie);
	fields_add(&x->response.fields, &x->arena, STR("Set-Cookie"),
		   arena_copy(&x->arena, buf_str(&cookie)));
	buf_release(&cookie);
}
