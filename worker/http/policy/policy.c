/* SPDX-License-Identifier: BSD-2-Clause */
#include "worker/http/policy/policy.h"

#include "worker/http/exchange.h"
#include "worker/http/failure.h"
#include "worker/http/http.h"
#include "worker/http/policy/access.h"
#include "worker/http/policy/auth.h"
#include "worker/http/policy/authorize.h"
#include "worker/http/policy/compress.h"
#include "worker/http/policy/edits.h"
#include "worker/http/policy/error_pages.h"
#include "worker/http/policy/limits.h"
#include "worker/http/policy/real_ip.h"
#include "worker/http/policy/secure.h"

/* Each is NULL when it is not asked for. */
struct policy {
	const struct conf_common *conf; /* never NULL */
	const struct secure *secure;
	const struct access *access;
	struct limits *limits;
	struct auth *auth;
	struct str authorize; /* a path, or empty */
	const struct conf_fields *request_fields;
	const struct conf_fields *response_fields;
	struct error_pages *error_pages;
	const struct conf_common *compress;
};

static bool is_empty(const struct policy *policy)
{
	return policy->secure == NULL && policy->access == NULL &&
	       policy->limits == NULL && policy->auth == NULL &&
	       policy->authorize.n == 0 && policy->request_fields == NULL &&
	       policy->response_fields == NULL && policy->error_pages == NULL &&
	       policy->compress == NULL;
}

static const struct conf_fields *if_any(const struct conf_fields *fields)
{
	return fields->n > 0 ? fields : NULL;
}

int policy_create(struct http *http, const struct conf_common *conf,
		  struct policy **policy_out, const char **why_out)
{
	struct policy policy = {
		.conf = conf,
		.secure = secure_create(http, conf),
		.access = access_create(&http->arena, &conf->allow, &conf->deny),
		.limits = limits_create(http, conf),
		.authorize = str_of(conf->authorize),
		.request_fields = if_any(&conf->request_fields),
		.response_fields = if_any(&conf->response_fields),
		.compress = conf->compress.n > 0 ? conf : NULL,
	};

	*policy_out = NULL;
	if (error_pages_create(http, &conf->error_pages, &policy.error_pages,
			       why_out) == -1 ||
	    auth_create(http, conf, &policy.auth, why_out) == -1)
		return -1;
	if (is_empty(&policy))
		return 0;
	*policy_out = arena_alloc(&http->arena, sizeof(policy));
	**policy_out = policy;
	return 0;
}

void policy_open(struct http *http)
{
	http->proxies = access_create(&http->arena, &http->conf->real_ip.from,
				      &(struct conf_networks){0});
}

void policy_close(struct http *http)
{
	hasher_destroy(&http->hasher);
}

struct endpoint policy_peer(const struct exchange *x)
{
	return real_ip_of(x);
}

bool policy_trusts(const struct http *http, const struct endpoint *peer)
{
	return http->proxies != NULL && access_allows(http->proxies, peer);
}

void policy_release(struct exchange *x)
{
	limits_release(x);
}

void policy_resume(struct exchange *x, uint64_t key)
{
	limits_resume(x, key);
}

static unsigned deny(const struct policy *policy, struct exchange *x)
{
	const struct conf_common *conf = policy->conf;
	struct network network;
	char text[ADDR_TEXT];

	if (access_denied_by(policy->access, &x->peer, &network))
		failure_set(x, FAILURE_DENIED, "denied by %s.deny, %s",
			    conf_giver(conf, &conf->deny),
			    network_format(&network, text));
	else
		failure_set(x, FAILURE_DENIED, "not in %s.allow",
			    conf_giver(conf, &conf->allow));
	return 403;
}

unsigned policy_admit(const struct policy *policy, struct exchange *x)
{
	unsigned refusal = 0;

	if (policy->secure != NULL)
		refusal = secure_admit(policy->secure, x);
	if (refusal != 0)
		return refusal;
	if (policy->access != NULL && !access_allows(policy->access, &x->peer))
		return deny(policy, x);
	if (policy->limits != NULL)
		refusal = limits_admit(policy->limits, x);
	if (refusal == 0 && policy->auth != NULL)
		refusal = auth_admit(policy->auth, x);
	return refusal;
}

unsigned policy_authorize(const struct policy *policy, struct exchange *x)
{
	return policy->authorize.n > 0 ? authorize_admit(policy->authorize, x) : 0;
}

void policy_change_request(const struct policy *policy, struct exchange *x)
{
	if (policy->request_fields != NULL)
		edits_change_request(policy->request_fields, x);
}

void policy_change_response(const struct policy *policy, struct exchange *x)
{
	if (policy->secure != NULL)
		secure_change_response(policy->secure, x);
	if (policy->response_fields != NULL)
		edits_change_response(policy->response_fields, x);
	if (policy->compress != NULL && !x->response.is_coded)
		compress_response(policy->compress, x);
}

const struct error_page *policy_error_page(const struct policy *policy,
					   unsigned status)
{
	return policy->error_pages != NULL
		       ? error_pages_find(policy->error_pages, status)
		       : NULL;
}
